//! One form of a path, matched and forwarded alike.
//!
//! Gateways were broken again and again by two readers of one path: the one that decides sees `/public/%2e%2e/admin`,
//! the one that answers sees `/admin`. So there is one reading here, what another might read differently is refused,
//! and the text that was judged is the text that goes up. Nothing behind this may parse it again as a URL of the
//! WHATWG, which resolves dot segments.

use std::borrow::Cow;
use std::fmt;

use percent_encoding::percent_decode_str;

/// The longest path, in bytes, as it came and in its canonical form. Servers commonly take 8 KiB for the whole
/// request line.
pub const MAX_PATH_BYTES: usize = 8 * 1024;

/// Whether segments may carry `;name=value` parameters. Servers of the Java world cut them off before they look at
/// the path, others do not, so that `/public/..;/admin` is two paths.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum PathParameters {
    /// A semicolon is refused in any form.
    #[default]
    Refused,
    /// A raw semicolon is kept. An encoded one is refused even so.
    Allowed,
}

/// An absolute path with uppercase hexadecimal digits, with nothing encoded that need not be, without dot or empty
/// segments.
///
/// Reserved characters stay as they came, raw or encoded, because servers tell `%2B` from `+` and `%3A` from `:` (RFC
/// 3986 section 2.2). Double encoding is not undone: `%252e` is the text `%2e`.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct CanonicalPath(String);

impl CanonicalPath {
    /// Reads the raw path of a request, without its query.
    ///
    /// # Errors
    /// When another reader could take it for another path.
    pub fn parse(raw: &str, parameters: PathParameters) -> Result<Self, PathRefusal> {
        if raw.len() > MAX_PATH_BYTES {
            return Err(PathRefusal::TooLong);
        }
        let relative = raw.strip_prefix('/').ok_or(PathRefusal::NotAbsolute)?;
        let mut canonical = String::with_capacity(raw.len());
        let mut segments = relative.split('/').peekable();
        while let Some(segment) = segments.next() {
            // The last one is empty where the path ends with a slash.
            if segment.is_empty() && segments.peek().is_some() {
                return Err(PathRefusal::EmptySegment);
            }
            canonical.push('/');
            push_segment(&mut canonical, segment, parameters)?;
        }
        if canonical.len() > MAX_PATH_BYTES {
            return Err(PathRefusal::TooLong);
        }
        Ok(Self(canonical))
    }

    /// As it goes up, below the provider's base path.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The segments as they are matched, each decoded once. A path that ends with a slash has an empty last one, so
    /// that `/a` and `/a/` are two paths; `/` has that one alone.
    pub fn segments(&self) -> impl Iterator<Item = Cow<'_, str>> {
        self.0
            .split('/')
            .skip(1)
            // Loses nothing: `parse` has seen that it is UTF-8.
            .map(|segment| percent_decode_str(segment).decode_utf8_lossy())
    }
}

impl fmt::Display for CanonicalPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Appends the canonical form of one segment.
fn push_segment(
    canonical: &mut String,
    segment: &str,
    parameters: PathParameters,
) -> Result<(), PathRefusal> {
    let mut bytes = segment.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let decoded = hex(bytes.next()).zip(hex(bytes.next()));
            let (high, low) = decoded.ok_or(PathRefusal::BadEscape)?;
            push_encoded(canonical, high << 4 | low)?;
        } else {
            push_raw(canonical, byte, parameters)?;
        }
    }
    check_decoded(segment)
}

fn push_encoded(canonical: &mut String, byte: u8) -> Result<(), PathRefusal> {
    match byte {
        b'/' | b'\\' => return Err(PathRefusal::EncodedSeparator),
        b';' => return Err(PathRefusal::Parameter),
        _ if byte.is_ascii_control() => return Err(PathRefusal::ControlCharacter),
        _ if is_unreserved(byte) => canonical.push(char::from(byte)),
        _ => canonical.push_str(percent_encoding::percent_encode_byte(byte)),
    }
    Ok(())
}

fn push_raw(canonical: &mut String, byte: u8, parameters: PathParameters) -> Result<(), PathRefusal> {
    match byte {
        b'\\' => return Err(PathRefusal::Backslash),
        b'#' | b'?' => return Err(PathRefusal::Delimiter),
        b';' if parameters == PathParameters::Refused => return Err(PathRefusal::Parameter),
        _ if byte.is_ascii_control() => return Err(PathRefusal::ControlCharacter),
        _ if is_path_character(byte) => canonical.push(char::from(byte)),
        _ => canonical.push_str(percent_encoding::percent_encode_byte(byte)),
    }
    Ok(())
}

/// What shows only in the decoded text.
fn check_decoded(segment: &str) -> Result<(), PathRefusal> {
    let decoded = percent_decode_str(segment)
        .decode_utf8()
        .map_err(|_| PathRefusal::NotUtf8)?;
    // A server that cuts parameters off does so before it resolves dots.
    let name = decoded.split(';').next().unwrap_or_default();
    if matches!(name, "." | "..") {
        return Err(PathRefusal::DotSegment);
    }
    // Those of C1 come as two bytes each.
    if decoded.chars().any(char::is_control) {
        return Err(PathRefusal::ControlCharacter);
    }
    Ok(())
}

fn hex(digit: Option<u8>) -> Option<u8> {
    let value = char::from(digit?).to_digit(16)?;
    u8::try_from(value).ok()
}

/// RFC 3986 section 2.3.
fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// `pchar` of RFC 3986 section 3.3, but for escapes.
fn is_path_character(byte: u8) -> bool {
    is_unreserved(byte) || b"!$&'()*+,;=:@".contains(&byte)
}

/// Why a path is refused. None quotes it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PathRefusal {
    /// More than [`MAX_PATH_BYTES`].
    #[error("the path has more than {MAX_PATH_BYTES} bytes")]
    TooLong,
    /// It does not begin with a slash.
    #[error("the path does not begin with a slash")]
    NotAbsolute,
    /// Two slashes in a row: some servers take them for one.
    #[error("the path has an empty segment")]
    EmptySegment,
    /// `.` or `..`, raw or encoded, or either with parameters.
    #[error("the path has a dot segment")]
    DotSegment,
    /// `%2F` or `%5C`: some servers decode them before they split the path.
    #[error("the path has an encoded slash or backslash")]
    EncodedSeparator,
    /// Some readers take it for a slash.
    #[error("the path has a backslash")]
    Backslash,
    /// A semicolon, where none is allowed, or an encoded one.
    #[error("the path has a semicolon, which this provider does not take, or an encoded one")]
    Parameter,
    /// `#` or `?` in the path itself.
    #[error("the path has a character that ends it")]
    Delimiter,
    /// A control character, raw or encoded, NUL among them.
    #[error("the path has a control character")]
    ControlCharacter,
    /// A percent sign without two hexadecimal digits.
    #[error("the path has a percent sign without two hexadecimal digits")]
    BadEscape,
    /// The decoded path is no text.
    #[error("the decoded path is not UTF-8")]
    NotUtf8,
}

impl PathRefusal {
    /// A stable word for logs, metrics and callers that decide by it.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLong => "path_too_long",
            Self::NotAbsolute => "path_not_absolute",
            Self::EmptySegment => "path_empty_segment",
            Self::DotSegment => "path_dot_segment",
            Self::EncodedSeparator => "path_encoded_separator",
            Self::Backslash => "path_backslash",
            Self::Parameter => "path_parameter",
            Self::Delimiter => "path_delimiter",
            Self::ControlCharacter => "path_control_character",
            Self::BadEscape => "path_bad_escape",
            Self::NotUtf8 => "path_not_utf8",
        }
    }
}
