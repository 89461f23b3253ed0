//! Old services: where clients come from whose secrets only the service they had before can check.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// Longest name; it stands in digests, settings and the log.
const NAME_MAX_CHARS: usize = 32;

/// The name of an old service. Its address is the server's configuration's alone: nobody who imports a client, and nobody
/// who writes to the database, can make the server call an address of their choice.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OldServiceName(Arc<str>);

/// A text is not the name of an old service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the name of an old service has 1 to {NAME_MAX_CHARS} characters of a-z 0-9 -")]
pub struct InvalidServiceName;

impl OldServiceName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for OldServiceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for OldServiceName {
    type Err = InvalidServiceName;

    fn from_str(text: &str) -> Result<Self, InvalidServiceName> {
        let sound = (1..=NAME_MAX_CHARS).contains(&text.len())
            && text
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        if sound {
            Ok(Self(text.into()))
        } else {
            Err(InvalidServiceName)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_short_and_plain() {
        for good in ["stytch", "keycloak-2", "x"] {
            assert_eq!(good.parse::<OldServiceName>().unwrap().as_str(), good);
        }
        for bad in ["", "Stytch", "a.b", "a$b", "https://x", "a b", &"x".repeat(33)] {
            assert_eq!(bad.parse::<OldServiceName>(), Err(InvalidServiceName), "{bad}");
        }
    }
}
