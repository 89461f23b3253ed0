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
    for (client, event) in clients {
        // It is under way by itself now.
        while !world.store.event_exists(&event.id).await.unwrap() {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        assert_eq!(world.stored(&client).await, Some(client));
    }
}

/// One in three is wanted, one is refused at its first step, one at its last, when its client is written already.
pub(crate) async fn the_refused_leave_nothing_and_take_nothing_with_them(mut world: World) {
    let taken = world.new_client("taken", &["a"]);
    let taken_event = world.event(Action::ClientCreated, taken.client_id.as_str());
    world.store.insert_client(&taken, &taken_event).await.unwrap();
    let mut tasks = JoinSet::new();
    for number in 0..63 {
        let mut client = world.new_client("fresh", &["a", "b"]);
        let mut event = world.event(Action::ClientCreated, client.client_id.as_str());
        match number % 3 {
            1 => client = taken.clone(),
            2 => event.id = taken_event.id.clone(),
            _ => {}
        }
        let store = world.store.clone();
        tasks.spawn(async move { (number % 3, store.insert_client(&client, &event).await, client) });
    }
    for (kind, outcome, client) in tasks.join_all().await {
        let stored = world.stored(&client).await;
        match kind {
            0 => assert!(outcome.is_ok() && stored == Some(client)),
            1 => assert!(matches!(outcome, Err(StoreError::Duplicate)) && stored.as_ref() == Some(&taken)),
            _ => assert!(matches!(outcome, Err(StoreError::Duplicate)) && stored.is_none()),
        }
    }
    assert_eq!(
        world
            .store
            .count_clients(&world.project.id, &Search::everything())
            .await
            .unwrap(),
        1 + 21
    );
}
