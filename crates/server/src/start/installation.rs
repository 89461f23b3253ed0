//! The installation: a check value that tells the right master key, and the peppers.

use anyhow::{Context, bail};
use countersign_core::Timestamp;
use countersign_core::audit::{Action, Origin};
use countersign_core::pepper::{PEPPER_BYTES, PepperId, Peppers};
use countersign_core::seal::{MasterKey, OpenError, SealedRow};
use countersign_store::{Installation, Store, StoreError, StoredPepper};
use rand::Rng;
use zeroize::Zeroizing;

use crate::chance::chance;

/// The row of the check value.
const CHECK_ROW: SealedRow<'static> = SealedRow {
    table: "installation",
    id: "check",
    version: 0,
};
/// What the check value says.
const CHECK_TEXT: &[u8] = b"countersign";

/// The row a pepper is sealed for.
fn pepper_row(id: &PepperId) -> SealedRow<'_> {
    SealedRow {
        table: "pepper",
        id: id.as_str(),
        version: 0,
    }
}

/// A new installation with its first pepper, sealed with the key.
pub fn make(key: &MasterKey, now: Timestamp) -> (Installation, Peppers) {
    let id = PepperId::generate(&mut chance());
    let mut bytes = Zeroizing::new([0; PEPPER_BYTES]);
    chance().fill_bytes(bytes.as_mut_slice());
    let sealed = key.seal(pepper_row(&id), bytes.as_slice(), &mut chance());
    let pepper = StoredPepper {
        id: id.clone(),
        sealed,
        created_at: now,
    };
    let check = key.seal(CHECK_ROW, CHECK_TEXT, &mut chance());
    let installation = Installation {
        check,
        peppers: vec![pepper],
        created_at: now,
    };
    (installation, Peppers::new(id, bytes.as_slice()))
}

/// Makes the installation on an empty database; [`StoreError::Duplicate`] when another node was faster.
pub async fn create(store: &dyn Store, key: &MasterKey, now: Timestamp) -> Result<(), StoreError> {
    let (installation, peppers) = make(key, now);
    let event = Origin::system().event(
        Action::PepperCreated,
        None,
        peppers.newest().as_str(),
        now,
        &mut chance(),
    );
    store.create_installation(&installation, &event).await
}

/// Whether this is the key of the installation.
pub fn opens_check(installation: &Installation, key: &MasterKey) -> Result<(), OpenError> {
    key.open(CHECK_ROW, &installation.check).map(|_| ())
}

/// Opens the peppers.
pub fn open_peppers(installation: &Installation, key: &MasterKey) -> anyhow::Result<Peppers> {
    let Some((newest, older)) = installation.peppers.split_last() else {
        bail!("the installation has no pepper")
    };
    let open = |pepper: &StoredPepper| {
        key.open(pepper_row(&pepper.id), &pepper.sealed)
            .with_context(|| format!("pepper {}", pepper.id.as_str()))
    };
    let mut peppers = Peppers::new(newest.id.clone(), &open(newest)?);
    for pepper in older {
        peppers = peppers.with_older(pepper.id.clone(), &open(pepper)?);
    }
    Ok(peppers)
}
