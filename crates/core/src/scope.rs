//! Scopes: what a client may ask for.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

/// Most scopes one client may hold. The joined text goes into every token.
pub const MAX_SCOPES: usize = 256;
/// Longest scope, in characters.
pub const SCOPE_MAX_CHARS: usize = 128;
/// Longest joined scope text, in bytes: a token travels in a header, and servers commonly refuse headers over 8 KiB.
pub const SCOPES_MAX_BYTES: usize = 4096;

/// Why scopes were refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScopeError {
    /// Empty, too long, or with a character outside RFC 6749 section 3.3's scope-token.
    #[error(
        "a scope has 1 to {SCOPE_MAX_CHARS} printable ASCII characters without space, quote and backslash"
    )]
    Invalid,
    /// More than [`MAX_SCOPES`].
    #[error("a client has at most {MAX_SCOPES} scopes")]
    TooMany,
    /// Joined longer than [`SCOPES_MAX_BYTES`].
    #[error("scopes joined by spaces have at most {SCOPES_MAX_BYTES} bytes")]
    TooLong,
}

/// One scope-token of RFC 6749 section 3.3.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct Scope(String);

impl Scope {
    /// The scope as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Scope {
    type Err = ScopeError;

    fn from_str(text: &str) -> Result<Self, ScopeError> {
        let sound = (1..=SCOPE_MAX_CHARS).contains(&text.len())
            && text
                .bytes()
                .all(|b| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e));
        if sound {
            Ok(Self(text.to_owned()))
        } else {
            Err(ScopeError::Invalid)
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The scopes of a client or a request: no scope twice, in the order first given.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Scopes(Vec<Scope>);

impl Scopes {
    /// Parses scopes one by one; a repeated one counts once.
    pub fn parse<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> Result<Self, ScopeError> {
        let mut seen = std::collections::HashSet::new();
        let mut scopes = Vec::new();
        for text in texts {
            let scope: Scope = text.as_ref().parse()?;
            if seen.insert(scope.clone()) {
                scopes.push(scope);
            }
        }
        if scopes.len() > MAX_SCOPES {
            return Err(ScopeError::TooMany);
        }
        let scopes = Self(scopes);
        if scopes.joined().len() > SCOPES_MAX_BYTES {
            Err(ScopeError::TooLong)
        } else {
            Ok(scopes)
        }
    }

    /// Parses the `scope` parameter of RFC 6749 section 3.3.
    pub fn parse_joined(text: &str) -> Result<Self, ScopeError> {
        Self::parse(text.split(' ').filter(|part| !part.is_empty()))
    }

    /// The scopes in their order.
    pub fn iter(&self) -> impl Iterator<Item = &Scope> {
        self.0.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether this exact scope is held. A wildcard is a matter of resource servers, not of issuance (wire contract 4.3).
    pub fn contains(&self, scope: &Scope) -> bool {
        self.0.contains(scope)
    }

    /// Those of `self` that `other` holds too, in the order of `self`.
    pub fn intersection(&self, other: &Scopes) -> Scopes {
        self.filtered(|scope| other.contains(scope))
    }

    /// Those for which `keep` says yes, in their order.
    #[must_use]
    pub fn filtered(&self, keep: impl Fn(&Scope) -> bool) -> Scopes {
        Scopes(self.0.iter().filter(|scope| keep(scope)).cloned().collect())
    }

    /// Joined by single spaces, as tokens carry them.
    pub fn joined(&self) -> String {
        self.0.iter().map(Scope::as_str).collect::<Vec<_>>().join(" ")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn order_is_kept_and_repeats_count_once() {
        let scopes = Scopes::parse(["write:b", "read:a", "write:b"]).unwrap();
        assert_eq!(scopes.joined(), "write:b read:a");
    }

    #[test]
    fn characters_outside_the_scope_token_are_refused() {
        for bad in [
            "",
            " ",
            "a b",
            "a\"b",
            "a\\b",
            "ä",
            "a\tb",
            "a\u{7f}",
            &"x".repeat(129),
        ] {
            assert_eq!(Scopes::parse([bad]), Err(ScopeError::Invalid), "{bad:?}");
        }
    }

    #[test]
    fn limits_count_distinct_scopes_and_joined_bytes() {
        assert_eq!(
            Scopes::parse((0..257).map(|n| format!("s{n}"))),
            Err(ScopeError::TooMany)
        );
        assert!(Scopes::parse(std::iter::repeat_n("same", 300)).is_ok());
        assert_eq!(
            Scopes::parse((0..64).map(|n| format!("{n:0>100}"))),
            Err(ScopeError::TooLong)
        );
    }

    proptest! {
        #[test]
        fn joining_and_parsing_are_inverse(texts in prop::collection::vec("[!#-\\[\\]-~]{1,20}", 0..40)) {
            let scopes = Scopes::parse(&texts).unwrap();
            prop_assert_eq!(Scopes::parse_joined(&scopes.joined()).unwrap(), scopes);
        }

        #[test]
        fn an_intersection_is_held_by_both(a in prop::collection::vec("[a-e]", 0..6), b in prop::collection::vec("[a-e]", 0..6)) {
            let (a, b) = (Scopes::parse(&a).unwrap(), Scopes::parse(&b).unwrap());
            let both = a.intersection(&b);
            prop_assert!(both.iter().all(|s| a.contains(s) && b.contains(s)));
            prop_assert!(a.iter().filter(|s| b.contains(s)).all(|s| both.contains(s)));
        }
    }
}
