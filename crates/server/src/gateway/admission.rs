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
use super::provider::{self, Provider};
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
        let judged = judge(
            &self.provider,
            &self.caller.scopes,
            wish.method,
            &segments,
            wish.websocket,
        )?;
        Ok(judged.admission(&self))
    }

    /// Asks the rules about an operation, whatever its arguments.
    pub(super) fn allow_any(self, operation: &Operation) -> Result<Admission, GatewayRefusal> {
        let judged = judge_any(&self.provider, &self.caller.scopes, operation)?;
        Ok(judged.admission(&self))
    }
}

/// What the rules said of a call.
pub(super) struct Judged<'a> {
    allowed: policy::Allowed<'a>,
    operation: Option<&'a Operation>,
}

impl Judged<'_> {
    fn admission(&self, known: &Known) -> Admission {
        Admission {
            rule: self.allowed.rule.clone(),
            credential: self.allowed.credential.map(str::to_owned),
            operation: self.operation.cloned(),
            caller: known.caller.clone(),
            provider: known.provider.clone(),
        }
    }
}

/// What the rules say of a call by somebody who holds these scopes.
fn judge<'a>(
    provider: &'a Provider,
    scopes: &str,
    method: &Method,
    segments: &[&str],
    websocket: bool,
) -> Result<Judged<'a>, Denied> {
    let operation = provider.catalogue.matching(method, segments);
    let call = policy::Call {
        method,
        path: segments,
        operation: operation.map(|operation| operation.name.as_str()),
        websocket,
    };
    let allowed = provider.policy.decide(scopes, call)?;
    Ok(Judged { allowed, operation })
}

/// The same of an operation whose arguments are not known. What a rule's path says of `/users/{id}` must hold for every user: a rule for
/// `/users/7` alone opens calls, and no operation.
pub(super) fn judge_any<'a>(
    provider: &'a Provider,
    scopes: &str,
    operation: &Operation,
) -> Result<Judged<'a>, GatewayRefusal> {
    let method = provider::method(operation)?;
    let segments: Vec<_> = operation.path.split('/').skip(1).collect();
    Ok(judge(provider, scopes, &method, &segments, false)?)
}
