//! Clients: kept, changed, deleted, listed.

use countersign_core::audit::Action;
use countersign_core::client::{Client, ClientDraft, ClientPatch, ClientStatus};
use countersign_core::project::TokenProfile;
use countersign_core::search::Search;
use countersign_store::{ClientListing, Page, StoreError};
use serde_json::json;

use crate::world::{ALL, World, at, values};

pub(crate) async fn a_client_comes_back_as_it_was_kept(mut world: World) {
    let draft = ClientDraft {
        client_id: Some("billing@eu-1:web~2".into()),
        name: "Größe \"7\" 日本".into(),
        description: "line one\nline two\t'quoted'".into(),
        scopes: vec!["write:b".into(), "read:a".into(), "x%_*'".into()],
        metadata:
            json!({"tier": {"level": 3}, "é": [1.5, null, "\u{1F980}"], "big": 9_007_199_254_740_993_i64})
                .as_object()
                .unwrap()
                .clone(),
        ..ClientDraft::default()
    };
    let client = world
        .client_of(draft)
        .with_token_profile(Some(TokenProfile::StandardEddsa), at(7));
    let client = Client {
        version: 1,
        status: ClientStatus::Inactive,
        ..client
    };
    world.insert(&client).await.unwrap();
    assert_eq!(world.stored(&client).await, Some(client.clone()));
    let found = world
        .store
        .search_clients(&world.project.id, &Search::everything(), ALL)
        .await
        .unwrap();
    assert_eq!(values(found), std::slice::from_ref(&client));
    let listed = world
        .store
        .list_clients(&world.project.id, &ClientListing::default(), ALL)
        .await
        .unwrap();
    assert_eq!(values(listed), [client]);
}

pub(crate) async fn an_id_is_taken_once_in_a_project(mut world: World) {
    let client = world.kept_client("first", &["a"]).await;
    let same_id = Client {
        name: "second".into(),
        ..client.clone()
    };
    assert!(matches!(world.insert(&same_id).await, Err(StoreError::Duplicate)));
    assert_eq!(world.stored(&client).await, Some(client.clone()));

    let other = world.new_project();
    world.keep_project(&other).await;
    let elsewhere = Client {
        project_id: other.id,
        ..client
    };
    world.insert(&elsewhere).await.unwrap();
    assert_eq!(world.stored(&elsewhere).await, Some(elsewhere));
}

pub(crate) async fn a_change_of_an_old_version_is_stale(mut world: World) {
    let client = world.kept_client("first", &["a"]).await;
    let rename = |name: &str| ClientPatch {
        name: Some(name.into()),
        ..ClientPatch::default()
    };
    let faster = client.patched(rename("faster"), at(2)).unwrap();
    let slower = client.patched(rename("slower"), at(3)).unwrap();
    world.update(&faster).await.unwrap();
    assert!(matches!(world.update(&slower).await, Err(StoreError::Stale)));
    assert!(matches!(world.delete(&client).await, Err(StoreError::Stale)));
    assert_eq!(world.stored(&client).await, Some(faster));
    let unknown = world.new_client("unknown", &[]);
    assert!(matches!(world.update(&unknown).await, Err(StoreError::Stale)));
}

pub(crate) async fn scopes_are_replaced_whole_and_in_order(mut world: World) {
    let mut client = world.kept_client("first", &["a", "b", "c"]).await;
    for scopes in [
        vec!["c", "a"],
        vec![],
        vec!["z", "y", "x", "a"],
        vec!["z", "y", "x", "a"],
    ] {
        let scopes = scopes.into_iter().map(str::to_owned).collect();
        let patch = ClientPatch {
            scopes: Some(scopes),
            ..ClientPatch::default()
        };
        client = client.patched(patch, at(2)).unwrap();
        world.update(&client).await.unwrap();
        assert_eq!(world.stored(&client).await, Some(client.clone()));
    }
}

pub(crate) async fn a_deleted_client_leaves_nothing(mut world: World) {
    let client = world.kept_client("first", &["a"]).await;
    world.delete(&client).await.unwrap();
    assert_eq!(world.stored(&client).await, None);
    assert!(matches!(world.delete(&client).await, Err(StoreError::Stale)));
    assert!(matches!(
        world
            .update(&Client {
                version: 2,
                ..client.clone()
            })
            .await,
        Err(StoreError::Stale)
    ));
    // The id is free again, and the newcomer inherits nothing.
    let newcomer = Client {
        scopes: Default::default(),
        ..client
    };
    world.insert(&newcomer).await.unwrap();
    assert_eq!(world.stored(&newcomer).await, Some(newcomer));
}

pub(crate) async fn an_ordinal_is_never_given_twice(mut world: World) {
    world.kept_client("first", &[]).await;
    let last = world.kept_client("last", &[]).await;
    let ordinals = async |world: &World| {
        let rows = world
            .store
            .search_clients(&world.project.id, &Search::everything(), ALL)
            .await
            .unwrap();
        rows.into_iter().map(|row| row.ordinal).collect::<Vec<_>>()
    };
    let before = ordinals(&world).await;
    world.delete(&last).await.unwrap();
    world.kept_client("newcomer", &[]).await;
    // A cursor that stands on the deleted row must not skip the newcomer.
    assert!(ordinals(&world).await[1] > before[1]);
}

pub(crate) async fn a_client_needs_its_project(mut world: World) {
    let project = world.new_project();
    let orphan = Client {
        project_id: project.id,
        ..world.new_client("orphan", &["a"])
    };
    assert!(matches!(world.insert(&orphan).await, Err(StoreError::Stale)));
    assert_eq!(world.stored(&orphan).await, None);
}

pub(crate) async fn the_list_finds_parts_of_names_and_ids(mut world: World) {
    for (id, name) in [
        ("a-1", "Billing"),
        ("b-1", "mailing"),
        ("BILL", "x_y"),
        ("d", "100%"),
        ("e", "ÄRGER"),
    ] {
        let client = world.client_of(ClientDraft {
            client_id: Some(id.into()),
            name: name.into(),
            ..ClientDraft::default()
        });
        world.insert(&client).await.unwrap();
    }
    let patch = ClientPatch {
        status: Some("inactive".into()),
        ..ClientPatch::default()
    };
    let client = world
        .store
        .client(&world.project.id, &"b-1".parse().unwrap())
        .await
        .unwrap()
        .unwrap();
    world
        .update(&client.patched(patch, at(2)).unwrap())
        .await
        .unwrap();

    let listed = async |contains: Option<&str>, status| {
        let listing = ClientListing {
            contains: contains.map(str::to_owned),
            status,
        };
        let rows = world
            .store
            .list_clients(&world.project.id, &listing, ALL)
            .await
            .unwrap();
        values(rows)
            .into_iter()
            .map(|client| client.client_id.to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(listed(Some("bill"), None).await, ["a-1", "BILL"]);
    assert_eq!(listed(Some("ILING"), None).await, ["b-1"]);
    assert_eq!(listed(Some("-1"), None).await, ["a-1", "b-1"]);
    // Wildcards of SQL stand for themselves; letters beyond ASCII have no other case.
    assert_eq!(listed(Some("_"), None).await, ["BILL"]);
    assert_eq!(listed(Some("%"), None).await, ["d"]);
    assert_eq!(listed(Some("Är"), None).await, ["e"]);
    assert!(listed(Some("är"), None).await.is_empty());
    assert_eq!(listed(Some(""), None).await.len(), 5);
    assert_eq!(listed(None, Some(ClientStatus::Inactive)).await, ["b-1"]);
    assert_eq!(listed(Some("ling"), Some(ClientStatus::Active)).await, ["a-1"]);
}

pub(crate) async fn the_list_pages_through_everything(mut world: World) {
    let mut expected = Vec::new();
    for number in 0..25 {
        expected.push(world.kept_client(&format!("service {number}"), &["a"]).await);
    }
    let (mut listed, mut after) = (Vec::new(), 0);
    loop {
        let listing = ClientListing {
            contains: Some("SERVICE".into()),
            status: None,
        };
        let rows = world
            .store
            .list_clients(&world.project.id, &listing, Page { after, limit: 7 })
            .await
            .unwrap();
        let Some(last) = rows.last() else { break };
        assert!(rows.len() <= 7 && rows[0].ordinal > after);
        after = last.ordinal;
        listed.extend(values(rows));
    }
    assert_eq!(listed, expected);
}

/// Whoever decided on the old one comes too late, whatever versions both have.
pub(crate) async fn a_client_made_anew_under_an_old_id_is_another(mut world: World) {
    let old = world.kept_client("old", &["a"]).await;
    world.delete(&old).await.unwrap();
    let new = Client {
        created_at: at(50),
        name: "new".to_owned(),
        ..old.clone()
    };
    let event = world.event(Action::ClientCreated, new.client_id.as_str());
    world.store.insert_client(&new, &event).await.unwrap();
    let changed = old.patched(ClientPatch::default(), at(60)).unwrap();
    assert!(matches!(world.update(&changed).await, Err(StoreError::Stale)));
    assert!(matches!(world.delete(&old).await, Err(StoreError::Stale)));
    assert_eq!(world.stored(&new).await, Some(new));
}
