//! The operations that a caller may call. It hears of no others.

use std::sync::Arc;

use countersign_core::ids::ProjectId;
use countersign_gateway::admit::Caller;
use countersign_gateway::document::Operation;
use countersign_gateway::policy::ProviderName;
use countersign_store::Page;

use super::admission::judge_any;
use super::provider::Provider;
use super::{Gateway, GatewayRefusal, in_process};
use crate::problem::ErrorType;

/// How many providers are read at a time.
const PROVIDERS_A_READ: u32 = 1_000;

/// A provider, and what of it the caller may call.
pub(super) struct Callable {
    pub(super) provider: Arc<Provider>,
    scopes: String,
}

impl Callable {
    pub(super) fn of(provider: Arc<Provider>, caller: &Caller) -> Self {
        Self {
            provider,
            scopes: caller.scopes.clone(),
        }
    }

    /// The provider's name.
    pub(super) fn name(&self) -> &str {
        self.provider.policy.provider().as_str()
    }

    /// The operations, in the order of the document.
    pub(super) fn operations(&self) -> impl Iterator<Item = &Operation> {
        let operations = self.provider.catalogue.document.operations.iter();
        operations.filter(|operation| self.may_call(operation))
    }

    fn may_call(&self, operation: &Operation) -> bool {
        self.provider.serves(operation) && judge_any(&self.provider, &self.scopes, operation).is_ok()
    }
}

impl Gateway {
    /// The providers that the caller has a scope for; of this name alone, if one is given.
    pub(super) async fn callable(
        &self,
        caller: &Caller,
        name: Option<&str>,
    ) -> Result<Vec<Callable>, GatewayRefusal> {
        let names = match name {
            Some(name) => name.parse().into_iter().collect(),
            None => self.names(&caller.project_id).await?,
        };
        let mut callable = Vec::new();
        // Before a provider is looked up, so that nothing differs for those who may not know it.
        for name in names.iter().filter(|name| name.is_known_to(&caller.scopes)) {
            match self.provider(&caller.project_id, name).await {
                Ok(provider) => callable.extend(provider.map(|provider| Callable::of(provider, caller))),
                // One that is broken does not hide the others.
                Err(refusal) if refusal.problem.error_type == ErrorType::InternalServerError => {
                    let cause = refusal.problem.cause.unwrap_or_default();
                    tracing::error!(cause, provider = %name, "its operations cannot be listed");
                }
                Err(refusal) => return Err(refusal),
            }
        }
        Ok(callable)
    }

    /// All providers of a project, by name.
    async fn names(&self, project_id: &str) -> Result<Vec<ProviderName>, GatewayRefusal> {
        let mut names: Vec<ProviderName> = in_process::NAME.parse().into_iter().collect();
        let Ok(project_id) = project_id.parse::<ProjectId>() else {
            return Ok(names);
        };
        let mut page = Page {
            after: 0,
            limit: PROVIDERS_A_READ,
        };
        loop {
            let rows = self.0.app.store.list_providers(&project_id, page).await;
            let rows = rows.map_err(crate::problem::Problem::from)?;
            names.extend(rows.iter().filter_map(|row| row.value.name.parse().ok()));
            match rows.last() {
                Some(last) if rows.len() == PROVIDERS_A_READ as usize => page.after = last.ordinal,
                _ => break,
            }
        }
        names.sort();
        Ok(names)
    }
}
