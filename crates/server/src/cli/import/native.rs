//! Another installation of Countersign, from the file that `export` made.

use std::path::Path;

use countersign_core::seal::MasterKey;
use countersign_store::Transfer;

use crate::cli::exit::Exit;
use crate::cli::export::{as_json, for_people};
use crate::cli::passphrase::PassphraseArgs;
use crate::cli::printing::Output;
use crate::clock::SystemClock;
use crate::config::Config;
use crate::start::data_dir::DataDir;
use crate::start::database::{open_store, place};
use crate::start::master_key;
use crate::transfer::checked::CheckedFile;
use crate::transfer::import::{self, Begun};

pub(super) async fn run(
    path: &Path,
    passphrase: &PassphraseArgs,
    config: &Config,
    output: Output,
) -> anyhow::Result<()> {
    if !path.exists() {
        return Err(Exit::NotFound.because(format!("there is no file {}", path.display())));
    }
    if !path.is_file() {
        let reason = "is not a regular file, and an export is read more than once";
        return Err(Exit::Usage.because(format!("{} {reason}", path.display())));
    }
    // Before anything is made: a folder, a schema, a key.
    let file = CheckedFile::open(path, &passphrase.read()?)?;
    let data_dir = DataDir::lock(&config.server.data_dir)?;
    let store = open_store(config).await?;
    let imported = import_into(store.as_ref(), &file, config, &data_dir).await;
    store.close().await;
    let done = format!("{} into {}", imported?, place(config)?);
    output.own(&as_json(path, config, file.summary())?, || {
        for_people(path, &done, file.summary())
    })
}

async fn import_into(
    store: &dyn Transfer,
    file: &CheckedFile,
    config: &Config,
    data_dir: &DataDir,
) -> anyhow::Result<&'static str> {
    let Begun::At(begun) = import::begin(store, file).await? else {
        return Ok("imported already");
    };
    let key = key_of(store, config, data_dir).await?;
    import::import(store, file, begun, &key, &SystemClock).await?;
    Ok("imported")
}

/// What is there already was sealed with a key, and the rest must be sealed with the same.
async fn key_of(store: &dyn Transfer, config: &Config, data_dir: &DataDir) -> anyhow::Result<MasterKey> {
    match store.installation().await? {
        Some(installation) => master_key::find(config, data_dir.path(), &installation),
        None => master_key::find_or_make(config, data_dir.path()),
    }
}
