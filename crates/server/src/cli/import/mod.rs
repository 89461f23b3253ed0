//! `countersign import`: what was elsewhere, here.

mod native;

use std::path::PathBuf;

use clap::Args;

use super::passphrase::PassphraseArgs;
use super::printing::Output;
use super::serve::ConfigArgs;

/// Take in what `export` wrote, into an empty database.
///
/// The file is read from end to end first; nothing is written of one that is damaged or was altered. Interrupted, even by a power
/// failure, run the same command again: it goes on where it stopped, and until then no server starts on the database. It ends by
/// reading everything back and comparing it with the file.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  countersign import move.jsonl --passphrase-file passphrase --data-dir /var/lib/countersign
  countersign import move.jsonl --passphrase-file passphrase

The second one reads where to from COUNTERSIGN_DATABASE_URL, say. The master key is the one that
the configuration names; for SQLite one is made where there is none.")]
pub(crate) struct ImportArgs {
    /// The export.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    passphrase: PassphraseArgs,
    #[command(flatten)]
    config: ConfigArgs,
}

impl ImportArgs {
    pub(super) async fn run(&self, output: Output) -> anyhow::Result<()> {
        native::run(&self.file, &self.passphrase, &self.config.load()?, output).await
    }
}
