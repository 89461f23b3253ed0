//! Credentials, sealed.

use countersign_core::audit::{Action, Actor, ActorKind};
use countersign_core::credential::{CredentialPlace, Keeping, NewCredential, StoredCredential};
use countersign_core::master_keys::MasterKeys;
use countersign_core::operator::Reach;
use countersign_core::seal::MasterKey;
use countersign_core::usage::UsageBatch;
use countersign_store::{Installation, Resealed, Result, SealedValue, StoreError};

use crate::installation::installation;
use crate::providers::{kept, stored};
use crate::world::{ALL, World, at, peppers, sealed, values};

/// A credential whose sealed value is made up.
pub(crate) fn credential(world: &mut World, provider: &str, name: &str) -> StoredCredential {
    let key = MasterKey::generate(&mut world.chance);
    let real = real_credential(world, provider, name, &key, None, b"value");
    StoredCredential {
        sealed: sealed(&format!("{provider} {name}")),
        ..real
    }
}

fn real_credential(
    world: &mut World,
    provider: &str,
    name: &str,
    key: &MasterKey,
    before: Option<&StoredCredential>,
    value: &[u8],
) -> StoredCredential {
    let place = CredentialPlace {
        project_id: &world.project.id,
        provider,
        name,
    };
    let new = NewCredential {
        kind: "bearer",
        hosts: vec!["api.acme.example".into(), "ü.example:8443".into()],
        value,
    };
    let actor = Actor {
        kind: ActorKind::Operator,
        id: "operator-1".into(),
    };
    let keeping = Keeping {
        master_key: key,
        peppers: &peppers(),
    };
    StoredCredential::set(place, before, new, &keeping, &actor, at(5), &mut world.chance).unwrap()
}

/// The next version of a credential.
fn next(credential: &StoredCredential, text: &str) -> StoredCredential {
    StoredCredential {
        version: credential.version + 1,
        kind: "basic".into(),
        hosts: vec![format!("{text}.example")],
        fingerprint: text.into(),
        sealed: sealed(text),
        updated_at: at(9),
        ..credential.clone()
    }
}

pub(crate) async fn set(world: &mut World, credential: &StoredCredential) -> Result<()> {
    let event = world.event(Action::CredentialSet, &credential.id);
    world.store.set_credential(credential, &event).await
}

async fn kept_credential(world: &mut World, provider: &str, name: &str) -> StoredCredential {
    let credential = credential(world, provider, name);
    set(world, &credential).await.unwrap();
    credential
}

async fn of_acme(world: &World) -> Vec<StoredCredential> {
    stored(world, "acme").await.unwrap().credentials
}

async fn sealed_texts(world: &World) -> Vec<String> {
    let values = world.store.sealed_values().await.unwrap();
    let texts = values.iter().filter(|value| value.table == "credential");
    texts.map(|value| value.sealed.as_str().to_owned()).collect()
}

pub(crate) async fn a_credential_comes_back_as_it_was_kept(mut world: World) {
    kept(&mut world, "acme").await;
    let credential = StoredCredential {
        last_used_at: Some(at(7)),
        ..credential(&mut world, "acme", "default")
    };
    set(&mut world, &credential).await.unwrap();
    assert_eq!(of_acme(&world).await, [credential]);
}

pub(crate) async fn another_value_takes_the_place_of_the_one_before(mut world: World) {
    kept(&mut world, "acme").await;
    let first = kept_credential(&mut world, "acme", "default").await;
    let other = kept_credential(&mut world, "acme", "other").await;
    used(&world, &first, 20).await;
    let second = next(&first, "second");
    set(&mut world, &second).await.unwrap();
    let expected = StoredCredential {
        last_used_at: Some(at(20)),
        ..second.clone()
    };
    assert_eq!(of_acme(&world).await, [expected, other.clone()]);
    let texts = sealed_texts(&world).await;
    assert_eq!(texts, [second.sealed.as_str(), other.sealed.as_str()]);
}

pub(crate) async fn of_two_values_at_once_one_is_stale(mut world: World) {
    kept(&mut world, "acme").await;
    let first = kept_credential(&mut world, "acme", "default").await;
    let (faster, slower) = (next(&first, "faster"), next(&first, "slower"));
    set(&mut world, &faster).await.unwrap();
    assert!(matches!(set(&mut world, &slower).await, Err(StoreError::Stale)));
    let event = world.event(Action::CredentialDeleted, &first.id);
    let stale = world.store.delete_credential(&first, &event).await;
    assert!(matches!(stale, Err(StoreError::Stale)));
    // One of another credential's id, provider or name is not this one.
    for stranger in [
        StoredCredential {
            id: "credential-test-0".into(),
            ..next(&faster, "x")
        },
        StoredCredential {
            provider: "other".into(),
            ..next(&faster, "x")
        },
        StoredCredential {
            name: "other".into(),
            ..next(&faster, "x")
        },
    ] {
        assert!(matches!(set(&mut world, &stranger).await, Err(StoreError::Stale)));
    }
    assert_eq!(of_acme(&world).await, [faster]);
}

pub(crate) async fn a_name_is_taken_once_at_a_provider(mut world: World) {
    kept(&mut world, "acme").await;
    kept(&mut world, "other").await;
    let first = kept_credential(&mut world, "acme", "default").await;
    let again = credential(&mut world, "acme", "default");
    assert!(matches!(
        set(&mut world, &again).await,
        Err(StoreError::Duplicate)
    ));
    kept_credential(&mut world, "other", "default").await;
    assert_eq!(of_acme(&world).await, [first]);
}

pub(crate) async fn a_deleted_credential_is_gone(mut world: World) {
    kept(&mut world, "acme").await;
    let credential = kept_credential(&mut world, "acme", "default").await;
    for is_there in [true, false] {
        let event = world.event(Action::CredentialDeleted, &credential.id);
        let deleted = world.store.delete_credential(&credential, &event).await;
        assert_eq!(deleted.is_ok(), is_there);
    }
    assert_eq!(of_acme(&world).await, []);
    assert_eq!(sealed_texts(&world).await, Vec::<String>::new());
}

pub(crate) async fn a_credential_needs_its_provider(mut world: World) {
    kept(&mut world, "acme").await;
    let astray = credential(&mut world, "unknown", "default");
    assert!(matches!(set(&mut world, &astray).await, Err(StoreError::Stale)));
}

pub(crate) async fn a_credential_sealed_with_another_master_key_is_stale(mut world: World) {
    let event = world.event(Action::PepperCreated, "");
    let created = world.store.create_installation(&installation(), &event).await;
    created.unwrap();
    kept(&mut world, "acme").await;
    let first = kept_credential(&mut world, "acme", "default").await;
    let elsewhere = countersign_core::seal::Sealed::from_stored("v1.other.x".into());
    let replaced = StoredCredential {
        sealed: elsewhere.clone(),
        ..next(&first, "second")
    };
    let anew = StoredCredential {
        sealed: elsewhere,
        ..credential(&mut world, "acme", "anew")
    };
    for sealed_elsewhere in [replaced, anew] {
        let refused = set(&mut world, &sealed_elsewhere).await;
        assert!(matches!(refused, Err(StoreError::Stale)), "{refused:?}");
    }
    assert_eq!(of_acme(&world).await, [first]);
}

async fn used(world: &World, credential: &StoredCredential, second: i64) {
    let batch = UsageBatch {
        credentials: vec![
            (credential.id.clone(), at(second)),
            ("credential-test-0".into(), at(second)),
        ],
        ..UsageBatch::default()
    };
    world.store.add_usage(&batch).await.unwrap();
}

pub(crate) async fn the_last_use_is_kept(mut world: World) {
    kept(&mut world, "acme").await;
    let credential = kept_credential(&mut world, "acme", "default").await;
    for (second, expected) in [(20, 20), (30, 30), (25, 30)] {
        used(&world, &credential, second).await;
        assert_eq!(of_acme(&world).await[0].last_used_at, Some(at(expected)));
    }
}

/// With real seals: what is written in the rows is what they open for.
pub(crate) async fn what_is_sealed_opens_for_its_own_row_alone(mut world: World) {
    let key = MasterKey::generate(&mut world.chance);
    kept(&mut world, "acme").await;
    for (name, value) in [("a", b"one".as_slice()), ("b", b"two")] {
        let credential = real_credential(&mut world, "acme", name, &key, None, value);
        set(&mut world, &credential).await.unwrap();
        let again = real_credential(&mut world, "acme", name, &key, Some(&credential), value);
        set(&mut world, &again).await.unwrap();
    }
    let keys = MasterKeys::new(key, None);
    let [a, b] = <[_; 2]>::try_from(of_acme(&world).await).unwrap();
    assert_eq!(a.open(&keys).unwrap().as_slice(), b"one");
    assert_eq!(b.open(&keys).unwrap().as_slice(), b"two");
    let [one, two] = <[SealedValue; 2]>::try_from(world.store.sealed_values().await.unwrap()).unwrap();
    assert_eq!(keys.open(one.row(), &one.sealed).unwrap().as_slice(), b"one");
    assert!(keys.open(one.row(), &two.sealed).is_err());
    assert!(keys.open(two.row(), &one.sealed).is_err());
}

pub(crate) async fn a_new_master_key_opens_what_was_sealed_anew(mut world: World) {
    let (old, new) = (
        MasterKey::generate(&mut world.chance),
        MasterKey::generate(&mut world.chance),
    );
    kept(&mut world, "acme").await;
    let credential = real_credential(&mut world, "acme", "a", &old, None, b"one");
    set(&mut world, &credential).await.unwrap();
    let mut resealed = Vec::new();
    for value in world.store.sealed_values().await.unwrap() {
        let plaintext = old.open(value.row(), &value.sealed).unwrap();
        resealed.push(Resealed {
            new: new.seal(value.row(), &plaintext, &mut world.chance),
            old: value,
        });
    }
    let event = world.event(Action::MasterKeyRotated, "");
    world.store.reseal(&resealed, &event).await.unwrap();
    let stored = of_acme(&world).await.remove(0);
    let (old, new) = (MasterKeys::new(old, None), MasterKeys::new(new, None));
    assert_eq!(stored.open(&new).unwrap().as_slice(), b"one");
    assert!(stored.open(&old).is_err());
}

pub(crate) async fn resealing_forgets_no_credential(mut world: World) {
    kept(&mut world, "acme").await;
    let credential = kept_credential(&mut world, "acme", "default").await;
    let event = world.event(Action::MasterKeyRotated, "");
    let refused = world.store.reseal(&[], &event).await;
    assert!(matches!(refused, Err(StoreError::Stale)), "{refused:?}");
    assert_eq!(of_acme(&world).await, [credential]);
}

pub(crate) async fn a_lost_master_key_takes_credentials_with_it(mut world: World) {
    let event = world.event(Action::PepperCreated, "");
    let created = world.store.create_installation(&installation(), &event).await;
    created.unwrap();
    let provider = kept(&mut world, "acme").await;
    for name in ["a", "b", "c"] {
        kept_credential(&mut world, "acme", name).await;
    }
    let operator = world.new_operator("new", Reach::All);
    let new = Installation {
        check: sealed("new"),
        ..installation()
    };
    let event = world.event(Action::MasterKeyAbandoned, "");
    let abandoned = world
        .store
        .abandon_master_key(&new, &[], &[], &operator, &event)
        .await;
    abandoned.unwrap();
    let record = stored(&world, "acme").await.unwrap();
    assert_eq!((record.provider, record.credentials), (provider, vec![]));
    let events = values(world.store.audit(&Default::default(), ALL).await.unwrap());
    let told = events.into_iter().find(|told| told.id == event.id).unwrap();
    assert_eq!(told.after.unwrap()["deleted_credentials"], 3);
}
