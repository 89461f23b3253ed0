//! A whole installation, leaving one store and arriving in another of either engine.

use std::ops::ControlFlow;

use countersign_core::Algorithm;
use countersign_core::audit::Action;
use countersign_core::client::{Client, ClientDraft};
use countersign_core::credential::StoredCredential;
use countersign_core::key_life::StoredKey;
use countersign_core::operator::Reach;
use countersign_core::usage::{MinuteCount, SecretUse, UsageBatch};
use countersign_store::{Change, ImportUnderWay, Record, Result, Store, StoreError, TABLES, Transfer};

use crate::credentials::{credential, set as set_credential};
use crate::engines::{empty_postgres, empty_sqlite};
use crate::installation::installation;
use crate::providers::{delete as delete_provider, kept as kept_provider};
use crate::world::{World, at, peppers};

/// Puts something into every table, and every column that may be null is so once and not so once.
async fn fill(world: &mut World) {
    let event = world.event(Action::PepperCreated, "");
    world
        .store
        .create_installation(&installation(), &event)
        .await
        .unwrap();
    let key = StoredKey {
        retire_at: Some(at(20)),
        drop_at: Some(at(30)),
        certificate: Some((0..=255).collect()),
        ..world.new_key(Algorithm::Rs256, 5)
    };
    world.keep_key(&key, &[]).await.unwrap();
    let key = world.new_key(Algorithm::EdDsa, 4);
    world.keep_key(&key, &[]).await.unwrap();
    let second = world.new_project();
    let secret = world.keep_project(&second).await;
    let event = world.event(Action::ProjectSecretRevoked, &secret.id);
    world
        .store
        .revoke_project_secret(&second.id, &secret.id, at(9), &event)
        .await
        .unwrap();
    for reach in [
        Reach::All,
        Reach::Projects(vec![second.id.clone(), world.project.id.clone()]),
    ] {
        let operator = world.new_operator("Ölmüller", reach);
        let event = world.event(Action::OperatorCreated, &operator.id);
        world.store.insert_operator(&operator, &event).await.unwrap();
    }
    let plain = world.kept_client("plain", &[]).await;
    let deleted = world.kept_client("deleted", &["a"]).await;
    let (rotating, _) = plain
        .start_rotation(at(2), &peppers(), &mut world.chance)
        .unwrap();
    world.update(&rotating).await.unwrap();
    world.delete(&deleted).await.unwrap();
    let metadata = (0..20).map(|at| (format!("key {at}"), "🦀\\\"\u{1}".repeat(8).into()));
    let rich = world.client_of(ClientDraft {
        name: "名前 \u{10ffff}".into(),
        description: "line\r\n\ttab".into(),
        scopes: (0..50).rev().map(|at| format!("scope:{at}")).collect(),
        metadata: metadata.collect(),
        ..ClientDraft::default()
    });
    world.insert(&rich).await.unwrap();
    kept_provider(world, "acme").await;
    let deleted = kept_provider(world, "deleted").await;
    delete_provider(world, &deleted).await.unwrap();
    for (name, last_used_at) in [("a", None), ("b", Some(at(7)))] {
        let credential = StoredCredential {
            last_used_at,
            ..credential(world, "acme", name)
        };
        set_credential(world, &credential).await.unwrap();
    }
    world.store.add_usage(&usage(&rich)).await.unwrap();
}

fn usage(client: &Client) -> UsageBatch {
    UsageBatch {
        secrets: vec![SecretUse {
            project_id: client.project_id.clone(),
            client_id: client.client_id.clone(),
            secret_number: 1,
            last_used_at: at(50),
            address: [198, 51, 100, 1].into(),
            user_agent: "agent \"é\"".into(),
            tokens: i64::MAX / 2,
        }],
        minutes: vec![MinuteCount {
            project_id: client.project_id.clone(),
            minute: 7,
            issued: 3,
            refused: 2,
        }],
        ..UsageBatch::default()
    }
}

async fn records(store: &dyn Transfer) -> Vec<Record> {
    let mut records = Vec::new();
    let mut take = |record| {
        records.push(record);
        ControlFlow::Continue(())
    };
    store.each_record(&mut take).await.unwrap();
    assert_eq!(store.count_rows().await.unwrap(), records.len() as u64);
    records
}

fn import(written: usize) -> ImportUnderWay {
    ImportUnderWay {
        content: "a file".into(),
        written: written as u64,
    }
}

/// Writes records in batches of a size that cuts through tables.
async fn write(target: &dyn Transfer, records: &[Record], from: usize) -> Result<()> {
    for (number, batch) in records[from..].chunks(7).enumerate() {
        let import = import(from + number * 7);
        target.import_records(&import, batch.to_vec(), at(1)).await?;
    }
    Ok(())
}

pub(crate) async fn everything_arrives_on_either_engine(mut world: World) {
    fill(&mut world).await;
    let left = records(world.store.as_ref()).await;
    for table in TABLES {
        assert!(
            left.iter().any(|record| record.table() == table),
            "nothing in {}",
            table.name
        );
    }
    for (target, _home) in [empty_sqlite().await, empty_postgres().await] {
        write(target.as_ref(), &left, 0).await.unwrap();
        assert_eq!(target.import_under_way().await.unwrap(), Some(import(left.len())));
        assert_eq!(records(target.as_ref()).await, left);
        let position = target.changes(None).await.unwrap().position;
        let event = world.event(Action::InstallationImported, "installation");
        target.finish_import(&import(left.len()), &event).await.unwrap();
        assert_eq!(target.import_under_way().await.unwrap(), None);
        assert!(target.event_exists(&event.id).await.unwrap());
        assert_eq!(
            target.changes(Some(&position)).await.unwrap().changed.unwrap(),
            [Change::Installation, Change::Operators]
        );
        // The one event more is all that differs.
        assert_eq!(records(target.as_ref()).await.len(), left.len() + 1);
        goes_on(&mut world, target.as_ref()).await;
    }
}

/// What is made after an import has an ordinal of its own, in every table that counts.
async fn goes_on(world: &mut World, target: &dyn Store) {
    let project = world.new_project();
    let (secret, key) = (
        world.new_project_secret(&project.id),
        StoredKey {
            project_id: project.id.clone(),
            ..world.new_key(Algorithm::Es256, 6)
        },
    );
    let event = world.event(Action::ProjectCreated, project.id.as_str());
    target
        .insert_project(&project, &secret, &[key], &event)
        .await
        .unwrap();
    let operator = world.new_operator("new", Reach::All);
    let event = world.event(Action::OperatorCreated, &operator.id);
    target.insert_operator(&operator, &event).await.unwrap();
    let client = world.new_client("new", &["a"]);
    let event = world.event(Action::ClientCreated, client.client_id.as_str());
    target.insert_client(&client, &event).await.unwrap();
    let document = crate::providers::document(0);
    let provider = countersign_core::provider::Provider {
        project_id: project.id,
        ..crate::providers::provider(world, "new")
    };
    let event = world.event(Action::ProviderCreated, "new");
    target
        .insert_provider(&provider, &document, &event)
        .await
        .unwrap();
    let credential = StoredCredential {
        project_id: provider.project_id,
        ..credential(world, "new", "default")
    };
    let event = world.event(Action::CredentialSet, &credential.id);
    target.set_credential(&credential, &event).await.unwrap();
    let stored = target.client(&client.project_id, &client.client_id).await;
    assert_eq!(stored.unwrap(), Some(client.clone()));
    target
        .delete_client(&client, &event_like(world, &client))
        .await
        .unwrap();
}

fn event_like(world: &mut World, client: &Client) -> countersign_core::audit::AuditEvent {
    world.event(Action::ClientDeleted, client.client_id.as_str())
}

pub(crate) async fn an_import_needs_an_empty_database(mut world: World) {
    fill(&mut world).await;
    let left = records(world.store.as_ref()).await;
    let refused = write(world.store.as_ref(), &left[..1], 0).await;
    assert!(matches!(refused, Err(StoreError::Duplicate)), "{refused:?}");
    assert_eq!(world.store.import_under_way().await.unwrap(), None);
    assert_eq!(records(world.store.as_ref()).await, left);
}

pub(crate) async fn an_import_goes_on_exactly_where_it_is(mut world: World) {
    fill(&mut world).await;
    let left = records(world.store.as_ref()).await;
    for (target, _home) in [empty_sqlite().await, empty_postgres().await] {
        let target = target.as_ref();
        write(target, &left[..14], 0).await.unwrap();
        let elsewhere = ImportUnderWay {
            content: "another file".into(),
            written: 14,
        };
        for import in [import(7), import(21), elsewhere] {
            let batch = left[14..21].to_vec();
            let refused = target.import_records(&import, batch, at(1)).await;
            assert!(matches!(refused, Err(StoreError::Stale)), "{refused:?}");
            let event = world.event(Action::InstallationImported, "installation");
            let refused = target.finish_import(&import, &event).await;
            assert!(matches!(refused, Err(StoreError::Stale)), "{refused:?}");
        }
        let again = write(target, &left[..7], 0).await;
        assert!(matches!(again, Err(StoreError::Duplicate)), "{again:?}");
        assert_eq!(target.import_under_way().await.unwrap(), Some(import(14)));
        assert_eq!(records(target).await, left[..14]);
        write(target, &left, 14).await.unwrap();
        assert_eq!(records(target).await, left);
    }
}

pub(crate) async fn a_batch_is_written_whole_or_not_at_all(mut world: World) {
    fill(&mut world).await;
    let left = records(world.store.as_ref()).await;
    for (target, _home) in [empty_sqlite().await, empty_postgres().await] {
        write(target.as_ref(), &left[..7], 0).await.unwrap();
        // The last row is there already.
        let batch = [&left[7..12], &left[6..7]].concat();
        target.import_records(&import(7), batch, at(1)).await.unwrap_err();
        assert_eq!(target.import_under_way().await.unwrap(), Some(import(7)));
        assert_eq!(records(target.as_ref()).await, left[..7]);
    }
}

pub(crate) async fn what_is_read_is_of_one_moment(mut world: World) {
    fill(&mut world).await;
    let before = records(world.store.as_ref()).await;
    let (first, seen) = std::sync::mpsc::channel();
    let (go_on, written) = std::sync::mpsc::channel::<()>();
    let written = std::sync::Mutex::new(written);
    let store = world.store.clone();
    let reading = tokio::task::spawn_blocking(move || {
        let mut read = Vec::new();
        let mut take = |record| {
            if read.is_empty() {
                first.send(()).unwrap();
                written.lock().unwrap().recv().unwrap();
            }
            read.push(record);
            ControlFlow::Continue(())
        };
        tokio::runtime::Handle::current()
            .block_on(store.each_record(&mut take))
            .unwrap();
        read
    });
    tokio::task::spawn_blocking(move || seen.recv().unwrap())
        .await
        .unwrap();
    world.kept_client("meanwhile", &["a"]).await;
    go_on.send(()).unwrap();
    assert_eq!(reading.await.unwrap(), before);
    assert_ne!(records(world.store.as_ref()).await, before);
}

pub(crate) async fn reading_ends_when_it_is_broken_off(mut world: World) {
    fill(&mut world).await;
    let mut count = 0;
    let mut take = |_| {
        count += 1;
        if count == 3 {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    };
    world.store.each_record(&mut take).await.unwrap();
    assert_eq!(count, 3);
}
