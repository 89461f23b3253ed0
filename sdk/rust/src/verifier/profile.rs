//! Which tokens are accepted.

use countersign_token::{Claims, Expected, Refusal, TokenType, VerifyingKeys};

/// A form of Countersign's tokens. A project has one, and a client may have another.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Profile {
    /// As the Stytch SDKs know them: type `JWT`, issuer `stytch.com/<project id>`, RS256.
    Stytch,
    /// By RFC 9068: type `at+jwt`, the issuer is a URL of the server; RS256, ES256 or EdDSA.
    Standard,
}

/// Types and issuer that belong together: a token of one profile must not pass with the issuer of the other.
#[derive(Clone, Debug)]
pub(super) struct Accepted {
    pub(super) types: Vec<TokenType>,
    pub(super) issuer: String,
}

/// What is expected of every token, whoever issued it.
#[derive(Clone, Debug)]
pub(super) struct Terms {
    pub(super) audience: String,
    pub(super) leeway_seconds: i64,
    pub(super) max_age_seconds: Option<i64>,
}

impl Accepted {
    pub(super) fn verify(
        &self,
        terms: &Terms,
        token: &str,
        keys: &VerifyingKeys,
        now: i64,
    ) -> Result<Claims, Refusal> {
        countersign_token::verify(token, keys, &self.expected(terms, &[&self.issuer]), now)
    }

    /// Judges the claims of a token whose type and signature were good before.
    pub(super) fn judge(&self, terms: &Terms, claims: &Claims, now: i64) -> Result<(), Refusal> {
        self.expected(terms, &[&self.issuer]).judge(claims, now)
    }

    fn expected<'a>(&'a self, terms: &'a Terms, issuers: &'a [&'a str]) -> Expected<'a> {
        Expected {
            issuers,
            audience: &terms.audience,
            types: &self.types,
            leeway_seconds: terms.leeway_seconds,
            max_age_seconds: terms.max_age_seconds,
        }
    }
}
