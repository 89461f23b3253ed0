//! Providers as the gateway's types have them: what is kept of one, judged and made ready.

pub mod digest;
mod places;

use countersign_core::credential::InvalidCredential;
use countersign_core::provider::{InvalidProvider, ProviderRule, ProviderSettings};
use countersign_gateway::address::AllowListError;
use countersign_gateway::document::{OperationIndex, OperationServer};
use countersign_gateway::policy::{PathPattern, Policy, ProviderName, ProviderNameError, Rule, RuleError};
use countersign_gateway::upstream::UpstreamError;

use self::digest::DigestedDocument;
pub use self::places::Places;

/// The provider that is there from the first start; no stored one has its name.
pub const RESERVED_NAME: &str = "countersign";

/// Why a provider cannot be as its operator wants it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSettings {
    /// The name.
    #[error(transparent)]
    Name(#[from] ProviderNameError),
    /// The name of the provider that is always there.
    #[error("the provider {RESERVED_NAME} is this service itself: choose another name")]
    Reserved,
    /// No base URL, and none in the document.
    #[error("the document names no server of its own: say base_url")]
    NoBaseUrl,
    /// The base URL is refused.
    #[error(transparent)]
    BaseUrl(#[from] UpstreamError),
    /// A text is no range.
    #[error("allowed_cidrs are ranges such as 10.0.0.0/8 or fd12:3456::/32")]
    Cidr,
    /// A range is refused.
    #[error(transparent)]
    AllowList(#[from] AllowListError),
    /// A further host is refused.
    #[error("further_hosts: {0}")]
    FurtherHost(#[source] UpstreamError),
    /// Two places with one host: which credential would it get?
    #[error("further_hosts: a host is named twice, or is that of base_url")]
    SameHost,
    /// The name of a credential.
    #[error("further_hosts and rules: {0}")]
    Credential(#[from] InvalidCredential),
    /// A path of a rule is no pattern.
    #[error("the rule {rule}: {why}")]
    Path {
        /// The rule.
        rule: String,
        /// What patterns are.
        why: countersign_gateway::policy::PathPatternError,
    },
    /// A rule is refused.
    #[error(transparent)]
    Rule(#[from] RuleError),
    /// A rule names an operation that the document has not: it would never match, and so allow less than it says.
    #[error("the rule {rule} names an operation that the document has not")]
    UnknownOperation {
        /// The rule.
        rule: String,
    },
    /// What `core` says.
    #[error(transparent)]
    Bounds(#[from] InvalidProvider),
}

/// A provider's name that a stored one may have.
pub fn parse_name(text: &str) -> Result<ProviderName, InvalidSettings> {
    let name: ProviderName = text.parse()?;
    if name.as_str() == RESERVED_NAME {
        return Err(InvalidSettings::Reserved);
    }
    Ok(name)
}

/// The policy of rules as they are kept.
pub fn policy_of(name: ProviderName, rules: &[ProviderRule]) -> Result<Policy, InvalidSettings> {
    let rules = rules.iter().map(gateway_rule).collect::<Result<_, _>>()?;
    Ok(Policy::new(name, rules)?)
}

/// Refuses settings that nobody could have meant, or that the gateway could not carry out with this document.
pub fn judge(
    name: ProviderName,
    settings: &ProviderSettings,
    document: &DigestedDocument,
) -> Result<Places, InvalidSettings> {
    let places = Places::of(settings)?;
    policy_of(name, &settings.rules)?;
    for rule in &settings.rules {
        if let Some(credential) = &rule.credential {
            countersign_core::credential::check_name(credential)?;
        }
        check_operations(rule, &document.index)?;
    }
    Ok(places)
}

/// The server of an operation that is not that of the base URL, for people: calls need it in `further_hosts`.
pub fn server_elsewhere(server: &OperationServer) -> Option<&str> {
    match server {
        OperationServer::Document => None,
        OperationServer::Own(url) => Some(url),
        OperationServer::Unusable => Some("unusable"),
    }
}

fn check_operations(rule: &ProviderRule, index: &OperationIndex) -> Result<(), InvalidSettings> {
    if rule.operations.iter().all(|name| index.named(name).is_some()) {
        return Ok(());
    }
    Err(InvalidSettings::UnknownOperation {
        rule: rule.name.clone(),
    })
}

fn gateway_rule(rule: &ProviderRule) -> Result<Rule, InvalidSettings> {
    let pattern = |path: &String| {
        PathPattern::try_from(path.clone()).map_err(|why| InvalidSettings::Path {
            rule: rule.name.clone(),
            why,
        })
    };
    Ok(Rule {
        name: rule.name.clone(),
        scope: rule.scope.clone(),
        methods: rule.methods.clone(),
        paths: rule.paths.iter().map(pattern).collect::<Result<_, _>>()?,
        operations: rule.operations.clone(),
        credential: rule.credential.clone(),
        websocket: rule.websocket,
    })
}
