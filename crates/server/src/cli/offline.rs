//! What commands share that work on the data folder itself, without a server.

use std::path::PathBuf;

use super::exit::Exit;
use crate::clock::SystemClock;
use crate::config::Config;
use crate::start::{self, Opened};

/// The database of an installation. A mistyped folder is refused: opening it would make a new installation there.
pub(crate) fn existing_database(config: &Config) -> anyhow::Result<PathBuf> {
    let file = start::database_file(config)?;
    if file.is_file() {
        return Ok(file);
    }
    Err(Exit::NotFound.because(format!(
        "there is no database {}: name the data folder by --data-dir",
        file.display()
    )))
}

/// Opens an installation that nobody serves.
pub(crate) async fn open(config: &Config) -> anyhow::Result<Opened> {
    existing_database(config)?;
    start::open(config, &SystemClock).await
}
