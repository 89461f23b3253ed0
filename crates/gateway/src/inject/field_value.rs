//! What may stand in a header, a cookie or a URL.

use http::HeaderValue;
use secrecy::{ExposeSecret as _, SecretString};

use super::CredentialError;

/// The longest value of a credential, in bytes: what upstreams take of all headers together is 8 to 16 KiB.
pub const MAX_VALUE_BYTES: usize = 8 * 1024;

/// Neither empty nor too long.
pub(super) fn check_length(member: &'static str, value: &str) -> Result<(), CredentialError> {
    match value.len() {
        0 => Err(CredentialError::Empty { member }),
        1..=MAX_VALUE_BYTES => Ok(()),
        _ => Err(CredentialError::TooLong { member }),
    }
}

/// A value that can be all of a header's value (RFC 9110 section 5.5): no line break, no control character, no space at an end.
pub(super) fn check_secret(member: &'static str, value: &SecretString) -> Result<(), CredentialError> {
    check(member, value.expose_secret())
}

/// As [`check_secret`], of a text that is no secret.
pub(super) fn check(member: &'static str, value: &str) -> Result<(), CredentialError> {
    check_length(member, value)?;
    check_characters(member, value)?;
    if value.trim_ascii() == value {
        Ok(())
    } else {
        Err(CredentialError::InvalidValue { member })
    }
}

/// A text that can be a part of a header's value; it may be empty.
pub(super) fn check_part(member: &'static str, value: &str) -> Result<(), CredentialError> {
    if value.len() > MAX_VALUE_BYTES {
        return Err(CredentialError::TooLong { member });
    }
    check_characters(member, value)
}

fn check_characters(member: &'static str, value: &str) -> Result<(), CredentialError> {
    // Beyond ASCII, readers differ on what the bytes are (RFC 9110 section 5.5).
    if value.is_ascii() && HeaderValue::from_str(value).is_ok() {
        Ok(())
    } else {
        Err(CredentialError::InvalidValue { member })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEMBER: &str = "value";

    #[test]
    fn what_could_end_a_header_or_be_lost_on_the_way_is_refused() {
        for bad in [
            "a\r\nx: y",
            "a\nb",
            "a\rb",
            "a\0b",
            "a\x7fb",
            " a",
            "a ",
            "\ta",
            "caf\u{e9}",
        ] {
            assert_eq!(
                check(MEMBER, bad),
                Err(CredentialError::InvalidValue { member: MEMBER }),
                "{bad:?}"
            );
        }
        assert_eq!(check(MEMBER, "a b\tc!~"), Ok(()));
    }

    #[test]
    fn a_value_is_neither_empty_nor_endless() {
        assert_eq!(check(MEMBER, ""), Err(CredentialError::Empty { member: MEMBER }));
        assert_eq!(check(MEMBER, &"x".repeat(MAX_VALUE_BYTES)), Ok(()));
        let long = "x".repeat(MAX_VALUE_BYTES + 1);
        assert_eq!(
            check(MEMBER, &long),
            Err(CredentialError::TooLong { member: MEMBER })
        );
    }
}
