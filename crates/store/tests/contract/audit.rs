//! The audit: in the transaction of the change, searchable, and pruned with a word about it.

use countersign_core::audit::{Action, Actor, ActorKind, AuditEvent, AuditFilter};
use countersign_store::{Page, Row, StoreError};
use rand::RngExt;
use serde_json::json;

use crate::world::{ALL, World, at, values};

async fn events(world: &World) -> Vec<AuditEvent> {
    values(world.store.audit(&AuditFilter::default(), ALL).await.unwrap())
}

/// Writes events with some other intention; the story is about the events.
async fn write(world: &mut World, event: &AuditEvent) {
    let client = world.new_client("c", &[]);
    world.store.insert_client(&client, event).await.unwrap();
}

pub(crate) async fn an_event_comes_back_as_it_was_written(mut world: World) {
    let full = AuditEvent {
        address: Some("2001:db8::1".into()),
        ..world
            .event(Action::DigestUpgraded, "some object")
            .from(json!({"name": "é \"quoted\"", "list": [1, null]}))
            .to(json!({"name": null}))
    };
    let bare = AuditEvent {
        actor: Actor {
            kind: ActorKind::System,
            id: String::new(),
        },
        project_id: None,
        request_id: String::new(),
        ..world.event(Action::MasterKeyRotated, "")
    };
    write(&mut world, &full).await;
    write(&mut world, &bare).await;
    assert_eq!(events(&world).await[..2], [bare, full.clone()]);
    assert!(world.store.event_exists(&full.id).await.unwrap());
    assert!(!world.store.event_exists("event-unknown").await.unwrap());
}

pub(crate) async fn a_refused_intention_leaves_neither_event_nor_change(mut world: World) {
    let client = world.kept_client("c", &["a"]).await;
    let position = world.position().await;
    let before = events(&world).await;
    let event = world.event(Action::ClientCreated, client.client_id.as_str());
    assert!(matches!(
        world.store.insert_client(&client, &event).await,
        Err(StoreError::Duplicate)
    ));
    assert!(!world.store.event_exists(&event.id).await.unwrap());
    assert!(matches!(world.update(&client).await, Err(StoreError::Stale)));
    assert_eq!(events(&world).await, before);
    assert_eq!(world.changed_since(&position).await, []);

    // And the other way round: an event that cannot be written takes its change with it.
    let newcomer = world.new_client("newcomer", &["a"]);
    let taken = AuditEvent {
        id: before[0].id.clone(),
        ..event
    };
    assert!(world.store.insert_client(&newcomer, &taken).await.is_err());
    assert_eq!(world.stored(&newcomer).await, None);
    assert_eq!(world.changed_since(&position).await, []);
}

fn wanted(event: &AuditEvent, filter: &AuditFilter) -> bool {
    filter
        .project_id
        .as_ref()
        .is_none_or(|id| event.project_id.as_ref() == Some(id))
        && filter.actor_id.as_ref().is_none_or(|id| event.actor.id == *id)
        && filter.action.is_none_or(|action| event.action == action)
        && filter
            .object
            .as_ref()
            .is_none_or(|object| event.object == *object)
        && filter.since.is_none_or(|since| event.at >= since)
        && filter.until.is_none_or(|until| event.at < until)
}

pub(crate) async fn filters_find_what_a_plain_look_finds(mut world: World) {
    let other = world.new_project();
    world.keep_project(&other).await;
    let actions = [Action::ClientCreated, Action::ClientUpdated, Action::KeyAnnounced];
    let projects = [Some(world.project.id.clone()), Some(other.id), None];
    for _ in 0..80 {
        let mut pick = || world.chance.random_range(0..3_usize);
        let (action, object, project, actor, second) = (pick(), pick(), pick(), pick(), pick());
        let event = AuditEvent {
            project_id: projects[project].clone(),
            actor: Actor {
                kind: ActorKind::Client,
                id: format!("actor {actor}"),
            },
            // Clocks of nodes differ: time does not follow the order of writing.
            ..world.event_at(actions[action], &format!("object {object}"), 10 + second as i64)
        };
        write(&mut world, &event).await;
    }
    let everything = events(&world).await;
    for _ in 0..200 {
        let mut pick = || Some(world.chance.random_range(0..5_usize)).filter(|n| *n < 3);
        let filter = AuditFilter {
            project_id: pick().and_then(|n| projects[n].clone()),
            actor_id: pick().map(|n| format!("actor {n}")),
            action: pick().map(|n| actions[n]),
            object: pick().map(|n| format!("object {n}")),
            since: pick().map(|n| at(10 + n as i64)),
            until: pick().map(|n| at(11 + n as i64)),
        };
        let expected: Vec<_> = everything
            .iter()
            .filter(|event| wanted(event, &filter))
            .cloned()
            .collect();
        let found = values(world.store.audit(&filter, ALL).await.unwrap());
        assert_eq!(found, expected, "{filter:?}");
        let first = values(
            world
                .store
                .audit(&filter, Page { after: 0, limit: 2 })
                .await
                .unwrap(),
        );
        assert_eq!(first, expected[..expected.len().min(2)], "{filter:?}");
    }
}

pub(crate) async fn pages_go_from_the_newest_to_the_oldest(mut world: World) {
    for number in 0..10 {
        let event = world.event(Action::ClientUpdated, &format!("object {number}"));
        write(&mut world, &event).await;
    }
    let everything = events(&world).await;
    assert_eq!(everything[0].object, "object 9");
    let (mut seen, mut after) = (Vec::new(), 0);
    loop {
        let rows: Vec<Row<_>> = world
            .store
            .audit(&AuditFilter::default(), Page { after, limit: 3 })
            .await
            .unwrap();
        let Some(last) = rows.last() else { break };
        after = last.ordinal;
        seen.extend(values(rows));
        // What is written meanwhile stands before the first page.
        let event = world.event(Action::ClientUpdated, "meanwhile");
        write(&mut world, &event).await;
    }
    assert_eq!(seen, everything);
}

pub(crate) async fn pruning_deletes_what_is_old_and_says_so(mut world: World) {
    for second in [500, 510, 490, 520, 480] {
        let event = world.event_at(Action::ClientUpdated, &format!("at {second}"), second);
        write(&mut world, &event).await;
    }
    let word = world.event_at(Action::AuditPruned, "", 600);
    let before = events(&world).await;
    let old = before.iter().filter(|event| event.at < at(500)).count() as u64;
    assert_eq!(world.store.prune_audit(at(500), &word).await.unwrap(), old);
    let left: Vec<_> = before.into_iter().filter(|event| event.at >= at(500)).collect();
    assert_eq!(events(&world).await, [vec![word], left].concat());
}

pub(crate) async fn pruning_nothing_writes_nothing(mut world: World) {
    let before = events(&world).await;
    let word = world.event_at(Action::AuditPruned, "", 600);
    assert_eq!(world.store.prune_audit(at(1), &word).await.unwrap(), 0);
    assert_eq!(events(&world).await, before);
}
