//! Making text safe for its place.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// All but the unreserved characters of RFC 3986 section 2.3.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Leaves the reserved characters that do not end a value in a query. A percent sign is encoded, so that what is written is what is read.
const RESERVED: &AsciiSet = &ENCODED
    .remove(b':')
    .remove(b'/')
    .remove(b'?')
    .remove(b'@')
    .remove(b'!')
    .remove(b'$')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b',')
    .remove(b';')
    .remove(b'=');

/// How text is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Text {
    /// For a header.
    AsItIs,
    /// Percent-encoded but for the unreserved characters.
    Encoded,
    /// Percent-encoded but for the reserved characters that a query can carry.
    Reserved,
}

impl Text {
    pub(super) fn write(self, text: &str) -> String {
        match self {
            Self::AsItIs => text.to_owned(),
            Self::Encoded => utf8_percent_encode(text, ENCODED).to_string(),
            Self::Reserved => utf8_percent_encode(text, RESERVED).to_string(),
        }
    }
}
