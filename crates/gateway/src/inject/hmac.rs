//! A keyed hash (RFC 2104) over parts of the request, as webhooks and many APIs want it.

use aws_lc_rs::hmac as keyed_hash;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderName;
use http::request::Parts;
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use super::template::{Place, Template};
use super::{CredentialError, Encoding, InjectError, Injected, Moment, field_value};
use crate::headers::may_be_configured;

/// A key, what is signed with it, and where the signature goes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HmacFields {
    /// The key.
    pub key: SecretString,
    /// How the key is written; by default it is the text itself.
    #[serde(default)]
    pub key_encoding: KeyEncoding,
    /// The header that takes the signature.
    pub header: String,
    /// What is signed, with the places `{timestamp}`, `{method}`, `{path}`, `{query}`, `{host}` and `{body}`.
    pub template: String,
    /// The hash; by default SHA-256.
    #[serde(default)]
    pub hash: Hash,
    /// How the signature is written; by default in hexadecimal.
    #[serde(default)]
    pub encoding: Encoding,
    /// What stands before the signature, with the same places but the body's, such as `sha256=` or `t={timestamp},v1=`.
    #[serde(default)]
    pub prefix: String,
    /// The header that takes the timestamp, if one does.
    #[serde(default)]
    pub timestamp_header: Option<String>,
}

/// How the key is written.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyEncoding {
    /// The bytes of the text are the key.
    #[default]
    Text,
    /// Hexadecimal.
    Hex,
    /// Base64 with padding.
    Base64,
}

/// The hash within.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Hash {
    /// SHA-256.
    #[default]
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

/// A key and a template that were checked.
#[derive(Clone)]
pub struct Hmac {
    key: keyed_hash::Key,
    header: HeaderName,
    template: Template,
    encoding: Encoding,
    prefix: Template,
    timestamp_header: Option<HeaderName>,
}

impl Hmac {
    /// Checks key, headers and templates.
    ///
    /// # Errors
    ///
    /// For a key that is empty or not encoded as it says, a header that an operator may not choose, or a template that cannot be read or
    /// that signs the same text every time: that would be a password, not a signature.
    pub fn new(fields: HmacFields) -> Result<Self, CredentialError> {
        let header = may_be_configured(&fields.header)?;
        let timestamp_header = fields
            .timestamp_header
            .as_deref()
            .map(may_be_configured)
            .transpose()?;
        if timestamp_header.as_ref() == Some(&header) {
            return Err(CredentialError::SameHeader);
        }
        field_value::check_length("template", &fields.template)?;
        let template = Template::parse(&fields.template)?;
        let prefix = Template::parse(&fields.prefix)?;
        if template.is_constant() || prefix.has(Place::Body) {
            return Err(CredentialError::Template);
        }
        for literal in prefix.literals() {
            field_value::check_part("prefix", literal)?;
        }
        Ok(Self {
            key: key(&fields)?,
            header,
            template,
            encoding: fields.encoding,
            prefix,
            timestamp_header,
        })
    }

    pub(super) fn header_names(&self) -> Vec<HeaderName> {
        [Some(self.header.clone()), self.timestamp_header.clone()]
            .into_iter()
            .flatten()
            .collect()
    }

    pub(super) fn needs_body(&self) -> bool {
        self.template.has(Place::Body)
    }

    pub(super) fn apply(&self, request: &mut Parts, moment: &Moment<'_>) -> Result<Injected, InjectError> {
        let mut signing = keyed_hash::Context::with_key(&self.key);
        self.template
            .fill(request, moment, |bytes| signing.update(bytes))?;
        let signature = self.encoding.encode(signing.sign().as_ref());
        let mut value = Vec::new();
        self.prefix
            .fill(request, moment, |bytes| value.extend_from_slice(bytes))?;
        value.extend_from_slice(signature.as_bytes());

        let mut injected = Injected::default();
        if let Some(name) = self.timestamp_header.clone() {
            injected.set_header(request, name, moment.unix_seconds.to_string().as_bytes())?;
        }
        injected.set_header(request, self.header.clone(), &value)?;
        injected.add_secret(signature.into());
        Ok(injected)
    }
}

fn key(fields: &HmacFields) -> Result<keyed_hash::Key, CredentialError> {
    let text = fields.key.expose_secret();
    field_value::check_length("key", text)?;
    let bytes = match fields.key_encoding {
        KeyEncoding::Text => Ok(text.as_bytes().to_vec()),
        KeyEncoding::Hex => hex::decode(text).map_err(|_| CredentialError::KeyEncoding),
        KeyEncoding::Base64 => STANDARD.decode(text).map_err(|_| CredentialError::KeyEncoding),
    };
    let bytes = Zeroizing::new(bytes?);
    let algorithm = match fields.hash {
        Hash::Sha256 => keyed_hash::HMAC_SHA256,
        Hash::Sha384 => keyed_hash::HMAC_SHA384,
        Hash::Sha512 => keyed_hash::HMAC_SHA512,
    };
    Ok(keyed_hash::Key::new(algorithm, &bytes))
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn fields(key: &str) -> HmacFields {
        HmacFields {
            key: key.into(),
            key_encoding: KeyEncoding::Text,
            header: "x-signature".into(),
            template: "{body}".into(),
            hash: Hash::Sha256,
            encoding: Encoding::Hex,
            prefix: String::new(),
            timestamp_header: None,
        }
    }

    fn sign(fields: HmacFields, body: &[u8]) -> Parts {
        let request = Request::post("https://api.test:8443/v1/things?x=1")
            .body(())
            .unwrap();
        let mut parts = request.into_parts().0;
        let moment = Moment {
            unix_seconds: 1_614_265_330,
            body: Some(body),
            access_token: None,
        };
        Hmac::new(fields).unwrap().apply(&mut parts, &moment).unwrap();
        parts
    }

    #[test]
    fn signatures_are_those_of_rfc_4231() {
        // Test case 2, and of test case 1 the SHA-256 with its key in hexadecimal.
        for (hash, expected) in [
            (
                Hash::Sha256,
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
            (
                Hash::Sha384,
                "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649",
            ),
            (
                Hash::Sha512,
                "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
            ),
        ] {
            let fields = HmacFields {
                hash,
                ..fields("Jefe")
            };
            assert_eq!(
                sign(fields, b"what do ya want for nothing?").headers["x-signature"],
                expected
            );
        }
        let fields = HmacFields {
            key_encoding: KeyEncoding::Hex,
            ..fields(&"0b".repeat(20))
        };
        let expected = "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7";
        assert_eq!(sign(fields, b"Hi There").headers["x-signature"], expected);
    }

    #[test]
    fn a_webhook_is_signed_as_in_githubs_documentation() {
        let fields = HmacFields {
            header: "X-Hub-Signature-256".into(),
            prefix: "sha256=".into(),
            ..fields("It's a Secret to Everybody")
        };
        let expected = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        assert_eq!(
            sign(fields, b"Hello, World!").headers["x-hub-signature-256"],
            expected
        );
    }

    #[test]
    fn every_place_is_filled_and_the_prefix_too() {
        let key = keyed_hash::Key::new(keyed_hash::HMAC_SHA256, b"key");
        let text = b"{1614265330} POST /v1/things x=1 api.test:8443 {\"a\":1}";
        let expected = hex::encode(keyed_hash::sign(&key, text));
        let fields = HmacFields {
            template: "{{{timestamp}}} {method} {path} {query} {host} {body}".into(),
            prefix: "t={timestamp},v1=".into(),
            timestamp_header: Some("x-timestamp".into()),
            ..fields("key")
        };
        let parts = sign(fields, b"{\"a\":1}");
        assert_eq!(
            parts.headers["x-signature"],
            format!("t=1614265330,v1={expected}")
        );
        assert_eq!(parts.headers["x-timestamp"], "1614265330");
    }

    #[test]
    fn a_template_that_cannot_be_read_or_says_nothing_of_the_request_is_refused() {
        for template in ["{nothing}", "{body", "body}", "{}", "constant", "{{body}}"] {
            let fields = HmacFields {
                template: template.into(),
                ..fields("key")
            };
            assert_eq!(
                Hmac::new(fields).err(),
                Some(CredentialError::Template),
                "{template}"
            );
        }
        let fields = HmacFields {
            prefix: "a\r\nb: ".into(),
            ..fields("key")
        };
        assert_eq!(
            Hmac::new(fields).err(),
            Some(CredentialError::InvalidValue { member: "prefix" })
        );
    }

    #[test]
    fn without_the_body_nothing_is_signed() {
        let mut parts = Request::new(()).into_parts().0;
        let hmac = Hmac::new(fields("key")).unwrap();
        assert!(hmac.needs_body());
        let refused = hmac.apply(&mut parts, &Moment::default());
        assert_eq!(refused.err(), Some(InjectError::BodyNeeded));
        assert!(parts.headers.is_empty());
    }
}
