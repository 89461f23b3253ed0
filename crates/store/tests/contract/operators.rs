//! Operators.

use countersign_core::audit::Action;
use countersign_core::operator::{Operator, Reach, Role};
use countersign_store::{Page, Result, StoreError};

use crate::world::{ALL, World, at, values};

async fn keep(world: &mut World, operator: &Operator) -> Result<()> {
    let event = world.event(Action::OperatorCreated, &operator.id);
    world.store.insert_operator(operator, &event).await
}

pub(crate) async fn an_operator_is_found_by_the_digest_of_its_key(mut world: World) {
    let other = world.new_project();
    world.keep_project(&other).await;
    let reach = Reach::Projects(vec![other.id, world.project.id.clone()]);
    let reader = Operator {
        role: Role::ReadOnly,
        ..world.new_operator("reader", reach)
    };
    let nobody = world.new_operator("nobody", Reach::Projects(vec![]));
    let admin = world.new_operator("admin", Reach::All);
    for operator in [&reader, &nobody, &admin] {
        keep(&mut world, operator).await.unwrap();
    }
    for operator in [reader, nobody, admin] {
        assert_eq!(
            world
                .store
                .operator_by_digest(&operator.key.digest)
                .await
                .unwrap(),
            Some(operator)
        );
    }
    let stranger = world.new_operator("stranger", Reach::All);
    assert_eq!(
        world
            .store
            .operator_by_digest(&stranger.key.digest)
            .await
            .unwrap(),
        None
    );
}

pub(crate) async fn a_key_belongs_to_one_operator(mut world: World) {
    let admin = world.new_operator("admin", Reach::All);
    keep(&mut world, &admin).await.unwrap();
    let twin = Operator {
        key: admin.key.clone(),
        ..world.new_operator("twin", Reach::All)
    };
    assert!(matches!(
        keep(&mut world, &twin).await,
        Err(StoreError::Duplicate)
    ));
    let elsewhere = world.new_project();
    let of_nothing = world.new_operator("of nothing", Reach::Projects(vec![elsewhere.id]));
    assert!(
        matches!(keep(&mut world, &of_nothing).await, Err(StoreError::Stale)),
        "its project is not there"
    );
    assert_eq!(values(world.store.list_operators(ALL).await.unwrap()), [admin]);
}

pub(crate) async fn an_operator_is_revoked_once(mut world: World) {
    let admin = world.new_operator("admin", Reach::All);
    keep(&mut world, &admin).await.unwrap();
    let mut revoke = async |id: &str, second| {
        let event = world.event(Action::OperatorRevoked, id);
        world.store.revoke_operator(id, at(second), &event).await
    };
    assert!(matches!(
        revoke("operator-unknown", 5).await,
        Err(StoreError::Stale)
    ));
    revoke(&admin.id, 6).await.unwrap();
    assert!(matches!(revoke(&admin.id, 7).await, Err(StoreError::Stale)));
    // Still found, so that the caller can say why it is refused.
    let revoked = Operator {
        revoked_at: Some(at(6)),
        ..admin
    };
    assert_eq!(
        world.store.operator_by_digest(&revoked.key.digest).await.unwrap(),
        Some(revoked)
    );
}

pub(crate) async fn operators_are_listed_in_pages(mut world: World) {
    let mut operators = Vec::new();
    for number in 0..5 {
        let operator = world.new_operator(&format!("o{number}"), Reach::All);
        keep(&mut world, &operator).await.unwrap();
        operators.push(operator);
    }
    let first = world
        .store
        .list_operators(Page { after: 0, limit: 3 })
        .await
        .unwrap();
    let rest = world
        .store
        .list_operators(Page {
            after: first[2].ordinal,
            limit: 3,
        })
        .await
        .unwrap();
    assert_eq!([values(first), values(rest)].concat(), operators);
}
