//! The primary is lost under load, and its standby is promoted: nothing that was answered is lost, nothing that was not is
//! there by halves, and the nodes find the new primary by themselves.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use countersign_cluster::{Cluster, Durability};
use countersign_e2e::{Backend, Options, Server, engine::MASTER_KEY};
use serde_json::json;
use tokio::task::JoinSet;

use super::ledger::{Life, Step, check};
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
        writers.spawn(write(backend, number, stop.clone()));
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

    let (mut lives, mut refused) = (Vec::new(), Vec::new());
    while let Some(written) = writers.join_next().await {
        let written = written??;
        lives.extend(written.lives);
        refused.extend(written.refused);
    }
    let tokens = tokens.await??;
    ensure!(
        tokens.refused == 0,
        "{} token requests were refused",
        tokens.refused
    );
    check(&two.backend(), &lives, &refused).await?;
    // What was answered while the primary was dying is no recovery.
    let since = lives
        .iter()
        .filter_map(|life| life.last_answer.checked_duration_since(lost_at));
    let recovered = since.filter(|after| *after >= promoted_after).min();
    let recovered = recovered.context("nothing was written after the promotion")?;
    let done = |step: Step| lives.iter().filter(|life| life.done.contains(&step)).count();
    let half_told = lives.iter().filter(|life| life.unknown.is_some()).count();
    for server in [one, two] {
        server.stop().await?;
    }
    Ok(format!(
        "promoted after {} ms, first write answered after {} ms; answered: {} made, {} renamed, {} rotations started, {} \
         completed, {} deactivated; refused: {}; tokens: {} issued, {} refused, none for {} ms",
        promoted_after.as_millis(),
        recovered.as_millis(),
        lives.len(),
        done(Step::Rename),
        done(Step::StartRotation),
        done(Step::Rotate),
        done(Step::Deactivate),
        refused.len() + half_told,
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
            // The check asks with secrets that must not work any more.
            (
                "COUNTERSIGN_LIMITS_REFUSALS_PER_SOURCE_PER_MINUTE",
                "0".to_owned(),
            ),
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

#[derive(Default)]
struct Written {
    lives: Vec<Life>,
    /// Names of clients whose making was answered with an error, or not at all.
    refused: Vec<String>,
}

/// Makes clients and does something with each, until told to stop.
async fn write(backend: Backend, writer: usize, stop: Arc<AtomicBool>) -> anyhow::Result<Written> {
    const WAYS: [&[Step]; 3] = [
        &[Step::Rename],
        &[Step::StartRotation, Step::Rotate],
        &[Step::StartRotation, Step::Deactivate],
    ];
    let mut written = Written::default();
    for way in WAYS.into_iter().cycle() {
        if stop.load(Ordering::SeqCst) {
            break;
        }
        let name = format!("made-{writer}-{}", written.lives.len() + written.refused.len());
        match Life::begin(&backend, &name).await? {
            Some(mut life) => {
                life.go(&backend, way).await?;
                written.lives.push(life);
            }
            None => written.refused.push(name),
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
