//! A value in a cookie.

use http::HeaderName;
use http::header::COOKIE;
use http::request::Parts;
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use super::{CredentialError, InjectError, Injected, field_value};

/// A cookie's name and value.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CookieFields {
    /// The cookie's name, a token of RFC 9110 section 5.6.2.
    pub name: String,
    /// The value.
    pub value: SecretString,
}

/// A cookie that was checked.
#[derive(Clone)]
pub struct Cookie {
    name: String,
    value: SecretString,
}

impl Cookie {
    /// Checks name and value.
    ///
    /// # Errors
    ///
    /// For a name that is no token, or a value with what RFC 6265 section 4.1.1 does not let stand there: a `;` would begin another
    /// cookie.
    pub fn new(fields: CookieFields) -> Result<Self, CredentialError> {
        field_value::check("name", &fields.name)?;
        // The names of headers are tokens too (RFC 9110 section 5.1).
        if HeaderName::try_from(&fields.name).is_err() {
            return Err(CredentialError::InvalidValue { member: "name" });
        }
        field_value::check_secret("value", &fields.value)?;
        let is_cookie_octet = |byte: u8| byte.is_ascii_graphic() && !b"\",;\\".contains(&byte);
        let text = fields.value.expose_secret();
        let unquoted = text
            .strip_prefix('"')
            .and_then(|text| text.strip_suffix('"'))
            .unwrap_or(text);
        if !unquoted.bytes().all(is_cookie_octet) {
            return Err(CredentialError::InvalidValue { member: "value" });
        }
        Ok(Self {
            name: fields.name,
            value: fields.value,
        })
    }

    pub(super) fn apply(&self, request: &mut Parts) -> Result<Injected, InjectError> {
        let mut injected = Injected::default();
        let pair = Zeroizing::new(format!("{}={}", self.name, self.value.expose_secret()));
        injected.set_header(request, COOKIE, pair.as_bytes())?;
        injected.add_secret(self.value.clone());
        Ok(injected)
    }
}
