//! HTTP as both halves of this crate use it: bounded in time and size, and going nowhere but where it was sent.

use std::error::Error;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Client, ClientBuilder, Response, redirect};

use crate::ConfigError;
use crate::config::{Lookup, invalid, variable};

/// How long a server's `Retry-After` is obeyed at most where it holds back later requests.
pub(crate) const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(60);

/// What speaks HTTP when nothing is handed in. No redirect is followed: a token endpoint that redirects would have the secret carried
/// somewhere else. No proxy is taken from the environment: a variable meant for browsers must not decide who sees our secrets.
/// Whoever wants either hands in a `reqwest::Client`.
pub(crate) fn own(ca_file: Option<&Path>) -> Result<Client, ConfigError> {
    let builder = Client::builder()
        .no_proxy()
        .redirect(redirect::Policy::none())
        .user_agent(concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")));
    let builder = match ca_file {
        Some(path) => trusting(builder, path)?,
        None => builder,
    };
    builder.build().map_err(|error| ConfigError::Http {
        problem: problem(error),
    })
}

/// What was handed in, or our own.
pub(crate) fn given_or_own(
    given: Option<Client>,
    ca_file: Option<&Path>,
    lookup: Option<Lookup>,
) -> Result<Client, ConfigError> {
    match (given, ca_file) {
        (Some(_), Some(_)) => Err(invalid(
            variable::CA_FILE,
            "it does not go together with an HTTP client of your own",
        )),
        (Some(given), None) => Ok(given),
        (None, Some(path)) => own(Some(path)),
        (None, None) => {
            let named = lookup.and_then(|look_up| look_up(variable::CA_FILE));
            own(named.as_deref().map(Path::new))
        }
    }
}

/// Trusts the authorities in this file (PEM) beside those of the platform.
#[cfg(feature = "rustls")]
fn trusting(builder: ClientBuilder, path: &Path) -> Result<ClientBuilder, ConfigError> {
    let wrong = |problem| invalid(variable::CA_FILE, problem);
    let pem = std::fs::read(path).map_err(|_| wrong("the file cannot be read"))?;
    let authorities = reqwest::Certificate::from_pem_bundle(&pem)
        .ok()
        .filter(|authorities| !authorities.is_empty())
        .ok_or(wrong("the file has no certificate in PEM"))?;
    Ok(builder.tls_certs_merge(authorities))
}

#[cfg(not(feature = "rustls"))]
fn trusting(_builder: ClientBuilder, _path: &Path) -> Result<ClientBuilder, ConfigError> {
    Err(invalid(variable::CA_FILE, "it needs the feature `rustls`"))
}

/// The body, or `None` when it is longer than `most` bytes; no more than that is ever held.
pub(crate) async fn body(mut response: Response, most: usize) -> Result<Option<Vec<u8>>, reqwest::Error> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > most {
            return Ok(None);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Some(body))
}

/// What `Retry-After` says, in seconds (RFC 9110 section 10.2.3). A date is passed over: it would have us believe that two clocks
/// agree.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// What went wrong, with all its causes, and without the URL.
pub(crate) fn problem(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        // Writing to a text does not fail.
        let _ = write!(text, ": {error}");
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    #[test]
    fn only_whole_seconds_count_as_a_wait() {
        let read = |value: &'static str| {
            retry_after(&HeaderMap::from_iter([(
                RETRY_AFTER,
                HeaderValue::from_static(value),
            )]))
        };
        assert_eq!(read("7"), Some(Duration::from_secs(7)));
        for value in [
            "",
            "-1",
            "1.5",
            "Fri, 31 Dec 1999 23:59:59 GMT",
            "99999999999999999999999",
        ] {
            assert_eq!(read(value), None, "{value}");
        }
    }
}
