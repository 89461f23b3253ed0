//! Rotating the master key, so that it can be interrupted anywhere.
//!
//! 1. The next key is written to `master.key.next` and synced.
//! 2. Every sealed value is re-sealed in one transaction; the check value moves with them.
//! 3. `master.key.next` is renamed over `master.key`.
//!
//! Killed before 2: the database still fits `master.key`; a second try takes a fresh next key. Killed after 2: the database
//! fits the next file, which the next start finds and renames ([`super::master_key::find`]). There is no moment at which
//! neither file fits.

use std::path::Path;

use anyhow::{Context, bail};
use countersign_core::Timestamp;
use countersign_core::audit::{Action, Origin};
use countersign_core::seal::MasterKey;
use countersign_store::{Resealed, Store};
use serde_json::json;

use super::data_dir::write_private;
use super::master_key::{self, KEY_FILE, KEY_VARIABLE, NEXT_KEY_FILE, finish_interrupted_rotation};
use super::{DataDir, Opened};
use crate::chance::chance;
use crate::config::Config;

/// What a rotation did.
#[derive(Debug)]
pub struct Rotated {
    /// Id of the key before.
    pub old_key_id: String,
    /// Id of the key now.
    pub new_key_id: String,
    /// Values re-sealed.
    pub values: usize,
    /// What is left to the operator, when keys are given from outside.
    pub to_do: Option<String>,
}

/// Rotates to `new_key_file`, or to a key made here when the old one lies in the data folder.
pub async fn rotate(
    config: &Config,
    opened: &Opened,
    new_key_file: Option<&Path>,
    now: Timestamp,
) -> anyhow::Result<Rotated> {
    let from_outside = master_key::is_given_from_outside(config);
    let new_key = match (new_key_file, from_outside) {
        (Some(file), _) => {
            master_key::read(file)?.with_context(|| format!("{} does not exist", file.display()))?
        }
        (None, true) => {
            bail!("the master key is given from outside: name the file with the new one by --new-key-file")
        }
        (None, false) => MasterKey::generate(&mut chance()),
    };
    if new_key.id() == opened.master_keys.present().id() {
        bail!("the new key is the present one");
    }
    if !from_outside {
        put_next(&opened.data_dir, &new_key)?;
    }
    let values = reseal(opened.store.as_ref(), opened.master_keys.present(), &new_key, now).await?;
    if !from_outside {
        finish_interrupted_rotation(opened.data_dir.path())?;
    }
    Ok(Rotated {
        old_key_id: opened.master_keys.present().id().to_owned(),
        new_key_id: new_key.id().to_owned(),
        values,
        to_do: from_outside
            .then(|| format!("Give the new key from now on: {KEY_VARIABLE} or master_key.file.")),
    })
}

/// A next file left by an interrupted try holds a key that sealed nothing, or `find` would have renamed it.
fn put_next(data_dir: &DataDir, new_key: &MasterKey) -> anyhow::Result<()> {
    let next = data_dir.path().join(NEXT_KEY_FILE);
    debug_assert!(data_dir.path().join(KEY_FILE).exists());
    match std::fs::remove_file(&next) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(error).with_context(|| format!("cannot remove {}", next.display()));
        }
        _ => {}
    }
    write_private(&next, new_key.to_text().as_bytes())
}

async fn reseal(
    store: &dyn Store,
    old: &MasterKey,
    new: &MasterKey,
    now: Timestamp,
) -> anyhow::Result<usize> {
    let mut resealed = Vec::new();
    for value in store.sealed_values().await? {
        let plaintext = old
            .open(value.row(), &value.sealed)
            .with_context(|| format!("{} {}", value.table, value.id))?;
        let sealed = new.seal(value.row(), &plaintext, &mut chance());
        resealed.push(Resealed {
            new: sealed,
            old: value,
        });
    }
    let event = Origin::system()
        .event(Action::MasterKeyRotated, None, new.id(), now, &mut chance())
        .from(json!({ "key_id": old.id() }))
        .to(json!({ "key_id": new.id() }));
    store.reseal(&resealed, &event).await?;
    Ok(resealed.len())
}
