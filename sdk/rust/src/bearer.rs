//! The token of a request.

use ::http::HeaderMap;
use ::http::header::AUTHORIZATION;
use countersign_token::Refusal as TokenRefusal;

use crate::Refusal;

const SCHEME: &str = "Bearer";

/// The token in `Authorization: Bearer …` (RFC 6750 section 2.1). The scheme is written in any case (RFC 9110 section 11.1).
///
/// A token in the query or in a form (sections 2.2 and 2.3 there) is not looked for: both end up in logs.
///
/// # Errors
///
/// [`Refusal::MissingToken`] when there are no such credentials, and `malformed` when there are several or unreadable ones.
pub fn bearer_token(headers: &HeaderMap) -> Result<&str, Refusal> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = values.next().ok_or(Refusal::MissingToken)?;
    if values.next().is_some() {
        // Whoever stands before us may have looked at the other one.
        return Err(TokenRefusal::Malformed.into());
    }
    let value = value.to_str().map_err(|_| TokenRefusal::Malformed)?;
    let (scheme, token) = value.split_once(' ').unwrap_or((value, ""));
    if !scheme.eq_ignore_ascii_case(SCHEME) {
        return Err(Refusal::MissingToken);
    }
    match token.trim_matches(' ') {
        "" => Err(Refusal::MissingToken),
        token => Ok(token),
    }
}

#[cfg(test)]
mod tests {
    use ::http::HeaderValue;

    use super::*;

    fn headers(values: &[&[u8]]) -> HeaderMap {
        values
            .iter()
            .map(|value| (AUTHORIZATION, HeaderValue::from_bytes(value).unwrap()))
            .collect()
    }

    #[test]
    fn the_scheme_is_written_in_any_case() {
        for value in ["Bearer a.b.c", "bearer a.b.c", "BEARER  a.b.c "] {
            assert_eq!(
                bearer_token(&headers(&[value.as_bytes()])),
                Ok("a.b.c"),
                "{value}"
            );
        }
    }

    #[test]
    fn other_credentials_are_none() {
        for value in [
            "",
            "Bearer",
            "Bearer ",
            "Basic YTpi",
            "a.b.c",
            "Bearer\ta.b.c",
            "Bearera.b.c",
        ] {
            assert_eq!(
                bearer_token(&headers(&[value.as_bytes()])),
                Err(Refusal::MissingToken),
                "{value}"
            );
        }
        assert_eq!(bearer_token(&HeaderMap::new()), Err(Refusal::MissingToken));
    }

    #[test]
    fn two_answers_to_one_question_are_refused() {
        let two = headers(&[b"Bearer a.b.c", b"Basic YTpi"]);
        assert_eq!(bearer_token(&two), Err(TokenRefusal::Malformed.into()));
        let strange = headers(&[b"Bearer \xff"]);
        assert_eq!(bearer_token(&strange), Err(TokenRefusal::Malformed.into()));
    }
}
