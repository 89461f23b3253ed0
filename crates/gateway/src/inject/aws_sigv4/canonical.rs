//! The one way to write a request that both sides of Signature Version 4 agree on.

use std::borrow::Cow;
use std::collections::BTreeMap;

use http::request::Parts;
use http::{HeaderMap, header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};

use super::InjectError;

/// What AWS calls `UriEncode`: all but the unreserved characters of RFC 3986 section 2.3.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
/// The same within a path.
const ESCAPED_IN_PATH: &AsciiSet = &ESCAPED.remove(b'/');

/// The headers that are signed, as lines and as names.
pub(super) struct Headers {
    /// `name:value` lines, each with a line end, sorted by name.
    pub(super) lines: Vec<u8>,
    /// The names, joined by `;`.
    pub(super) names: String,
}

impl Headers {
    /// Signed are `host`, `content-type`, `content-md5` and all of AWS's own; others may be changed on the way.
    pub(super) fn of(request: &Parts, host: &[u8]) -> Self {
        let mut signed = BTreeMap::from([("host", host.to_vec())]);
        for name in request.headers.keys() {
            let is_content = *name == header::CONTENT_TYPE || name.as_str() == "content-md5";
            if is_content || name.as_str().starts_with("x-amz-") {
                signed.insert(name.as_str(), joined(&request.headers, name));
            }
        }
        let mut lines = Vec::new();
        for (name, value) in &signed {
            lines.extend_from_slice(name.as_bytes());
            lines.push(b':');
            lines.extend_from_slice(value);
            lines.push(b'\n');
        }
        let names: Vec<_> = signed.into_keys().collect();
        Self {
            lines,
            names: names.join(";"),
        }
    }
}

/// All values of a header with commas between, and of spaces in a row only one.
fn joined(headers: &HeaderMap, name: &header::HeaderName) -> Vec<u8> {
    let values: Vec<Vec<u8>> = headers
        .get_all(name)
        .iter()
        .map(|value| {
            let words = value.as_bytes().split(|byte| *byte == b' ');
            let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
            words.join(&b' ')
        })
        .collect();
    values.join(&b',')
}

/// The path. S3's keys are any text, so there it is taken as it is and escaped once; elsewhere it is put in order and what is already escaped is
/// escaped again.
pub(super) fn path(path: &str, is_s3: bool) -> String {
    if is_s3 {
        let plain: Cow<'_, [u8]> = percent_decode_str(path).into();
        return percent_encode(&plain, ESCAPED_IN_PATH).to_string();
    }
    percent_encode(in_order(path).as_bytes(), ESCAPED_IN_PATH).to_string()
}

/// Without empty and dot segments.
fn in_order(path: &str) -> String {
    let mut segments = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            _ => segments.push(segment),
        }
    }
    let is_folder = ["/", "/.", "/.."].iter().any(|end| path.ends_with(end));
    let end = if is_folder && !segments.is_empty() {
        "/"
    } else {
        ""
    };
    format!("/{}{end}", segments.join("/"))
}

/// The parameters, escaped in one way and sorted by name and value.
pub(super) fn query(query: &str) -> String {
    let escape = |text: &str| percent_encode(text.as_bytes(), ESCAPED).to_string();
    let mut pairs: Vec<_> = form_urlencoded::parse(query.as_bytes())
        .map(|(name, value)| (escape(&name), escape(&value)))
        .collect();
    pairs.sort_unstable();
    let pairs: Vec<_> = pairs
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    pairs.join("&")
}

/// `20150830T123600Z`, up to the year 9999.
pub(super) fn timestamp(unix_seconds: u64) -> Result<String, InjectError> {
    let seconds = i64::try_from(unix_seconds).map_err(|_| InjectError::Time)?;
    let time = jiff::Timestamp::from_second(seconds).map_err(|_| InjectError::Time)?;
    Ok(time.strftime("%Y%m%dT%H%M%SZ").to_string())
}
