//! What commands share that work on the data folder itself, without a server.

use std::path::PathBuf;

use super::exit::Exit;
use crate::clock::SystemClock;
use crate::config::Config;
use crate::start::database::{Engine, database_file, engine};
use crate::start::{self, Opened};

/// The database of an installation. A mistyped folder is refused: opening it would make a new installation there.
pub(crate) fn existing_database(config: &Config) -> anyhow::Result<PathBuf> {
    let file = database_file(config)?;
    if file.is_file() {
        return Ok(file);
    }
    Err(Exit::NotFound.because(format!(
        "there is no database {}: name the data folder by --data-dir",
        file.display()
    )))
}

/// A mistyped folder is refused; a database on a server is where its URL says.
pub(crate) fn refuse_unless_there(config: &Config) -> anyhow::Result<()> {
    match engine(config)? {
        Engine::Sqlite(_) => existing_database(config).map(drop),
        Engine::Postgres(_) => Ok(()),
    }
}

/// Opens an installation that nobody serves.
pub(crate) async fn open(config: &Config) -> anyhow::Result<Opened> {
    refuse_unless_there(config)?;
    start::open(config, &SystemClock).await
}
