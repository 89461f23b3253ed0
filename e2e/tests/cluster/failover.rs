//! The primary is lost under load, and its standby is promoted: nothing that was answered is lost, nothing that was not is
//! there by halves, and the nodes find the new primary by themselves.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use countersign_cluster::{Cluster, Durability};
use countersign_e2e::{Backend, Options, Server, engine::MASTER_KEY};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::new_database;

/// Rounds of `cargo xtask e2e --full`.
const ROUNDS: usize = 10;
/// Callers that write at the same time.
const WRITERS: usize = 8;
/// How long they write before the loss, and after the promotion.
const BEFORE: Duration = Duration::from_secs(2);
const AFTER: Duration = Duration::from_secs(2);
/// How long it takes those who watch the primary to decide that it is gone.
const DECIDING: Duration = Duration::from_millis(500);

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_primary_takes_no_answered_write_with_it() -> anyhow::Result<()> {
    let full = std::env::var_os("COUNTERSIGN_E2E_FULL").is_some();
    for round in 0..if full { ROUNDS } else { 1 } {
        println!("round {round}: {}", one_round().await?);
    }
    Ok(())
}

async fn one_round() -> anyhow::Result<String> {
    let mut primary = Cluster::start(Durability::Quick, &[])?;
    let database = new_database(&primary)?;
    let standby = primary.standby("standby")?;
    wait_for_it(&primary)?;
    let urls = format!("{},{}", primary.url(&database), standby.url(&database));
    let (one, two) = tokio::try_join!(node(&urls), node(&urls))?;
    let stop = Arc::new(AtomicBool::new(false));
    let mut writers = JoinSet::new();
    for number in 0..WRITERS {
        let backend = if number % 2 == 0 {
            one.backend()
        } else {
            two.backend()
        };
        writers.spawn(write(backend, stop.clone()));
    }
    let tokens = tokio::spawn(ask_for_tokens(one.backend(), stop.clone()));

    tokio::time::sleep(BEFORE).await;
    let lost_at = Instant::now();
    primary.kill()?;
    tokio::time::sleep(DECIDING).await;
    standby.promote()?;
    let promoted_after = lost_at.elapsed();
    tokio::time::sleep(AFTER).await;
    stop.store(true, Ordering::SeqCst);

    let mut ledger = Ledger::default();
    while let Some(written) = writers.join_next().await {
        ledger.add(written??, lost_at, promoted_after);
    }
    let tokens = tokens.await??;
    check(&two.backend(), &ledger).await?;
    let recovered = ledger
        .first_after
        .context("nothing was written after the promotion")?;
    for server in [one, two] {
        server.stop().await?;
    }
    Ok(format!(
        "promoted after {} ms, first write answered after {} ms; {} writes answered, {} refused; tokens: {} issued, {} \
         refused, none for {} ms",
        promoted_after.as_millis(),
        recovered.as_millis(),
        ledger.answered.len(),
        ledger.refused,
        tokens.issued,
        tokens.refused,
        tokens.longest_gap.as_millis(),
    ))
}

async fn node(urls: &str) -> anyhow::Result<Server> {
    Server::start(Options {
        name: "failover",
        environment: vec![
            ("COUNTERSIGN_DATABASE_URL", urls.to_owned()),
            ("COUNTERSIGN_MASTER_KEY", MASTER_KEY.to_owned()),
            ("COUNTERSIGN_LOG_LEVEL", "info".to_owned()),
        ],
        ..Options::default()
    })
    .await
}

/// From now on a commit is answered when the standby has it too.
fn wait_for_it(primary: &Cluster) -> anyhow::Result<()> {
    primary.sql("postgres", "ALTER SYSTEM SET synchronous_standby_names = '*'")?;
    primary.sql("postgres", "SELECT pg_reload_conf()")?;
    let deadline = Instant::now() + Duration::from_secs(30);
    while primary.sql("postgres", "SELECT sync_state FROM pg_stat_replication")? != "sync" {
        ensure!(Instant::now() < deadline, "the standby does not follow");
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

/// A write that was answered: the client as it must be, and when it was.
struct Answered {
    id: String,
    name: String,
    at: Instant,
}

#[derive(Default)]
struct Written {
    answered: Vec<Answered>,
    /// Names of clients whose making was answered with an error, or not at all.
    refused: Vec<String>,
}

/// Makes clients and renames each once, until told to stop.
async fn write(backend: Backend, stop: Arc<AtomicBool>) -> anyhow::Result<Written> {
    let mut written = Written::default();
    let mut number = 0;
    while !stop.load(Ordering::SeqCst) {
        number += 1;
        let name = format!("made-{number}");
        let Ok(Ok(made)) = backend
            .create(&json!({ "client_name": name }))
            .await
            .map(countersign_e2e::Answer::ok)
        else {
            written.refused.push(name);
            continue;
        };
        let id = made["m2m_client"]["client_id"]
            .as_str()
            .context("no id")?
            .to_owned();
        let renamed = format!("renamed-{number}");
        let update = backend.update(&id, &json!({ "client_name": renamed })).await;
        match update.map(countersign_e2e::Answer::ok) {
            Ok(Ok(_)) => written.answered.push(Answered {
                id,
                name: renamed,
                at: Instant::now(),
            }),
            // Made for certain; renamed or not, nobody was told.
            _ => written.answered.push(Answered {
                id,
                name: String::new(),
                at: Instant::now(),
            }),
        }
    }
    Ok(written)
}

struct Tokens {
    issued: usize,
    refused: usize,
    longest_gap: Duration,
}

async fn ask_for_tokens(backend: Backend, stop: Arc<AtomicBool>) -> anyhow::Result<Tokens> {
    let made = backend.create(&json!({})).await?.ok()?;
    let text = |name: &str| {
        made["m2m_client"][name]
            .as_str()
            .map(str::to_owned)
            .context("no client")
    };
    let (id, secret) = (text("client_id")?, text("client_secret")?);
    let mut tokens = Tokens {
        issued: 0,
        refused: 0,
        longest_gap: Duration::ZERO,
    };
    let mut last = Instant::now();
    while !stop.load(Ordering::SeqCst) {
        let answer = backend.token(&id, &secret).await?;
        if answer.status == 200 {
            tokens.issued += 1;
            tokens.longest_gap = tokens.longest_gap.max(last.elapsed());
            last = Instant::now();
        } else {
            ensure!(answer.status == 503, "{}: {}", answer.status, answer.body);
            tokens.refused += 1;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok(tokens)
}

#[derive(Default)]
struct Ledger {
    /// By id, the name that was answered last; empty when nobody was told which.
    answered: BTreeMap<String, String>,
    refused: usize,
    first_after: Option<Duration>,
}

impl Ledger {
    fn add(&mut self, written: Written, lost_at: Instant, promoted_after: Duration) {
        self.refused += written.refused.len();
        for Answered { id, name, at } in written.answered {
            // What was answered while the primary was dying is no recovery.
            let after = at
                .checked_duration_since(lost_at)
                .filter(|after| *after >= promoted_after);
            if let Some(after) = after.filter(|_| !name.is_empty()) {
                self.first_after = Some(self.first_after.map_or(after, |first| first.min(after)));
            }
            self.answered.insert(id, name);
        }
    }
}

/// Every answered write is there, and every client that is there is whole: with the one event of its making.
async fn check(backend: &Backend, ledger: &Ledger) -> anyhow::Result<()> {
    let clients = backend.all_clients().await?;
    let text = |value: &Value, name: &str| value[name].as_str().unwrap_or_default().to_owned();
    let there: BTreeMap<_, _> = clients
        .iter()
        .map(|client| (text(client, "client_id"), text(client, "client_name")))
        .collect();
    for (id, name) in &ledger.answered {
        let stored = there
            .get(id)
            .with_context(|| format!("{id} was answered and is gone"))?;
        ensure!(
            name.is_empty() || name == stored,
            "{id} is {stored}, answered was {name}"
        );
    }
    let events = backend.audit().await?;
    let made = |action: &str| -> Vec<String> {
        let of = events.iter().filter(|event| event["action"] == action);
        of.map(|event| text(event, "object")).collect()
    };
    let created = made("client_created");
    let distinct: BTreeSet<_> = created.iter().cloned().collect();
    ensure!(distinct.len() == created.len(), "a client was made twice");
    ensure!(
        distinct == there.keys().cloned().collect(),
        "clients and the events of their making differ"
    );
    let renamed = made("client_updated");
    for (id, name) in &there {
        let events = renamed.iter().filter(|object| *object == id).count();
        ensure!(
            events == usize::from(name.starts_with("renamed")),
            "{id}, {name}, has {events} events of renaming"
        );
    }
    Ok(())
}
