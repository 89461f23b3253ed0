//! The real store, watched: which intentions were asked for, when they ended, and which should fail this time.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

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
use countersign_store::{
    ChangePosition, Changes, ClientListing, Condition, ImportUnderWay, Installation, Page, ProjectRecord,
    ProviderRecord, Resealed, Result, Row, SealedValue, Store, StoreError,
};
use tokio::sync::watch;

/// Longer than anything takes.
const NEVER: Duration = Duration::from_secs(120);

pub(crate) struct ObservedStore {
    inner: Arc<dyn Store>,
    asked: Mutex<Vec<&'static str>>,
    ended: watch::Sender<Vec<&'static str>>,
    failed: watch::Sender<Vec<&'static str>>,
    faults: Mutex<Vec<(&'static str, Fault)>>,
}

/// What happens instead of an intention.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    Unavailable,
    Stale,
    Inconsistent,
    Panic,
}

impl ObservedStore {
    pub(crate) fn new(inner: Arc<dyn Store>) -> Arc<Self> {
        Arc::new(Self {
            inner,
            asked: Mutex::default(),
            ended: watch::Sender::new(Vec::new()),
            failed: watch::Sender::new(Vec::new()),
            faults: Mutex::default(),
        })
    }

    /// What `work` answers, and the intentions that were asked for meanwhile.
    pub(crate) async fn asked_during<T>(&self, work: impl Future<Output = T>) -> (T, Vec<&'static str>) {
        self.asked.lock().unwrap().clear();
        let answer = work.await;
        (answer, std::mem::take(&mut *self.asked.lock().unwrap()))
    }

    /// Waits until an intention has been carried out so many times since the story began.
    pub(crate) async fn ended(&self, intention: &str, times: usize) {
        wait_for(&self.ended, intention, times).await;
    }

    /// Waits until an intention has failed by plan so many times.
    pub(crate) async fn failed(&self, intention: &str, times: usize) {
        wait_for(&self.failed, intention, times).await;
    }

    /// Lets an intention fail, once for each call of this.
    pub(crate) fn fail(&self, intention: &'static str, fault: Fault) {
        self.faults.lock().unwrap().push((intention, fault));
    }

    fn begin(&self, intention: &'static str) -> Result<()> {
        self.asked.lock().unwrap().push(intention);
        let fault = {
            let mut faults = self.faults.lock().unwrap();
            let planned = faults.iter().position(|(name, _)| *name == intention);
            planned.map(|at| faults.remove(at).1)
        };
        if fault.is_some() {
            self.failed.send_modify(|failed| failed.push(intention));
        }
        match fault {
            None => Ok(()),
            Some(Fault::Unavailable) => Err(StoreError::Unavailable("disk full, secretly".to_owned())),
            Some(Fault::Stale) => Err(StoreError::Stale),
            Some(Fault::Inconsistent) => Err(StoreError::Inconsistent {
                table: "client",
                column: "metadata",
                row: "a-row-that-callers-must-not-see".to_owned(),
            }),
            Some(Fault::Panic) => panic!("a panic that callers must not see"),
        }
    }

    fn end(&self, intention: &'static str) {
        self.ended.send_modify(|ended| ended.push(intention));
    }
}

async fn wait_for(seen: &watch::Sender<Vec<&'static str>>, intention: &str, times: usize) {
    let enough = |seen: &Vec<&str>| seen.iter().filter(|name| **name == intention).count() >= times;
    let mut seen = seen.subscribe();
    // What never comes is a failure and not a test that never ends; what comes late is fine.
    let came = tokio::time::timeout(NEVER, seen.wait_for(enough)).await;
    came.unwrap_or_else(|_| panic!("{intention} was never carried out {times} times"))
        .unwrap();
}

/// Hands every intention on.
macro_rules! observed {
    ($(fn $name:ident($($argument:ident: $type:ty),* $(,)?) -> $answer:ty;)*) => {
        #[async_trait]
        impl Store for ObservedStore {
            $(async fn $name(&self, $($argument: $type),*) -> Result<$answer> {
                self.begin(stringify!($name))?;
                let answer = self.inner.$name($($argument),*).await;
                self.end(stringify!($name));
                answer
            })*

            fn condition(&self) -> Condition {
                self.inner.condition()
            }

            async fn close(&self) {
                self.inner.close().await;
            }
        }
    };
}

observed! {
    fn installation() -> Option<Installation>;
    fn import_under_way() -> Option<ImportUnderWay>;
    fn create_installation(installation: &Installation, event: &AuditEvent) -> ();
    fn sealed_values() -> Vec<SealedValue>;
    fn reseal(resealed: &[Resealed], event: &AuditEvent) -> ();
    fn abandon_master_key(installation: &Installation, keys: &[StoredKey], secrets: &[ProjectSecret], operator: &Operator, event: &AuditEvent) -> ();
    fn insert_project(project: &Project, secret: &ProjectSecret, keys: &[StoredKey], event: &AuditEvent) -> ();
    fn insert_first(operator: &Operator, project: &Project, secret: &ProjectSecret, keys: &[StoredKey], events: &[AuditEvent; 2]) -> ();
    fn update_project(project: &Project, event: &AuditEvent) -> ();
    fn project(id: &ProjectId) -> Option<ProjectRecord>;
    fn list_projects(only: Option<&[ProjectId]>, page: Page) -> Vec<Row<Project>>;
    fn insert_project_secret(secret: &ProjectSecret, event: &AuditEvent) -> ();
    fn revoke_project_secret(project_id: &ProjectId, secret_id: &str, at: Timestamp, event: &AuditEvent) -> ();
    fn insert_key(key: &StoredKey, retirements: &[Retirement], expected_kids: &[String], event: &AuditEvent) -> ();
    fn delete_dropped_keys(before: Timestamp) -> u64;
    fn project_ids(page: Page) -> Vec<Row<ProjectId>>;
    fn insert_client(client: &Client, event: &AuditEvent) -> ();
    fn update_client(client: &Client, event: &AuditEvent) -> ();
    fn delete_client(client: &Client, event: &AuditEvent) -> ();
    fn client(project_id: &ProjectId, client_id: &ClientId) -> Option<Client>;
    fn search_clients(project_id: &ProjectId, search: &Search, page: Page) -> Vec<Row<Client>>;
    fn count_clients(project_id: &ProjectId, search: &Search) -> i64;
    fn list_clients(project_id: &ProjectId, listing: &ClientListing, page: Page) -> Vec<Row<Client>>;
    fn insert_provider(provider: &Provider, document: &ProviderDocument, event: &AuditEvent) -> ();
    fn update_provider(provider: &Provider, document: Option<&ProviderDocument>, event: &AuditEvent) -> ();
    fn delete_provider(provider: &Provider, event: &AuditEvent) -> ();
    fn provider(project_id: &ProjectId, name: &str) -> Option<ProviderRecord>;
    fn provider_document(project_id: &ProjectId, name: &str) -> Option<ProviderDocument>;
    fn list_providers(project_id: &ProjectId, page: Page) -> Vec<Row<Provider>>;
    fn set_credential(credential: &StoredCredential, event: &AuditEvent) -> ();
    fn delete_credential(credential: &StoredCredential, event: &AuditEvent) -> ();
    fn insert_operator(operator: &Operator, event: &AuditEvent) -> ();
    fn revoke_operator(id: &str, at: Timestamp, event: &AuditEvent) -> ();
    fn operator_by_digest(digest: &Digest) -> Option<Operator>;
    fn list_operators(page: Page) -> Vec<Row<Operator>>;
    fn add_usage(batch: &UsageBatch) -> ();
    fn client_usage(project_id: &ProjectId, client_id: &ClientId) -> Vec<SecretUse>;
    fn minute_counts(project_id: &ProjectId, since: i64, limit: u32) -> Vec<MinuteCount>;
    fn delete_minute_counts(before: i64) -> u64;
    fn audit(filter: &AuditFilter, page: Page) -> Vec<Row<AuditEvent>>;
    fn event_exists(event_id: &str) -> bool;
    fn prune_audit(before: Timestamp, event: &AuditEvent) -> u64;
    fn changes(position: Option<&ChangePosition>) -> Changes;
    fn delete_changes(before: Timestamp) -> u64;
    fn ping() -> ();
    fn backup(file: &Path) -> ();
}
