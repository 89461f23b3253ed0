//! A value in a query parameter.

use http::Uri;
use http::request::Parts;
use http::uri::PathAndQuery;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use super::{CredentialError, InjectError, Injected, field_value};

/// What RFC 3986 section 2.3 never has escaped.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A parameter's name and value.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QueryFields {
    /// The parameter's name, not escaped.
    pub name: String,
    /// The value, not escaped.
    pub value: SecretString,
}

/// A parameter that was checked.
#[derive(Clone)]
pub struct Query {
    name: String,
    value: SecretString,
}

impl Query {
    /// Checks name and value. What a URL does not take will be escaped.
    ///
    /// # Errors
    ///
    /// When one of them is empty or too long, or holds a control character.
    pub fn new(fields: QueryFields) -> Result<Self, CredentialError> {
        for (member, value) in [
            ("name", fields.name.as_str()),
            ("value", fields.value.expose_secret()),
        ] {
            field_value::check_length(member, value)?;
            if value.chars().any(char::is_control) {
                return Err(CredentialError::InvalidValue { member });
            }
        }
        Ok(Self {
            name: fields.name,
            value: fields.value,
        })
    }

    /// Takes away every parameter that any upstream could read as this one, and appends it.
    pub(super) fn apply(&self, request: &mut Parts) -> Result<Injected, InjectError> {
        let mut target = Zeroizing::new(request.uri.path().to_owned());
        target.push('?');
        for pair in request.uri.query().unwrap_or_default().split('&') {
            if !pair.is_empty() && !self.is_this(pair) {
                target.push_str(pair);
                target.push('&');
            }
        }
        target.extend(utf8_percent_encode(&self.name, ESCAPED));
        target.push('=');
        target.extend(utf8_percent_encode(self.value.expose_secret(), ESCAPED));

        let mut parts = request.uri.clone().into_parts();
        parts.path_and_query =
            Some(PathAndQuery::try_from(target.as_str()).map_err(|_| InjectError::Unwritable)?);
        request.uri = Uri::from_parts(parts).map_err(|_| InjectError::Unwritable)?;
        let mut injected = Injected::default();
        injected.add_secret(self.value.clone());
        Ok(injected)
    }

    /// Whether an upstream could take the pair for this parameter. Some read `;` as `&` (HTML 4 recommended it), some do not know the case of
    /// letters, PHP reads `name[]` and `name[x]` as `name`: none of those may say something else than the gateway.
    fn is_this(&self, pair: &str) -> bool {
        pair.split(';').any(|pair| {
            let name = pair.split('=').next().unwrap_or_default().replace('+', " ");
            let name = percent_decode_str(&name).decode_utf8_lossy().into_owned();
            let base = name.split('[').next().unwrap_or_default();
            [name.as_str(), base]
                .iter()
                .any(|name| name.trim_ascii().eq_ignore_ascii_case(&self.name))
        })
    }
}
