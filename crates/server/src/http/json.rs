//! JSON bodies, read strictly: duplicate names, deep nesting and invalid UTF-8 are refused, because two parsers that
//! disagree about such a body are how checks are passed that should not be.

use std::fmt;

use axum::extract::{FromRequest, Request};
use bytes::Bytes;
use countersign_core::provider::DOCUMENT_MAX_BYTES;
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use serde::de::{DeserializeOwned, DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::request::{read_body, read_body_up_to};
use crate::app::App;
use crate::problem::{ErrorType, Problem};

/// Deepest nesting of a body. Nothing the API defines is deeper than 4; metadata gets room.
pub const MAX_DEPTH: usize = 32;

/// A JSON body of the given shape. An empty body counts as `{}` (SDKs send none with rotation and search), to an `Option` a
/// null member counts as absent, unknown ones are passed over (wire contract 1.2).
#[derive(Debug)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned> FromRequest<App> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let content_type = request.headers().get(CONTENT_TYPE).cloned();
        let body = read_body(request.into_body(), app).await?;
        parse_as(content_type.as_ref(), &body).map(Self)
    }
}

/// The same for bodies that hold an OpenAPI document as a text, and may be so much longer.
#[derive(Debug)]
pub struct JsonWithDocument<T>(pub T);

/// Longest such body: a document in which every byte needs an escape, and what stands beside it.
const WITH_DOCUMENT_MAX_BYTES: usize = 2 * DOCUMENT_MAX_BYTES + 1024 * 1024;

impl<T: DeserializeOwned> FromRequest<App> for JsonWithDocument<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _app: &App) -> Result<Self, Problem> {
        let content_type = request.headers().get(CONTENT_TYPE).cloned();
        let body = read_body_up_to(request.into_body(), WITH_DOCUMENT_MAX_BYTES).await?;
        parse_as(content_type.as_ref(), &body).map(Self)
    }
}

fn parse_as<T: DeserializeOwned>(content_type: Option<&HeaderValue>, body: &Bytes) -> Result<T, Problem> {
    if !body.is_empty() && !content_type.is_none_or(|value| is_json(value.as_bytes())) {
        return Err(
            ErrorType::UnsupportedMediaType.because("Send the body as Content-Type: application/json.")
        );
    }
    parse(body)
}

/// Whether a media type is JSON; parameters such as charset do not matter (wire contract 1.2).
pub fn is_json(content_type: &[u8]) -> bool {
    let essence = content_type
        .split(|&byte| byte == b';')
        .next()
        .unwrap_or_default()
        .trim_ascii();
    essence.eq_ignore_ascii_case(b"application/json")
        || (essence.len() > 5 && essence[essence.len() - 5..].eq_ignore_ascii_case(b"+json"))
}

/// Parses a body into its shape.
pub fn parse<T: DeserializeOwned>(body: &Bytes) -> Result<T, Problem> {
    shaped(parse_object(body)?)
}

/// Gives members their shape.
pub fn shaped<T: DeserializeOwned>(object: Map<String, Value>) -> Result<T, Problem> {
    serde_json::from_value(Value::Object(object)).map_err(|error| {
        // Serde's sentence names the value it found as well, which may be a secret: only our own words are passed on.
        let sentence = error.to_string();
        let reason = match sentence.split_once(", expected ") {
            Some((_, expected)) => format!("A field has the wrong type: expected {expected}."),
            None if sentence.starts_with("missing field `") => format!("The body has a {sentence}."),
            None => "A field has a value that is not allowed.".to_owned(),
        };
        ErrorType::InvalidRequestValue.because(reason)
    })
}

/// Parses a body into its members.
pub fn parse_object(body: &Bytes) -> Result<Map<String, Value>, Problem> {
    if body.trim_ascii().is_empty() {
        return Ok(Map::new());
    }
    let unreadable =
        || ErrorType::BadRequest.because("The body is not valid JSON, repeats a name, or nests too deeply.");
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let value = Strict { depth: 0 }
        .deserialize(&mut deserializer)
        .map_err(|_| unreadable())?;
    deserializer.end().map_err(|_| unreadable())?;
    match value {
        Value::Object(members) => Ok(members),
        // A PHP client's empty array means an empty object; Rust's SDK sends null with some calls (wire contract 1.2).
        Value::Array(items) if items.is_empty() => Ok(Map::new()),
        Value::Null => Ok(Map::new()),
        _ => Err(ErrorType::BadRequest.because("The body must be a JSON object.")),
    }
}

/// Strings in an array, or in one text parted by spaces or commas: forms with a plain text box send that (wire contract 10).
pub fn strings<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Vec<String>>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Strings {
        Array(Vec<String>),
        Text(String),
    }
    let strings = Option::<Strings>::deserialize(from)
        .map_err(|_| D::Error::custom("invalid type, expected an array of strings"))?;
    Ok(strings.map(|strings| match strings {
        Strings::Array(array) => array,
        Strings::Text(text) => text
            .split([' ', ','])
            .filter(|part| !part.is_empty())
            .map(str::to_owned)
            .collect(),
    }))
}

/// Builds a [`Value`] and refuses what `serde_json` would let pass.
struct Strict {
    depth: usize,
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Strict {
    fn deeper<E: serde::de::Error>(&self) -> Result<Self, E> {
        if self.depth == MAX_DEPTH {
            Err(E::custom("too deep"))
        } else {
            Ok(Self {
                depth: self.depth + 1,
            })
        }
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut array = Vec::new();
        while let Some(item) = items.next_element_seed(self.deeper()?)? {
            array.push(item);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            if object.contains_key(&name) {
                return Err(A::Error::custom("repeated name"));
            }
            let value = members.next_value_seed(self.deeper()?)?;
            object.insert(name, value);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(text: &str) -> Result<Map<String, Value>, &'static str> {
        parse_object(&Bytes::copy_from_slice(text.as_bytes())).map_err(|problem| problem.error_type.name())
    }

    #[test]
    fn what_sdks_send_instead_of_an_empty_object_counts_as_one() {
        for text in ["", "  ", "{}", "[]", "null"] {
            assert_eq!(object(text), Ok(Map::new()), "{text:?}");
        }
    }

    #[test]
    fn what_two_parsers_could_read_differently_is_refused() {
        let deep = format!(
            "{}{}",
            r#"{"a":"#.repeat(MAX_DEPTH + 1),
            "1".to_owned() + &"}".repeat(MAX_DEPTH + 1)
        );
        for text in [
            r#"{"a":1,"a":2}"#,
            r#"{"m":{"a":1,"\u0061":2}}"#,
            r#"{"a":1} {"b":2}"#,
            r#"{"a":1,}"#,
            r#"{"a":NaN}"#,
            r#"["a"]"#,
            r#""text""#,
            deep.as_str(),
        ] {
            assert_eq!(object(text), Err("bad_request"), "{text:?}");
        }
        assert!(parse_object(&Bytes::from_static(b"{\"a\":\"\xff\"}")).is_err());
    }

    #[test]
    fn a_wrong_type_is_named_without_repeating_the_value() {
        #[derive(Debug, Deserialize)]
        struct Shape {
            #[expect(dead_code, reason = "only its type matters")]
            client_secret: Option<String>,
        }
        let problem = parse::<Shape>(&Bytes::from_static(br#"{"client_secret": 424242}"#)).unwrap_err();
        assert_eq!(problem.error_type, ErrorType::InvalidRequestValue);
        assert!(!problem.message.contains("424242"), "{}", problem.message);
    }

    #[test]
    fn media_types_with_parameters_and_suffixes_are_json() {
        for good in [
            "application/json",
            "Application/JSON; charset=utf-8",
            "application/problem+json",
        ] {
            assert!(is_json(good.as_bytes()), "{good}");
        }
        for bad in [
            "text/plain",
            "",
            "application/jsonp",
            "application/x-www-form-urlencoded",
        ] {
            assert!(!is_json(bad.as_bytes()), "{bad}");
        }
    }
}
