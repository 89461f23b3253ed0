//! Callers of all kinds behind a proxy, and what each was told.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context as _, bail, ensure};
use countersign_e2e::proxy::{ATTEMPTS, LOST};
use countersign_e2e::{Answer, Backend, Proxy};
use serde_json::{Value, json};
use tokio::task::JoinSet;

/// Callers that get tokens, that look at clients and search them, and that make, rename and delete them.
const GET_TOKENS: usize = 4;
const LOOK: usize = 2;
const WRITE: usize = 8;

/// A load that goes on until it is told to stop.
pub(super) struct Load {
    stop: Arc<AtomicBool>,
    callers: JoinSet<anyhow::Result<Told>>,
}

/// What callers were told.
#[derive(Default)]
pub(super) struct Told {
    /// How many calls were answered with success.
    pub(super) answered: usize,
    /// Names of clients of which nobody knows whether they were made.
    pub(super) lost: Vec<String>,
    /// By id, the name of each client that must be there.
    there: BTreeMap<String, String>,
    /// The ids of those that must not.
    deleted: BTreeSet<String>,
}

impl Load {
    /// Starts it. Each caller keeps its connection.
    pub(super) async fn start(proxy: &Proxy) -> anyhow::Result<Self> {
        let mut load = Self {
            stop: Arc::default(),
            callers: JoinSet::new(),
        };
        for _ in 0..GET_TOKENS {
            load.callers
                .spawn(get_tokens(proxy.backend()?, load.stop.clone()));
        }
        for _ in 0..LOOK {
            load.callers.spawn(look(proxy.backend()?, load.stop.clone()));
        }
        for writer in 0..WRITE {
            load.callers
                .spawn(write(proxy.backend()?, writer, load.stop.clone()));
        }
        Ok(load)
    }

    /// Ends it. Any answer but success is an error, and so is a call that was not answered, save one that the proxy lost.
    pub(super) async fn stop(mut self) -> anyhow::Result<Told> {
        self.stop.store(true, Ordering::SeqCst);
        let mut all = Told::default();
        while let Some(told) = self.callers.join_next().await {
            let told = told??;
            ensure!(told.answered > 0, "a caller was never answered");
            all.answered += told.answered;
            all.lost.extend(told.lost);
            all.there.extend(told.there);
            all.deleted.extend(told.deleted);
        }
        Ok(all)
    }
}

impl Told {
    /// What was answered is in the database, and nothing else but what was lost may be.
    pub(super) async fn check(&self, backend: &Backend) -> anyhow::Result<()> {
        let mut lost: BTreeSet<_> = self.lost.iter().cloned().collect();
        let mut missing = self.there.clone();
        for client in backend.all_clients().await? {
            let (id, name) = (text(&client, "client_id")?, text(&client, "client_name")?);
            ensure!(!self.deleted.contains(&id), "{id} was deleted and is there");
            match missing.remove(&id) {
                Some(answered) => ensure!(name == answered, "{id} is {name}, answered was {answered}"),
                // Once at most.
                None => ensure!(lost.remove(&name), "{name} is there and nobody was told"),
            }
        }
        ensure!(missing.is_empty(), "answered and gone: {missing:?}");
        Ok(())
    }
}

async fn get_tokens(backend: Backend, stop: Arc<AtomicBool>) -> anyhow::Result<Told> {
    let mut told = Told::default();
    let (id, secret) = told.make_one(&backend).await?;
    while !stop.load(Ordering::SeqCst) {
        backend.token(&id, &secret).await?.ok()?;
        told.answered += 1;
    }
    Ok(told)
}

async fn look(backend: Backend, stop: Arc<AtomicBool>) -> anyhow::Result<Told> {
    let mut told = Told::default();
    let (id, _) = told.make_one(&backend).await?;
    while !stop.load(Ordering::SeqCst) {
        backend.client(&id).await?.ok()?;
        backend.search(&json!({ "limit": 10 })).await?.ok()?;
        told.answered += 2;
    }
    Ok(told)
}

/// Makes clients, renames each, and deletes every other one.
async fn write(backend: Backend, writer: usize, stop: Arc<AtomicBool>) -> anyhow::Result<Told> {
    let mut told = Told::default();
    for number in 0.. {
        if stop.load(Ordering::SeqCst) {
            break;
        }
        let name = format!("made-{writer}-{number}");
        let made = backend.create(&json!({ "client_name": name })).await?;
        if made.status == LOST.as_u16() {
            told.lost.push(name);
            continue;
        }
        let id = text(&made.ok()?["m2m_client"], "client_id")?;
        let renamed = format!("renamed-{writer}-{number}");
        let patch = json!({ "client_name": renamed });
        backend.update(&id, &patch).await?.ok()?;
        told.answered += 2;
        if number % 2 == 0 {
            told.there.insert(id, renamed);
            continue;
        }
        is_gone(backend.delete(&id).await?)?;
        told.answered += 1;
        told.deleted.insert(id);
    }
    Ok(told)
}

/// A client that was deleted by a node that could not say so any more is not found by the next one.
fn is_gone(answer: Answer) -> anyhow::Result<()> {
    let was_repeated = answer
        .headers
        .get(ATTEMPTS)
        .is_some_and(|attempts| attempts != "1");
    match answer.status {
        200 => Ok(()),
        404 if was_repeated => Ok(()),
        other => bail!("{other}: {}", answer.body),
    }
}

impl Told {
    /// A client to work with: its id and secret.
    async fn make_one(&mut self, backend: &Backend) -> anyhow::Result<(String, String)> {
        let made = backend.create(&json!({ "client_name": "kept" })).await?.ok()?;
        let client = &made["m2m_client"];
        let id = text(client, "client_id")?;
        self.there.insert(id.clone(), "kept".to_owned());
        Ok((id, text(client, "client_secret")?))
    }
}

fn text(value: &Value, name: &str) -> anyhow::Result<String> {
    let text = value[name].as_str().with_context(|| format!("no {name}"))?;
    Ok(text.to_owned())
}
