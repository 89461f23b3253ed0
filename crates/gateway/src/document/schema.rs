//! JSON Schema as text.

use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;

use super::node::Node;

/// A JSON Schema (draft 2020-12) as compact text, in the order of the document. What it refers to begins with
/// `#/$defs/`, and stands in [`Document::definitions`](super::Document::definitions).
///
/// As text it takes a fifth of the memory, and is parsed when somebody asks.
#[derive(Clone, Debug, Deserialize)]
#[serde(transparent)]
pub struct Schema(Box<RawValue>);

impl Schema {
    /// The schema as JSON.
    pub fn text(&self) -> &str {
        self.0.get()
    }

    /// The schema, parsed.
    pub fn value(&self) -> Value {
        // It was written or checked as JSON when it was made; no schema at all would let everything pass.
        serde_json::from_str(self.text()).unwrap_or(Value::Bool(false))
    }

    /// From a value whose serialisation cannot fail: a tree, texts, numbers.
    pub(super) fn of(value: &impl Serialize) -> Self {
        let raw = serde_json::value::to_raw_value(value);
        Self(raw.unwrap_or_else(|_| RawValue::NULL.to_owned()))
    }

    /// The schema of anything.
    pub(super) fn any() -> Self {
        Self::of(&Node::Bool(true))
    }
}

impl Serialize for Schema {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl PartialEq for Schema {
    fn eq(&self, other: &Self) -> bool {
        self.text() == other.text()
    }
}

impl Eq for Schema {}

/// A schema that others refer to.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Definition {
    /// The schema.
    pub schema: Schema,
    /// The names of the definitions that it refers to, each once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refers_to: Vec<String>,
}
