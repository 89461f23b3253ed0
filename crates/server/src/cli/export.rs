//! `countersign export`: everything there is, as a file that another installation takes in.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use countersign_core::passphrase;
use countersign_store::Transfer;
use secrecy::SecretString;
use serde_json::{Map, Value, json};

use super::backup::contents;
use super::exit::Exit;
use super::offline;
use super::passphrase::PassphraseArgs;
use super::printing::Output;
use super::serve::ConfigArgs;
use crate::clock::{Clock, SystemClock};
use crate::config::Config;
use crate::start::database::{open_to_read, place, schema};
use crate::start::{master_key, refuse_unfinished_import};
use crate::transfer::{Summary, export};

/// Write the whole installation to a file, for `import` on another engine or another machine.
///
/// Clients, secrets as digests, signing keys, peppers, usage and audit are in it. It is of one moment, also while a server runs:
/// what is written later is not in it, so stop the server for a move. Signing keys and peppers are sealed with the passphrase,
/// without which nobody can import or alter the file; the rest can be read. The file gets its name when it is whole. Interrupted,
/// the command leaves at most FILE.….partial, which can be deleted.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  countersign export --data-dir /var/lib/countersign --passphrase-file passphrase --to move.jsonl

It ends by printing the checksum of the content. `import` prints the same one.")]
pub(crate) struct ExportArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// The new file.
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
    #[command(flatten)]
    passphrase: PassphraseArgs,
}

impl ExportArgs {
    pub(super) async fn run(&self, output: Output) -> anyhow::Result<()> {
        let config = self.config.load()?;
        offline::refuse_unless_there(&config)?;
        if self.to.exists() {
            let reason = format!("{} exists already and is not overwritten", self.to.display());
            return Err(Exit::Refused.because(reason));
        }
        let passphrase = self.passphrase.read()?;
        passphrase::judge(&passphrase).map_err(|weak| Exit::Usage.because(weak.to_string()))?;
        if schema(&config).await?.version == 0 {
            return Err(Exit::NotFound.because(NOTHING_THERE));
        }
        let store = open_to_read(&config).await?;
        let exported = self.export(&config, store.as_ref(), &passphrase).await;
        store.close().await;
        let summary = exported.context("nothing was exported")?;
        let done = format!("exported from {}", place(&config)?);
        output.own(&as_json(&self.to, &config, &summary)?, || {
            for_people(&self.to, &done, &summary)
        })
    }

    async fn export(
        &self,
        config: &Config,
        store: &dyn Transfer,
        passphrase: &SecretString,
    ) -> anyhow::Result<Summary> {
        let Some(installation) = store.installation().await? else {
            return Err(Exit::NotFound.because(NOTHING_THERE));
        };
        refuse_unfinished_import(store).await?;
        let key = master_key::find(config, &config.server.data_dir, &installation)?;
        export::export(store, &key, passphrase, &self.to, SystemClock.now()).await
    }
}

const NOTHING_THERE: &str = "the database holds no installation";

/// What was moved, for people.
pub(super) fn for_people(file: &Path, done: &str, summary: &Summary) -> String {
    format!(
        "{}: {done}. {}\ncontent sha256:{}\n",
        file.display(),
        contents(&summary.rows),
        summary.content
    )
}

/// What was moved, for scripts.
pub(super) fn as_json(file: &Path, config: &Config, summary: &Summary) -> anyhow::Result<Value> {
    let rows = summary
        .rows
        .iter()
        .map(|(table, count)| (table.clone(), json!(count)));
    Ok(json!({
        "file": file.display().to_string(),
        "database": place(config)?,
        "content": summary.content,
        "rows": Map::from_iter(rows),
    }))
}
