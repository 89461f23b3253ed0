//! The change feed: how memory learns that what it holds is old.

use countersign_core::Timestamp;
use countersign_core::credential::StoredCredential;
use countersign_core::ids::{ClientId, ProjectId};
use countersign_core::provider::Provider;

/// Something that changed, fine enough to forget just that.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Change {
    /// A client was made, changed or deleted.
    Client(ProjectId, ClientId),
    /// A project, its secrets or its keys changed.
    Project(ProjectId),
    /// A provider, its document, its rules or its credentials changed; by its name.
    Provider(ProjectId, String),
    /// An operator was made or revoked.
    Operators,
    /// The installation's sealed parts changed.
    Installation,
}

impl Change {
    pub(crate) fn of_provider(provider: &Provider) -> Self {
        Self::Provider(provider.project_id.clone(), provider.name.clone())
    }

    pub(crate) fn of_credential(credential: &StoredCredential) -> Self {
        Self::Provider(credential.project_id.clone(), credential.provider.clone())
    }
}

/// How far a reader of the feed has come; what it means is the engine's affair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangePosition(pub(crate) String);

/// What a look at the feed found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changes {
    /// From where to go on.
    pub position: ChangePosition,
    /// What changed since; `None` when the feed no longer reaches back that far and everything must be forgotten.
    pub changed: Option<Vec<Change>>,
    /// What the database's clock said; `None` where it is the clock of this machine.
    pub at: Option<Timestamp>,
}
