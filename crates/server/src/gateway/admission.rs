//! One admission for every way in: who calls, at which provider, and by which rule.
//!
//! It has three steps, each of which can refuse, and nothing of a credential is touched before the last has said yes.

use std::sync::Arc;

use countersign_gateway::admit::{Caller, admit};
use countersign_gateway::canonical_path::CanonicalPath;
use countersign_gateway::document::Operation;
use countersign_gateway::policy::{self, Denied, ProviderName};
use http::{HeaderMap, Method};

use super::callers::Installation;
use super::provider::Provider;
use super::{Gateway, GatewayRefusal};

/// A caller and a provider that it has a scope for, if not for everything there.
pub(super) struct Known {
    pub(super) caller: Caller,
    pub(super) provider: Arc<Provider>,
}

/// A call that a rule allows.
pub(super) struct Admission {
    pub(super) caller: Caller,
    pub(super) provider: Arc<Provider>,
    /// The rule, as audit lines tell it.
    pub(super) rule: String,
    /// The name of the credential that the rule chose.
    pub(super) credential: Option<String>,
    /// The operation that the call is, if the provider's document has it.
    pub(super) operation: Option<Operation>,
}

/// What a rule is asked about.
#[derive(Clone, Copy)]
pub(super) struct Wish<'a> {
    pub(super) method: &'a Method,
    pub(super) path: &'a CanonicalPath,
    pub(super) websocket: bool,
}

impl Gateway {
    /// Who calls.
    pub(super) async fn admit(&self, headers: &HeaderMap) -> Result<Caller, GatewayRefusal> {
        Ok(admit(&Installation(&self.0.app), headers).await?)
    }

    /// The provider, for a caller that may know of it. To everybody else one that exists looks like one that does not, whatever
    /// else is wrong with the call.
    pub(super) async fn known(&self, caller: Caller, name: &str) -> Result<Known, GatewayRefusal> {
        // A name that no provider can have hides none.
        let name: ProviderName = name.parse().map_err(|_| GatewayRefusal::no_such_name())?;
        let provider = self.provider(&caller.project_id, &name).await?;
        match provider.filter(|provider| provider.policy.is_known_to(&caller.scopes)) {
            Some(provider) => Ok(Known { caller, provider }),
            None => Err(Denied::to_stranger(&name).into()),
        }
    }
}

impl Known {
    /// Asks the rules.
    pub(super) fn allow(self, wish: Wish<'_>) -> Result<Admission, GatewayRefusal> {
        let segments: Vec<_> = wish.path.segments().collect();
        let segments: Vec<&str> = segments.iter().map(AsRef::as_ref).collect();
        let operation = self.provider.catalogue.matching(wish.method, &segments);
        let call = policy::Call {
            method: wish.method,
            path: &segments,
            operation: operation.map(|operation| operation.name.as_str()),
            websocket: wish.websocket,
        };
        let allowed = self.provider.policy.decide(&self.caller.scopes, call)?;
        Ok(Admission {
            rule: allowed.rule,
            credential: allowed.credential.map(str::to_owned),
            operation: operation.cloned(),
            caller: self.caller,
            provider: self.provider,
        })
    }
}
