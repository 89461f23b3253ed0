//! A token to call others with.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::time::Instant;

/// An access token. A clone shares the text; the last one wipes it. Printed, it shows nothing.
#[derive(Clone)]
pub struct AccessToken(Arc<Inner>);

struct Inner {
    text: SecretString,
    /// `Bearer` and the text; marked sensitive, so that HTTP libraries do not print it.
    authorization: HeaderValue,
    expires_at: Instant,
}

impl AccessToken {
    /// `None` when the text is no token by RFC 6750 section 2.1 and could not stand in a header.
    pub(super) fn new(text: SecretString, expires_at: Instant) -> Option<Self> {
        let exposed = text.expose_secret();
        let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
        if exposed.is_empty() || !exposed.bytes().all(is_token) {
            return None;
        }
        let mut authorization = HeaderValue::try_from(format!("Bearer {exposed}")).ok()?;
        authorization.set_sensitive(true);
        Some(Self(Arc::new(Inner {
            text,
            authorization,
            expires_at,
        })))
    }

    /// The token itself, to be put somewhere else than into a header.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.text.expose_secret()
    }

    /// The value of `Authorization`.
    #[must_use]
    pub fn authorization(&self) -> HeaderValue {
        self.0.authorization.clone()
    }

    /// How long it is still valid, by the lifetime that the issuer gave it, counted from when it was asked for, by the monotonic
    /// clock. So the wall clocks of this machine and the issuer's need not agree. Where that clock stands still while a machine
    /// sleeps, as on Linux, the time asleep is not counted.
    #[must_use]
    pub fn expires_in(&self) -> Duration {
        self.expires_at().saturating_duration_since(Instant::now())
    }

    pub(super) fn expires_at(&self) -> Instant {
        self.0.expires_at
    }

    /// Whether it has the same text: whoever refused the one refuses the other.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.expose() == other.expose()
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessToken")
            .field("expires_in", &self.expires_in())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(text: &str) -> Option<AccessToken> {
        AccessToken::new(text.to_owned().into(), Instant::now() + Duration::from_secs(60))
    }

    #[test]
    fn a_token_is_never_printed() {
        let token = token("abc.DEF-_~+/==").unwrap();
        let printed = format!("{token:?} {:?}", token.authorization());
        assert!(!printed.contains("abc"), "{printed}");
        assert_eq!(token.authorization(), "Bearer abc.DEF-_~+/==");
        assert_eq!(token.expose(), "abc.DEF-_~+/==");
    }

    #[test]
    fn what_could_break_a_header_is_no_token() {
        for text in ["", "a b", "a\r\nX: y", "\u{e9}", "a,b"] {
            assert!(token(text).is_none(), "{text:?}");
        }
    }
}
