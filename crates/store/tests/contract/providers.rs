//! Providers with their rules and documents.

use countersign_core::audit::Action;
use countersign_core::provider::{
    FurtherHost, Provider, ProviderDocument, ProviderLimits, ProviderRule, ProviderSettings,
};
use countersign_store::{Change, Page, ProviderRecord, Result, StoreError};

use crate::credentials::{credential, set};
use crate::world::{ALL, World, at, values};

/// Longer than what is kept in one row.
pub(crate) fn document(seed: u8) -> ProviderDocument {
    let bytes: Vec<u8> = (0..1_300_000_u32).map(|at| (at % 251) as u8 ^ seed).collect();
    ProviderDocument::new("application/json", bytes).unwrap()
}

fn rule(name: &str) -> ProviderRule {
    ProviderRule {
        name: name.into(),
        scope: "gateway:acme".into(),
        ..ProviderRule::default()
    }
}

/// With something in every column, or with as little as can be.
pub(crate) fn settings(is_rich: bool) -> ProviderSettings {
    let poor = ProviderSettings {
        base_url: "https://api.acme.example/v1".into(),
        ..ProviderSettings::default()
    };
    if !is_rich {
        return poor;
    }
    ProviderSettings {
        allowed_cidrs: vec!["10.0.0.0/8".into(), "fd00::/8".into()],
        further_hosts: vec![FurtherHost {
            base_url: "https://files.acme.example".into(),
            credential: "files".into(),
        }],
        rules: vec![
            ProviderRule {
                methods: vec!["GET".into(), "HEAD".into()],
                paths: vec!["/v1/ü \"\\/*".into()],
                operations: vec!["usersList".into()],
                credential: Some("files".into()),
                websocket: true,
                ..rule("z")
            },
            rule("a"),
        ],
        limits: ProviderLimits {
            timeout_seconds: Some(30),
            request_body_bytes: Some(1 << 40),
            ..ProviderLimits::default()
        },
        keep_cookies: true,
        path_parameters: true,
        ..poor
    }
}

pub(crate) fn provider(world: &World, name: &str) -> Provider {
    provider_of(world, name, settings(true))
}

fn provider_of(world: &World, name: &str, settings: ProviderSettings) -> Provider {
    let info = document(0).info().clone();
    Provider::new(world.project.id.clone(), name, settings, info, at(1)).unwrap()
}

pub(crate) async fn keep(world: &mut World, provider: &Provider) -> Result<()> {
    let event = world.event(Action::ProviderCreated, &provider.name);
    world.store.insert_provider(provider, &document(0), &event).await
}

pub(crate) async fn kept(world: &mut World, name: &str) -> Provider {
    let provider = provider(world, name);
    keep(world, &provider).await.unwrap();
    provider
}

async fn update(world: &mut World, provider: &Provider, document: Option<&ProviderDocument>) -> Result<()> {
    let event = world.event(Action::ProviderUpdated, &provider.name);
    world.store.update_provider(provider, document, &event).await
}

pub(crate) async fn delete(world: &mut World, provider: &Provider) -> Result<()> {
    let event = world.event(Action::ProviderDeleted, &provider.name);
    world.store.delete_provider(provider, &event).await
}

pub(crate) async fn stored(world: &World, name: &str) -> Option<ProviderRecord> {
    world.store.provider(&world.project.id, name).await.unwrap()
}

async fn stored_document(world: &World, name: &str) -> Option<ProviderDocument> {
    world
        .store
        .provider_document(&world.project.id, name)
        .await
        .unwrap()
}

pub(crate) async fn a_provider_comes_back_with_everything_of_it(mut world: World) {
    let rich = kept(&mut world, "acme").await;
    let poor = provider_of(&world, "poor", settings(false));
    keep(&mut world, &poor).await.unwrap();
    let mut credentials = Vec::new();
    for name in ["z", "a"] {
        let credential = credential(&mut world, "acme", name);
        set(&mut world, &credential).await.unwrap();
        credentials.insert(0, credential);
    }
    let record = |provider, credentials| {
        Some(ProviderRecord {
            provider,
            credentials,
        })
    };
    assert_eq!(stored(&world, "acme").await, record(rich, credentials));
    assert_eq!(stored(&world, "poor").await, record(poor, vec![]));
    assert_eq!(stored_document(&world, "acme").await, Some(document(0)));
    for unknown in ["unknown", "", "Acme", "acme\0"] {
        assert_eq!(stored(&world, unknown).await, None, "{unknown:?}");
        assert_eq!(stored_document(&world, unknown).await, None, "{unknown:?}");
    }
}

pub(crate) async fn a_name_is_taken_once_in_a_project(mut world: World) {
    let first = kept(&mut world, "acme").await;
    let again = provider_of(&world, "acme", settings(false));
    assert!(matches!(
        keep(&mut world, &again).await,
        Err(StoreError::Duplicate)
    ));
    let other = world.new_project();
    world.keep_project(&other).await;
    let elsewhere = Provider {
        project_id: other.id.clone(),
        ..again
    };
    keep(&mut world, &elsewhere).await.unwrap();
    assert_eq!(stored(&world, "acme").await.unwrap().provider, first);
    let found = world.store.provider(&other.id, "acme").await.unwrap();
    assert_eq!(found.unwrap().provider, elsewhere);
}

pub(crate) async fn a_change_of_an_old_version_is_stale(mut world: World) {
    let first = kept(&mut world, "acme").await;
    let faster = first.changed(settings(false), None, at(2)).unwrap();
    let other = document(9);
    let slower = first
        .changed(settings(true), Some(other.info().clone()), at(3))
        .unwrap();
    update(&mut world, &faster, None).await.unwrap();
    assert!(matches!(
        update(&mut world, &slower, Some(&other)).await,
        Err(StoreError::Stale)
    ));
    assert!(matches!(delete(&mut world, &first).await, Err(StoreError::Stale)));
    assert_eq!(stored(&world, "acme").await.unwrap().provider, faster);
    assert_eq!(stored_document(&world, "acme").await, Some(document(0)));
}

pub(crate) async fn rules_are_replaced_whole_and_in_order(mut world: World) {
    let mut provider = kept(&mut world, "acme").await;
    for names in [&["b", "z", "a"][..], &["a"], &[], &["c", "a"]] {
        let settings = ProviderSettings {
            rules: names.iter().map(|name| rule(name)).collect(),
            ..settings(true)
        };
        provider = provider.changed(settings, None, at(2)).unwrap();
        update(&mut world, &provider, None).await.unwrap();
        assert_eq!(stored(&world, "acme").await.unwrap().provider, provider);
    }
}

pub(crate) async fn a_document_stays_until_there_is_another(mut world: World) {
    let first = kept(&mut world, "acme").await;
    let second = first.changed(settings(false), None, at(2)).unwrap();
    update(&mut world, &second, None).await.unwrap();
    assert_eq!(stored_document(&world, "acme").await, Some(document(0)));
    let other = ProviderDocument::new("application/yaml", b"openapi: 3.1.0".as_slice()).unwrap();
    let third = second
        .changed(settings(false), Some(other.info().clone()), at(3))
        .unwrap();
    update(&mut world, &third, Some(&other)).await.unwrap();
    assert_eq!(stored(&world, "acme").await.unwrap().provider, third);
    assert_eq!(stored_document(&world, "acme").await, Some(other));
}

pub(crate) async fn a_deleted_provider_leaves_nothing(mut world: World) {
    let provider = kept(&mut world, "acme").await;
    let other = kept(&mut world, "other").await;
    for provider in ["acme", "other"] {
        let credential = credential(&mut world, provider, "default");
        set(&mut world, &credential).await.unwrap();
    }
    delete(&mut world, &provider).await.unwrap();
    assert!(matches!(
        delete(&mut world, &provider).await,
        Err(StoreError::Stale)
    ));
    assert_eq!(stored(&world, "acme").await, None);
    assert_eq!(stored_document(&world, "acme").await, None);
    let sealed = world.store.sealed_values().await.unwrap();
    assert_eq!(sealed.len(), 1, "the other's");
    assert_eq!(stored(&world, "other").await.unwrap().provider, other);
    // Nothing of the old one is there for a new one of its name.
    let anew = provider_of(&world, "acme", settings(false));
    keep(&mut world, &anew).await.unwrap();
    let record = stored(&world, "acme").await.unwrap();
    assert_eq!((record.provider, record.credentials), (anew, vec![]));
}

pub(crate) async fn a_provider_made_anew_under_an_old_name_is_another(mut world: World) {
    let old = kept(&mut world, "acme").await;
    delete(&mut world, &old).await.unwrap();
    let anew = Provider {
        created_at: at(9),
        ..provider_of(&world, "acme", settings(false))
    };
    keep(&mut world, &anew).await.unwrap();
    let changed = old.changed(settings(true), None, at(3)).unwrap();
    assert!(matches!(
        update(&mut world, &changed, None).await,
        Err(StoreError::Stale)
    ));
    assert!(matches!(delete(&mut world, &old).await, Err(StoreError::Stale)));
    assert_eq!(stored(&world, "acme").await.unwrap().provider, anew);
}

pub(crate) async fn a_provider_needs_its_project(mut world: World) {
    let provider = Provider {
        project_id: world.new_project().id,
        ..provider(&world, "acme")
    };
    assert!(matches!(
        keep(&mut world, &provider).await,
        Err(StoreError::Stale)
    ));
}

pub(crate) async fn providers_are_listed_in_pages(mut world: World) {
    let mut providers = Vec::new();
    for number in [3, 1, 4, 2, 5] {
        providers.push(kept(&mut world, &format!("p{number}")).await);
    }
    let project_id = world.project.id.clone();
    let list = async |page| world.store.list_providers(&project_id, page).await.unwrap();
    let first = list(Page { after: 0, limit: 3 }).await;
    let rest = list(Page {
        after: first[2].ordinal,
        limit: 3,
    })
    .await;
    assert_eq!([values(first), values(rest)].concat(), providers);
    let other = world.new_project().id;
    assert_eq!(world.store.list_providers(&other, ALL).await.unwrap(), []);
}

pub(crate) async fn each_change_tells_which_provider_it_is_of(mut world: World) {
    let mut position = world.position().await;
    let first = provider(&world, "acme");
    let of = |name: &str| [Change::Provider(first.project_id.clone(), name.to_owned())];
    let mut told = async |world: &World| {
        let changes = world.store.changes(Some(&position)).await.unwrap();
        position = changes.position;
        changes.changed.unwrap()
    };
    keep(&mut world, &first).await.unwrap();
    assert_eq!(told(&world).await, of("acme"));
    kept(&mut world, "other").await;
    assert_eq!(told(&world).await, of("other"));
    let changed = first.changed(settings(false), None, at(2)).unwrap();
    update(&mut world, &changed, None).await.unwrap();
    assert_eq!(told(&world).await, of("acme"));
    let credential = credential(&mut world, "acme", "default");
    set(&mut world, &credential).await.unwrap();
    assert_eq!(told(&world).await, of("acme"));
    let event = world.event(Action::CredentialDeleted, "acme/default");
    world.store.delete_credential(&credential, &event).await.unwrap();
    assert_eq!(told(&world).await, of("acme"));
    delete(&mut world, &changed).await.unwrap();
    assert_eq!(told(&world).await, of("acme"));
    // What is refused is no change.
    delete(&mut world, &changed).await.unwrap_err();
    assert_eq!(told(&world).await, []);
}

pub(crate) async fn on_the_schema_before_there_are_none(mut world: World) {
    let provider = provider(&world, "acme");
    let credential = credential(&mut world, "acme", "default");
    let refused = [
        keep(&mut world, &provider).await,
        update(&mut world, &provider, None).await,
        delete(&mut world, &provider).await,
        set(&mut world, &credential).await,
    ];
    for refused in refused {
        let refused = refused.unwrap_err();
        assert!(matches!(refused, StoreError::SchemaLacks), "{refused:?}");
        assert!(refused.to_string().contains("countersign migrate"), "{refused}");
    }
    assert_eq!(stored(&world, "acme").await, None);
    assert_eq!(stored_document(&world, "acme").await, None);
    let project_id = world.project.id.clone();
    assert_eq!(world.store.list_providers(&project_id, ALL).await.unwrap(), []);
}
