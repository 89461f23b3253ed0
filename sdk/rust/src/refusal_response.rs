//! A refusal as an HTTP answer.

use ::http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use ::http::{HeaderValue, Response, StatusCode};

use crate::Refusal;

/// A refusal as RFC 6750 section 3 wants it told. [`Rejection`](crate::Rejection) and [`RequireToken`](crate::RequireToken)
/// answer so; this is for frameworks that are neither.
///
/// | refusal | status | `WWW-Authenticate` |
/// |---|---|---|
/// | [`MissingToken`](Refusal::MissingToken) | 401 | `Bearer` |
/// | [`Token`](Refusal::Token) | 401 | `Bearer error="invalid_token"` |
/// | [`MissingScope`](Refusal::MissingScope) | 403 | `Bearer error="insufficient_scope", scope="…"` |
/// | [`KeysUnavailable`](Refusal::KeysUnavailable) | 503 | none, but `Retry-After` |
///
/// The body is JSON: `{"error":"invalid_token","reason":"expired"}`, where `reason` is the [`code`](Refusal::code).
///
/// The refusal itself is in the extensions of the response, for whoever logs: `response.extensions().get::<Refusal>()`.
#[must_use]
pub fn refusal_response<B: From<String>>(refusal: &Refusal) -> Response<B> {
    let (status, error) = match refusal {
        Refusal::MissingToken | Refusal::Token(_) => (StatusCode::UNAUTHORIZED, "invalid_token"),
        Refusal::MissingScope { .. } => (StatusCode::FORBIDDEN, "insufficient_scope"),
        Refusal::KeysUnavailable { .. } => (StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable"),
    };
    // Both are words of ours, so that nothing needs escaping.
    let body = format!(r#"{{"error":"{error}","reason":"{}"}}"#, refusal.code());
    let mut response = Response::new(B::from(body));
    *response.status_mut() = status;
    response.extensions_mut().insert(refusal.clone());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    match refusal {
        // Section 3.1 there: no error for whoever did not try.
        Refusal::MissingToken => {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        Refusal::Token(_) => {
            let challenge = HeaderValue::from_static(r#"Bearer error="invalid_token""#);
            headers.insert(WWW_AUTHENTICATE, challenge);
        }
        Refusal::MissingScope { needed } => {
            headers.insert(WWW_AUTHENTICATE, insufficient_scope(needed));
        }
        Refusal::KeysUnavailable { retry_after, .. } => {
            // Rounded up: nobody should come a moment too early.
            let seconds = retry_after.as_millis().div_ceil(1000).max(1);
            if let Ok(seconds) = HeaderValue::try_from(seconds.to_string()) {
                headers.insert(RETRY_AFTER, seconds);
            }
        }
    }
    response
}

/// With the scopes that are needed, unless one has characters that RFC 6749 section 3.3 does not know and a quoted text could not
/// hold.
fn insufficient_scope(needed: &str) -> HeaderValue {
    let is_scope = |byte: u8| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\';
    let whole = format!(r#"Bearer error="insufficient_scope", scope="{needed}""#);
    match HeaderValue::try_from(whole) {
        Ok(challenge) if needed.bytes().all(is_scope) => challenge,
        _ => HeaderValue::from_static(r#"Bearer error="insufficient_scope""#),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{KeysProblem, TokenRefusal};

    fn told(refusal: &Refusal) -> (u16, Vec<(String, String)>, String) {
        let response = refusal_response::<String>(refusal);
        let mut headers: Vec<_> = response
            .headers()
            .iter()
            .filter(|(name, _)| *name != CONTENT_TYPE && *name != CACHE_CONTROL)
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
            .collect();
        headers.sort();
        assert_eq!(response.extensions().get::<Refusal>(), Some(refusal));
        assert_eq!(response.headers()[CONTENT_TYPE], "application/json");
        assert_eq!(response.headers()[CACHE_CONTROL], "no-store");
        (response.status().as_u16(), headers, response.into_body())
    }

    fn one(name: &str, value: &str) -> Vec<(String, String)> {
        vec![(name.to_owned(), value.to_owned())]
    }

    #[test]
    fn every_refusal_is_told_to_the_byte() {
        assert_eq!(
            told(&Refusal::MissingToken),
            (
                401,
                one("www-authenticate", "Bearer"),
                r#"{"error":"invalid_token","reason":"missing_token"}"#.into()
            )
        );
        assert_eq!(
            told(&TokenRefusal::Expired.into()),
            (
                401,
                one("www-authenticate", r#"Bearer error="invalid_token""#),
                r#"{"error":"invalid_token","reason":"expired"}"#.into()
            )
        );
        let needed = |scopes: &str| Refusal::MissingScope {
            needed: scopes.to_owned(),
        };
        let body = r#"{"error":"insufficient_scope","reason":"missing_scope"}"#;
        assert_eq!(
            told(&needed("read:users write:*")),
            (
                403,
                one(
                    "www-authenticate",
                    r#"Bearer error="insufficient_scope", scope="read:users write:*""#
                ),
                body.into()
            )
        );
        for strange in ["a\"b", "a\\b", "a\nb", "\u{e9}"] {
            assert_eq!(
                told(&needed(strange)).1,
                one("www-authenticate", r#"Bearer error="insufficient_scope""#),
                "{strange}"
            );
        }
        for (retry_after, seconds) in [(0, "1"), (1_001, "2"), (30_000, "30")] {
            let away = Refusal::KeysUnavailable {
                problem: KeysProblem::TimedOut,
                retry_after: Duration::from_millis(retry_after),
            };
            assert_eq!(
                told(&away),
                (
                    503,
                    one("retry-after", seconds),
                    r#"{"error":"temporarily_unavailable","reason":"keys_unavailable"}"#.into()
                )
            );
        }
    }
}
