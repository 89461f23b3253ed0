//! What stands in the database, read past the service.

use std::fmt::Write as _;

use countersign_core::audit::{Action, AuditEvent, AuditFilter};
use countersign_core::client::Client;
use countersign_core::credential::StoredCredential;
use countersign_core::ids::ProjectId;
use countersign_store::{ClientListing, Page, Row, Store};

use super::TestApp;
use super::fixtures::TestProject;

const ALL: Page = Page {
    after: 0,
    limit: 100_000,
};

fn values<T>(rows: Vec<Row<T>>) -> impl Iterator<Item = T> {
    rows.into_iter().map(|row| row.value)
}

impl TestApp {
    /// The client's row.
    pub(crate) async fn stored_client(&self, project: &TestProject, client_id: &str) -> Option<Client> {
        let client_id = client_id.parse().unwrap();
        self.store
            .client(&project.project_id(), &client_id)
            .await
            .unwrap()
    }

    /// All audit events, oldest first.
    pub(crate) async fn events(&self) -> Vec<AuditEvent> {
        let rows = self.store.audit(&AuditFilter::default(), ALL).await.unwrap();
        let mut events: Vec<_> = values(rows).collect();
        events.reverse();
        events
    }

    /// Tokens issued and refused in each minute of the project, as written.
    pub(crate) async fn store_minutes(&self) -> Vec<(i64, i64)> {
        let project_id = self.project.project_id();
        let counts = self.store.minute_counts(&project_id, 0, 1000).await.unwrap();
        counts
            .into_iter()
            .map(|count| (count.issued, count.refused))
            .collect()
    }

    /// The newest audit event, which must be of this kind.
    #[track_caller]
    pub(crate) fn newest_event(&self, action: Action) -> impl Future<Output = AuditEvent> {
        let caller = std::panic::Location::caller();
        async move {
            let event = self.events().await.pop().unwrap();
            assert_eq!(event.action, action, "{caller}");
            event
        }
    }

    /// Everything that is kept of one project, as text.
    pub(crate) async fn dump_project(&self, id: &ProjectId) -> String {
        let record = self.store.project(id).await.unwrap().unwrap();
        let mut dump = format!("{record:#?}\n");
        for secret in &record.secrets {
            writeln!(dump, "{} {}", secret.id, secret.secret.digest).unwrap();
        }
        let everyone = ClientListing::default();
        for client in values(self.store.list_clients(id, &everyone, ALL).await.unwrap()) {
            writeln!(dump, "{client:#?}").unwrap();
            for secret in client.secrets() {
                writeln!(dump, "{} {}", client.client_id, secret.digest).unwrap();
            }
        }
        for provider in values(self.store.list_providers(id, ALL).await.unwrap()) {
            let record = self.store.provider(id, &provider.name).await.unwrap().unwrap();
            // Usage is left out here as elsewhere.
            let credentials = record.credentials.into_iter().map(|credential| StoredCredential {
                last_used_at: None,
                ..credential
            });
            writeln!(dump, "{provider:#?} {:#?}", credentials.collect::<Vec<_>>()).unwrap();
        }
        dump
    }

    /// Everything that is kept, as text: equal texts mean that nothing changed. Usage, which is written in batches, is
    /// left out.
    pub(crate) async fn dump(&self) -> String {
        let store = self.store.as_ref();
        let mut dump = format!("{:#?}\n", store.installation().await.unwrap());
        writeln!(dump, "{:#?}", store.sealed_values().await.unwrap()).unwrap();
        for project in values(store.list_projects(None, ALL).await.unwrap()) {
            dump += &self.dump_project(&project.id).await;
        }
        for operator in values(store.list_operators(ALL).await.unwrap()) {
            writeln!(dump, "{operator:#?} {}", operator.key.digest).unwrap();
        }
        for event in self.events().await {
            writeln!(dump, "{event:#?}").unwrap();
        }
        let changes = store.changes(Some(&self.feed_start)).await.unwrap();
        writeln!(dump, "{:?}", changes.changed).unwrap();
        dump
    }
}
