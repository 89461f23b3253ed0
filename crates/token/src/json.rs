//! JSON in which no object names a member twice.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use crate::Refusal;

/// Our own word in serde's error, by which [`refusal`] knows it again.
const DUPLICATE_MEMBER: &str = "duplicate member";

/// Reads `bytes` as a `T`. Where `T` itself watches its members, as everything in this file does, a doubled
/// one is told from other malformations.
pub(crate) fn parse<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Result<T, Refusal> {
    serde_json::from_slice(bytes).map_err(|error| {
        if error.to_string().starts_with(DUPLICATE_MEMBER) {
            Refusal::DuplicateMember
        } else {
            Refusal::Malformed
        }
    })
}

/// A member's name, borrowed from the text unless it holds escapes.
#[derive(Deserialize)]
pub(crate) struct Name<'a>(#[serde(borrow)] pub(crate) Cow<'a, str>);

/// Reads the value of a member that may come once.
pub(crate) fn once<'de, T, A>(slot: &mut Option<T>, members: &mut A) -> Result<(), A::Error>
where
    T: Deserialize<'de>,
    A: MapAccess<'de>,
{
    if slot.is_some() {
        return Err(A::Error::custom(DUPLICATE_MEMBER));
    }
    *slot = Some(members.next_value()?);
    Ok(())
}

/// Reads the value of a member whose name was not foreseen and may come once.
pub(crate) fn once_more<'de, A>(
    others: &mut Map<String, Value>,
    name: Cow<'_, str>,
    members: &mut A,
) -> Result<(), A::Error>
where
    A: MapAccess<'de>,
{
    let UniqueValue(value) = members.next_value()?;
    match others.insert(name.into_owned(), value) {
        None => Ok(()),
        Some(_) => Err(A::Error::custom(DUPLICATE_MEMBER)),
    }
}

/// Any JSON value, with single members at every depth. (serde_json bounds the depth at 128.)
pub(crate) struct UniqueValue(pub(crate) Value);

impl<'de> Deserialize<'de> for UniqueValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(UniqueValueVisitor)
    }
}

/// A JSON object, with single members at every depth.
pub(crate) struct UniqueObject(pub(crate) Map<String, Value>);

impl<'de> Deserialize<'de> for UniqueObject {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match UniqueValue::deserialize(deserializer)?.0 {
            Value::Object(members) => Ok(Self(members)),
            _ => Err(D::Error::custom("not an object")),
        }
    }
}

struct UniqueValueVisitor;

impl<'de> Visitor<'de> for UniqueValueVisitor {
    type Value = UniqueValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<UniqueValue, E> {
        Ok(UniqueValue(Value::Null))
    }

    fn visit_bool<E>(self, value: bool) -> Result<UniqueValue, E> {
        Ok(UniqueValue(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<UniqueValue, E> {
        Ok(UniqueValue(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<UniqueValue, E> {
        Ok(UniqueValue(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<UniqueValue, E> {
        Ok(UniqueValue(value.into()))
    }

    fn visit_str<E>(self, value: &str) -> Result<UniqueValue, E> {
        Ok(UniqueValue(value.into()))
    }

    fn visit_string<E>(self, value: String) -> Result<UniqueValue, E> {
        Ok(UniqueValue(value.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<UniqueValue, A::Error> {
        let mut array = Vec::new();
        while let Some(UniqueValue(element)) = elements.next_element()? {
            array.push(element);
        }
        Ok(UniqueValue(array.into()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<UniqueValue, A::Error> {
        let mut object = Map::new();
        while let Some(Name(name)) = members.next_key()? {
            once_more(&mut object, name, &mut members)?;
        }
        Ok(UniqueValue(object.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn single_members_read_as_serde_json_reads_them() {
        let text = br#"{"a": [1, -1, 1.5, "x\n", null, true, {}], "b": {"a": 18446744073709551615}}"#;
        let UniqueObject(members) = parse(text).unwrap();
        assert_eq!(
            Value::Object(members),
            serde_json::from_slice::<Value>(text).unwrap()
        );
    }

    #[test]
    fn a_doubled_member_is_refused_at_every_depth_and_in_every_spelling() {
        for text in [
            r#"{"a": 1, "a": 1}"#,
            r#"{"a": 1, "\u0061": 1}"#,
            r#"{"o": {"a": 1, "b": 2, "a": 3}}"#,
            r#"{"o": [0, [{"a": null, "a": null}]]}"#,
        ] {
            assert_eq!(
                parse::<UniqueObject>(text.as_bytes()).err(),
                Some(Refusal::DuplicateMember),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_object_is_malformed() {
        for text in [
            "",
            "1",
            "[]",
            "\"duplicate member\"",
            "{",
            "{} {}",
            "{\"a\": duplicate member}",
        ] {
            assert_eq!(
                parse::<UniqueObject>(text.as_bytes()).err(),
                Some(Refusal::Malformed),
                "{text}"
            );
        }
        let deep = format!("{}{}", "{\"a\":".repeat(5000), "}".repeat(5000));
        assert_eq!(
            parse::<UniqueObject>(deep.as_bytes()).err(),
            Some(Refusal::Malformed)
        );
    }
}
