//! `countersign restore`: a copy becomes the database of a new data folder.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use countersign_store::{SqliteStore, Store, verify_backup};

use super::backup::{as_json, contents};
use super::exit::Exit;
use super::printing::{Output, note};
use super::serve::ConfigArgs;
use crate::config::Config;
use crate::start::data_dir::{DataDir, create_private, sync_parent};
use crate::start::database::database_file;
use crate::start::master_key;

/// What may lie in the folder before: the key, put there by whoever restores, the lock, which we make ourselves, and what a
/// new file system brings along.
const NOT_IN_THE_WAY: &[&str] = &[master_key::KEY_FILE, "lock", "lost+found"];

/// Put a copy of the database into a new data folder.
///
/// The copy is read from end to end first. A folder that holds anything but a master key is refused. What was deleted,
/// rotated or revoked after the copy was made is as it was before: look at the audit of that time.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  countersign restore --from countersign-2026-11-23.db --data-dir /var/lib/countersign")]
pub(crate) struct RestoreArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// The copy, as `backup` made it.
    #[arg(long, value_name = "FILE")]
    from: PathBuf,
}

impl RestoreArgs {
    pub(super) async fn run(&self, output: Output) -> anyhow::Result<()> {
        let config = self.config.load()?;
        if !self.from.is_file() {
            return Err(Exit::NotFound.because(format!("there is no file {}", self.from.display())));
        }
        let summary = verify_backup(&self.from)
            .await
            .with_context(|| format!("{} is not a sound copy", self.from.display()))?;
        let data_dir = DataDir::lock(&config.server.data_dir)?;
        let database = database_file(&config)?;
        refuse_unless_empty(data_dir.path(), &database)?;
        put(&self.from, &database)?;
        output.own(&as_json(&database, &summary), || {
            format!("{}: restored. {}\n", database.display(), contents(&summary.rows))
        })?;
        note(&about_the_key(&config, &data_dir).await?);
        Ok(())
    }
}

fn refuse_unless_empty(folder: &Path, database: &Path) -> anyhow::Result<()> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    for entry in entries {
        let name = entry?.file_name();
        if !NOT_IN_THE_WAY.iter().any(|allowed| name == *allowed) {
            let (name, folder) = (name.to_string_lossy(), folder.display());
            let reason = format!("{folder} is not empty ({name}); restore into a new folder");
            return Err(Exit::Refused.because(reason));
        }
    }
    if database.exists() {
        return Err(Exit::Refused.because(format!("{} exists already", database.display())));
    }
    Ok(())
}

/// The file gets its name when it is whole and on disk.
fn put(from: &Path, database: &Path) -> anyhow::Result<()> {
    let mut name = database.as_os_str().to_owned();
    name.push(".partial");
    let partial = PathBuf::from(name);
    let copy = || -> anyhow::Result<()> {
        let mut file = create_private(&partial)?;
        std::io::copy(&mut std::fs::File::open(from)?, &mut file)?;
        file.sync_all()?;
        std::fs::rename(&partial, database)?;
        sync_parent(database)
    };
    copy().inspect_err(|_| {
        let _ = std::fs::remove_file(&partial);
    })
}

/// Whether a server could start on it now.
async fn about_the_key(config: &Config, data_dir: &DataDir) -> anyhow::Result<String> {
    let store = SqliteStore::open_read_only(&database_file(config)?).await?;
    let installation = store.installation().await;
    store.close().await;
    let Some(installation) = installation? else {
        return Ok("The copy holds no installation: it was made before the first start.".to_owned());
    };
    Ok(match master_key::find(config, data_dir.path(), &installation) {
        Ok(_) => "The master key fits.".to_owned(),
        Err(error) => format!("Before it can be served: {error:#}"),
    })
}
