//! Rows of `installation` and `pepper`, and sealed values wherever they lie.

use countersign_core::pepper::PepperId;
use countersign_core::seal::Sealed;

use super::{Place, row};
use crate::{Installation, Result, SealedValue, StoreError, StoredPepper};

row! {
    /// A pepper.
    PepperRow {
        id: String,
        sealed: String,
        created_at: i64,
    }
}

impl TryFrom<PepperRow> for StoredPepper {
    type Error = StoreError;

    fn try_from(row: PepperRow) -> Result<Self> {
        let place = Place {
            table: "pepper",
            row: &row.id,
        };
        Ok(Self {
            created_at: place.time("created_at", row.created_at)?,
            sealed: Sealed::from_stored(row.sealed),
            id: PepperId::from_stored(row.id),
        })
    }
}

/// The installation from its row and its peppers, of which there must be some.
pub(crate) fn installation(check: String, created_at: i64, peppers: Vec<PepperRow>) -> Result<Installation> {
    let place = Place {
        table: "installation",
        row: &1,
    };
    if peppers.is_empty() {
        return Err(Place {
            table: "pepper",
            row: &"(none)",
        }
        .inconsistent("id"));
    }
    Ok(Installation {
        check: Sealed::from_stored(check),
        peppers: peppers
            .into_iter()
            .map(StoredPepper::try_from)
            .collect::<Result<_>>()?,
        created_at: place.time("created_at", created_at)?,
    })
}

row! {
    /// A sealed value; `kind` is its table.
    SealedRow {
        kind: String,
        id: String,
        sealed: String,
    }
}

impl TryFrom<SealedRow> for SealedValue {
    type Error = StoreError;

    fn try_from(row: SealedRow) -> Result<Self> {
        let table = ["installation", "pepper", "signing_key"]
            .into_iter()
            .find(|table| row.kind == *table);
        let table = table.ok_or_else(|| {
            Place {
                table: "sealed values",
                row: &row.id,
            }
            .inconsistent("kind")
        })?;
        // None of these tables seals anew with every version.
        Ok(Self {
            table,
            bound_to: row.id.clone(),
            id: row.id,
            version: 0,
            sealed: Sealed::from_stored(row.sealed),
        })
    }
}
