//! Schemas with all that they refer to.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::Document;
use super::argument::Argument;
use super::operation::Operation;
use super::schema::Schema;

impl Document {
    /// The schema of the object of an operation's arguments, with all that it refers to.
    pub fn arguments_schema(&self, operation: &Operation) -> Schema {
        let is_spread = operation.body.as_ref().is_some_and(|body| body.spread);
        let arguments = operation.arguments.iter();
        Schema::of(&ArgumentsSchema {
            kind: "object",
            properties: Properties(&operation.arguments),
            required: arguments
                .filter(|one| one.required)
                .map(|one| one.name.as_str())
                .collect(),
            // Arguments that are left are members of a spread body; without one they are an error.
            additional_properties: (!is_spread).then_some(false),
            definitions: self.reached(&operation.refers_to),
        })
    }

    /// A schema of an operation, with all that it refers to: `refers_to` is what stands beside the schema.
    pub fn complete_schema(&self, schema: &Schema, refers_to: &[String]) -> Schema {
        if refers_to.is_empty() {
            return schema.clone();
        }
        Schema::of(&CompleteSchema {
            all_of: [schema],
            definitions: self.reached(refers_to),
        })
    }

    /// All definitions that are referred to, directly or by another.
    fn reached<'a>(&'a self, names: &'a [String]) -> BTreeMap<&'a str, &'a Schema> {
        let mut seen: BTreeSet<&str> = names.iter().map(String::as_str).collect();
        let mut waiting: Vec<&str> = seen.iter().copied().collect();
        let mut reached = BTreeMap::new();
        while let Some(name) = waiting.pop() {
            let Some(definition) = self.definitions.get(name) else {
                continue;
            };
            reached.insert(name, &definition.schema);
            waiting.extend(
                definition
                    .refers_to
                    .iter()
                    .map(String::as_str)
                    .filter(|name| seen.insert(name)),
            );
        }
        reached
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ArgumentsSchema<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    properties: Properties<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    required: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    additional_properties: Option<bool>,
    #[serde(rename = "$defs", skip_serializing_if = "BTreeMap::is_empty")]
    definitions: BTreeMap<&'a str, &'a Schema>,
}

/// The arguments by name, in their own order.
struct Properties<'a>(&'a [Argument]);

impl Serialize for Properties<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|argument| (&argument.name, &argument.schema)))
    }
}

#[derive(Serialize)]
struct CompleteSchema<'a> {
    #[serde(rename = "allOf")]
    all_of: [&'a Schema; 1],
    #[serde(rename = "$defs")]
    definitions: BTreeMap<&'a str, &'a Schema>,
}
