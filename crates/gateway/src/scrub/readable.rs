//! Which answers can be looked into.

use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_RANGE, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};

/// Why a textual answer cannot be looked into. Passing it on could pass a secret on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Unreadable {
    /// It is compressed or otherwise encoded, although the gateway asked that it be not.
    #[error("the upstream's textual answer is encoded, so that it cannot be searched for the credential")]
    Encoded,
    /// Its characters are more than a byte apart, as in UTF-16, or shift their meaning.
    #[error("the upstream's textual answer is in a character set that cannot be searched for the credential")]
    CharacterSet,
    /// It is a part of something: half a secret in this one and half in the next would pass unseen.
    #[error("the upstream's textual answer is a range, which cannot be searched for the credential")]
    Range,
}

impl Unreadable {
    /// A stable word for answers, logs and metrics.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Encoded => "answer_encoded",
            Self::CharacterSet => "answer_character_set",
            Self::Range => "answer_range",
        }
    }
}

/// Asks the upstream for an answer that can be looked into, whatever the caller accepts.
///
/// An upstream that cannot serve a coding of the list should use none (RFC 9110 section 12.5.3). Some compress nevertheless;
/// [`check_readable`] finds them out.
pub fn ask_for_identity(headers: &mut HeaderMap) {
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
}

/// Whether an answer with these headers is text, in which an echoed secret would stand as such.
///
/// Without a `Content-Type`, or with one that cannot be read, it may be anything, so it counts as text.
#[must_use]
pub fn is_textual(headers: &HeaderMap) -> bool {
    let Some(essence) = content_type(headers).map(|(essence, _)| essence) else {
        return true;
    };
    let Some((kind, subtype)) = essence.split_once('/') else {
        return true;
    };
    match kind {
        "text" | "multipart" | "message" => true,
        _ if subtype.ends_with("+json") || subtype.ends_with("+xml") || subtype.ends_with("+yaml") => true,
        "application" => TEXTUAL_APPLICATIONS.contains(&subtype),
        _ => false,
    }
}

/// Subtypes of `application` that are text.
const TEXTUAL_APPLICATIONS: [&str; 20] = [
    "ecmascript",
    "edn",
    "graphql",
    "http",
    "javascript",
    "json",
    "json-seq",
    "jsonl",
    "jsonlines",
    "jwt",
    "ndjson",
    "sql",
    "toml",
    "x-javascript",
    "x-json",
    "x-ndjson",
    "x-www-form-urlencoded",
    "x-yaml",
    "xml",
    "yaml",
];

/// Whether an answer can be looked into, if it has to be.
///
/// # Errors
///
/// [`Unreadable`] for a textual answer in which a secret would not be seen.
pub fn check_readable(headers: &HeaderMap) -> Result<(), Unreadable> {
    if !is_textual(headers) {
        return Ok(());
    }
    let is_identity = |value: &HeaderValue| {
        let coding = value.as_bytes().trim_ascii();
        coding.is_empty() || coding.eq_ignore_ascii_case(b"identity")
    };
    if !headers.get_all(CONTENT_ENCODING).iter().all(is_identity) {
        return Err(Unreadable::Encoded);
    }
    let (essence, charset) = content_type(headers).unwrap_or_default();
    if headers.contains_key(CONTENT_RANGE) || essence == "multipart/byteranges" {
        return Err(Unreadable::Range);
    }
    let is_opaque = |charset: &str| {
        ["utf-16", "utf-32", "utf-7", "ucs-", "iso-10646", "ebcdic", "ibm"]
            .iter()
            .any(|prefix| charset.starts_with(prefix))
    };
    if charset.as_deref().is_some_and(is_opaque) {
        return Err(Unreadable::CharacterSet);
    }
    Ok(())
}

/// The media type and its `charset`, in lower case (RFC 9110 section 8.3.1). `None` when there is not exactly one, readable.
fn content_type(headers: &HeaderMap) -> Option<(String, Option<String>)> {
    let mut values = headers.get_all(CONTENT_TYPE).iter();
    let value = values.next()?.to_str().ok()?.to_ascii_lowercase();
    if values.next().is_some() {
        return None;
    }
    let mut parts = value.split(';').map(str::trim);
    let essence = parts.next()?.to_owned();
    let charset = parts
        .filter_map(|parameter| parameter.split_once('='))
        .find(|(name, _)| *name == "charset")
        .map(|(_, charset)| charset.trim_matches('"').to_owned());
    Some((essence, charset))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(fields: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers
    }

    fn of_type(content_type: &'static str) -> HeaderMap {
        headers(&[("content-type", content_type)])
    }

    #[test]
    fn text_is_known_by_its_type() {
        for textual in [
            "text/event-stream",
            "Text/Plain; charset=utf-8",
            "application/json",
            "application/problem+json; charset=\"utf-8\"",
            "application/x-ndjson",
            "image/svg+xml",
            "multipart/form-data; boundary=x",
            "nonsense",
            "",
        ] {
            assert!(is_textual(&of_type(textual)), "{textual}");
        }
        for other in [
            "application/octet-stream",
            "image/png",
            "application/grpc",
            "application/zip",
            "video/mp4",
        ] {
            assert!(!is_textual(&of_type(other)), "{other}");
        }
    }

    #[test]
    fn what_does_not_say_what_it_is_counts_as_text() {
        assert!(is_textual(&HeaderMap::new()));
        let twice = headers(&[("content-type", "image/png"), ("content-type", "text/plain")]);
        assert!(is_textual(&twice), "a browser might take the other one");
    }

    #[test]
    fn an_encoded_text_is_refused_and_anything_else_encoded_passes() {
        let of =
            |kind, coding| check_readable(&headers(&[("content-type", kind), ("content-encoding", coding)]));
        for coding in ["gzip", "br", "identity, gzip", "x-unknown"] {
            assert_eq!(
                of("application/json", coding),
                Err(Unreadable::Encoded),
                "{coding}"
            );
            assert_eq!(of("image/png", coding), Ok(()));
        }
        assert_eq!(of("application/json", "Identity"), Ok(()));
        assert_eq!(of("application/json", ""), Ok(()));
    }

    #[test]
    fn a_text_in_wide_characters_is_refused() {
        for charset in [
            "text/plain; charset=utf-16",
            "text/plain;charset=\"UTF-16LE\"",
            "application/json; x=y; charset=utf-32",
        ] {
            assert_eq!(
                check_readable(&of_type(charset)),
                Err(Unreadable::CharacterSet),
                "{charset}"
            );
        }
        assert_eq!(check_readable(&of_type("text/plain; charset=iso-8859-1")), Ok(()));
    }

    #[test]
    fn a_range_of_a_text_is_refused() {
        let range = ("content-range", "bytes 0-9/100");
        assert_eq!(
            check_readable(&headers(&[("content-type", "text/plain"), range])),
            Err(Unreadable::Range)
        );
        assert_eq!(
            check_readable(&headers(&[("content-type", "video/mp4"), range])),
            Ok(())
        );
        assert_eq!(
            check_readable(&of_type("multipart/byteranges; boundary=x")),
            Err(Unreadable::Range)
        );
    }

    #[test]
    fn the_upstream_is_asked_for_nothing_but_identity() {
        let mut asked = headers(&[("accept-encoding", "gzip"), ("accept-encoding", "br")]);
        ask_for_identity(&mut asked);
        assert_eq!(asked, headers(&[("accept-encoding", "identity")]));
    }

    #[test]
    fn codes_are_distinct() {
        let codes = [Unreadable::Encoded, Unreadable::CharacterSet, Unreadable::Range].map(Unreadable::code);
        assert_eq!(codes, ["answer_encoded", "answer_character_set", "answer_range"]);
    }
}
