//! Getting things from memory, or from the database into memory.

use std::sync::Arc;

use countersign_core::client::Client;
use countersign_core::digest::Digest;
use countersign_core::ids::{ClientId, ProjectId};
use countersign_core::operator::Operator;
use countersign_store::ProviderRecord;
use secrecy::SecretString;

use super::operator_key;
use crate::app::App;
use crate::keys::LiveProject;
use crate::problem::Problem;

impl App {
    /// A project with its live secrets and parsed keys.
    pub async fn live_project(&self, id: &ProjectId) -> Result<Option<Arc<LiveProject>>, Problem> {
        self.memory
            .projects
            .get_or_load(id, || async {
                let Some(record) = self.store.project(id).await? else {
                    return Ok(None);
                };
                let live = LiveProject::open(record, &self.master_keys, self.now());
                Ok(Some(Arc::new(live?)))
            })
            .await
    }

    /// A client.
    pub async fn client(
        &self,
        project_id: &ProjectId,
        id: &ClientId,
    ) -> Result<Option<Arc<Client>>, Problem> {
        let key = (project_id.clone(), id.clone());
        self.memory
            .clients
            .get_or_load(&key, || async {
                Ok(self.store.client(project_id, id).await?.map(Arc::new))
            })
            .await
    }

    /// A provider with its rules and its sealed credentials.
    pub async fn provider(
        &self,
        project_id: &ProjectId,
        name: &str,
    ) -> Result<Option<Arc<ProviderRecord>>, Problem> {
        let key = (project_id.clone(), name.to_owned());
        self.memory
            .providers
            .get_or_load(&key, || async {
                Ok(self.store.provider(project_id, name).await?.map(Arc::new))
            })
            .await
    }

    /// The operator whose key this is. A key is found by its digest, one try per pepper.
    pub async fn operator(&self, key: &SecretString) -> Result<Option<Arc<Operator>>, Problem> {
        for digest in Digest::keyed_under_each(key, &self.peppers) {
            let found = self
                .memory
                .operators
                .get_or_load(&operator_key(&digest), || async {
                    Ok::<_, Problem>(self.store.operator_by_digest(&digest).await?.map(Arc::new))
                })
                .await?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }
}
