//! Usage: batches that add up.

use countersign_core::audit::Action;
use countersign_core::client::Client;
use countersign_core::operator::Reach;
use countersign_core::usage::{MinuteCount, SecretUse, UsageBatch};

use crate::world::{ALL, World, at, values};

fn used(client: &Client, number: i64, second: i64, tokens: i64) -> SecretUse {
    SecretUse {
        project_id: client.project_id.clone(),
        client_id: client.client_id.clone(),
        secret_number: number,
        last_used_at: at(second),
        address: [198, 51, 100, u8::try_from(second).unwrap()].into(),
        user_agent: format!("agent \"{second}\" é"),
        tokens,
    }
}

async fn usage(world: &World, client: &Client) -> Vec<SecretUse> {
    world
        .store
        .client_usage(&client.project_id, &client.client_id)
        .await
        .unwrap()
}

fn of_secrets(secrets: Vec<SecretUse>) -> UsageBatch {
    UsageBatch {
        secrets,
        ..UsageBatch::default()
    }
}

pub(crate) async fn usage_adds_up_and_the_latest_use_is_shown(mut world: World) {
    let (client, other) = (
        world.kept_client("a", &[]).await,
        world.kept_client("b", &[]).await,
    );
    assert_eq!(usage(&world, &client).await, []);
    let batch = of_secrets(vec![
        used(&client, 1, 50, 3),
        used(&client, 2, 60, 1),
        used(&other, 1, 70, 9),
    ]);
    world.store.add_usage(&batch).await.unwrap();
    // Another node reports late: its use is older, its tokens count.
    world
        .store
        .add_usage(&of_secrets(vec![used(&client, 1, 40, 5)]))
        .await
        .unwrap();
    world
        .store
        .add_usage(&of_secrets(vec![used(&client, 2, 61, 1)]))
        .await
        .unwrap();
    world.store.add_usage(&UsageBatch::default()).await.unwrap();
    assert_eq!(
        usage(&world, &client).await,
        [used(&client, 1, 50, 8), used(&client, 2, 61, 2)]
    );
    assert_eq!(usage(&world, &other).await, [used(&other, 1, 70, 9)]);
}

pub(crate) async fn usage_of_what_is_gone_is_left_out(mut world: World) {
    let (client, gone) = (
        world.kept_client("a", &[]).await,
        world.kept_client("gone", &[]).await,
    );
    world
        .store
        .add_usage(&of_secrets(vec![used(&gone, 1, 50, 3)]))
        .await
        .unwrap();
    world.delete(&gone).await.unwrap();
    let unknown = world.new_project();
    let count = MinuteCount {
        project_id: unknown.id.clone(),
        minute: 1,
        issued: 0,
        refused: 1,
    };
    let batch = UsageBatch {
        secrets: vec![used(&gone, 1, 60, 3), used(&client, 1, 60, 4)],
        minutes: vec![count],
        project_secrets: vec![("secret-unknown".into(), at(1))],
        operators: vec![("operator-unknown".into(), at(1))],
        ..UsageBatch::default()
    };
    world.store.add_usage(&batch).await.unwrap();
    assert_eq!(usage(&world, &client).await, [used(&client, 1, 60, 4)]);
    assert_eq!(world.store.minute_counts(&unknown.id, 0, 10).await.unwrap(), []);
    // A newcomer of the same id starts at nothing.
    world.insert(&gone).await.unwrap();
    assert_eq!(usage(&world, &gone).await, []);
}

pub(crate) async fn minutes_add_up_and_are_deleted_by_age(mut world: World) {
    let other = world.new_project();
    world.keep_project(&other).await;
    let (project_id, other_id) = (world.project.id.clone(), other.id);
    let count = |project_id: &countersign_core::ids::ProjectId, minute, issued, refused| MinuteCount {
        project_id: project_id.clone(),
        minute,
        issued,
        refused,
    };
    let first = vec![
        count(&project_id, 10, 5, 1),
        count(&project_id, 11, 7, 0),
        count(&other_id, 10, 1, 1),
    ];
    let second = vec![count(&project_id, 11, 3, 2), count(&project_id, 12, 1, 0)];
    for minutes in [first, second] {
        world
            .store
            .add_usage(&UsageBatch {
                minutes,
                ..UsageBatch::default()
            })
            .await
            .unwrap();
    }
    let (ten, eleven, twelve) = (
        count(&project_id, 10, 5, 1),
        count(&project_id, 11, 10, 2),
        count(&project_id, 12, 1, 0),
    );
    let counts = async |since, limit| {
        world
            .store
            .minute_counts(&project_id, since, limit)
            .await
            .unwrap()
    };
    assert_eq!(
        counts(0, 100).await,
        [ten.clone(), eleven.clone(), twelve.clone()]
    );
    assert_eq!(counts(11, 100).await, [eleven.clone(), twelve.clone()]);
    assert_eq!(counts(0, 1).await, [ten]);
    assert_eq!(world.store.delete_minute_counts(11).await.unwrap(), 2);
    assert_eq!(counts(0, 100).await, [eleven, twelve]);
    assert_eq!(world.store.minute_counts(&other_id, 0, 100).await.unwrap(), []);
}

pub(crate) async fn the_last_use_of_secrets_and_operators_is_kept(mut world: World) {
    let operator = world.new_operator("admin", Reach::All);
    let event = world.event(Action::OperatorCreated, &operator.id);
    world.store.insert_operator(&operator, &event).await.unwrap();
    let secret_id = world
        .store
        .project(&world.project.id)
        .await
        .unwrap()
        .unwrap()
        .secrets[0]
        .id
        .clone();
    for second in [50, 40, 60] {
        let batch = UsageBatch {
            project_secrets: vec![(secret_id.clone(), at(second))],
            operators: vec![(operator.id.clone(), at(second))],
            ..UsageBatch::default()
        };
        world.store.add_usage(&batch).await.unwrap();
        let latest = Some(at(second.max(50)));
        assert_eq!(
            world
                .store
                .project(&world.project.id)
                .await
                .unwrap()
                .unwrap()
                .secrets[0]
                .last_used_at,
            latest
        );
        assert_eq!(
            values(world.store.list_operators(ALL).await.unwrap())[0].last_used_at,
            latest
        );
    }
}
