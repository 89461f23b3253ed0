//! A value in a header of any name.

use http::HeaderName;
use http::request::Parts;
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use super::{CredentialError, InjectError, Injected, field_value};
use crate::headers::may_be_configured;

/// A header's name, the value, and what stands before it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeaderFields {
    /// The header's name.
    pub name: String,
    /// What stands before the value, such as `Token ` with its space; by default nothing.
    #[serde(default)]
    pub prefix: String,
    /// The value.
    pub value: SecretString,
}

/// A header that was checked.
#[derive(Clone)]
pub struct Header {
    name: HeaderName,
    prefix: String,
    value: SecretString,
}

impl Header {
    /// Checks name, prefix and value.
    ///
    /// # Errors
    ///
    /// For a name that an operator may not choose, or what cannot stand in a header.
    pub fn new(fields: HeaderFields) -> Result<Self, CredentialError> {
        let name = may_be_configured(&fields.name)?;
        field_value::check_part("prefix", &fields.prefix)?;
        field_value::check_secret("value", &fields.value)?;
        if fields.prefix.starts_with([' ', '\t']) {
            return Err(CredentialError::InvalidValue { member: "prefix" });
        }
        Ok(Self {
            name,
            prefix: fields.prefix,
            value: fields.value,
        })
    }

    /// The header that is set.
    #[must_use]
    pub fn name(&self) -> &HeaderName {
        &self.name
    }

    pub(super) fn apply(&self, request: &mut Parts) -> Result<Injected, InjectError> {
        let mut injected = Injected::default();
        let value = Zeroizing::new(format!("{}{}", self.prefix, self.value.expose_secret()));
        injected.set_header(request, self.name.clone(), value.as_bytes())?;
        injected.add_secret(self.value.clone());
        Ok(injected)
    }
}
