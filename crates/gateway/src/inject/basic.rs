//! `Authorization: Basic` (RFC 7617).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;
use http::request::Parts;
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use super::{CredentialError, InjectError, Injected, field_value};

/// A user name and a password.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BasicFields {
    /// The name, without a colon; may be empty, as where the password is an API key.
    pub username: String,
    /// The password; may be empty, as where the name is an API key.
    pub password: SecretString,
}

/// A user name and a password that were checked.
#[derive(Clone)]
pub struct Basic {
    /// `username:password`. The name too may be the secret: some APIs take their key there.
    pair: SecretString,
    username: SecretString,
    password: SecretString,
}

impl Basic {
    /// Checks them.
    ///
    /// # Errors
    ///
    /// A colon in the name, a control character (RFC 7617 section 2) in either, both empty, or too long.
    pub fn new(fields: BasicFields) -> Result<Self, CredentialError> {
        let password = fields.password.expose_secret();
        if fields.username.is_empty() && password.is_empty() {
            return Err(CredentialError::Empty { member: "password" });
        }
        if fields.username.contains(':') {
            return Err(CredentialError::ColonInUsername);
        }
        for (member, value) in [("username", fields.username.as_str()), ("password", password)] {
            if value.chars().any(char::is_control) {
                return Err(CredentialError::InvalidValue { member });
            }
            // In base64 it has four thirds of its length.
            if value.len() > field_value::MAX_VALUE_BYTES / 3 {
                return Err(CredentialError::TooLong { member });
            }
        }
        let pair = Zeroizing::new(format!("{}:{password}", fields.username));
        Ok(Self {
            pair: pair.as_str().into(),
            username: fields.username.into(),
            password: fields.password,
        })
    }

    pub(super) fn apply(&self, request: &mut Parts) -> Result<Injected, InjectError> {
        let mut injected = Injected::default();
        let encoded = Zeroizing::new(STANDARD.encode(self.pair.expose_secret()));
        let value = Zeroizing::new(format!("Basic {}", *encoded));
        injected.set_header(request, AUTHORIZATION, value.as_bytes())?;
        injected.add_secret(encoded.as_str().into());
        injected.add_secret(self.pair.clone());
        // With a password, the name is no secret, and may be a word that stands in any answer.
        let secret = if self.password.expose_secret().is_empty() {
            &self.username
        } else {
            &self.password
        };
        injected.add_secret(secret.clone());
        Ok(injected)
    }
}
