//! The fields of a client of another service. Each is taken once, and what is left at the end does not come along: so no
//! field is passed over in silence but those that a source calls empty of meaning.

use serde_json::{Map, Value};

use super::candidate::NotCarried;

/// Why most fields do not come along.
const NO_PLACE: &str = "has no place here";

/// Those not yet taken.
pub(super) struct Fields(Map<String, Value>);

/// A field is of another type than the other service documents.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} is not {expected}")]
pub(super) struct WrongType {
    field: &'static str,
    expected: &'static str,
}

impl Fields {
    /// Those of an object.
    pub(super) fn of(object: Value) -> Result<Self, WrongType> {
        match object {
            Value::Object(members) => Ok(Self(members)),
            _ => Err(wrong("the client", "an object")),
        }
    }

    /// A text; empty when it is not there.
    pub(super) fn text(&mut self, field: &'static str) -> Result<String, WrongType> {
        match self.0.remove(field) {
            None | Some(Value::Null) => Ok(String::new()),
            Some(Value::String(text)) => Ok(text),
            Some(_) => Err(wrong(field, "a text")),
        }
    }

    /// A yes or no; no when it is not there.
    pub(super) fn flag(&mut self, field: &'static str) -> Result<Option<bool>, WrongType> {
        match self.0.remove(field) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(flag)),
            Some(_) => Err(wrong(field, "true or false")),
        }
    }

    /// A list of texts.
    pub(super) fn texts(&mut self, field: &'static str) -> Result<Vec<String>, WrongType> {
        match self.0.remove(field) {
            None | Some(Value::Null) => Ok(Vec::new()),
            Some(Value::Array(items)) => {
                let texts = items.into_iter().map(|item| match item {
                    Value::String(text) => Ok(text),
                    _ => Err(wrong(field, "a list of texts")),
                });
                texts.collect()
            }
            Some(_) => Err(wrong(field, "a list of texts")),
        }
    }

    /// An object; empty when it is not there.
    pub(super) fn object(&mut self, field: &'static str) -> Result<Map<String, Value>, WrongType> {
        match self.0.remove(field) {
            None | Some(Value::Null) => Ok(Map::new()),
            Some(Value::Object(members)) => Ok(members),
            Some(_) => Err(wrong(field, "an object")),
        }
    }

    /// Whatever it is.
    pub(super) fn take(&mut self, field: &str) -> Option<Value> {
        self.0.remove(field)
    }

    /// Puts one back.
    pub(super) fn put(&mut self, field: &str, value: Value) {
        self.0.insert(field.to_owned(), value);
    }

    /// Fields that say nothing about the client.
    pub(super) fn forget(&mut self, fields: &[&str]) {
        self.0.retain(|name, _| !fields.contains(&name.as_str()));
    }

    /// What does not come along, with the reasons for some.
    pub(super) fn rest(self, reasons: &[(&str, &'static str)]) -> Vec<NotCarried> {
        let says_something = self.0.into_iter().filter(|(_, value)| !says_nothing(value));
        let not_carried = says_something.map(|(field, _)| {
            let reason = reasons.iter().find(|(name, _)| *name == field);
            NotCarried::new(field, reason.map_or(NO_PLACE, |(_, reason)| *reason))
        });
        not_carried.collect()
    }
}

fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Bool(true) => false,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
    }
}

fn wrong(field: &'static str, expected: &'static str) -> WrongType {
    WrongType { field, expected }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_left_and_says_something_does_not_come_along() {
        let object = json!({
            "client_id": "a", "created_at": "2026", "audience": ["x"], "contacts": [], "skip": false, "tos_uri": "",
            "expires": 0, "jwks": {}, "owner": "o",
        });
        let mut fields = Fields::of(object).unwrap();
        assert_eq!(fields.text("client_id"), Ok("a".to_owned()));
        fields.forget(&["created_at"]);
        assert_eq!(
            fields.rest(&[("audience", "why")]),
            [
                NotCarried::new("audience", "why"),
                NotCarried::new("owner", NO_PLACE)
            ]
        );
    }

    #[test]
    fn a_wrong_type_is_told_by_its_name_and_not_by_its_value() {
        let mut fields = Fields::of(json!({"client_secret": ["hush"], "scopes": [1]})).unwrap();
        let error = fields.text("client_secret").unwrap_err().to_string();
        assert_eq!(error, "client_secret is not a text");
        assert!(fields.texts("scopes").is_err());
    }
}
