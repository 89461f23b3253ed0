//! What is asked of a token endpoint (RFC 6749 section 4.4). The HTTP is the business of whoever implements [`super::TokenEndpoint`].

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Uri};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use super::{CredentialError, field_value};

/// A client of the provider's authorization server.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OauthClientCredentialsFields {
    /// The token endpoint.
    pub token_url: String,
    /// The client's id.
    pub client_id: String,
    /// The client's secret.
    pub client_secret: SecretString,
    /// How the client shows them; by default with `Basic`, which every server has to take (RFC 6749 section 2.3.1).
    #[serde(default)]
    pub authentication: ClientAuthentication,
    /// Scopes with spaces between.
    #[serde(default)]
    pub scope: Option<String>,
    /// `audience`, which some servers ask for.
    #[serde(default)]
    pub audience: Option<String>,
    /// `resource` (RFC 8707), which may be there more than once.
    #[serde(default)]
    pub resource: Vec<String>,
}

/// How a client shows its id and secret to the token endpoint.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClientAuthentication {
    /// `client_secret_basic`.
    #[default]
    Basic,
    /// `client_secret_post`.
    Body,
}

/// A client that was checked.
pub struct OauthClientCredentials {
    token_url: Uri,
    fields: OauthClientCredentialsFields,
}

/// A `POST` to a token endpoint.
pub struct TokenRequest {
    /// Where it goes.
    pub uri: Uri,
    /// All its headers but those of framing.
    pub headers: HeaderMap,
    /// A form, with the secret in it or not.
    pub body: Zeroizing<String>,
}

impl OauthClientCredentials {
    /// Checks the members.
    ///
    /// # Errors
    ///
    /// When the URL is none that a token can be asked of, or a member is empty, too long, or cannot stand in a request.
    pub fn new(fields: OauthClientCredentialsFields) -> Result<Self, CredentialError> {
        let token_url: Uri = fields.token_url.parse().map_err(|_| CredentialError::TokenUrl)?;
        let is_http = matches!(token_url.scheme_str(), Some("http" | "https"));
        let has_plain_host = token_url
            .authority()
            .is_some_and(|authority| !authority.as_str().contains('@'));
        if !is_http || !has_plain_host {
            return Err(CredentialError::TokenUrl);
        }
        field_value::check("client_id", &fields.client_id)?;
        field_value::check_secret("client_secret", &fields.client_secret)?;
        let optional = [("scope", &fields.scope), ("audience", &fields.audience)];
        for (member, value) in optional {
            value
                .as_deref()
                .map_or(Ok(()), |value| field_value::check(member, value))?;
        }
        for resource in &fields.resource {
            field_value::check("resource", resource)?;
        }
        Ok(Self { token_url, fields })
    }

    /// The token endpoint.
    #[must_use]
    pub fn token_url(&self) -> &Uri {
        &self.token_url
    }

    /// The scopes that are asked for, with spaces between.
    #[must_use]
    pub fn scope(&self) -> Option<&str> {
        self.fields.scope.as_deref()
    }

    /// The audience that is asked for.
    #[must_use]
    pub fn audience(&self) -> Option<&str> {
        self.fields.audience.as_deref()
    }

    /// What is asked of the token endpoint.
    #[must_use]
    pub fn token_request(&self) -> TokenRequest {
        let fields = &self.fields;
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/x-www-form-urlencoded"),
        );
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "client_credentials");
        match fields.authentication {
            ClientAuthentication::Basic => {
                headers.insert(AUTHORIZATION, self.basic());
            }
            ClientAuthentication::Body => {
                form.append_pair("client_id", &fields.client_id);
                form.append_pair("client_secret", fields.client_secret.expose_secret());
            }
        }
        for (name, value) in [("scope", self.scope()), ("audience", self.audience())] {
            if let Some(value) = value {
                form.append_pair(name, value);
            }
        }
        for resource in &fields.resource {
            form.append_pair("resource", resource);
        }
        TokenRequest {
            uri: self.token_url.clone(),
            headers,
            body: Zeroizing::new(form.finish()),
        }
    }

    /// Unlike in RFC 7617, both are form-encoded first (RFC 6749 section 2.3.1): a colon in the id or a letter beyond ASCII stays what it is.
    fn basic(&self) -> HeaderValue {
        let encoded = |text: &str| -> Zeroizing<String> {
            Zeroizing::new(form_urlencoded::byte_serialize(text.as_bytes()).collect())
        };
        let id = encoded(&self.fields.client_id);
        let secret = encoded(self.fields.client_secret.expose_secret());
        let pair = Zeroizing::new(format!("{}:{}", *id, *secret));
        let value = Zeroizing::new(format!("Basic {}", STANDARD.encode(pair.as_bytes())));
        // Base64 is always a valid value; an empty one, if that were ever wrong, is refused by the server.
        let mut value = HeaderValue::from_str(&value).unwrap_or(HeaderValue::from_static(""));
        value.set_sensitive(true);
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields() -> OauthClientCredentialsFields {
        OauthClientCredentialsFields {
            token_url: "https://login.test/oauth/token".into(),
            client_id: "id:with colon".into(),
            client_secret: "s/e+c%r e~t".into(),
            authentication: ClientAuthentication::Basic,
            scope: Some("read write".into()),
            audience: Some("https://api.test".into()),
            resource: vec!["https://a.test".into(), "https://b.test".into()],
        }
    }

    #[test]
    fn in_basic_id_and_secret_are_form_encoded_first() {
        let request = OauthClientCredentials::new(fields()).unwrap().token_request();
        let value = request.headers[AUTHORIZATION].to_str().unwrap();
        let pair = STANDARD.decode(value.strip_prefix("Basic ").unwrap()).unwrap();
        assert_eq!(pair, b"id%3Awith+colon:s%2Fe%2Bc%25r+e%7Et");
        assert!(request.headers[AUTHORIZATION].is_sensitive());
        assert_eq!(
            *request.body,
            "grant_type=client_credentials&scope=read+write&audience=https%3A%2F%2Fapi.test\
             &resource=https%3A%2F%2Fa.test&resource=https%3A%2F%2Fb.test"
        );
        assert_eq!(request.uri, "https://login.test/oauth/token");
    }

    #[test]
    fn in_the_body_they_are_parameters_and_nothing_is_in_the_head() {
        let fields = OauthClientCredentialsFields {
            authentication: ClientAuthentication::Body,
            scope: None,
            audience: None,
            resource: vec![],
            ..fields()
        };
        let request = OauthClientCredentials::new(fields).unwrap().token_request();
        assert!(!request.headers.contains_key(AUTHORIZATION));
        assert_eq!(
            *request.body,
            "grant_type=client_credentials&client_id=id%3Awith+colon&client_secret=s%2Fe%2Bc%25r+e%7Et"
        );
    }

    #[test]
    fn a_secret_is_sent_to_an_http_url_alone() {
        for bad in [
            "/token",
            "ftp://x.test/",
            "https://user@login.test/",
            "login.test",
            "",
            "https:///x",
        ] {
            let fields = OauthClientCredentialsFields {
                token_url: bad.into(),
                ..fields()
            };
            assert_eq!(
                OauthClientCredentials::new(fields).err(),
                Some(CredentialError::TokenUrl),
                "{bad}"
            );
        }
    }
}
