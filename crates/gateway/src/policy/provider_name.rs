//! What a provider is called.

use std::fmt;
use std::str::FromStr;

/// Longest name: it stands in scopes beside an operation's name, and a scope has at most 128 characters.
pub const PROVIDER_NAME_MAX_CHARS: usize = 40;

/// A provider's name: it stands in paths, scopes and metrics, and so it is plain.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ProviderName(String);

/// The name is not one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "a provider's name has 1 to {PROVIDER_NAME_MAX_CHARS} characters a-z, 0-9 and -, begins with a letter and does not end with -"
)]
pub struct ProviderNameError;

impl ProviderName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether these scopes, separated by spaces, open anything at the provider of this name, if there is one.
    #[must_use]
    pub fn is_known_to(&self, held: &str) -> bool {
        held.split_ascii_whitespace().any(|scope| {
            let resource = scope
                .strip_prefix("gateway:")
                .or_else(|| scope.strip_prefix("gateway-read:"));
            resource.is_some_and(|resource| {
                resource == "*"
                    || resource
                        .strip_prefix(self.as_str())
                        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            })
        })
    }
}

impl FromStr for ProviderName {
    type Err = ProviderNameError;

    fn from_str(text: &str) -> Result<Self, ProviderNameError> {
        let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let sound = text.len() <= PROVIDER_NAME_MAX_CHARS
            && text.bytes().all(is_plain)
            && text.starts_with(|first: char| first.is_ascii_lowercase())
            && !text.ends_with('-');
        if sound {
            Ok(Self(text.to_owned()))
        } else {
            Err(ProviderNameError)
        }
    }
}

impl fmt::Display for ProviderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain() {
        let longest = "a".repeat(PROVIDER_NAME_MAX_CHARS);
        for name in ["stytch", "a", "acme-2", &longest] {
            assert_eq!(name.parse::<ProviderName>().unwrap().as_str(), name);
        }
        let too_long = "a".repeat(PROVIDER_NAME_MAX_CHARS + 1);
        for name in [
            "", "Stytch", "2a", "-a", "a-", "a/b", "a.b", "a b", "*", "a_b", "ä", &too_long,
        ] {
            assert_eq!(name.parse::<ProviderName>(), Err(ProviderNameError), "{name}");
        }
    }
}
