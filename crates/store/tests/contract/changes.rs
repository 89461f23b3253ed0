//! The change feed: nothing changes unsaid.

use std::time::{Duration, Instant};

use countersign_core::Algorithm;
use countersign_core::audit::Action;
use countersign_core::client::ClientPatch;
use countersign_core::operator::Reach;
use countersign_core::project::ProjectPatch;
use countersign_core::usage::UsageBatch;
use countersign_store::{Change, ChangePosition, Changes};

use crate::installation::{installation, resealed};
use crate::world::{World, at};

pub(crate) async fn every_intention_says_what_it_makes_old(mut world: World) {
    let store = world.store.clone();
    let of_project = vec![Change::Project(world.project.id.clone())];
    let mut position = world.position().await;
    let mut told = async |world: &World| {
        let Changes {
            position: next,
            changed,
            ..
        } = world.store.changes(Some(&position)).await.unwrap();
        position = next;
        changed.unwrap()
    };

    let client = world.kept_client("c", &["a"]).await;
    let of_client = vec![Change::Client(
        client.project_id.clone(),
        client.client_id.clone(),
    )];
    assert_eq!(told(&world).await, of_client);
    let changed = client.patched(ClientPatch::default(), at(2)).unwrap();
    world.update(&changed).await.unwrap();
    assert_eq!(told(&world).await, of_client);
    world.delete(&changed).await.unwrap();
    assert_eq!(told(&world).await, of_client);

    let project = world.project.patched(ProjectPatch::default(), at(2)).unwrap();
    let event = world.event(Action::ProjectUpdated, project.id.as_str());
    store.update_project(&project, &event).await.unwrap();
    assert_eq!(told(&world).await, of_project);
    let secret = world.new_project_secret(&project.id);
    let event = world.event(Action::ProjectSecretCreated, &secret.id);
    store.insert_project_secret(&secret, &event).await.unwrap();
    assert_eq!(told(&world).await, of_project);
    let event = world.event(Action::ProjectSecretRevoked, &secret.id);
    store
        .revoke_project_secret(&project.id, &secret.id, at(3), &event)
        .await
        .unwrap();
    assert_eq!(told(&world).await, of_project);
    let key = world.new_key(Algorithm::Rs256, 3);
    world.keep_key(&key, &[]).await.unwrap();
    assert_eq!(told(&world).await, of_project);
    let other = world.new_project();
    world.keep_project(&other).await;
    assert_eq!(told(&world).await, [Change::Project(other.id)]);

    let operator = world.new_operator("o", Reach::All);
    let event = world.event(Action::OperatorCreated, &operator.id);
    store.insert_operator(&operator, &event).await.unwrap();
    assert_eq!(told(&world).await, [Change::Operators]);
    let event = world.event(Action::OperatorRevoked, &operator.id);
    store.revoke_operator(&operator.id, at(3), &event).await.unwrap();
    assert_eq!(told(&world).await, [Change::Operators]);

    let event = world.event(Action::PepperCreated, "");
    store.create_installation(&installation(), &event).await.unwrap();
    assert_eq!(told(&world).await, [Change::Installation]);
    let event = world.event(Action::MasterKeyRotated, "");
    store.reseal(&resealed(&world).await, &event).await.unwrap();
    assert_eq!(told(&world).await, [Change::Installation]);
    let secret = world.new_project_secret(&project.id);
    let operator = world.new_operator("o2", Reach::All);
    let event = world.event(Action::MasterKeyAbandoned, "");
    store
        .abandon_master_key(&installation(), &[], &[secret], &operator, &event)
        .await
        .unwrap();
    assert_eq!(told(&world).await, [Change::Installation, Change::Operators]);

    // Nothing rests on usage or on the audit.
    let batch = UsageBatch {
        operators: vec![(operator.id, at(5))],
        ..UsageBatch::default()
    };
    store.add_usage(&batch).await.unwrap();
    let event = world.event(Action::AuditPruned, "");
    store.prune_audit(at(1_000), &event).await.unwrap();
    assert_eq!(told(&world).await, []);
}

pub(crate) async fn a_change_is_told_once_and_in_order(mut world: World) {
    let (one, two) = (
        world.kept_client("1", &[]).await,
        world.kept_client("2", &[]).await,
    );
    let position = world.position().await;
    let mut changed = one.clone();
    for _ in 0..3 {
        changed = changed.patched(ClientPatch::default(), at(2)).unwrap();
        world.update(&changed).await.unwrap();
    }
    world.delete(&two).await.unwrap();
    world.delete(&changed).await.unwrap();
    let of = |client: &countersign_core::client::Client| {
        Change::Client(client.project_id.clone(), client.client_id.clone())
    };
    assert_eq!(world.changed_since(&position).await, [of(&one), of(&two)]);
    assert_eq!(
        world.changed_since(&position).await.len(),
        2,
        "looking does not move the position"
    );
    let end = world.store.changes(Some(&position)).await.unwrap().position;
    assert_eq!(world.changed_since(&end).await, []);
}

/// Deletes old changes until whoever reads from `position` is told to forget everything. On a PostgreSQL server, what is as young
/// as an open transaction stays, also one of another database.
async fn prune_past(world: &World, second: i64, position: &ChangePosition) {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        world.store.delete_changes(at(second)).await.unwrap();
        let told = world.store.changes(Some(position)).await.unwrap();
        if told.changed.is_none() {
            return;
        }
        assert!(Instant::now() < deadline, "nothing was deleted");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

pub(crate) async fn a_reader_behind_the_pruned_part_is_told_to_forget_everything(mut world: World) {
    let deadline = Instant::now() + Duration::from_secs(60);
    let (client, level) = loop {
        let behind = world.position().await;
        let mut client = world.kept_client("c", &[]).await;
        for second in [200, 210, 220] {
            client = client.patched(ClientPatch::default(), at(second)).unwrap();
            let event = world.event_at(Action::ClientUpdated, client.client_id.as_str(), second);
            world.store.update_client(&client, &event).await.unwrap();
        }
        let level = world.position().await;
        prune_past(&world, 300, &behind).await;
        // A transaction in another database that was open at the look before and has ended since makes a reader of PostgreSQL
        // forget more than it must.
        if world.store.changes(Some(&level)).await.unwrap().changed.is_some() {
            break (client, level);
        }
        assert!(
            Instant::now() < deadline,
            "a reader who missed nothing is always told to forget"
        );
    };
    // Whoever had seen everything has missed nothing, and goes on.
    assert_eq!(world.changed_since(&level).await, []);
    world.delete(&client).await.unwrap();
    assert_eq!(world.changed_since(&level).await.len(), 1);
    assert_eq!(world.store.delete_changes(at(1)).await.unwrap(), 0);
    assert_eq!(world.changed_since(&level).await.len(), 1);
}

/// Wherever a reader stands, it is told everything or told to forget everything, never a part.
pub(crate) async fn no_reader_is_told_a_part(mut world: World) {
    let deadline = Instant::now() + Duration::from_secs(60);
    // Of seven readers the pruning reaches past four at most; past more where a transaction of another database held back what
    // they saw, and then once more.
    while !(1..=4).contains(&forgetful_readers(&mut world).await) {
        assert!(
            Instant::now() < deadline,
            "readers who missed nothing are told to forget"
        );
    }
}

/// How many of seven readers were told to forget everything, by a pruning between them.
async fn forgetful_readers(world: &mut World) -> usize {
    let mut positions = vec![world.position().await];
    let mut changes = Vec::new();
    for second in 200..206 {
        let client = world.new_client("c", &[]);
        let event = world.event_at(Action::ClientCreated, client.client_id.as_str(), second);
        world.store.insert_client(&client, &event).await.unwrap();
        positions.push(world.position().await);
        changes.push(Change::Client(client.project_id, client.client_id));
    }
    prune_past(world, 204, &positions[0]).await;
    let mut forgetful = 0;
    for (seen, position) in positions.iter().enumerate() {
        match world.store.changes(Some(position)).await.unwrap().changed {
            Some(told) => assert_eq!(told, changes[seen..]),
            None => forgetful += 1,
        }
    }
    forgetful
}
