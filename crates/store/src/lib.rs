//! Keeping things.
//!
//! [`Store`] is the whole vocabulary: each method is one intention, one transaction, with its audit event inside. No
//! transaction object crosses this boundary, so nobody outside can hold one open, forget one, or write without an
//! event. The engine is chosen by the database URL; every engine passes the contract in `tests/contract`.
//!
//! A mutable row has a version. A change is read, decided in `core`, and written under the condition that the version is
//! still the one that was read ([`StoreError::Stale`] if not), so two administrators cannot overwrite each other unseen.

mod change;
mod engine;
mod error;
mod listing;
mod postgres;
mod provider_columns;
mod records;
mod rows;
mod schema;
mod search_plan;
mod sqlite;
mod transfer;

use async_trait::async_trait;
use countersign_core::Timestamp;
use countersign_core::audit::{AuditEvent, AuditFilter};
use countersign_core::client::Client;
use countersign_core::credential::StoredCredential;
use countersign_core::digest::Digest;
use countersign_core::ids::{ClientId, ProjectId};
use countersign_core::key_life::{Retirement, StoredKey};
use countersign_core::operator::Operator;
use countersign_core::project::{Project, ProjectSecret};
use countersign_core::provider::{Provider, ProviderDocument};
use countersign_core::search::Search;
use countersign_core::usage::{MinuteCount, SecretUse, UsageBatch};

pub use change::{Change, ChangePosition, Changes};
pub use error::StoreError;
pub use listing::{ClientListing, Page, Row};
pub use postgres::{PostgresOptions, PostgresStore, PostgresUrl};
pub use records::{
    Condition, Installation, ProjectRecord, ProviderRecord, Resealed, SealedValue, StoredPepper,
};
pub use schema::{Migrated, Schema};
pub use sqlite::{BackupSummary, SqliteOptions, SqliteStore, verify_backup};
pub use transfer::{Binding, Cell, Column, ImportUnderWay, Kind, Record, TABLES, Table, Transfer, schema};

/// What a store answers.
pub type Result<T> = std::result::Result<T, StoreError>;

/// Everything Countersign keeps, as intentions.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    // The installation and its master key.

    /// The installation, once there is one.
    async fn installation(&self) -> Result<Option<Installation>>;
    /// Makes the installation on an empty database; [`StoreError::Duplicate`] when there is one.
    async fn create_installation(&self, installation: &Installation, event: &AuditEvent) -> Result<()>;
    /// Every sealed value there is.
    async fn sealed_values(&self) -> Result<Vec<SealedValue>>;
    /// Replaces every sealed value at once: all of them or none. [`StoreError::Stale`] when any differs from what was read
    /// or one is not among them.
    async fn reseal(&self, resealed: &[Resealed], event: &AuditEvent) -> Result<()>;
    /// Starts anew without the lost master key: the installation's sealed parts are replaced, keyed digests of client
    /// secrets become [`Digest::Abandoned`], project secrets and operators are revoked, all signing keys are replaced by
    /// `keys`, `secrets` and `operator` are added. Providers' credentials are deleted, and `event` is written with how many
    /// they were.
    async fn abandon_master_key(
        &self,
        installation: &Installation,
        keys: &[StoredKey],
        secrets: &[ProjectSecret],
        operator: &Operator,
        event: &AuditEvent,
    ) -> Result<()>;

    /// The import that has begun and not ended, if any. It writes the installation first, so whoever asks after he found one
    /// learns whether it is whole.
    async fn import_under_way(&self) -> Result<Option<ImportUnderWay>>;

    // Projects, their secrets and signing keys.

    /// Keeps a new project with its first secret and keys; [`StoreError::Duplicate`] when the id is taken,
    /// [`StoreError::Stale`] when the keys are sealed with another master key than the installation.
    async fn insert_project(
        &self,
        project: &Project,
        secret: &ProjectSecret,
        keys: &[StoredKey],
        event: &AuditEvent,
    ) -> Result<()>;
    /// Makes what a new installation needs, all of it or nothing: an operator, and a project with its first secret and keys.
    /// `events` are about the operator and the project. [`StoreError::Duplicate`] when there is any operator or project.
    async fn insert_first(
        &self,
        operator: &Operator,
        project: &Project,
        secret: &ProjectSecret,
        keys: &[StoredKey],
        events: &[AuditEvent; 2],
    ) -> Result<()>;
    /// Writes a changed project whose version grew by one; [`StoreError::Stale`] when somebody was faster.
    async fn update_project(&self, project: &Project, event: &AuditEvent) -> Result<()>;
    /// A project with all its secrets, revoked ones too, and all keys that are not yet deleted.
    async fn project(&self, id: &ProjectId) -> Result<Option<ProjectRecord>>;
    /// Projects in the order of their making; of `only` these, when given.
    async fn list_projects(&self, only: Option<&[ProjectId]>, page: Page) -> Result<Vec<Row<Project>>>;
    /// Adds a secret to a project.
    async fn insert_project_secret(&self, secret: &ProjectSecret, event: &AuditEvent) -> Result<()>;
    /// Revokes a secret; [`StoreError::Stale`] when it is not there or already revoked.
    async fn revoke_project_secret(
        &self,
        project_id: &ProjectId,
        secret_id: &str,
        at: Timestamp,
        event: &AuditEvent,
    ) -> Result<()>;
    /// Adds a signing key and retires those before it. `expected_kids` are the kids of its project and algorithm that the
    /// plan was made from: [`StoreError::Stale`] when others are there by now, so two nodes cannot both rotate; and when the
    /// key is sealed with another master key than the installation, so that a node which missed a rotation of the master key
    /// leaves nothing that nobody opens.
    async fn insert_key(
        &self,
        key: &StoredKey,
        retirements: &[Retirement],
        expected_kids: &[String],
        event: &AuditEvent,
    ) -> Result<()>;
    /// Deletes keys that have been dropped from the key set since before `before`; the private halves with them.
    async fn delete_dropped_keys(&self, before: Timestamp) -> Result<u64>;
    /// Ids of projects in the order of their making, for jobs that visit all of them.
    async fn project_ids(&self, page: Page) -> Result<Vec<Row<ProjectId>>>;

    // Clients.

    /// Keeps a new client; [`StoreError::Duplicate`] when the id is taken in the project.
    async fn insert_client(&self, client: &Client, event: &AuditEvent) -> Result<()>;
    /// Writes a changed client whose version grew by one; [`StoreError::Stale`] when somebody was faster or it is gone, even
    /// if another one has its id by now.
    async fn update_client(&self, client: &Client, event: &AuditEvent) -> Result<()>;
    /// Deletes a client and its usage; [`StoreError::Stale`] when it is not of this version any more or gone.
    async fn delete_client(&self, client: &Client, event: &AuditEvent) -> Result<()>;
    /// A client.
    async fn client(&self, project_id: &ProjectId, client_id: &ClientId) -> Result<Option<Client>>;
    /// Clients that a search of the wire matches, in the order of their making.
    async fn search_clients(
        &self,
        project_id: &ProjectId,
        search: &Search,
        page: Page,
    ) -> Result<Vec<Row<Client>>>;
    /// How many clients a search matches.
    async fn count_clients(&self, project_id: &ProjectId, search: &Search) -> Result<i64>;
    /// Clients by part of their name or id, and by status, in the order of their making: the console's list.
    async fn list_clients(
        &self,
        project_id: &ProjectId,
        listing: &ClientListing,
        page: Page,
    ) -> Result<Vec<Row<Client>>>;

    // Providers of the gateway. On the schema before there are none, and to keep one is [`StoreError::SchemaLacks`].

    /// Keeps a new provider with its rules and its document; [`StoreError::Duplicate`] when the name is taken in the project.
    async fn insert_provider(
        &self,
        provider: &Provider,
        document: &ProviderDocument,
        event: &AuditEvent,
    ) -> Result<()>;
    /// Writes a changed provider whose version grew by one, with all its rules, and with another document if there is one;
    /// [`StoreError::Stale`] when somebody was faster or it is gone, even if another one has its name by now.
    async fn update_provider(
        &self,
        provider: &Provider,
        document: Option<&ProviderDocument>,
        event: &AuditEvent,
    ) -> Result<()>;
    /// Deletes a provider with its rules, its document and its credentials; [`StoreError::Stale`] when it is not of this
    /// version any more or gone.
    async fn delete_provider(&self, provider: &Provider, event: &AuditEvent) -> Result<()>;
    /// A provider with its rules and its credentials.
    async fn provider(&self, project_id: &ProjectId, name: &str) -> Result<Option<ProviderRecord>>;
    /// The document of a provider. Its SHA-256 tells whether it is that of a [`Provider`] read before.
    async fn provider_document(&self, project_id: &ProjectId, name: &str)
    -> Result<Option<ProviderDocument>>;
    /// Providers of a project in the order of their making.
    async fn list_providers(&self, project_id: &ProjectId, page: Page) -> Result<Vec<Row<Provider>>>;
    /// Keeps a credential of version 1, or puts a later version in the place of the one before, whose value is then gone.
    /// [`StoreError::Duplicate`] when the name is taken at the provider; [`StoreError::Stale`] when somebody was faster, when
    /// the provider is gone, and when it is sealed with another master key than the installation.
    async fn set_credential(&self, credential: &StoredCredential, event: &AuditEvent) -> Result<()>;
    /// Deletes a credential; [`StoreError::Stale`] when it is not of this version any more or gone.
    async fn delete_credential(&self, credential: &StoredCredential, event: &AuditEvent) -> Result<()>;

    // Operators.

    /// Keeps a new operator; [`StoreError::Duplicate`] when the key's digest is taken.
    async fn insert_operator(&self, operator: &Operator, event: &AuditEvent) -> Result<()>;
    /// Revokes an operator; [`StoreError::Stale`] when there is none or it is revoked already.
    async fn revoke_operator(&self, id: &str, at: Timestamp, event: &AuditEvent) -> Result<()>;
    /// The operator with a key of this digest. Digests of keys are keyed MACs, so equality finds them.
    async fn operator_by_digest(&self, digest: &Digest) -> Result<Option<Operator>>;
    /// All operators in the order of their making.
    async fn list_operators(&self, page: Page) -> Result<Vec<Row<Operator>>>;

    // Usage and audit.

    /// Adds a batch of usage to what is there.
    async fn add_usage(&self, batch: &UsageBatch) -> Result<()>;
    /// The use of each secret of a client, by secret number.
    async fn client_usage(&self, project_id: &ProjectId, client_id: &ClientId) -> Result<Vec<SecretUse>>;
    /// Counts per minute of a project from the minute `since` (Unix time divided by 60) on, at most `limit`.
    async fn minute_counts(&self, project_id: &ProjectId, since: i64, limit: u32)
    -> Result<Vec<MinuteCount>>;
    /// Deletes counts from before the minute `before`.
    async fn delete_minute_counts(&self, before: i64) -> Result<u64>;
    /// Audit events, newest first; the page's `after` is the ordinal of the last row seen, 0 for the first page.
    async fn audit(&self, filter: &AuditFilter, page: Page) -> Result<Vec<Row<AuditEvent>>>;
    /// Whether an event was written: the answer to "did it commit?" after an unknown outcome.
    async fn event_exists(&self, event_id: &str) -> Result<bool>;
    /// Deletes events from before `before` and writes `event` about it when there were any.
    async fn prune_audit(&self, before: Timestamp, event: &AuditEvent) -> Result<u64>;

    // The change feed.

    /// What changed after `position`. Without one: nothing, and the position from which to go on.
    async fn changes(&self, position: Option<&ChangePosition>) -> Result<Changes>;
    /// Deletes changes from before `before`; readers that far behind are told to forget everything.
    async fn delete_changes(&self, before: Timestamp) -> Result<u64>;

    // The engine itself.

    /// Whether the database answers and can be written.
    async fn ping(&self) -> Result<()>;
    /// How busy it is.
    fn condition(&self) -> Condition;
    /// Writes a consistent copy of the database to a new file while it is in use. Engines with tools of their own refuse.
    async fn backup(&self, file: &std::path::Path) -> Result<()>;
    /// Ends all connections; what was answered is on disk.
    async fn close(&self);
}
