//! The table of contents of every engine: each intention is in the file of its subject, under the same name.

use crate::{Result, StoreError};

/// Makes a type a store whose intentions are functions of modules beside the caller.
macro_rules! store_by_subject {
    ($engine:ty) => {
        const _: () = {
            use std::path::Path;

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

            use $crate::{
                ChangePosition, Changes, ClientListing, Condition, ImportUnderWay, Installation, Page,
                ProjectRecord, ProviderRecord, Resealed, Result, Row, SealedValue,
            };

            #[async_trait::async_trait]
            impl $crate::Store for $engine {
                async fn installation(&self) -> Result<Option<Installation>> {
                    installation::read(self).await
                }

                async fn create_installation(
                    &self,
                    installation: &Installation,
                    event: &AuditEvent,
                ) -> Result<()> {
                    installation::create(self, installation, event).await
                }

                async fn sealed_values(&self) -> Result<Vec<SealedValue>> {
                    installation::sealed_values(self).await
                }

                async fn reseal(&self, resealed: &[Resealed], event: &AuditEvent) -> Result<()> {
                    installation::reseal(self, resealed, event).await
                }

                async fn abandon_master_key(
                    &self,
                    installation: &Installation,
                    keys: &[StoredKey],
                    secrets: &[ProjectSecret],
                    operator: &Operator,
                    event: &AuditEvent,
                ) -> Result<()> {
                    installation::abandon_master_key(self, installation, keys, secrets, operator, event).await
                }

                async fn import_under_way(&self) -> Result<Option<ImportUnderWay>> {
                    transfer::under_way(self).await
                }

                async fn insert_project(
                    &self,
                    project: &Project,
                    secret: &ProjectSecret,
                    keys: &[StoredKey],
                    event: &AuditEvent,
                ) -> Result<()> {
                    projects::insert(self, project, secret, keys, event).await
                }

                async fn insert_first(
                    &self,
                    operator: &Operator,
                    project: &Project,
                    secret: &ProjectSecret,
                    keys: &[StoredKey],
                    events: &[AuditEvent; 2],
                ) -> Result<()> {
                    projects::insert_first(self, operator, project, secret, keys, events).await
                }

                async fn update_project(&self, project: &Project, event: &AuditEvent) -> Result<()> {
                    projects::update(self, project, event).await
                }

                async fn project(&self, id: &ProjectId) -> Result<Option<ProjectRecord>> {
                    projects::one(self, id).await
                }

                async fn list_projects(
                    &self,
                    only: Option<&[ProjectId]>,
                    page: Page,
                ) -> Result<Vec<Row<Project>>> {
                    projects::list(self, only, page).await
                }

                async fn insert_project_secret(
                    &self,
                    secret: &ProjectSecret,
                    event: &AuditEvent,
                ) -> Result<()> {
                    projects::insert_secret(self, secret, event).await
                }

                async fn revoke_project_secret(
                    &self,
                    project_id: &ProjectId,
                    secret_id: &str,
                    at: Timestamp,
                    event: &AuditEvent,
                ) -> Result<()> {
                    projects::revoke_secret(self, project_id, secret_id, at, event).await
                }

                async fn insert_key(
                    &self,
                    key: &StoredKey,
                    retirements: &[Retirement],
                    expected_kids: &[String],
                    event: &AuditEvent,
                ) -> Result<()> {
                    keys::insert(self, key, retirements, expected_kids, event).await
                }

                async fn delete_dropped_keys(&self, before: Timestamp) -> Result<u64> {
                    keys::delete_dropped(self, before).await
                }

                async fn project_ids(&self, page: Page) -> Result<Vec<Row<ProjectId>>> {
                    projects::ids(self, page).await
                }

                async fn insert_client(&self, client: &Client, event: &AuditEvent) -> Result<()> {
                    clients::insert(self, client, event).await
                }

                async fn update_client(&self, client: &Client, event: &AuditEvent) -> Result<()> {
                    clients::update(self, client, event).await
                }

                async fn delete_client(&self, client: &Client, event: &AuditEvent) -> Result<()> {
                    clients::delete(self, client, event).await
                }

                async fn client(
                    &self,
                    project_id: &ProjectId,
                    client_id: &ClientId,
                ) -> Result<Option<Client>> {
                    clients::one(self, project_id, client_id).await
                }

                async fn search_clients(
                    &self,
                    project_id: &ProjectId,
                    search: &Search,
                    page: Page,
                ) -> Result<Vec<Row<Client>>> {
                    search::page(self, project_id, search, page).await
                }

                async fn count_clients(&self, project_id: &ProjectId, search: &Search) -> Result<i64> {
                    search::count(self, project_id, search).await
                }

                async fn list_clients(
                    &self,
                    project_id: &ProjectId,
                    listing: &ClientListing,
                    page: Page,
                ) -> Result<Vec<Row<Client>>> {
                    clients::list(self, project_id, listing, page).await
                }

                async fn insert_provider(
                    &self,
                    provider: &Provider,
                    document: &ProviderDocument,
                    event: &AuditEvent,
                ) -> Result<()> {
                    providers::insert(self, provider, document, event).await
                }

                async fn update_provider(
                    &self,
                    provider: &Provider,
                    document: Option<&ProviderDocument>,
                    event: &AuditEvent,
                ) -> Result<()> {
                    providers::update(self, provider, document, event).await
                }

                async fn delete_provider(&self, provider: &Provider, event: &AuditEvent) -> Result<()> {
                    providers::delete(self, provider, event).await
                }

                async fn provider(
                    &self,
                    project_id: &ProjectId,
                    name: &str,
                ) -> Result<Option<ProviderRecord>> {
                    $crate::engine::nothing_before(providers::one(self, project_id, name).await)
                }

                async fn provider_document(
                    &self,
                    project_id: &ProjectId,
                    name: &str,
                ) -> Result<Option<ProviderDocument>> {
                    $crate::engine::nothing_before(providers::document(self, project_id, name).await)
                }

                async fn list_providers(
                    &self,
                    project_id: &ProjectId,
                    page: Page,
                ) -> Result<Vec<Row<Provider>>> {
                    $crate::engine::nothing_before(providers::list(self, project_id, page).await)
                }

                async fn set_credential(
                    &self,
                    credential: &StoredCredential,
                    event: &AuditEvent,
                ) -> Result<()> {
                    credentials::set(self, credential, event).await
                }

                async fn delete_credential(
                    &self,
                    credential: &StoredCredential,
                    event: &AuditEvent,
                ) -> Result<()> {
                    credentials::delete(self, credential, event).await
                }

                async fn insert_operator(&self, operator: &Operator, event: &AuditEvent) -> Result<()> {
                    operators::insert(self, operator, event).await
                }

                async fn revoke_operator(&self, id: &str, at: Timestamp, event: &AuditEvent) -> Result<()> {
                    operators::revoke(self, id, at, event).await
                }

                async fn operator_by_digest(&self, digest: &Digest) -> Result<Option<Operator>> {
                    operators::by_digest(self, digest).await
                }

                async fn list_operators(&self, page: Page) -> Result<Vec<Row<Operator>>> {
                    operators::list(self, page).await
                }

                async fn add_usage(&self, batch: &UsageBatch) -> Result<()> {
                    usage::add(self, batch).await
                }

                async fn client_usage(
                    &self,
                    project_id: &ProjectId,
                    client_id: &ClientId,
                ) -> Result<Vec<SecretUse>> {
                    usage::of_client(self, project_id, client_id).await
                }

                async fn minute_counts(
                    &self,
                    project_id: &ProjectId,
                    since: i64,
                    limit: u32,
                ) -> Result<Vec<MinuteCount>> {
                    usage::minute_counts(self, project_id, since, limit).await
                }

                async fn delete_minute_counts(&self, before: i64) -> Result<u64> {
                    usage::delete_minute_counts(self, before).await
                }

                async fn audit(&self, filter: &AuditFilter, page: Page) -> Result<Vec<Row<AuditEvent>>> {
                    audit::page(self, filter, page).await
                }

                async fn event_exists(&self, event_id: &str) -> Result<bool> {
                    audit::event_exists(self, event_id).await
                }

                async fn prune_audit(&self, before: Timestamp, event: &AuditEvent) -> Result<u64> {
                    audit::prune(self, before, event).await
                }

                async fn changes(&self, position: Option<&ChangePosition>) -> Result<Changes> {
                    changes::since(self, position).await
                }

                async fn delete_changes(&self, before: Timestamp) -> Result<u64> {
                    changes::delete(self, before).await
                }

                async fn ping(&self) -> Result<()> {
                    connect::ping(self).await
                }

                fn condition(&self) -> Condition {
                    connect::condition(self)
                }

                async fn backup(&self, file: &Path) -> Result<()> {
                    backup::copy(self, file).await
                }

                async fn close(&self) {
                    connect::close(self).await;
                }
            }
        };
    };
}
pub(crate) use store_by_subject;

/// Rows as what they mean.
pub(crate) fn all<R, T: TryFrom<R, Error = StoreError>>(rows: Vec<R>) -> Result<Vec<T>> {
    rows.into_iter().map(T::try_from).collect()
}

/// A change that found no row of the expected version, or too few, found them changed.
pub(crate) fn stale_unless(found: bool) -> Result<()> {
    if found { Ok(()) } else { Err(StoreError::Stale) }
}

/// What is kept in a table that the schema before has not is not there.
pub(crate) fn nothing_before<T: Default>(read: Result<T>) -> Result<T> {
    match read {
        Err(StoreError::SchemaLacks) => Ok(T::default()),
        other => other,
    }
}
