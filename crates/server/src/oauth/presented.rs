//! Reading a token request: JSON or form, credentials in the body or by Basic, into one shape.

use std::borrow::Cow;

use bytes::Bytes;
use countersign_core::client_auth::{Presented, SharedSecret};
use countersign_core::grant::TokenRequest;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use percent_encoding::percent_decode_str;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};

use super::error::{OAuthCode, OAuthError, TokenRefusal};
use crate::http::json::{is_json, parse_object};
use crate::http::request::basic_credentials;

/// A token request as it was sent.
#[derive(Debug)]
pub struct PresentedRequest {
    /// Who the caller says it is.
    pub credentials: Presented,
    /// What it asks for.
    pub request: TokenRequest,
}

impl PresentedRequest {
    /// Reads headers and body.
    ///
    /// Credentials in the body win, and then the header is not looked at: five SDKs send their project's Basic header with
    /// every call, this one too (wire contract 1.1).
    pub fn read(headers: &HeaderMap, body: &Bytes) -> Result<Self, TokenRefusal> {
        let fields = read_fields(headers, body)?;
        let request = TokenRequest {
            grant_type: fields.text("grant_type")?,
            scopes: fields.scopes()?,
            resources: fields.texts("resource")?,
        };
        let credentials = match (fields.text("client_id")?, fields.text("client_secret")?) {
            (Some(client_id), Some(secret)) => Presented::Post(SharedSecret {
                client_id,
                secret: SecretString::from(secret),
            }),
            (None, None) => basic(headers)?,
            // RFC 6749 section 3.2.1 lets a client repeat its id beside a Basic header. A project's header does not fill
            // in the secret of a client that sent none.
            (Some(client_id), None) => match basic(headers)? {
                presented if presented.client_id() == client_id => presented,
                _ => return Err(missing_credentials().into()),
            },
            (None, Some(_)) => return Err(missing_credentials().into()),
        };
        Ok(Self { credentials, request })
    }

    /// Whether HTTP Basic was used.
    pub fn by_basic(&self) -> bool {
        matches!(self.credentials, Presented::Basic(_))
    }
}

/// RFC 6749 section 2.3.1 has id and secret form-encoded inside Basic. Many clients do not; ids and generated secrets have
/// nothing to encode, and an imported secret with a stray `%` or `+` is taken as it stands when it is not an encoding.
fn basic(headers: &HeaderMap) -> Result<Presented, TokenRefusal> {
    let (client_id, secret) = basic_credentials(headers).ok_or_else(missing_credentials)?;
    let client_id = form_decoded(&client_id);
    let secret = SecretString::from(form_decoded(secret.expose_secret()));
    Ok(Presented::Basic(SharedSecret { client_id, secret }))
}

fn form_decoded(text: &str) -> String {
    let escapes = text.split('%').skip(1);
    let encoded = text.contains('%')
        && escapes
            .clone()
            .all(|rest| rest.len() >= 2 && rest.as_bytes()[..2].iter().all(u8::is_ascii_hexdigit));
    if !encoded {
        return text.to_owned();
    }
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced)
        .decode_utf8()
        .map_or_else(|_| text.to_owned(), std::borrow::Cow::into_owned)
}

fn missing_credentials() -> OAuthError {
    OAuthCode::InvalidRequest.because("Send client_id and client_secret, in the body or by HTTP Basic.")
}

/// Most parameters of a form. A request has six; they are compared with each other, before anybody is known.
const PARAMETERS_MAX: usize = 64;

/// The fields of a body, whichever way they came.
enum Fields<'b> {
    Json(Map<String, Value>),
    Form(Vec<(Cow<'b, str>, Cow<'b, str>)>),
}

/// The members that are not null, which counts as absent (wire contract 1.2).
fn present_members(body: &Bytes) -> Result<Map<String, Value>, TokenRefusal> {
    let mut members = parse_object(body)?;
    members.retain(|_, value| !value.is_null());
    Ok(members)
}

/// JSON or form by Content-Type; without one, by the first byte (wire contract 1.2).
fn read_fields<'b>(headers: &HeaderMap, body: &'b Bytes) -> Result<Fields<'b>, TokenRefusal> {
    let content_type = headers.get(CONTENT_TYPE).map(http::HeaderValue::as_bytes);
    match content_type {
        Some(value) if is_json(value) => Ok(Fields::Json(present_members(body)?)),
        Some(value) if is_form(value) => read_form(body),
        None if body.trim_ascii().starts_with(b"{") => Ok(Fields::Json(present_members(body)?)),
        None => read_form(body),
        Some(_) => {
            let hint = "Send the body as application/json or application/x-www-form-urlencoded.";
            Err(OAuthCode::InvalidRequest.because(hint).into())
        }
    }
}

fn is_form(content_type: &[u8]) -> bool {
    let essence = content_type
        .split(|&byte| byte == b';')
        .next()
        .unwrap_or_default()
        .trim_ascii();
    essence.eq_ignore_ascii_case(b"application/x-www-form-urlencoded")
}

fn read_form(body: &Bytes) -> Result<Fields<'_>, TokenRefusal> {
    let unreadable =
        || OAuthCode::InvalidRequest.because("The form is not readable, or repeats a parameter.");
    let fields: Vec<_> = form_urlencoded::parse(body).take(PARAMETERS_MAX + 1).collect();
    if fields.len() > PARAMETERS_MAX {
        return Err(OAuthCode::InvalidRequest
            .because(format!("A form has at most {PARAMETERS_MAX} parameters."))
            .into());
    }
    // The decoder writes U+FFFD for bytes that are no UTF-8; a parameter must not be silently another one.
    let garbled = fields
        .iter()
        .any(|(name, value)| name.contains('\u{fffd}') || value.contains('\u{fffd}'));
    // RFC 6749 section 3.2: no parameter twice; RFC 8707 section 2 excepts `resource`.
    let repeated = fields.iter().enumerate().any(|(at, (name, _))| {
        name != "resource" && fields.iter().take(at).any(|(earlier, _)| earlier == name)
    });
    if garbled || repeated {
        Err(unreadable().into())
    } else {
        Ok(Fields::Form(fields))
    }
}

impl Fields<'_> {
    /// A text field; empty counts as omitted (RFC 6749 section 3.2).
    fn text(&self, name: &str) -> Result<Option<String>, OAuthError> {
        let text = match self {
            Self::Form(fields) => fields
                .iter()
                .find(|(field, _)| field == name)
                .map(|(_, value)| value.to_string()),
            Self::Json(members) => match members.get(name) {
                None => None,
                Some(Value::String(text)) => Some(text.clone()),
                Some(_) => return Err(wrong_type(name)),
            },
        };
        Ok(text.filter(|text| !text.is_empty()))
    }

    /// A field that may hold several texts; an empty one counts as omitted.
    fn texts(&self, name: &str) -> Result<Vec<String>, OAuthError> {
        match self {
            Self::Form(fields) => Ok(fields
                .iter()
                .filter(|(field, value)| field == name && !value.is_empty())
                .map(|(_, value)| value.to_string())
                .collect()),
            Self::Json(members) => match members.get(name) {
                None => Ok(Vec::new()),
                Some(Value::String(text)) if text.is_empty() => Ok(Vec::new()),
                Some(Value::String(text)) => Ok(vec![text.clone()]),
                Some(Value::Array(items)) => items
                    .iter()
                    .map(|item| item.as_str().map(str::to_owned).ok_or_else(|| wrong_type(name)))
                    .collect(),
                Some(_) => Err(wrong_type(name)),
            },
        }
    }

    /// `scope`, space-delimited, or the array `scopes` that the official Rust SDK sends in its place (wire contract 4.1).
    fn scopes(&self) -> Result<Option<Vec<String>>, OAuthError> {
        let joined = match self.text("scope")? {
            Some(scope) => vec![scope],
            None => self.texts("scopes")?,
        };
        let scopes: Vec<String> = joined
            .iter()
            .flat_map(|text| text.split(' '))
            .filter(|text| !text.is_empty())
            .map(str::to_owned)
            .collect();
        Ok((!scopes.is_empty()).then_some(scopes))
    }
}

fn wrong_type(name: &str) -> OAuthError {
    OAuthCode::InvalidRequest.because(format!("{name} has the wrong type."))
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    const FORM: &str = "application/x-www-form-urlencoded";

    fn read(
        content_type: &str,
        basic: Option<&str>,
        body: &str,
    ) -> Result<(String, String, TokenRequest), String> {
        let mut headers = HeaderMap::new();
        if !content_type.is_empty() {
            headers.insert(CONTENT_TYPE, content_type.parse().unwrap());
        }
        if let Some(basic) = basic {
            headers.insert(
                http::header::AUTHORIZATION,
                format!("Basic {}", STANDARD.encode(basic)).parse().unwrap(),
            );
        }
        match PresentedRequest::read(&headers, &Bytes::copy_from_slice(body.as_bytes())) {
            Ok(read) => {
                let how = if read.by_basic() { "basic" } else { "post" };
                let secret = read.credentials.secret().expose_secret().to_owned();
                Ok((
                    format!("{how} {}", read.credentials.client_id()),
                    secret,
                    read.request,
                ))
            }
            Err(TokenRefusal::OAuth(error)) => Err(error.code.name().to_owned()),
            Err(TokenRefusal::Api(problem)) => Err(problem.error_type.name().to_owned()),
        }
    }

    fn who(content_type: &str, basic: Option<&str>, body: &str) -> Result<(String, String), String> {
        read(content_type, basic, body).map(|(who, secret, _)| (who, secret))
    }

    #[test]
    fn credentials_in_the_body_win_over_any_header() {
        let expected = Ok(("post c".to_owned(), "s".to_owned()));
        let json = r#"{"client_id":"c","client_secret":"s"}"#;
        assert_eq!(who("application/json", Some("project:secret"), json), expected);
        assert_eq!(
            who(FORM, Some("project:secret"), "client_id=c&client_secret=s"),
            expected
        );
    }

    #[test]
    fn basic_is_used_when_the_body_has_no_secret() {
        assert_eq!(
            who(FORM, Some("c:s"), "grant_type=x"),
            Ok(("basic c".into(), "s".into()))
        );
        assert_eq!(
            who(FORM, Some("c:s"), "client_id=c"),
            Ok(("basic c".into(), "s".into()))
        );
        assert_eq!(
            who(FORM, Some("a%3Ab:p%25q+r"), ""),
            Ok(("basic a:b".into(), "p%q r".into()))
        );
        assert_eq!(
            who(FORM, Some("c:100%+sure"), ""),
            Ok(("basic c".into(), "100%+sure".into()))
        );
    }

    #[test]
    fn an_id_in_the_body_must_be_the_one_of_the_header() {
        assert_eq!(
            who(FORM, Some("c:s"), "client_id=d"),
            Err("invalid_request".into())
        );
        assert_eq!(who(FORM, None, "client_id=d"), Err("invalid_request".into()));
    }

    #[test]
    fn the_format_is_told_by_content_type_or_first_byte() {
        let json = r#" {"client_id":"c","client_secret":"s"}"#;
        for content_type in ["", "application/json", "application/json; charset=utf-8"] {
            assert!(who(content_type, None, json).is_ok(), "{content_type}");
        }
        for content_type in ["", FORM, "application/x-www-form-urlencoded;charset=UTF-8"] {
            assert!(
                who(content_type, None, "client_id=c&client_secret=s").is_ok(),
                "{content_type}"
            );
        }
        assert_eq!(who("text/plain", None, json), Err("invalid_request".into()));
        assert_eq!(
            who(FORM, None, json),
            Err("invalid_request".into()),
            "JSON is no form with credentials"
        );
    }

    #[test]
    fn scopes_come_as_text_or_as_the_rust_sdks_array() {
        let scopes = |fields: &str| {
            let body = format!(r#"{{"client_id":"c","client_secret":"s"{fields}}}"#);
            read("application/json", None, &body).map(|(_, _, request)| request.scopes)
        };
        let two = Ok(Some(vec!["a".to_owned(), "b".to_owned()]));
        assert_eq!(scopes(r#","scope":"a b""#), two);
        assert_eq!(scopes(r#","scopes":["a","b"]"#), two);
        assert_eq!(scopes(r#","scopes":"a b""#), two);
        for none in ["", r#","scope":"""#, r#","scopes":null"#, r#","scopes":[]"#] {
            assert_eq!(scopes(none), Ok(None), "{none}");
        }
        assert_eq!(scopes(r#","scope":7"#), Err("invalid_request".into()));
        assert_eq!(scopes(r#","scopes":[7]"#), Err("invalid_request".into()));
    }

    #[test]
    fn ambiguous_bodies_are_refused() {
        for body in [
            "client_id=c&client_secret=s&client_id=d",
            "client_id=c&client_secret=%ff",
            "client_secret=s",
            "",
        ] {
            assert_eq!(who(FORM, None, body), Err("invalid_request".into()), "{body}");
        }
        let names: Vec<String> = (0..PARAMETERS_MAX).map(|number| format!("n{number}=")).collect();
        let many = names.join("&");
        assert!(who(FORM, Some("c:s"), &many).is_ok());
        assert_eq!(
            who(FORM, Some("c:s"), &format!("{many}&one=more")),
            Err("invalid_request".into())
        );
        let none = "client_id=c&client_secret=s&resource=";
        assert_eq!(read(FORM, None, none).unwrap().2.resources, Vec::<String>::new());
        let twice = "client_id=c&client_secret=s&resource=a&resource=b";
        assert_eq!(read(FORM, None, twice).unwrap().2.resources, ["a", "b"]);
    }
}
