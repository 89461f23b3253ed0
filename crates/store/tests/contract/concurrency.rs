//! Many at once: nothing lost, nothing twice, nothing half.

use std::collections::BTreeSet;

use countersign_core::audit::{Action, AuditFilter};
use countersign_core::client::{Client, ClientPatch};
use countersign_core::search::Search;
use countersign_store::StoreError;
use tokio::task::JoinSet;

use crate::world::{ALL, World, at, values};

pub(crate) async fn sixty_four_inserts_at_once_are_all_there(mut world: World) {
    let position = world.position().await;
    let mut tasks = JoinSet::new();
    let mut expected = BTreeSet::new();
    for number in 0..64 {
        let client = world.new_client(&format!("c{number}"), &["a", "b"]);
        expected.insert(client.client_id.to_string());
        let event = world.event(Action::ClientCreated, client.client_id.as_str());
        let store = world.store.clone();
        tasks.spawn(async move {
            store.insert_client(&client, &event).await.unwrap();
            // What was answered is there for every reader at once.
            assert_eq!(
                store.client(&client.project_id, &client.client_id).await.unwrap(),
                Some(client)
            );
            assert!(store.event_exists(&event.id).await.unwrap());
        });
    }
    tasks.join_all().await;
    let found = values(
        world
            .store
            .search_clients(&world.project.id, &Search::everything(), ALL)
            .await
            .unwrap(),
    );
    assert_eq!(
        found
            .into_iter()
            .map(|client| client.client_id.to_string())
            .collect::<BTreeSet<_>>(),
        expected
    );
    assert_eq!(world.changed_since(&position).await.len(), 64);
}

pub(crate) async fn of_many_inserts_of_one_id_exactly_one_succeeds(mut world: World) {
    let client = world.new_client("c", &["a"]);
    let mut tasks = JoinSet::new();
    for number in 0..32 {
        let client = Client {
            name: format!("c{number}"),
            ..client.clone()
        };
        let event = world.event(Action::ClientCreated, client.client_id.as_str());
        let store = world.store.clone();
        tasks.spawn(async move { store.insert_client(&client, &event).await });
    }
    let results = tasks.join_all().await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    assert_eq!(
        results
            .iter()
            .filter(|result| matches!(result, Err(StoreError::Duplicate)))
            .count(),
        31
    );
    let filter = AuditFilter {
        object: Some(client.client_id.to_string()),
        ..AuditFilter::default()
    };
    assert_eq!(world.store.audit(&filter, ALL).await.unwrap().len(), 1);
}

pub(crate) async fn no_change_is_lost_between_many_writers(mut world: World) {
    let client = world.kept_client("c", &[]).await;
    let mut tasks = JoinSet::new();
    for number in 0..16 {
        let store = world.store.clone();
        let (project_id, client_id) = (client.project_id.clone(), client.client_id.clone());
        let events: Vec<_> = (0..64)
            .map(|_| world.event(Action::ClientUpdated, client_id.as_str()))
            .collect();
        tasks.spawn(async move {
            // Read, decide, write under the version that was read; again when somebody was faster.
            for event in events {
                let read = store.client(&project_id, &client_id).await.unwrap().unwrap();
                let note = serde_json::json!({ format!("k{number}"): true })
                    .as_object()
                    .unwrap()
                    .clone();
                let patch = ClientPatch {
                    metadata: Some(note),
                    ..ClientPatch::default()
                };
                match store
                    .update_client(&read.patched(patch, at(2)).unwrap(), &event)
                    .await
                {
                    Ok(()) => return,
                    Err(StoreError::Stale) => {}
                    Err(error) => panic!("{error}"),
                }
            }
            panic!("never the fastest");
        });
    }
    tasks.join_all().await;
    let stored = world.stored(&client).await.unwrap();
    assert_eq!((stored.version, stored.metadata.as_map().len()), (17, 16));
}

pub(crate) async fn a_dropped_request_is_carried_out_all_the_same(mut world: World) {
    let mut clients = Vec::new();
    for number in 0..20 {
        let client = world.new_client(&format!("c{number}"), &["a"]);
        let event = world.event(Action::ClientCreated, client.client_id.as_str());
        {
            let request = world.store.insert_client(&client, &event);
            tokio::pin!(request);
            // Polled once, so that it is on its way; then its caller hangs up.
            let once = tokio::time::timeout(std::time::Duration::ZERO, &mut request).await;
            assert!(once.is_err() || once.unwrap().is_ok());
        }
        clients.push((client, event));
    }
    // Whatever is queued after them is carried out after them.
    world.kept_client("last", &[]).await;
    for (client, event) in clients {
        assert!(world.store.event_exists(&event.id).await.unwrap());
        assert_eq!(world.stored(&client).await, Some(client));
    }
}

pub(crate) async fn the_refused_take_nothing_with_them(mut world: World) {
    let taken = world.kept_client("taken", &["a"]).await;
    let mut tasks = JoinSet::new();
    for number in 0..64 {
        let fresh = world.new_client("fresh", &["a", "b"]);
        let client = if number % 2 == 0 { fresh } else { taken.clone() };
        let event = world.event(Action::ClientCreated, client.client_id.as_str());
        let store = world.store.clone();
        tasks.spawn(async move {
            let outcome = store.insert_client(&client, &event).await;
            (
                number % 2 == 0,
                outcome.is_ok(),
                store.event_exists(&event.id).await.unwrap(),
            )
        });
    }
    for (is_fresh, is_ok, has_event) in tasks.join_all().await {
        assert_eq!((is_ok, has_event), (is_fresh, is_fresh));
    }
    assert_eq!(
        world
            .store
            .count_clients(&world.project.id, &Search::everything())
            .await
            .unwrap(),
        33
    );
}
