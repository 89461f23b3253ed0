//! What a token endpoint answers.

use std::fmt;
use std::time::Duration;

use http::StatusCode;
use http::request::Parts;
use secrecy::SecretString;
use secrecy::zeroize::Zeroizing;
use serde::Deserialize;
use serde_json::Number;

use super::bearer::apply_token;
use super::{InjectError, Injected, field_value};

/// The most bytes that are read of an answer: a token has at most [`super::MAX_VALUE_BYTES`], and some servers send claims beside it.
pub const MAX_ANSWER_BYTES: usize = 64 * 1024;
/// Where the server does not say how long its token lives, which RFC 6749 section 5.1 lets it: short enough for any that does not say so.
const UNSTATED_LIFE: Duration = Duration::from_secs(300);
/// No token is believed to live longer; a leaked one is then renewed at least daily.
const LONGEST_LIFE: Duration = Duration::from_secs(24 * 3600);
/// The longest error code that is repeated, in bytes.
const MAX_CODE_BYTES: usize = 64;

/// An answer as it came.
pub struct TokenAnswer {
    /// The HTTP status.
    pub status: StatusCode,
    /// At most [`MAX_ANSWER_BYTES`].
    pub body: Zeroizing<Vec<u8>>,
}

/// A token that was just issued.
pub struct IssuedToken {
    /// The token.
    pub token: AccessToken,
    /// How long it lives, from when it was asked for.
    pub life: Duration,
}

/// A bearer token for the upstream.
pub struct AccessToken(SecretString);

impl AccessToken {
    pub(super) fn apply(&self, request: &mut Parts) -> Result<Injected, InjectError> {
        apply_token(&self.0, request)
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessToken")
    }
}

/// Why there is no token. Of the server's words only its error code is repeated, when it is one.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TokenFailure {
    /// The token endpoint could not be reached, or broke off.
    #[error("the token endpoint could not be reached")]
    Unreachable,
    /// It took too long.
    #[error("the token endpoint did not answer in time")]
    TimedOut,
    /// It refuses, or cannot answer now.
    #[error("the token endpoint refuses with status {status}: {error}")]
    Refused {
        /// The HTTP status; one of 3xx too, since redirects are not followed.
        status: u16,
        /// `error` of RFC 6749 section 5.2, or `unstated`.
        error: String,
    },
    /// It answers with something else than a token.
    #[error("the token endpoint's answer is no token: {problem}")]
    InvalidAnswer {
        /// What is wrong with it.
        problem: &'static str,
    },
    /// Asking was broken off, as when the gateway goes down.
    #[error("asking for a token was broken off")]
    BrokenOff,
}

impl TokenFailure {
    /// A stable word for answers, logs and metrics.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreachable => "token_endpoint_unreachable",
            Self::TimedOut => "token_endpoint_timed_out",
            Self::Refused { .. } => "token_endpoint_refused",
            Self::InvalidAnswer { .. } => "token_endpoint_invalid_answer",
            Self::BrokenOff => "token_endpoint_broken_off",
        }
    }
}

#[derive(Deserialize)]
struct Good {
    access_token: SecretString,
    token_type: String,
    #[serde(default)]
    expires_in: Option<Seconds>,
}

/// Some servers write the number as a text.
#[derive(Deserialize)]
#[serde(untagged)]
enum Seconds {
    Number(Number),
    Text(String),
}

#[derive(Deserialize)]
struct Bad {
    error: String,
}

/// The token of an answer (RFC 6749 section 5.1).
///
/// # Errors
///
/// [`TokenFailure::Refused`] for any status but 200, [`TokenFailure::InvalidAnswer`] for what is no bearer token of some life.
pub fn read_answer(answer: &TokenAnswer) -> Result<IssuedToken, TokenFailure> {
    let invalid = |problem| TokenFailure::InvalidAnswer { problem };
    if answer.body.len() > MAX_ANSWER_BYTES {
        return Err(invalid("it is too long"));
    }
    if answer.status != StatusCode::OK {
        return Err(TokenFailure::Refused {
            status: answer.status.as_u16(),
            error: error_code(&answer.body),
        });
    }
    let good: Good = serde_json::from_slice(&answer.body)
        .map_err(|_| invalid("it is no JSON object with access_token and token_type"))?;
    if !good.token_type.eq_ignore_ascii_case("bearer") {
        return Err(invalid("its token is of another type than bearer"));
    }
    field_value::check_secret("access_token", &good.access_token)
        .map_err(|_| invalid("its token could not stand in a header"))?;
    let life = match good.expires_in {
        None => UNSTATED_LIFE,
        Some(seconds) => life(&seconds).ok_or_else(|| invalid("its expires_in is no time above zero"))?,
    };
    Ok(IssuedToken {
        token: AccessToken(good.access_token),
        life,
    })
}

fn life(seconds: &Seconds) -> Option<Duration> {
    let seconds = match seconds {
        Seconds::Number(number) => number.as_f64()?,
        Seconds::Text(text) => text.parse().ok()?,
    };
    // Not a number is not above zero either.
    let seconds = Some(seconds).filter(|seconds| *seconds > 0.0)?;
    Duration::try_from_secs_f64(seconds.min(LONGEST_LIFE.as_secs_f64())).ok()
}

fn error_code(body: &[u8]) -> String {
    let is_code = |error: &String| {
        let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
        (1..=MAX_CODE_BYTES).contains(&error.len()) && error.bytes().all(is_plain)
    };
    let bad = serde_json::from_slice::<Bad>(body).ok().map(|bad| bad.error);
    bad.filter(is_code).unwrap_or_else(|| "unstated".to_owned())
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    fn read(status: u16, body: &str) -> Result<(String, u64), TokenFailure> {
        let answer = TokenAnswer {
            status: StatusCode::from_u16(status).unwrap(),
            body: Zeroizing::new(body.as_bytes().to_vec()),
        };
        read_answer(&answer).map(|issued| (issued.token.0.expose_secret().to_owned(), issued.life.as_secs()))
    }

    #[test]
    fn a_token_and_its_life_are_read() {
        let of = |rest: &str| {
            read(
                200,
                &format!("{{\"access_token\":\"t\",\"token_type\":\"Bearer\"{rest}}}"),
            )
        };
        assert_eq!(of(",\"expires_in\":3600"), Ok(("t".into(), 3600)));
        assert_eq!(
            of(",\"expires_in\":\"3600\",\"other\":[1]"),
            Ok(("t".into(), 3600))
        );
        assert_eq!(of(",\"expires_in\":3600.0"), Ok(("t".into(), 3600)));
        assert_eq!(of(""), Ok(("t".into(), 300)), "it may be left away");
        assert_eq!(of(",\"expires_in\":1e300"), Ok(("t".into(), 24 * 3600)));
        for bad in ["0", "-1", "\"soon\"", "\"NaN\""] {
            assert!(of(&format!(",\"expires_in\":{bad}")).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_no_bearer_token_is_refused() {
        for bad in [
            "",
            "[]",
            "{\"access_token\":\"t\"}",
            "{\"access_token\":\"t\",\"token_type\":\"mac\"}",
            "{\"access_token\":\"\",\"token_type\":\"bearer\"}",
            "{\"access_token\":\"a\\r\\nx: y\",\"token_type\":\"bearer\"}",
            &" ".repeat(MAX_ANSWER_BYTES + 1),
        ] {
            assert!(
                matches!(read(200, bad), Err(TokenFailure::InvalidAnswer { .. })),
                "{bad:.60}"
            );
        }
    }

    #[test]
    fn of_a_refusal_nothing_is_repeated_but_a_code() {
        let refused = |status, error: &str| {
            Err(TokenFailure::Refused {
                status,
                error: error.into(),
            })
        };
        assert_eq!(
            read(401, "{\"error\":\"invalid_client\",\"error_description\":\"x\"}"),
            refused(401, "invalid_client")
        );
        assert_eq!(
            read(302, "{\"error\":\"The secret hunter2 is wrong\"}"),
            refused(302, "unstated")
        );
        assert_eq!(read(500, "<html>"), refused(500, "unstated"));
    }
}
