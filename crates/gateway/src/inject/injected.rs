//! What was put into a request.

use std::fmt;

use http::request::Parts;
use http::{HeaderName, HeaderValue};
use secrecy::SecretString;

use super::InjectError;

/// What was put into a request: the secrets, for the scrubber, and the headers, for the log.
#[derive(Default)]
pub struct Injected {
    secrets: Vec<SecretString>,
    header_names: Vec<HeaderName>,
}

impl Injected {
    /// Every secret text that now stands in the request.
    #[must_use]
    pub fn secrets(&self) -> &[SecretString] {
        &self.secrets
    }

    /// The headers that were set.
    #[must_use]
    pub fn header_names(&self) -> &[HeaderName] {
        &self.header_names
    }

    pub(super) fn add_secret(&mut self, secret: SecretString) {
        self.secrets.push(secret);
    }

    /// Sets a header in the place of all of that name.
    pub(super) fn set_header(
        &mut self,
        request: &mut Parts,
        name: HeaderName,
        value: &[u8],
    ) -> Result<(), InjectError> {
        let mut value = HeaderValue::from_bytes(value).map_err(|_| InjectError::Unwritable)?;
        value.set_sensitive(true);
        request.headers.insert(name.clone(), value);
        self.header_names.push(name);
        Ok(())
    }
}

impl fmt::Debug for Injected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Injected")
            .field("header_names", &self.header_names)
            .finish_non_exhaustive()
    }
}
