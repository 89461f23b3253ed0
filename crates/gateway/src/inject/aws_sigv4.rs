//! AWS Signature Version 4: "AWS Signature Version 4 for API requests" in the IAM User Guide.
//!
//! The procedure: write the request in one canonical way, hash that into a text to sign, derive a key for day, region and service, sign.

mod canonical;

use std::fmt::Write as _;

use aws_lc_rs::{digest, hmac};
use http::request::Parts;
use http::{HeaderName, header};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use super::template::host;
use super::{CredentialError, InjectError, Injected, Moment, field_value};

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const DATE: HeaderName = HeaderName::from_static("x-amz-date");
const TOKEN: HeaderName = HeaderName::from_static("x-amz-security-token");
const PAYLOAD_HASH: HeaderName = HeaderName::from_static("x-amz-content-sha256");
/// In the place of the payload's hash where there is none: S3 takes it over TLS.
const UNSIGNED: &str = "UNSIGNED-PAYLOAD";

/// The headers that are set. All are taken from the caller's request, also where one is not set.
pub(super) const HEADER_NAMES: [HeaderName; 4] = [header::AUTHORIZATION, DATE, TOKEN, PAYLOAD_HASH];

/// An access key, and what it is for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AwsSigV4Fields {
    /// The access key id. It is no secret: every request shows it.
    pub access_key_id: String,
    /// The secret access key.
    pub secret_access_key: SecretString,
    /// The token of a temporary key.
    #[serde(default)]
    pub session_token: Option<SecretString>,
    /// The region, such as `eu-central-1`.
    pub region: String,
    /// The service's signing name, such as `s3` or `execute-api`.
    pub service: String,
}

/// An access key that was checked.
#[derive(Clone)]
pub struct AwsSigV4 {
    access_key_id: String,
    secret_access_key: SecretString,
    session_token: Option<SecretString>,
    region: String,
    service: String,
}

impl AwsSigV4 {
    /// Checks the members.
    ///
    /// # Errors
    ///
    /// When one is empty, too long, or could not stand in a header; id, region and service are plain words.
    pub fn new(fields: AwsSigV4Fields) -> Result<Self, CredentialError> {
        for (member, word) in [
            ("access_key_id", &fields.access_key_id),
            ("region", &fields.region),
            ("service", &fields.service),
        ] {
            field_value::check(member, word)?;
            // They stand between `/` and `,` in the header.
            if !word
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
            {
                return Err(CredentialError::InvalidValue { member });
            }
        }
        field_value::check_secret("secret_access_key", &fields.secret_access_key)?;
        if let Some(token) = &fields.session_token {
            field_value::check_secret("session_token", token)?;
        }
        Ok(Self {
            access_key_id: fields.access_key_id,
            secret_access_key: fields.secret_access_key,
            session_token: fields.session_token,
            region: fields.region,
            service: fields.service,
        })
    }

    /// S3 alone lets the payload go unsigned.
    pub(super) fn needs_body(&self) -> bool {
        !self.is_s3()
    }

    fn is_s3(&self) -> bool {
        matches!(self.service.as_str(), "s3" | "s3express" | "s3-outposts")
    }

    pub(super) fn apply(&self, request: &mut Parts, moment: &Moment<'_>) -> Result<Injected, InjectError> {
        let payload_hash = match moment.body {
            Some(body) => sha256_hex(body),
            None if self.is_s3() => UNSIGNED.to_owned(),
            None => return Err(InjectError::BodyNeeded),
        };
        let time = canonical::timestamp(moment.unix_seconds)?;
        let host = host(request)?.to_vec();

        for name in HEADER_NAMES {
            request.headers.remove(name);
        }
        let mut injected = Injected::default();
        injected.set_header(request, DATE, time.as_bytes())?;
        if let Some(token) = &self.session_token {
            injected.set_header(request, TOKEN, token.expose_secret().as_bytes())?;
            injected.add_secret(token.clone());
        }
        if self.is_s3() {
            injected.set_header(request, PAYLOAD_HASH, payload_hash.as_bytes())?;
        }

        let headers = canonical::Headers::of(request, &host);
        let path = canonical::path(request.uri.path(), self.is_s3());
        let query = canonical::query(request.uri.query().unwrap_or_default());
        let canonical = Zeroizing::new(
            [
                request.method.as_str().as_bytes(),
                path.as_bytes(),
                query.as_bytes(),
                &headers.lines,
                headers.names.as_bytes(),
                payload_hash.as_bytes(),
            ]
            .join(&b'\n'),
        );
        let date = &time[..8];
        let scope = format!("{date}/{}/{}/aws4_request", self.region, self.service);
        let to_sign = format!("{ALGORITHM}\n{time}\n{scope}\n{}", sha256_hex(&canonical));
        let signature = hex::encode(sign(&self.signing_key(date), to_sign.as_bytes()));

        let mut value = format!("{ALGORITHM} Credential={}/{scope}, ", self.access_key_id);
        // Writing to a `String` cannot fail.
        let _ = write!(value, "SignedHeaders={}, Signature={signature}", headers.names);
        injected.set_header(request, header::AUTHORIZATION, value.as_bytes())?;
        injected.add_secret(signature.into());
        Ok(injected)
    }

    /// The key for one day, region and service.
    fn signing_key(&self, date: &str) -> Zeroizing<Vec<u8>> {
        let first = Zeroizing::new(format!("AWS4{}", self.secret_access_key.expose_secret()));
        let words = [date, &self.region, &self.service, "aws4_request"];
        words
            .iter()
            .fold(Zeroizing::new(first.as_bytes().to_vec()), |key, word| {
                Zeroizing::new(sign(&key, word.as_bytes()).as_ref().to_vec())
            })
    }
}

fn sign(key: &[u8], text: &[u8]) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text)
}

fn sha256_hex(bytes: &[u8]) -> String {
    hex::encode(digest::digest(&digest::SHA256, bytes))
}

#[cfg(test)]
mod tests;
