//! Connections that are lost in the middle: nothing twice, nothing lost, nobody told a lie.

use countersign_core::audit::{Action, AuditFilter};
use countersign_core::client::ClientPatch;
use countersign_store::{Store as _, StoreError};

use crate::fresh;
use crate::world::{ALL, at};

/// Every step of a write whose commit was carried out while its answer was lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_whose_answer_was_lost_is_neither_doubled_nor_denied() {
    let mut fresh = fresh().await;
    let (link, store) = fresh.behind_a_link().await;
    let client = fresh.world.new_client("c", &["a", "b"]);
    let created = fresh
        .world
        .event(Action::ClientCreated, client.client_id.as_str());
    // One statement, so its values are sent when it is carried out.
    link.lose_answer_to(&created.id);
    store.insert_client(&client, &created).await.unwrap();
    assert!(link.has_lost_it());

    let changed = client.patched(ClientPatch::default(), at(2)).unwrap();
    let updated = fresh
        .world
        .event(Action::ClientUpdated, client.client_id.as_str());
    link.lose_next_commit();
    store.update_client(&changed, &updated).await.unwrap();
    assert!(link.has_lost_it());

    let deleted = fresh
        .world
        .event(Action::ClientDeleted, client.client_id.as_str());
    link.lose_next_commit();
    store.delete_client(&changed, &deleted).await.unwrap();
    assert!(link.has_lost_it());

    let filter = AuditFilter {
        object: Some(client.client_id.to_string()),
        ..AuditFilter::default()
    };
    let events = store.audit(&filter, ALL).await.unwrap();
    assert_eq!(
        events.iter().map(|row| &row.value.id).collect::<Vec<_>>(),
        [&deleted.id, &updated.id, &created.id]
    );
}

/// A commit of another's was lost, and its own refusal has nothing to do with that.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_after_a_lost_commit_is_still_a_refusal() {
    let mut fresh = fresh().await;
    let (link, store) = fresh.behind_a_link().await;
    let client = fresh.world.kept_client("c", &["a"]).await;
    let first = client.patched(ClientPatch::default(), at(2)).unwrap();
    let event = fresh
        .world
        .event(Action::ClientUpdated, client.client_id.as_str());
    // The answer to the event is lost and with it the transaction; before it is tried again, somebody else is faster.
    link.lose_answer_to(&event.id);
    let (late, ()) = tokio::join!(store.update_client(&first, &event), async {
        while !link.has_lost_it() {
            tokio::task::yield_now().await;
        }
        link.cut();
        fresh.world.update(&first).await.unwrap();
        link.heal();
    });
    assert!(matches!(late, Err(StoreError::Stale)), "{late:?}");
    assert!(!store.event_exists(&event.id).await.unwrap());
}

/// The loss is no excuse for whoever really was too late.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_after_a_loss_is_still_a_refusal() {
    let mut fresh = fresh().await;
    let (link, store) = fresh.behind_a_link().await;
    let client = fresh.world.kept_client("c", &[]).await;
    let event = fresh
        .world
        .event(Action::ClientCreated, client.client_id.as_str());
    link.cut();
    link.heal();
    let again = store.insert_client(&client, &event).await;
    assert!(matches!(again, Err(StoreError::Duplicate)), "{again:?}");
    let stale = client.clone();
    let event = fresh
        .world
        .event(Action::ClientUpdated, client.client_id.as_str());
    link.cut();
    link.heal();
    let again = store.update_client(&stale, &event).await;
    assert!(matches!(again, Err(StoreError::Stale)), "{again:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_the_server_ended_are_replaced_unseen() {
    let mut fresh = fresh().await;
    let client = fresh.world.kept_client("c", &[]).await;
    let end_all = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
        WHERE application_name = 'countersign' AND datname = current_database()";
    assert_ne!(fresh.sql(end_all), "0");
    assert_eq!(fresh.world.stored(&client).await, Some(client.clone()));
    fresh.sql(end_all);
    fresh.world.delete(&client).await.unwrap();
    assert_eq!(fresh.world.stored(&client).await, None);
}

/// What the server is asked of anybody, it is asked in time: a link that froze holds up one attempt, not the intention.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_link_ends_an_attempt() {
    let mut fresh = fresh().await;
    let (link, store) = fresh.behind_a_link().await;
    let client = fresh.world.new_client("c", &["a"]);
    let event = fresh
        .world
        .event(Action::ClientCreated, client.client_id.as_str());
    link.freeze();
    let (insert, ()) = tokio::join!(store.insert_client(&client, &event), async {
        while store.condition().repeated == 0 {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        link.heal();
    });
    insert.unwrap();
    assert_eq!(fresh.world.stored(&client).await, Some(client));
    link.freeze();
    let look = store.changes(None).await;
    assert!(matches!(look, Err(StoreError::Unavailable(_))), "{look:?}");
}

/// Rows of usage have no event, so after a loss nobody can tell: they are not counted twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn usage_is_not_counted_twice() {
    let fresh = fresh().await;
    let (link, store) = fresh.behind_a_link().await;
    let batch = countersign_core::usage::UsageBatch {
        minutes: vec![countersign_core::usage::MinuteCount {
            project_id: fresh.world.project.id.clone(),
            minute: 7,
            issued: 3,
            refused: 1,
        }],
        ..Default::default()
    };
    link.lose_next_commit();
    let added = store.add_usage(&batch).await;
    assert!(matches!(added, Err(StoreError::OutcomeUnknown)), "{added:?}");
    let counts = store.minute_counts(&fresh.world.project.id, 0, 10).await.unwrap();
    assert_eq!(counts.iter().map(|count| count.issued).sum::<i64>(), 3);
}
