//! `countersign backup`: a copy of the database, made beside a running server and read back.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use countersign_store::{BackupSummary, SqliteStore, Store, verify_backup};
use serde_json::{Map, Value, json};

use super::exit::Exit;
use super::offline;
use super::printing::Output;
use super::serve::ConfigArgs;
use crate::start::refuse_unfinished_import;

/// Copy the database to a new file, also while a server runs on it.
///
/// The copy is of one moment, and is read back from end to end before this command says that it is there. The master key is
/// NOT in it: without the key, a copy opens for nobody. Keep the key elsewhere.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  countersign backup --data-dir /var/lib/countersign --to countersign-$(date +%F).db")]
pub(crate) struct BackupArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// The new file.
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
}

impl BackupArgs {
    pub(super) async fn run(&self, output: Output) -> anyhow::Result<()> {
        let config = self.config.load()?;
        let database = offline::existing_database(&config)?;
        let to = self.to.display();
        if self.to.exists() {
            return Err(Exit::Refused.because(format!("{to} exists already and is not overwritten")));
        }
        let store = SqliteStore::open_read_only(&database)
            .await
            .context("cannot read the database")?;
        let copied = copy(&store, &self.to).await;
        store.close().await;
        copied.context("no copy was made")?;
        match verify_backup(&self.to).await {
            Ok(summary) => output.own(&as_json(&self.to, &summary), || {
                format!(
                    "{to}: read back and sound. {}\nThe master key is not in it. Keep it elsewhere: without it the copy \
                     opens for nobody.\n",
                    contents(&summary.rows)
                )
            }),
            Err(error) => {
                // Nobody shall rely on it.
                let _ = std::fs::remove_file(&self.to);
                Err(error).context("the copy could not be read back and was removed")
            }
        }
    }
}

async fn copy(store: &SqliteStore, to: &Path) -> anyhow::Result<()> {
    refuse_unfinished_import(store).await?;
    Ok(store.backup(to).await?)
}

/// What is in tables with so many rows, in a sentence.
pub(super) fn contents(rows: &[(String, i64)]) -> String {
    let count = |name: &str| {
        let found = rows.iter().find(|(table, _)| table == name);
        found.map_or(0, |(_, count)| *count)
    };
    format!(
        "Projects: {}, clients: {}, operators: {}, audit events: {}.",
        count("project"),
        count("client"),
        count("operator"),
        count("audit")
    )
}

/// What a copy holds, for scripts.
pub(super) fn as_json(file: &Path, summary: &BackupSummary) -> Value {
    let rows = summary
        .rows
        .iter()
        .map(|(table, count)| (table.clone(), json!(count)));
    json!({
        "file": file.display().to_string(),
        "schema_version": summary.schema_version,
        "rows": Map::from_iter(rows),
        "master_key_included": false,
    })
}
