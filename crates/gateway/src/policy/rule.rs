//! What an operator allows.

use http::Method;
use serde::{Deserialize, Serialize};

use super::{Call, PathPattern, ProviderName};

/// Longest name of a rule, in characters: it stands in audit lines and errors.
const NAME_MAX_CHARS: usize = 64;
/// Most methods, paths or operations of one rule.
const MOST_ENTRIES: usize = 256;

/// Whoever has `scope` may do what `methods`, `paths` and `operations` say, with `credential`.
///
/// An empty list says nothing: it covers all. Of lists that are not empty, each has to cover the call.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Its name, which audit lines and refusals tell.
    pub name: String,
    /// The scope that it is for: `gateway:{provider}`, `gateway-read:{provider}`, or either with `/` and a word of the operator's.
    pub scope: String,
    /// The methods, in capitals.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub methods: Vec<String>,
    /// The paths below the provider's base.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<PathPattern>,
    /// The operations, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub operations: Vec<String>,
    /// The name of the credential to inject, if it is not the provider's default one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
    /// Whether it covers WebSockets. It then covers calls that are none as well.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub websocket: bool,
}

/// Why a rule cannot be.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RuleError {
    /// The name.
    #[error("a rule's name has 1 to {NAME_MAX_CHARS} characters a-z, A-Z, 0-9, - and _")]
    Name,
    /// Two rules of one name: an audit line could mean either.
    #[error("two rules are called {0}")]
    SameName(String),
    /// The scope belongs to another provider, or to none: no token for the gateway would ever carry it for this one.
    #[error(
        "the rule {name}: its scope is gateway:{provider}, gateway-read:{provider}, or one of these with / and a word"
    )]
    Scope {
        /// The rule.
        name: String,
        /// The provider.
        provider: String,
    },
    /// A method that is none, is not in capitals, or is never forwarded.
    #[error(
        "the rule {name}: methods are words in capitals, such as GET; CONNECT and TRACE are never forwarded"
    )]
    Method {
        /// The rule.
        name: String,
    },
    /// Too many entries.
    #[error("the rule {name}: at most {MOST_ENTRIES} methods, paths and operations each")]
    TooMany {
        /// The rule.
        name: String,
    },
}

impl Rule {
    /// Whether the rule is about this call. Whether the caller has its scope is another question.
    pub(super) fn covers(&self, call: Call<'_>) -> bool {
        let methods = &self.methods;
        let operations = &self.operations;
        (self.websocket || !call.websocket)
            && (methods.is_empty() || methods.iter().any(|method| method == call.method.as_str()))
            && (self.paths.is_empty() || self.paths.iter().any(|pattern| pattern.fits(call.path)))
            && (operations.is_empty()
                || call
                    .operation
                    .is_some_and(|operation| operations.iter().any(|name| name == operation)))
    }

    /// Refuses what could never match, or would match what its writer did not mean.
    pub(super) fn check_for(&self, provider: &ProviderName) -> Result<(), RuleError> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if !(1..=NAME_MAX_CHARS).contains(&self.name.len()) || !self.name.bytes().all(is_plain) {
            return Err(RuleError::Name);
        }
        let name = || self.name.clone();
        if !is_scope_of(&self.scope, provider) {
            return Err(RuleError::Scope {
                name: name(),
                provider: provider.to_string(),
            });
        }
        if !self.methods.iter().all(|method| is_forwarded(method)) {
            return Err(RuleError::Method { name: name() });
        }
        let longest = self
            .methods
            .len()
            .max(self.paths.len())
            .max(self.operations.len());
        if longest > MOST_ENTRIES {
            return Err(RuleError::TooMany { name: name() });
        }
        Ok(())
    }
}

fn is_scope_of(scope: &str, provider: &ProviderName) -> bool {
    let resource = scope
        .strip_prefix("gateway:")
        .or_else(|| scope.strip_prefix("gateway-read:"));
    let rest = resource.and_then(|resource| resource.strip_prefix(provider.as_str()));
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.$".contains(&byte);
    rest.is_some_and(|rest| match rest.strip_prefix('/') {
        Some(word) => !word.is_empty() && word.bytes().all(is_plain),
        None => rest.is_empty(),
    })
}

fn is_forwarded(method: &str) -> bool {
    let is_word = Method::from_bytes(method.as_bytes()).is_ok();
    is_word && !method.bytes().any(|byte| byte.is_ascii_lowercase()) && !matches!(method, "CONNECT" | "TRACE")
}
