//! Finding the master key.
//!
//! From `COUNTERSIGN_MASTER_KEY`, else the configured file, else `master.key` in the data folder, which is made there when
//! the database is empty. The database holds a check value sealed with the key, so a wrong one is refused before
//! anything else is tried.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use countersign_core::master_keys::MasterKeys;
use countersign_core::seal::{MasterKey, OpenError};
use countersign_store::Installation;
use zeroize::Zeroizing;

use super::data_dir::{sync_parent, write_private};
use super::installation::opens_check;
use crate::chance::chance;
use crate::config::Config;

/// Name of the key file in the data folder.
pub const KEY_FILE: &str = "master.key";
/// Name of the file with the key that a rotation moves to.
pub const NEXT_KEY_FILE: &str = "master.key.next";
/// Environment variable with the key.
pub const KEY_VARIABLE: &str = "COUNTERSIGN_MASTER_KEY";

/// The key that fits an installation. A rotation that was interrupted is brought to its end or taken back, whichever the
/// database says happened.
pub fn find(config: &Config, data_dir: &Path, installation: &Installation) -> anyhow::Result<MasterKey> {
    let Some(key) = configured(config, data_dir)? else {
        bail!(
            "the database was made with a master key, and none was given: set {KEY_VARIABLE}, master_key.file, or put \
             back {}",
            data_dir.join(KEY_FILE).display()
        );
    };
    match opens_check(installation, &key) {
        Ok(()) => Ok(key),
        Err(OpenError::OtherKey { sealed_with, held }) => match next(config, data_dir)? {
            Some(next) if opens_check(installation, &next).is_ok() => {
                finish_interrupted_rotation(data_dir)?;
                Ok(next)
            }
            _ => bail!(
                "wrong master key: the database was sealed with key {sealed_with}, the one given is {held}. Give the \
                 right one; if it is lost, see the guide on a lost master key"
            ),
        },
        Err(OpenError::Altered) => bail!("the check value of the database was altered"),
    }
}

/// The key that fits an installation, and the other one where two were given: a rotation may move to it while this node runs.
pub fn find_all(config: &Config, data_dir: &Path, installation: &Installation) -> anyhow::Result<MasterKeys> {
    let present = find(config, data_dir, installation)?;
    let next = match next(config, data_dir) {
        // A rotation was interrupted while it wrote the file, and nothing is sealed with what should have stood in it.
        Err(_) if config.master_key.next_file.as_os_str().is_empty() => None,
        next => next?,
    };
    let given = [configured(config, data_dir)?, next];
    let other = given.into_iter().flatten().find(|key| key.id() != present.id());
    Ok(MasterKeys::new(present, other))
}

/// The key for an empty database: the one given, or in embedded mode a new one.
pub fn find_or_make(config: &Config, data_dir: &Path) -> anyhow::Result<MasterKey> {
    if let Some(key) = configured(config, data_dir)? {
        return Ok(key);
    }
    if !config.database.url.is_empty() {
        bail!("set {KEY_VARIABLE} or master_key.file: a key is made only for the embedded database");
    }
    let key = MasterKey::generate(&mut chance());
    write_private(&data_dir.join(KEY_FILE), key.to_text().as_bytes())?;
    Ok(key)
}

/// The key that was given, wherever it was given.
pub fn configured(config: &Config, data_dir: &Path) -> anyhow::Result<Option<MasterKey>> {
    if let Ok(text) = std::env::var(KEY_VARIABLE) {
        let text = Zeroizing::new(text);
        return Ok(Some(text.parse().context(KEY_VARIABLE)?));
    }
    match &config.master_key.file {
        file if file.as_os_str().is_empty() => read(&data_dir.join(KEY_FILE)),
        file => match read(file)? {
            Some(key) => Ok(Some(key)),
            None => bail!("master_key.file {} does not exist", file.display()),
        },
    }
}

/// Whether the key is given by an operator, and not kept in the data folder.
pub fn is_given_from_outside(config: &Config) -> bool {
    std::env::var_os(KEY_VARIABLE).is_some() || !config.master_key.file.as_os_str().is_empty()
}

fn next(config: &Config, data_dir: &Path) -> anyhow::Result<Option<MasterKey>> {
    match &config.master_key.next_file {
        file if file.as_os_str().is_empty() => read(&data_dir.join(NEXT_KEY_FILE)),
        file => read(file),
    }
}

/// A key file's key; `None` when there is no such file.
pub fn read(file: &Path) -> anyhow::Result<Option<MasterKey>> {
    match std::fs::read_to_string(file) {
        Ok(text) => {
            let text = Zeroizing::new(text);
            Ok(Some(text.parse().with_context(|| format!("{}", file.display()))?))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", file.display())),
    }
}

/// The database already moved to the next key, so its file takes the place of the old one. Where keys are given from
/// outside, the operator does that.
pub fn finish_interrupted_rotation(data_dir: &Path) -> anyhow::Result<()> {
    let (old, next): (PathBuf, PathBuf) = (data_dir.join(KEY_FILE), data_dir.join(NEXT_KEY_FILE));
    if !next.exists() {
        return Ok(());
    }
    std::fs::rename(&next, &old).with_context(|| format!("cannot rename {}", next.display()))?;
    sync_parent(&old)
}
