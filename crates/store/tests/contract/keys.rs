//! Signing keys: rotation by more than one node, and the end of a key.

use countersign_core::Algorithm;
use countersign_core::audit::Action;
use countersign_core::key_life::{Retirement, StoredKey};
use countersign_core::seal::Sealed;
use countersign_store::{Change, StoreError};

use crate::installation::installation;
use crate::world::{World, at};

async fn keys(world: &World) -> Vec<StoredKey> {
    world
        .store
        .project(&world.project.id)
        .await
        .unwrap()
        .unwrap()
        .keys
}

pub(crate) async fn a_key_comes_back_as_it_was_kept(mut world: World) {
    let certificate = Some((0..=255).collect());
    let full = StoredKey {
        retire_at: Some(at(20)),
        drop_at: Some(at(30)),
        certificate,
        activate_at: at(10),
        ..world.new_key(Algorithm::Rs256, 5)
    };
    let plain = world.new_key(Algorithm::EdDsa, 4);
    world.keep_key(&full, &[]).await.unwrap();
    world.keep_key(&plain, &[]).await.unwrap();
    assert_eq!(
        keys(&world).await,
        [plain, full.clone()],
        "in the order of their announcement"
    );
    let again = world.keep_key(&full, &[&full.kid]).await;
    assert!(matches!(again, Err(StoreError::Duplicate)));
}

pub(crate) async fn of_two_rotations_at_once_one_is_stale(mut world: World) {
    let old = world.new_key(Algorithm::Rs256, 1);
    let other_algorithm = world.new_key(Algorithm::Es256, 1);
    world.keep_key(&old, &[]).await.unwrap();
    world.keep_key(&other_algorithm, &[]).await.unwrap();

    // Two nodes look, see the same, and both make a key.
    let expected = [old.kid.clone()];
    let retirement = |second| Retirement {
        kid: old.kid.clone(),
        retire_at: at(second),
        drop_at: at(second + 9),
    };
    let (one, two) = (
        world.new_key(Algorithm::Rs256, 50),
        world.new_key(Algorithm::Rs256, 60),
    );
    let (event_one, event_two) = (
        world.event(Action::KeyAnnounced, &one.kid),
        world.event(Action::KeyAnnounced, &two.kid),
    );
    let (retire_one, retire_two) = ([retirement(50)], [retirement(60)]);
    let (first, second) = tokio::join!(
        world.store.insert_key(&one, &retire_one, &expected, &event_one),
        world.store.insert_key(&two, &retire_two, &expected, &event_two),
    );
    let (winner, loser) = if first.is_ok() {
        (one, second)
    } else {
        (two, first)
    };
    assert!(matches!(loser, Err(StoreError::Stale)));
    let stored = keys(&world).await;
    assert_eq!(stored.len(), 3);
    assert!(stored.contains(&winner));
    let retired = stored.iter().find(|key| key.kid == old.kid).unwrap();
    assert_eq!(retired.retire_at, Some(winner.activate_at), "by the winner alone");
}

pub(crate) async fn a_retirement_of_an_unknown_key_changes_nothing(mut world: World) {
    let old = world.new_key(Algorithm::Rs256, 1);
    world.keep_key(&old, &[]).await.unwrap();
    let new = world.new_key(Algorithm::Rs256, 50);
    let event = world.event(Action::KeyAnnounced, &new.kid);
    let retirements = [&old.kid, "jwk-test-unknown"].map(|kid: &str| Retirement {
        kid: kid.to_owned(),
        retire_at: at(50),
        drop_at: at(60),
    });
    let result = world
        .store
        .insert_key(&new, &retirements, std::slice::from_ref(&old.kid), &event)
        .await;
    assert!(matches!(result, Err(StoreError::Stale)));
    assert_eq!(keys(&world).await, [old]);
}

pub(crate) async fn keys_dropped_long_ago_are_deleted(mut world: World) {
    let mut kept = Vec::new();
    for drop_at in [None, Some(at(10)), Some(at(19)), Some(at(20)), Some(at(30))] {
        let key = StoredKey {
            drop_at,
            ..world.new_key(Algorithm::Rs256, 1)
        };
        let expected: Vec<String> = kept.iter().map(|key: &StoredKey| key.kid.clone()).collect();
        let event = world.event(Action::KeyAnnounced, &key.kid);
        world
            .store
            .insert_key(&key, &[], &expected, &event)
            .await
            .unwrap();
        kept.push(key);
    }
    let position = world.position().await;
    assert_eq!(world.store.delete_dropped_keys(at(20)).await.unwrap(), 2);
    kept.drain(1..3);
    assert_eq!(keys(&world).await, kept);
    assert_eq!(
        world.changed_since(&position).await,
        [Change::Project(world.project.id.clone())]
    );
    let position = world.position().await;
    assert_eq!(world.store.delete_dropped_keys(at(20)).await.unwrap(), 0);
    assert_eq!(world.changed_since(&position).await, []);
}

/// A node that missed the rotation of the master key must not leave behind what no node will open.
pub(crate) async fn a_key_sealed_with_another_master_key_is_stale(mut world: World) {
    let event = world.event(Action::PepperCreated, "");
    world
        .store
        .create_installation(&installation(), &event)
        .await
        .unwrap();
    let mut other = world.new_key(Algorithm::Rs256, 1);
    other.sealed = Sealed::from_stored(other.sealed.as_str().replace("v1.test.", "v1.tes."));
    assert!(matches!(
        world.keep_key(&other, &[]).await,
        Err(StoreError::Stale)
    ));
    let (project, event) = (world.new_project(), world.event(Action::ProjectCreated, "p"));
    let secret = world.new_project_secret(&project.id);
    other.project_id = project.id.clone();
    let inserted = world
        .store
        .insert_project(&project, &secret, &[other], &event)
        .await;
    assert!(matches!(inserted, Err(StoreError::Stale)));
    assert_eq!(world.store.project(&project.id).await.unwrap(), None);
    assert!(!world.store.event_exists(&event.id).await.unwrap());

    let alike = world.new_key(Algorithm::Rs256, 1);
    world.keep_key(&alike, &[]).await.unwrap();
    assert_eq!(keys(&world).await, [alike]);
}
