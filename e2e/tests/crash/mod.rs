//! `kill -9` while clients are made and rotated: what was answered is there afterwards, and nothing is there by halves.

mod check;
mod ledger;
mod writer;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context as _;
use countersign_e2e::{Options, Server};
use ledger::Entry;
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// Callers that write at the same time, each on clients of its own, so that each knows what they must be.
const WRITERS: usize = 16;
/// Answers of the first round before the kill. Each round waits for some more, so that the kills fall on different moments
/// of what the writers do.
const ANSWERS: usize = 300;
const MORE_ANSWERS: usize = 37;
/// Rounds of `cargo xtask e2e --full`.
const ROUNDS: usize = 20;

#[tokio::test(flavor = "multi_thread")]
async fn every_answered_write_survives_kill_9_and_none_is_there_by_halves() -> anyhow::Result<()> {
    let rounds = if std::env::var_os("COUNTERSIGN_E2E_FULL").is_some() {
        ROUNDS
    } else {
        1
    };
    let data = TempDir::new()?;
    let mut clients = 0;
    for round in 0..rounds {
        let server = start(&data).await?;
        let entries = write_until_killed(server, round).await?;

        let server = start(&data).await?;
        let summary = check::round(&server.backend(), entries, clients).await?;
        server.stop().await?;
        clients += summary.clients_left;
        println!("round {round}: {summary}");
    }
    Ok(())
}

async fn start(data: &TempDir) -> anyhow::Result<Server> {
    Server::start(Options {
        name: "crash",
        data_dir: Some(data.path().to_owned()),
        // The check presents hundreds of dead secrets from one address.
        environment: vec![("COUNTERSIGN_LIMITS_REFUSALS_PER_SOURCE_PER_MINUTE", "0".into())],
        ..Options::default()
    })
    .await
}

async fn write_until_killed(server: Server, round: usize) -> anyhow::Result<Vec<Entry>> {
    let (answered, mut answers) = mpsc::unbounded_channel();
    let killed = Arc::new(AtomicBool::new(false));
    let mut writers = JoinSet::new();
    for number in 0..WRITERS {
        let writing = writer::write(
            server.backend(),
            (round, number),
            answered.clone(),
            killed.clone(),
        );
        writers.spawn(writing);
    }
    drop(answered);
    for _ in 0..ANSWERS + round * MORE_ANSWERS {
        // They end early only when something is wrong; then their error says what.
        let Some(()) = answers.recv().await else { break };
    }
    killed.store(true, Ordering::SeqCst);
    server.kill()?;
    let mut entries = Vec::new();
    while let Some(written) = writers.join_next().await {
        entries.extend(written?.context("a writer")?);
    }
    Ok(entries)
}
