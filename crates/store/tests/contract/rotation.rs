//! Rotation of a client's secret, with more than one hand on it.

use countersign_store::StoreError;

use crate::world::{World, at, peppers};

pub(crate) async fn both_secrets_are_kept_while_a_rotation_is_open(mut world: World) {
    let stable = world.kept_client("c", &["a"]).await;
    let (rotating, _) = stable
        .start_rotation(at(2), &peppers(), &mut world.chance)
        .unwrap();
    world.update(&rotating).await.unwrap();
    assert_eq!(world.stored(&stable).await, Some(rotating.clone()));

    let cancelled = rotating.cancel_rotation(at(3)).unwrap();
    world.update(&cancelled).await.unwrap();
    assert_eq!(world.stored(&stable).await, Some(cancelled.clone()));

    let (again, _) = cancelled
        .start_rotation(at(4), &peppers(), &mut world.chance)
        .unwrap();
    let completed = again.complete_rotation(at(5)).unwrap();
    world.update(&again).await.unwrap();
    world.update(&completed).await.unwrap();
    let stored = world.stored(&stable).await.unwrap();
    assert_eq!(stored, completed);
    assert_ne!(stored.secret, stable.secret);
}

pub(crate) async fn of_two_rotations_at_once_one_is_stale(mut world: World) {
    let stable = world.kept_client("c", &[]).await;
    let (one, _) = stable
        .start_rotation(at(2), &peppers(), &mut world.chance)
        .unwrap();
    let (two, _) = stable
        .start_rotation(at(2), &peppers(), &mut world.chance)
        .unwrap();
    world.update(&one).await.unwrap();
    assert!(matches!(world.update(&two).await, Err(StoreError::Stale)));
    // Completing one and cancelling it cannot both succeed either.
    let (completed, cancelled) = (
        one.complete_rotation(at(3)).unwrap(),
        one.cancel_rotation(at(3)).unwrap(),
    );
    world.update(&completed).await.unwrap();
    assert!(matches!(world.update(&cancelled).await, Err(StoreError::Stale)));
    assert_eq!(world.stored(&stable).await, Some(completed));
}

pub(crate) async fn an_upgraded_digest_does_not_overwrite_a_rotation(mut world: World) {
    let stable = world.kept_client("c", &[]).await;
    let (rotating, _) = stable
        .start_rotation(at(2), &peppers(), &mut world.chance)
        .unwrap();
    world.update(&rotating).await.unwrap();
    let late = stable.with_upgraded_digest(&stable.secret).unwrap();
    assert!(matches!(world.update(&late).await, Err(StoreError::Stale)));
    let retried = rotating.with_upgraded_digest(&stable.secret).unwrap();
    world.update(&retried).await.unwrap();
    assert_eq!(
        world.stored(&stable).await.unwrap().next_secret,
        rotating.next_secret
    );
}
