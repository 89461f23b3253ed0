//! `Authorization: Bearer` (RFC 6750 section 2.1).

use http::header::AUTHORIZATION;
use http::request::Parts;
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use super::{CredentialError, InjectError, Injected, field_value};

/// A token.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BearerFields {
    /// The token, without the word `Bearer`.
    pub token: SecretString,
}

/// A token that was checked.
#[derive(Clone)]
pub struct Bearer {
    token: SecretString,
}

impl Bearer {
    /// Checks the token.
    ///
    /// # Errors
    ///
    /// When it cannot stand in a header. That it is of the characters of RFC 6750 is not asked: some APIs' tokens are not.
    pub fn new(fields: BearerFields) -> Result<Self, CredentialError> {
        field_value::check_secret("token", &fields.token)?;
        Ok(Self { token: fields.token })
    }

    pub(super) fn apply(&self, request: &mut Parts) -> Result<Injected, InjectError> {
        apply_token(&self.token, request)
    }
}

/// For this kind and for the one that fetches its token.
pub(super) fn apply_token(token: &SecretString, request: &mut Parts) -> Result<Injected, InjectError> {
    let mut injected = Injected::default();
    let value = Zeroizing::new(format!("Bearer {}", token.expose_secret()));
    injected.set_header(request, AUTHORIZATION, value.as_bytes())?;
    injected.add_secret(token.clone());
    Ok(injected)
}
