//! Why a token is refused.

/// Why a token is refused.
///
/// A log or a caller may be told any of these: no text holds the token or a claim. Of the token's own words
/// only the key id appears, at most [`crate::MAX_KEY_ID_BYTES`] long and escaped in messages.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// More than [`crate::MAX_TOKEN_BYTES`] bytes; nothing of it was read.
    #[error("the token is too long")]
    Oversize,
    /// Not three parts of strict base64url with a JSON object in the first two (RFC 7515 section 7.1), or a
    /// member of the wrong kind, such as a text for `exp`.
    #[error("the token is malformed")]
    Malformed,
    /// A JSON object of the token names a member twice. RFC 7515 section 4 and RFC 7519 section 4 let a
    /// reader take the last; two readers that choose differently see two tokens, so we take none.
    #[error("the token names a member twice")]
    DuplicateMember,
    /// `alg` is absent or none of ours; `none` and the HMAC algorithms belong here.
    #[error("the token's algorithm is not supported")]
    UnsupportedAlgorithm,
    /// The header has `crit`. We understand no extension, so none may be critical (RFC 7515 section 4.1.11).
    #[error("the token's header demands an extension")]
    CriticalHeader,
    /// The header has no `kid`. We do not try keys one after the other.
    #[error("the token does not name its key")]
    MissingKeyId,
    /// No key of that id. The set may be old: fetching it once more may help.
    #[error("no key {kid:?} is known")]
    UnknownKey {
        /// The `kid` of the header.
        kid: String,
    },
    /// The key exists, for another algorithm than the header's `alg`. A key serves its own algorithm only
    /// (RFC 8725 section 3.1).
    #[error("key {kid:?} is for another algorithm")]
    AlgorithmMismatch {
        /// The `kid` of the header.
        kid: String,
    },
    /// The key exists, but no signature can be checked with it: RSA of fewer than [`crate::MIN_RSA_BITS`]
    /// bits, or a point off the curve.
    #[error("key {kid:?} cannot be used")]
    UnusableKey {
        /// The `kid` of the header.
        kid: String,
    },
    /// The signature is not the key's over this header and these claims.
    #[error("the token's signature is wrong")]
    BadSignature,
    /// `typ` is absent or not among the expected types (RFC 8725 section 3.11).
    #[error("the token is of another type")]
    WrongType,
    /// A claim without which no token is judged is absent.
    #[error("the token has no claim {name:?}")]
    MissingClaim {
        /// The name of the claim, one of ours.
        name: &'static str,
    },
    /// `iss` is not among the expected issuers.
    #[error("the token is from another issuer")]
    WrongIssuer,
    /// `aud` does not hold the expected audience.
    #[error("the token is for another audience")]
    WrongAudience,
    /// `exp` is now or in the past.
    #[error("the token has expired")]
    Expired,
    /// `nbf` or `iat` lies in the future.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// `iat` is longer ago than the caller accepts.
    #[error("the token is too old")]
    TooOld,
}

impl Refusal {
    /// A stable word for logs, metrics and callers that decide by it.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Oversize => "oversize",
            Self::Malformed => "malformed",
            Self::DuplicateMember => "duplicate_member",
            Self::UnsupportedAlgorithm => "unsupported_algorithm",
            Self::CriticalHeader => "critical_header",
            Self::MissingKeyId => "missing_key_id",
            Self::UnknownKey { .. } => "unknown_key",
            Self::AlgorithmMismatch { .. } => "algorithm_mismatch",
            Self::UnusableKey { .. } => "unusable_key",
            Self::BadSignature => "bad_signature",
            Self::WrongType => "wrong_type",
            Self::MissingClaim { .. } => "missing_claim",
            Self::WrongIssuer => "wrong_issuer",
            Self::WrongAudience => "wrong_audience",
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
            Self::TooOld => "too_old",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn codes_are_distinct_snake_case_words() {
        let kid = || "k".to_owned();
        let all = [
            Refusal::Oversize,
            Refusal::Malformed,
            Refusal::DuplicateMember,
            Refusal::UnsupportedAlgorithm,
            Refusal::CriticalHeader,
            Refusal::MissingKeyId,
            Refusal::UnknownKey { kid: kid() },
            Refusal::AlgorithmMismatch { kid: kid() },
            Refusal::UnusableKey { kid: kid() },
            Refusal::BadSignature,
            Refusal::WrongType,
            Refusal::MissingClaim { name: "exp" },
            Refusal::WrongIssuer,
            Refusal::WrongAudience,
            Refusal::Expired,
            Refusal::NotYetValid,
            Refusal::TooOld,
        ];
        let codes = all.iter().map(Refusal::code).collect::<BTreeSet<_>>();
        assert_eq!(codes.len(), all.len());
        assert!(
            codes
                .iter()
                .all(|code| code.bytes().all(|byte| byte == b'_' || byte.is_ascii_lowercase()))
        );
    }

    #[test]
    fn a_key_id_cannot_break_a_log_line() {
        let refusal = Refusal::UnknownKey {
            kid: "a\nb\u{1b}[31m".to_owned(),
        };
        assert_eq!(refusal.to_string(), r#"no key "a\nb\u{1b}[31m" is known"#);
    }
}
