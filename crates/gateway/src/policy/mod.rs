//! Who may call what: nothing, unless a rule says so.

mod path_pattern;
mod provider_name;
mod rule;

use http::Method;

use countersign_token::satisfies;

pub use self::path_pattern::{PathPattern, PathPatternError};
pub use self::provider_name::{PROVIDER_NAME_MAX_CHARS, ProviderName, ProviderNameError};
pub use self::rule::{Rule, RuleError};

/// What somebody wants to do at a provider.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// The method.
    pub method: &'a Method,
    /// The decoded segments of the canonical path, which is also the one that is forwarded: a rule that judged another spelling than
    /// the provider reads would judge nothing.
    pub path: &'a [&'a str],
    /// The operation that method and path are, if the provider's document has one, whichever way the call came in.
    pub operation: Option<&'a str>,
    /// Whether it wants to become a WebSocket.
    pub websocket: bool,
}

/// The rules of a provider.
///
/// Those of an operator come first, in their order. After them, each scope has a meaning of its own:
///
/// | scope | allows |
/// |---|---|
/// | `gateway:{provider}/{operation}` | that operation |
/// | `gateway-read:{provider}` | `GET` and `HEAD` |
/// | `gateway:{provider}` | everything but WebSockets |
///
/// unless an operator gave it rules: then it means exactly those. The first rule that covers the call and whose scope the caller's
/// satisfy (by [`countersign_token::satisfies`], so that `gateway:*` does for `gateway:stytch`) decides; without one the call is denied.
#[derive(Clone, Debug)]
pub struct Policy {
    provider: ProviderName,
    rules: Vec<Rule>,
}

/// What a rule allowed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Allowed<'a> {
    /// The rule: its name, or the scope that has a meaning of its own.
    pub rule: String,
    /// The name of the credential that the rule chose; the provider's default one for `None`.
    pub credential: Option<&'a str>,
}

/// Why a call was denied, in words that its caller may hear.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Denied {
    /// A rule covers the call, and the caller lacks its scope. Told to strangers, too, whatever they ask for and whether it exists.
    #[error("the token lacks a scope: {needed_scope}")]
    MissingScope {
        /// The scope that would do: the narrowest, if there are several.
        needed_scope: String,
        /// The rule that would then allow it. Strangers are not told.
        rule: Option<String>,
    },
    /// The caller has scopes here, and no rule covers the call.
    #[error("no rule of this provider covers the call")]
    NoRule,
}

impl Denied {
    /// The stable name of the reason.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::MissingScope { .. } => "missing_scope",
            Self::NoRule => "no_rule",
        }
    }

    /// What a caller hears who has no scope for a provider of this name. It is the same whether there is one or not.
    #[must_use]
    pub fn to_stranger(provider: &ProviderName) -> Self {
        Self::MissingScope {
            needed_scope: format!("gateway:{provider}"),
            rule: None,
        }
    }
}

impl Policy {
    /// The policy of a provider with these rules, whose scopes all belong to it.
    ///
    /// # Errors
    ///
    /// [`RuleError`] names the first rule that cannot be, or that has another's name.
    pub fn new(provider: ProviderName, rules: Vec<Rule>) -> Result<Self, RuleError> {
        for (position, rule) in rules.iter().enumerate() {
            rule.check_for(&provider)?;
            if rules[..position].iter().any(|earlier| earlier.name == rule.name) {
                return Err(RuleError::SameName(rule.name.clone()));
            }
        }
        Ok(Self { provider, rules })
    }

    /// Decides a call of somebody who holds these scopes, separated by spaces as in a token.
    ///
    /// # Errors
    ///
    /// [`Denied`], when no rule that the scopes satisfy covers the call.
    pub fn decide(&self, held: &str, call: Call<'_>) -> Result<Allowed<'_>, Denied> {
        let mut covering = self.covering(call).peekable();
        let would_do = covering.peek().cloned();
        match covering.find(|(scope, _)| satisfies(held, scope)) {
            Some((_, allowed)) => Ok(allowed),
            None if !self.is_known_to(held) => Err(Denied::to_stranger(&self.provider)),
            None => Err(
                would_do.map_or(Denied::NoRule, |(needed_scope, allowed)| Denied::MissingScope {
                    needed_scope,
                    rule: Some(allowed.rule),
                }),
            ),
        }
    }

    /// The rules that cover a call, each with its scope, in the order in which they are asked.
    fn covering<'a>(&'a self, call: Call<'_>) -> impl Iterator<Item = (String, Allowed<'a>)> {
        let of_operator = self
            .rules
            .iter()
            .filter(move |rule| rule.covers(call))
            .map(|rule| {
                let allowed = Allowed {
                    rule: rule.name.clone(),
                    credential: rule.credential.as_deref(),
                };
                (rule.scope.clone(), allowed)
            });
        let built_in = self.built_in(call).into_iter().map(|scope| {
            let allowed = Allowed {
                rule: scope.clone(),
                credential: None,
            };
            (scope, allowed)
        });
        of_operator.chain(built_in)
    }

    /// The scopes whose own meaning covers a call, the narrowest first.
    fn built_in(&self, call: Call<'_>) -> Vec<String> {
        if call.websocket {
            return Vec::new();
        }
        let provider = &self.provider;
        let operation = call
            .operation
            .map(|operation| format!("gateway:{provider}/{operation}"));
        let reads = matches!(*call.method, Method::GET | Method::HEAD);
        operation
            .into_iter()
            .chain(reads.then(|| format!("gateway-read:{provider}")))
            .chain([format!("gateway:{provider}")])
            .filter(|scope| !self.rules.iter().any(|rule| rule.scope == *scope))
            .collect()
    }

    /// The provider whose policy it is.
    #[must_use]
    pub fn provider(&self) -> &ProviderName {
        &self.provider
    }

    /// Whether these scopes open anything here. To everybody else a provider that exists looks like one that does not.
    #[must_use]
    pub fn is_known_to(&self, held: &str) -> bool {
        self.provider.is_known_to(held)
    }
}

#[cfg(test)]
mod tests;
