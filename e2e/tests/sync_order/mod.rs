//! No answer before the disk has it: under strace, the sync of the write-ahead log ends before the answer's write begins.

mod order;

use std::path::Path;

use countersign_e2e::{Options, Server, strace};
use serde_json::json;
use tempfile::TempDir;
use tokio::task::JoinSet;

/// Callers at the same time, so that commits are shared, and clients that each of them makes.
const CALLERS: usize = 6;
const CLIENTS: usize = 8;

#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_synced_before_a_create_is_answered() -> anyhow::Result<()> {
    // The log of strace holds every secret that is answered, so it is not kept.
    let folder = TempDir::new()?;
    let log = folder.path().join("strace.log");
    let calls = [
        "fsync",
        "fdatasync",
        "pwrite64",
        "write",
        "writev",
        "sendto",
        "sendmsg",
    ];
    let server = Server::start(Options {
        name: "sync-order",
        under: strace::words(&log, &calls)?,
        ..Options::default()
    })
    .await?;

    let mut callers = JoinSet::new();
    for caller in 0..CALLERS {
        let backend = server.backend();
        callers.spawn(async move {
            let mut ids = Vec::new();
            for number in 0..CLIENTS {
                let id = format!("synced-{caller}-{number}-end");
                backend
                    .create(&json!({ "client_id": id, "scopes": ["read:a"] }))
                    .await?
                    .ok()?;
                ids.push(id);
            }
            anyhow::Ok(ids)
        });
    }
    let mut ids = Vec::new();
    while let Some(made) = callers.join_next().await {
        ids.extend(made??);
    }
    let data_dir = server.data_dir().to_owned();
    server.stop().await?;

    let calls = strace::calls(&std::fs::read_to_string(&log)?)?;
    let syncs = order::check(&calls, &ids)?;
    // Where all but the data folder is read-only, a temporary file elsewhere cannot be had.
    let elsewhere = calls
        .iter()
        .find(|call| call.name == "pwrite64" && !Path::new(&call.target).starts_with(&data_dir));
    anyhow::ensure!(
        elsewhere.is_none(),
        "SQLite wrote outside the data folder: {:?}",
        elsewhere.map(|call| &call.target)
    );
    println!(
        "{} creates answered, each after one of {syncs} syncs of the write-ahead log",
        ids.len()
    );
    Ok(())
}
