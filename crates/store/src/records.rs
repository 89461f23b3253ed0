//! Compound things a store hands over whole.

use countersign_core::Timestamp;
use countersign_core::credential::{self, StoredCredential};
use countersign_core::key_life::StoredKey;
use countersign_core::pepper::PepperId;
use countersign_core::project::{Project, ProjectSecret};
use countersign_core::provider::Provider;
use countersign_core::seal::{Sealed, SealedRow};

/// The installation itself: one row, and its peppers.
#[derive(Debug, Clone, PartialEq)]
pub struct Installation {
    /// A known text sealed for the row (`installation`, `check`, 0): opens only with the right master key.
    pub check: Sealed,
    /// Its peppers, oldest first; the last one makes new digests. Never empty.
    pub peppers: Vec<StoredPepper>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A pepper, sealed for the row (`pepper`, its id, 0).
#[derive(Debug, Clone, PartialEq)]
pub struct StoredPepper {
    /// Its id.
    pub id: PepperId,
    /// Its bytes.
    pub sealed: Sealed,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A project with what belongs to it.
#[derive(Debug, Clone, PartialEq)]
pub struct ProjectRecord {
    /// The project.
    pub project: Project,
    /// Its secrets in the order of their making.
    pub secrets: Vec<ProjectSecret>,
    /// Its signing keys in the order of their announcement.
    pub keys: Vec<StoredKey>,
}

/// A provider with what belongs to it, save its document.
#[derive(Debug, Clone, PartialEq)]
pub struct ProviderRecord {
    /// The provider.
    pub provider: Provider,
    /// Its credentials in the order of their names, sealed.
    pub credentials: Vec<StoredCredential>,
}

/// How busy a store is at this moment, for whoever watches it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Condition {
    /// Connections that are open.
    pub connections: u32,
    /// Those of them that nobody uses.
    pub idle: u32,
    /// Intentions that wait for a connection, or for their turn to be written.
    pub waiting: u64,
    /// Attempts so far that failed and were made again.
    pub repeated: u64,
}

/// A sealed value and where it lies.
#[derive(Debug, Clone, PartialEq)]
pub struct SealedValue {
    /// The table: `installation`, `pepper`, `signing_key` or `credential`.
    pub table: &'static str,
    /// The row's identity: `check`, a pepper id, a kid or a credential id.
    pub id: String,
    /// What stands for the row in the associated data: the id, and for a credential more than that.
    pub bound_to: String,
    /// The row's version for the associated data.
    pub version: i64,
    /// The value.
    pub sealed: Sealed,
}

impl SealedValue {
    pub(crate) fn of_credential(credential: StoredCredential) -> Self {
        Self {
            table: credential::TABLE,
            bound_to: credential.bound_to(),
            id: credential.id,
            version: credential.version,
            sealed: credential.sealed,
        }
    }

    /// The row that it opens for.
    pub fn row(&self) -> SealedRow<'_> {
        SealedRow {
            table: self.table,
            id: &self.bound_to,
            version: self.version,
        }
    }
}

/// A sealed value and what takes its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Resealed {
    /// As it was read.
    pub old: SealedValue,
    /// As it shall be.
    pub new: Sealed,
}
