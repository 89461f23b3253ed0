//! Configuration by arguments and environment, and what can be wrong with it.

use std::time::Duration;

use reqwest::Url;

/// The names of the environment, the same in every SDK.
pub(crate) mod variable {
    pub(crate) const URL: &str = "COUNTERSIGN_URL";
    pub(crate) const PROJECT_ID: &str = "COUNTERSIGN_PROJECT_ID";
    pub(crate) const CLIENT_ID: &str = "COUNTERSIGN_CLIENT_ID";
    pub(crate) const CLIENT_SECRET: &str = "COUNTERSIGN_CLIENT_SECRET";
    pub(crate) const CA_FILE: &str = "COUNTERSIGN_CA_FILE";
    pub(crate) const AUDIENCE: &str = "COUNTERSIGN_AUDIENCE";
}

/// What is missing or wrong in a configuration. No text repeats a value: one may be a secret in the wrong place.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// Neither an argument nor the environment says it.
    #[error("{name} is missing: give it to the builder, or set the variable where the environment is read")]
    Missing {
        /// The environment variable, or the builder's method where there is no variable.
        name: &'static str,
    },
    /// It is there and cannot be right.
    #[error("{name} is wrong: {problem}")]
    Invalid {
        /// The environment variable, or the builder's method where there is no variable.
        name: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// HTTP could not be set up, for example without any trusted authority on the machine.
    #[error("HTTP cannot be set up: {problem}")]
    Http {
        /// What the HTTP library says.
        problem: String,
    },
}

impl ConfigError {
    /// A stable word for callers that decide by it.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "missing_configuration",
            Self::Invalid { .. } => "invalid_configuration",
            Self::Http { .. } => "http_failed",
        }
    }
}

/// Where values are looked up that no argument gave. A type of its own, so that tests need not change the environment of their
/// process, and so that nothing reads it by surprise: only `from_env` does.
pub(crate) type Lookup = fn(&str) -> Option<String>;

/// The environment of this process. An empty variable is none: that is what unset ones look like in many compose files.
pub(crate) fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

pub(crate) fn required(value: Option<String>, name: &'static str) -> Result<String, ConfigError> {
    value
        .filter(|value| !value.is_empty())
        .ok_or(ConfigError::Missing { name })
}

/// The server's public URL, without a slash at its end.
pub(crate) fn base_url(value: Option<String>) -> Result<String, ConfigError> {
    let text = required(value, variable::URL)?;
    let url = http_url(&text, variable::URL)?;
    if url.query().is_some() {
        return Err(invalid(variable::URL, "it has a query"));
    }
    Ok(text.trim_end_matches('/').to_owned())
}

/// An http or https URL without credentials and fragment: what stands there would be sent, or end up in a log.
pub(crate) fn http_url(text: &str, name: &'static str) -> Result<Url, ConfigError> {
    let url = Url::parse(text).map_err(|_| invalid(name, "it is not a URL"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(invalid(name, "its scheme is neither https nor http"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(invalid(name, "it has credentials in it"));
    }
    if url.fragment().is_some() {
        return Err(invalid(name, "it has a fragment"));
    }
    Ok(url)
}

/// A project's id, which becomes a segment of a path.
pub(crate) fn project_id(value: Option<String>) -> Result<String, ConfigError> {
    let id = required(value, variable::PROJECT_ID)?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if id.len() > 128 || !id.bytes().all(is_plain) {
        return Err(invalid(
            variable::PROJECT_ID,
            "a project's id has letters, digits, - and _ only",
        ));
    }
    Ok(id)
}

/// Scopes by RFC 6749 section 3.3, and at least one: the server takes no scope for all scopes, and a guard that lost its needs must
/// not let everyone in.
pub(crate) fn scopes(scopes: &[String], name: &'static str) -> Result<(), ConfigError> {
    let is_scope_byte = |byte: u8| matches!(byte, b'!'..=b'~') && byte != b'"' && byte != b'\\';
    if scopes.is_empty() {
        return Err(invalid(
            name,
            "it is empty, which would mean all; leave it out for that",
        ));
    }
    if !scopes
        .iter()
        .all(|scope| !scope.is_empty() && scope.bytes().all(is_scope_byte))
    {
        return Err(invalid(name, "one is empty or has a character that no scope has"));
    }
    Ok(())
}

/// No time is longer than a year: nobody means it, and sums of times stay far from overflowing.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 3600);

pub(crate) fn bounded(time: Duration, name: &'static str) -> Result<Duration, ConfigError> {
    if time > LONGEST {
        return Err(invalid(name, "it is longer than a year"));
    }
    Ok(time)
}

pub(crate) fn timeout(time: Duration, name: &'static str) -> Result<Duration, ConfigError> {
    if time.is_zero() {
        return Err(invalid(name, "it must be longer than nothing"));
    }
    bounded(time, name)
}

pub(crate) fn invalid(name: &'static str, problem: &'static str) -> ConfigError {
    ConfigError::Invalid { name, problem }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_url_loses_its_last_slash_and_nothing_else() {
        let read = |url: &str| base_url(Some(url.to_owned()));
        assert_eq!(read("https://id.example/").unwrap(), "https://id.example");
        assert_eq!(read("http://127.0.0.1:4000").unwrap(), "http://127.0.0.1:4000");
        assert_eq!(read("https://example/id/").unwrap(), "https://example/id");
    }

    #[test]
    fn what_cannot_be_right_is_named_and_not_repeated() {
        for url in [
            "hunter2",
            "ftp://hunter2",
            "https://u:hunter2@id.example",
            "https://id.example?hunter2",
            "https://id.example#hunter2",
        ] {
            let error = base_url(Some(url.to_owned())).unwrap_err();
            assert_eq!(error.code(), "invalid_configuration", "{url}");
            assert!(
                error.to_string().starts_with("COUNTERSIGN_URL is wrong: "),
                "{error}"
            );
            assert!(!format!("{error:?} {error}").contains("hunter2"), "{error}");
        }
        for id in ["a/b", "a b", "..", "p\u{e9}"] {
            assert_eq!(
                project_id(Some(id.to_owned())).unwrap_err().code(),
                "invalid_configuration",
                "{id}"
            );
        }
    }

    #[test]
    fn an_empty_value_is_a_missing_one() {
        for value in [None, Some(String::new())] {
            assert_eq!(
                base_url(value.clone()),
                Err(ConfigError::Missing {
                    name: "COUNTERSIGN_URL"
                })
            );
            assert_eq!(
                project_id(value),
                Err(ConfigError::Missing {
                    name: "COUNTERSIGN_PROJECT_ID"
                })
            );
        }
    }
}
