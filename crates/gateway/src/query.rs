//! The query of a request: passed on as it came, named in the audit by its names alone.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// The longest query, in bytes. With a path and a base path of their longest it still is a URI that `http` can hold.
pub const MAX_QUERY_BYTES: usize = 32 * 1024;
/// How many names the audit is given.
pub const MAX_NAMES: usize = 32;
/// How many characters of a name the audit is given.
pub const MAX_NAME_CHARS: usize = 64;
/// Stands for a part without `=`, whose text may be a value: `?eyJhbGciOi…`.
pub const NAMELESS: &str = "-";

/// A query that can stand in a request line.
#[derive(Clone, PartialEq, Eq)]
pub struct Query(String);

impl Query {
    /// Reads what stands behind the question mark.
    ///
    /// # Errors
    /// When it is too long or could end the request line early.
    pub fn parse(raw: &str) -> Result<Self, QueryRefusal> {
        if raw.len() > MAX_QUERY_BYTES {
            return Err(QueryRefusal::TooLong);
        }
        if raw.bytes().any(|byte| byte <= b' ' || byte == 0x7f) {
            return Err(QueryRefusal::ControlCharacter);
        }
        if raw.contains('#') {
            return Err(QueryRefusal::Fragment);
        }
        Ok(Self(raw.to_owned()))
    }

    /// As it goes up.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The names for the audit: decoded, without control characters, bounded in number and length, and never a value.
    pub fn names(&self) -> impl Iterator<Item = String> {
        self.0
            .split('&')
            .filter(|part| !part.is_empty())
            .take(MAX_NAMES)
            .map(|part| {
                part.split_once('=')
                    .map_or_else(|| NAMELESS.to_owned(), |(name, _)| shown(name))
            })
    }
}

/// Values are the caller's own.
impl std::fmt::Debug for Query {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_list().entries(self.names()).finish()
    }
}

fn shown(name: &str) -> String {
    let decoded: Cow<'_, str> = percent_decode_str(name).decode_utf8_lossy();
    decoded
        .chars()
        .filter(|character| !character.is_control())
        .take(MAX_NAME_CHARS)
        .collect()
}

/// Why a query is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum QueryRefusal {
    /// More than [`MAX_QUERY_BYTES`].
    #[error("the query has more than {MAX_QUERY_BYTES} bytes")]
    TooLong,
    /// A raw control character or space.
    #[error("the query has a raw control character or space")]
    ControlCharacter,
    /// A fragment has no place in a request.
    #[error("the query has a fragment")]
    Fragment,
}

impl QueryRefusal {
    /// A stable word for logs, metrics and callers that decide by it.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLong => "query_too_long",
            Self::ControlCharacter => "query_control_character",
            Self::Fragment => "query_fragment",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(raw: &str) -> Vec<String> {
        Query::parse(raw).unwrap().names().collect()
    }

    #[test]
    fn it_is_passed_on_as_it_came() {
        for raw in ["", "a=1&a=2&b", "q=%2e%2E%0a;x[]=\"|\"", "a=b?c/d"] {
            assert_eq!(Query::parse(raw).unwrap().as_str(), raw);
        }
    }

    #[test]
    fn what_ends_a_request_line_is_refused() {
        for (raw, expected) in [
            ("a=b HTTP/1.1", QueryRefusal::ControlCharacter),
            ("a\r\nb", QueryRefusal::ControlCharacter),
            ("a\0", QueryRefusal::ControlCharacter),
            ("a\u{7f}", QueryRefusal::ControlCharacter),
            ("a=b#c", QueryRefusal::Fragment),
        ] {
            assert_eq!(Query::parse(raw), Err(expected), "{raw:?}");
        }
        let longest = "a".repeat(MAX_QUERY_BYTES);
        assert!(Query::parse(&longest).is_ok());
        assert_eq!(Query::parse(&format!("{longest}a")), Err(QueryRefusal::TooLong));
    }

    #[test]
    fn names_are_given_and_values_never() {
        assert_eq!(
            names("limit=secret&filter%5Bname%5D=secret&&x=y=secret"),
            ["limit", "filter[name]", "x"]
        );
        assert_eq!(names("secret&a=secret"), [NAMELESS, "a"]);
        let shown = format!("{:?}", Query::parse("a=secret&secret").unwrap());
        assert!(!shown.contains("secret"), "{shown}");
    }

    #[test]
    fn names_cannot_break_a_line_or_fill_it() {
        assert_eq!(names("a%0d%0ab%1b%c2%85=1"), ["ab"]);
        assert_eq!(names(&format!("{}=1", "n".repeat(900)))[0].len(), MAX_NAME_CHARS);
        assert_eq!(names(&"a=1&".repeat(500)).len(), MAX_NAMES);
    }
}
