//! The injected secret, taken out of what comes back.
//!
//! An upstream that echoes a request, in an error, a log or on purpose, would hand the caller the credential that the gateway exists to keep from
//! it. So every answer is searched, while it streams, for each secret that was put into its request and for the usual encodings of it.
//!
//! This is a net under the rope, no rope: an upstream that wants to tell the secret can always encode it in a way that nobody looks for.

mod body;
mod forms;
mod matcher;
mod readable;
mod stream;

use std::fmt;
use std::sync::Arc;

use bytes::BytesMut;
use http::{HeaderMap, HeaderValue};
use secrecy::SecretString;

pub use body::{ScrubHits, ScrubbedBody};
pub use forms::{MIN_ENCODED_SECRET_BYTES, MIN_SECRET_BYTES};
pub use readable::{Unreadable, ask_for_identity, check_readable, is_textual};
pub use stream::ScrubStream;

use matcher::Matcher;

/// What stands in the place of a secret.
pub const MARK: &str = "[redacted]";

/// Looks for the secrets of one call, in all their forms. Cheap to clone.
///
/// It holds the forms of the secrets in the tables of the search, which cannot be zeroized; it should live no longer than the call or the
/// credential's version.
#[derive(Clone)]
pub struct Scrubber {
    matcher: Arc<Matcher>,
}

impl Scrubber {
    /// A scrubber for these secrets; `None` when there is nothing to look for: no secret, or only ones under [`MIN_SECRET_BYTES`].
    #[must_use]
    pub fn new(secrets: &[SecretString]) -> Option<Self> {
        let matcher = Arc::new(Matcher::new(&forms::all(secrets))?);
        Some(Self { matcher })
    }

    /// A search through one body.
    #[must_use]
    pub fn stream(&self) -> ScrubStream {
        ScrubStream::new(self.matcher.clone())
    }

    /// Replaces the secrets in the values of headers or trailers, and tells how many it found.
    pub fn scrub_headers(&self, headers: &mut HeaderMap) -> u64 {
        let mut hits = 0;
        for value in headers.values_mut() {
            let (clean, found) = self.scrub(value.as_bytes());
            if found > 0 {
                // A valid value with the mark in it is a valid value, so the second arm is never taken; it fails closed.
                *value = HeaderValue::from_bytes(&clean).unwrap_or(HeaderValue::from_static(MARK));
                hits += found;
            }
        }
        hits
    }

    fn scrub(&self, text: &[u8]) -> (BytesMut, u64) {
        let (mut stream, mut clean) = (self.stream(), BytesMut::new());
        stream.push(text, &mut clean);
        stream.finish(&mut clean);
        (clean, stream.hits())
    }
}

impl fmt::Debug for Scrubber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scrubber").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "hunter2hunter2";

    fn scrubber(secrets: &[&str]) -> Option<Scrubber> {
        let secrets: Vec<_> = secrets.iter().map(|secret| SecretString::from(*secret)).collect();
        Scrubber::new(&secrets)
    }

    #[test]
    fn without_a_secret_there_is_no_scrubber() {
        assert!(scrubber(&[]).is_none());
        assert!(scrubber(&[""]).is_none());
        assert!(scrubber(&["abc"]).is_none(), "too short to look for");
        assert!(scrubber(&["abcd"]).is_some());
    }

    #[test]
    fn header_values_are_scrubbed_and_hits_counted() {
        let mut headers = HeaderMap::new();
        headers.append("x-echo", HeaderValue::from_static("Bearer hunter2hunter2"));
        headers.append(
            "x-echo",
            HeaderValue::from_static("hunter2hunter2,aHVudGVyMmh1bnRlcjI="),
        );
        headers.append("x-other", HeaderValue::from_static("hunter"));
        let hits = scrubber(&[SECRET]).unwrap().scrub_headers(&mut headers);
        let echoes: Vec<_> = headers.get_all("x-echo").iter().collect();
        assert_eq!(echoes, ["Bearer [redacted]", "[redacted],[redacted]="]);
        assert_eq!(headers["x-other"], "hunter");
        assert_eq!(hits, 3);
    }

    #[test]
    fn values_that_are_no_text_stay_as_they_are() {
        let mut headers = HeaderMap::new();
        headers.append("x-raw", HeaderValue::from_bytes(b"\xff\xfe").unwrap());
        assert_eq!(scrubber(&[SECRET]).unwrap().scrub_headers(&mut headers), 0);
        assert_eq!(headers["x-raw"].as_bytes(), b"\xff\xfe");
    }

    #[test]
    fn debug_tells_nothing_of_the_secret() {
        let scrubber = scrubber(&[SECRET]).unwrap();
        assert_eq!(format!("{scrubber:?}"), "Scrubber { .. }");
        let mut stream = scrubber.stream();
        stream.push(&SECRET.as_bytes()[..9], &mut BytesMut::new());
        assert_eq!(format!("{stream:?}"), "ScrubStream { hits: 0, .. }");
    }
}
