//! `countersign master-key …`: the key that seals everything private at rest.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::json;

use super::offline;
use super::printing::Output;
use super::serve::ConfigArgs;
use crate::clock::{Clock, SystemClock};
use crate::start::master_key_rotation::{Rotated, rotate};

/// The master key, which seals signing keys and peppers at rest. Works offline, on the data folder.
#[derive(Debug, Args)]
pub(crate) struct MasterKeyArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Seal everything anew with another key, while no server runs on the data folder.
    ///
    /// Clients, secrets and tokens stay as they are. Nodes on PostgreSQL may run: those that were given the new key as
    /// master_key.next_file go on serving. Interrupted at any point, the installation works: a later start takes up
    /// whichever of the two keys fits. Where the key is given from outside, by COUNTERSIGN_MASTER_KEY or master_key.file,
    /// name a file with the new one.
    #[command(after_help = "Examples:
  countersign master-key rotate --data-dir /var/lib/countersign
  openssl rand -base64 32 > new.key && countersign master-key rotate --new-key-file new.key

Backups made before need the old key: keep it with them.")]
    Rotate {
        #[command(flatten)]
        config: ConfigArgs,
        /// File with the new key: 32 bytes as base64 or hex [default: one made here].
        #[arg(long, value_name = "FILE")]
        new_key_file: Option<PathBuf>,
    },
}

impl MasterKeyArgs {
    pub(super) async fn run(&self, output: Output) -> anyhow::Result<()> {
        let Verb::Rotate { config, new_key_file } = &self.verb;
        let config = config.load()?;
        let opened = offline::open(&config).await?;
        let rotated = rotate(&config, &opened, new_key_file.as_deref(), SystemClock.now()).await?;
        opened.store.close().await;
        let value = json!({
            "old_key_id": rotated.old_key_id,
            "new_key_id": rotated.new_key_id,
            "values": rotated.values,
            "to_do": rotated.to_do,
        });
        output.own(&value, || for_people(&rotated))
    }
}

fn for_people(rotated: &Rotated) -> String {
    let to_do = rotated.to_do.as_deref().map(|text| format!("{text}\n"));
    format!(
        "{} sealed values moved from master key {} to {}.\n{}",
        rotated.values,
        rotated.old_key_id,
        rotated.new_key_id,
        to_do.unwrap_or_default()
    )
}
