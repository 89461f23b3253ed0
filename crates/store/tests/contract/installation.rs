//! The installation, its master key, and the loss of it.

use countersign_core::audit::Action;
use countersign_core::client::Client;
use countersign_core::digest::Digest;
use countersign_core::operator::Reach;
use countersign_core::pepper::PepperId;
use countersign_core::{Algorithm, seal::Sealed};
use countersign_store::{Installation, Resealed, Result, SealedValue, StoreError, StoredPepper};

use crate::world::{ALL, World, at, peppers, sealed, values};

pub(crate) fn installation() -> Installation {
    let pepper = |id: &str, second| StoredPepper {
        id: PepperId::from_stored(id),
        sealed: sealed(&format!("pepper {id} {second}")),
        created_at: at(second),
    };
    Installation {
        check: sealed("check"),
        peppers: vec![pepper("z", 1), pepper("a", 2)],
        created_at: at(1),
    }
}

async fn create(world: &mut World, installation: &Installation) -> Result<()> {
    let event = world.event(Action::PepperCreated, "");
    world.store.create_installation(installation, &event).await
}

/// Everything that is sealed, sealed anew.
pub(crate) async fn resealed(world: &World) -> Vec<Resealed> {
    let values = world.store.sealed_values().await.unwrap();
    values
        .into_iter()
        .map(|old| Resealed {
            new: sealed(&format!("new {}", old.id)),
            old,
        })
        .collect()
}

async fn reseal(world: &mut World, resealed: &[Resealed]) -> Result<()> {
    let event = world.event(Action::MasterKeyRotated, "");
    world.store.reseal(resealed, &event).await
}

fn sorted(mut values: Vec<SealedValue>) -> Vec<SealedValue> {
    values.sort_by(|a, b| (a.table, &a.id).cmp(&(b.table, &b.id)));
    values
}

pub(crate) async fn an_installation_is_made_once(mut world: World) {
    assert_eq!(world.store.installation().await.unwrap(), None);
    create(&mut world, &installation()).await.unwrap();
    assert_eq!(world.store.installation().await.unwrap(), Some(installation()));
    let other = Installation {
        check: sealed("other"),
        peppers: vec![],
        created_at: at(9),
    };
    assert!(matches!(
        create(&mut world, &other).await,
        Err(StoreError::Duplicate)
    ));
    assert_eq!(world.store.installation().await.unwrap(), Some(installation()));
}

pub(crate) async fn everything_sealed_is_listed(mut world: World) {
    create(&mut world, &installation()).await.unwrap();
    let key = world.new_key(Algorithm::Rs256, 1);
    world.keep_key(&key, &[]).await.unwrap();
    let value = |table, id: &str, sealed: &Sealed| SealedValue {
        table,
        id: id.to_owned(),
        bound_to: id.to_owned(),
        version: 0,
        sealed: sealed.clone(),
    };
    let Installation { check, peppers, .. } = installation();
    let expected = vec![
        value("installation", "check", &check),
        value("pepper", "z", &peppers[0].sealed),
        value("pepper", "a", &peppers[1].sealed),
        value("signing_key", &key.kid, &key.sealed),
    ];
    assert_eq!(
        sorted(world.store.sealed_values().await.unwrap()),
        sorted(expected)
    );
}

pub(crate) async fn resealing_replaces_everything(mut world: World) {
    create(&mut world, &installation()).await.unwrap();
    let key = world.new_key(Algorithm::Rs256, 1);
    world.keep_key(&key, &[]).await.unwrap();
    let values = resealed(&world).await;
    reseal(&mut world, &values).await.unwrap();
    let expected = values
        .into_iter()
        .map(|Resealed { old, new }| SealedValue { sealed: new, ..old })
        .collect();
    assert_eq!(
        sorted(world.store.sealed_values().await.unwrap()),
        sorted(expected)
    );
    let stored = world.store.installation().await.unwrap().unwrap();
    assert_eq!(stored.check, sealed("new check"));
    assert_eq!(
        stored.peppers[0],
        StoredPepper {
            sealed: sealed("new z"),
            ..installation().peppers[0].clone()
        }
    );
    assert_eq!(
        world
            .store
            .project(&world.project.id)
            .await
            .unwrap()
            .unwrap()
            .keys[0]
            .sealed,
        sealed(&format!("new {}", key.kid))
    );
}

pub(crate) async fn resealing_is_all_or_nothing(mut world: World) {
    create(&mut world, &installation()).await.unwrap();
    let key = world.new_key(Algorithm::Rs256, 1);
    world.keep_key(&key, &[]).await.unwrap();
    let before = world.store.sealed_values().await.unwrap();
    let complete = resealed(&world).await;

    let missing = complete[1..].to_vec();
    let mut twice = complete.clone();
    twice[1] = twice[0].clone();
    let mut changed = complete.clone();
    changed[3].old.sealed = sealed("something else");
    let mut unknown = complete.clone();
    unknown[2].old.id = "unknown".into();
    let mut elsewhere = complete.clone();
    elsewhere[3].old.table = "client";
    for (what, values) in [
        ("missing", missing),
        ("twice", twice),
        ("changed", changed),
        ("unknown", unknown),
    ] {
        assert!(
            matches!(reseal(&mut world, &values).await, Err(StoreError::Stale)),
            "{what}"
        );
        assert_eq!(world.store.sealed_values().await.unwrap(), before, "{what}");
    }
    assert!(reseal(&mut world, &elsewhere).await.is_err());
    assert_eq!(world.store.sealed_values().await.unwrap(), before);

    // A key that another node made meanwhile would stay sealed with the old master key.
    let new = world.new_key(Algorithm::Rs256, 2);
    world.keep_key(&new, &[&key.kid]).await.unwrap();
    assert!(matches!(
        reseal(&mut world, &complete).await,
        Err(StoreError::Stale)
    ));
    let values = resealed(&world).await;
    reseal(&mut world, &values).await.unwrap();
}

pub(crate) async fn a_lost_master_key_is_abandoned(mut world: World) {
    create(&mut world, &installation()).await.unwrap();
    let old_key = world.new_key(Algorithm::Rs256, 1);
    world.keep_key(&old_key, &[]).await.unwrap();
    let old_operator = world.new_operator("old", Reach::All);
    let event = world.event(Action::OperatorCreated, &old_operator.id);
    world.store.insert_operator(&old_operator, &event).await.unwrap();
    let clients = clients_of_every_kind(&mut world).await;

    let pepper = StoredPepper {
        id: PepperId::from_stored("new"),
        sealed: sealed("new pepper"),
        created_at: at(50),
    };
    let new = Installation {
        check: sealed("new check"),
        peppers: vec![pepper],
        created_at: at(50),
    };
    let key = world.new_key(Algorithm::Rs256, 50);
    let secret = world.new_project_secret(&world.project.id.clone());
    let operator = world.new_operator("new", Reach::All);
    let event = world.event_at(Action::MasterKeyAbandoned, "", 60);
    let (keys, secrets) = (std::slice::from_ref(&key), std::slice::from_ref(&secret));
    world
        .store
        .abandon_master_key(&new, keys, secrets, &operator, &event)
        .await
        .unwrap();

    let stored = world.store.installation().await.unwrap().unwrap();
    assert_eq!((stored.check, stored.peppers), (new.check, new.peppers));
    let project = world.store.project(&world.project.id).await.unwrap().unwrap();
    assert_eq!(project.keys, [key]);
    let revoked: Vec<_> = project.secrets.iter().map(|secret| secret.revoked_at).collect();
    assert_eq!(revoked, [Some(at(60)), None]);
    assert_eq!(project.secrets[1], secret);
    let operators = values(world.store.list_operators(ALL).await.unwrap());
    assert_eq!(
        operators
            .iter()
            .map(|operator| operator.revoked_at)
            .collect::<Vec<_>>(),
        [Some(at(60)), None]
    );
    for client in clients {
        assert_abandoned(&client, &world.stored(&client).await.unwrap());
    }
}

/// One with a generated secret, one that is rotating, one with a foreign digest, and a foreign one that is rotating.
async fn clients_of_every_kind(world: &mut World) -> Vec<Client> {
    let foreign: Digest = "sha256$5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8"
        .parse()
        .unwrap();
    let mut clients = Vec::new();
    for (is_foreign, is_rotating) in [(false, false), (false, true), (true, false), (true, true)] {
        let mut client = world.new_client("c", &["a", "b"]);
        if is_foreign {
            client.secret.digest = foreign.clone();
        }
        if is_rotating {
            client = client
                .start_rotation(at(2), &peppers(), &mut world.chance)
                .unwrap()
                .0;
        }
        world.insert(&client).await.unwrap();
        clients.push(client);
    }
    clients
}

/// Only keyed digests are lost, and nothing else of the client changes but its version.
fn assert_abandoned(before: &Client, after: &Client) {
    let mut expected = before.clone();
    let mut touched = false;
    for secret in std::iter::once(&mut expected.secret).chain(&mut expected.next_secret) {
        if matches!(secret.digest, Digest::Keyed { .. }) {
            secret.digest = Digest::Abandoned;
            touched = true;
        }
    }
    expected.version += i64::from(touched);
    assert_eq!(*after, expected);
}

pub(crate) async fn without_an_installation_nothing_is_abandoned(mut world: World) {
    let client = world.kept_client("c", &[]).await;
    let operator = world.new_operator("new", Reach::All);
    let event = world.event(Action::MasterKeyAbandoned, "");
    let result = world
        .store
        .abandon_master_key(&installation(), &[], &[], &operator, &event)
        .await;
    assert!(matches!(result, Err(StoreError::Stale)));
    assert_eq!(world.stored(&client).await, Some(client));
    assert!(world.store.list_operators(ALL).await.unwrap().is_empty());
}
