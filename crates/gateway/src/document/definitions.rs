//! From the schemas of a document to JSON Schema (draft 2020-12).

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use super::circles::endless;
use super::dialect;
use super::error::DocumentError;
use super::keywords::{Keyword, keyword};
use super::node::{Members, Node};
use super::pointer::Pointer;
use super::schema::{Definition, Schema};
use super::taken::Taken;

/// How many bytes are kept of a document, counted generously: the largest public ones come to a tenth.
const MAX_DIGEST_BYTES: usize = 256 * 1024 * 1024;

/// Schemas as they are written, and what they refer to. Each is written once, however often and from wherever it is
/// referred to, so that schemas that contain themselves end.
pub(super) struct Definitions<'a> {
    root: &'a Node,
    /// OpenAPI 3.0 has nothing count that stands beside a reference.
    references_stand_alone: bool,
    names: HashMap<Pointer, String>,
    taken: Taken,
    waiting: VecDeque<(Pointer, String)>,
    /// How many bytes may still be kept.
    room: usize,
}

/// What a schema refers to.
#[derive(Default)]
struct Uses {
    all: BTreeSet<String>,
    /// Those that judge the same value as the schema itself.
    in_place: BTreeSet<String>,
}

impl<'a> Definitions<'a> {
    pub(super) fn new(root: &'a Node, references_stand_alone: bool) -> Self {
        Self {
            root,
            references_stand_alone,
            names: HashMap::new(),
            taken: Taken::default(),
            waiting: VecDeque::new(),
            room: MAX_DIGEST_BYTES,
        }
    }

    /// Counts what is kept beside schemas. Refuses the document when there is no more room: a few lines that thousands of
    /// operations share can be made to unfold into gigabytes.
    pub(super) fn keep(&mut self, bytes: usize) -> Result<(), DocumentError> {
        self.room = self.room.saturating_sub(bytes);
        match self.room {
            0 => Err(DocumentError::TooRepetitive {
                max_bytes: MAX_DIGEST_BYTES,
            }),
            _ => Ok(()),
        }
    }

    /// The schema of a place in the document. `refers_to` gets the names of the definitions that it refers to.
    pub(super) fn schema(&mut self, source: Option<&Node>, refers_to: &mut BTreeSet<String>) -> Schema {
        let Some(source) = source else {
            return Schema::any();
        };
        let mut uses = Uses::default();
        let schema = self.text(source, &mut uses);
        refers_to.append(&mut uses.all);
        schema
    }

    /// Nothing is written any more once there is no room; whoever asks for more then learns so from [`Self::keep`].
    fn text(&mut self, source: &Node, uses: &mut Uses) -> Schema {
        if self.room == 0 {
            return Schema::any();
        }
        let schema = Schema::of(&self.written(source, true, uses));
        self.room = self.room.saturating_sub(schema.text().len());
        schema
    }

    /// One schema of several, all of which count.
    pub(super) fn schema_of_all(&mut self, sources: &[&Node], refers_to: &mut BTreeSet<String>) -> Schema {
        if let [one] = sources {
            return self.schema(Some(one), refers_to);
        }
        let all: Vec<Schema> = sources
            .iter()
            .map(|source| self.schema(Some(source), refers_to))
            .collect();
        Schema::of(&BTreeMap::from([("allOf", all)]))
    }

    /// All that was referred to.
    pub(super) fn finish(mut self) -> Result<BTreeMap<String, Definition>, DocumentError> {
        let mut written = BTreeMap::new();
        let mut in_place = BTreeMap::new();
        while let Some((place, name)) = self.waiting.pop_front() {
            let mut uses = Uses::default();
            let source = place.find(self.root).unwrap_or(&Node::Null);
            let schema = self.text(source, &mut uses);
            in_place.insert(name.clone(), uses.in_place);
            written.insert(
                name,
                Definition {
                    schema,
                    refers_to: uses.all.into_iter().collect(),
                },
            );
        }
        self.keep(0)?;
        // Such a schema says nothing, and a validator would go round in it until the stack ends.
        for name in endless(&in_place) {
            written.insert(
                name,
                Definition {
                    schema: Schema::any(),
                    refers_to: Vec::new(),
                },
            );
        }
        Ok(written)
    }

    /// A schema as JSON Schema 2020-12 has it. Its depth is bounded by that of the document: references are not followed.
    fn written(&mut self, source: &Node, in_place: bool, uses: &mut Uses) -> Node {
        let Node::Object(members) = source else {
            return Node::Bool(*source != Node::Bool(false));
        };
        let mut schema = Members::new();
        if let Some(name) = source
            .reference()
            .and_then(Pointer::parse)
            .map(|place| self.name(place))
        {
            schema.insert("$ref".to_owned(), Node::Text(format!("#/$defs/{name}")));
            if in_place {
                uses.in_place.insert(name.clone());
            }
            uses.all.insert(name);
        }
        let has_reference = !schema.is_empty();
        for (name, value) in members {
            if has_reference && self.references_stand_alone && name != "description" {
                continue;
            }
            let Some(kind) = keyword(name, value) else {
                continue;
            };
            let written = match kind {
                Keyword::Plain => value.clone(),
                Keyword::Schema { in_place: here } => self.written(value, in_place && here, uses),
                Keyword::Schemas { in_place: here } => match value {
                    Node::List(items) => Node::List(
                        items
                            .iter()
                            .map(|item| self.written(item, in_place && here, uses))
                            .collect(),
                    ),
                    _ => continue,
                },
                Keyword::NamedSchemas { in_place: here } => match value {
                    Node::Object(parts) => {
                        let parts = parts.iter();
                        let written = parts
                            .map(|(name, part)| (name.clone(), self.written(part, in_place && here, uses)));
                        Node::Object(written.collect())
                    }
                    _ => continue,
                },
            };
            schema.insert(name.clone(), written);
        }
        // In 3.0 nothing beside a reference counts, and that goes for `nullable` too.
        let counts = !(has_reference && self.references_stand_alone);
        let is_nullable = counts && members.get("nullable") == Some(&Node::Bool(true));
        dialect::adapt(members, schema, is_nullable)
    }

    /// The name of the definition for a place.
    fn name(&mut self, place: Pointer) -> String {
        if let Some(name) = self.names.get(&place) {
            return name.clone();
        }
        // Without signs that a pointer or a URI would have to escape.
        let plain = |c: char| {
            if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-') {
                c
            } else {
                '_'
            }
        };
        let mut base: String = place.last().chars().map(plain).collect();
        if base.is_empty() {
            base.push('_');
        }
        let name = self.taken.take(&base, str::to_owned);
        self.names.insert(place.clone(), name.clone());
        self.waiting.push_back((place, name.clone()));
        name
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn finished(document: &Value, version_30: bool) -> BTreeMap<String, Definition> {
        let root = Node::from_json(document);
        let mut definitions = Definitions::new(&root, version_30);
        definitions.schema(root.get("start"), &mut BTreeSet::new());
        definitions.finish().unwrap()
    }

    #[test]
    fn a_schema_that_contains_itself_is_written_once() {
        let tree = json!({"properties": {"child": {"$ref": "#/tree"}}, "type": "object"});
        let found = finished(&json!({"start": {"$ref": "#/tree"}, "tree": tree}), true);
        assert_eq!(found.len(), 1);
        assert_eq!(
            found["tree"].schema.text(),
            r##"{"properties":{"child":{"$ref":"#/$defs/tree"}},"type":"object"}"##
        );
        assert_eq!(found["tree"].refers_to, ["tree"]);
    }

    #[test]
    fn schemas_that_judge_one_value_in_a_circle_are_opened() {
        let found = finished(
            &json!({
                "start": {"$ref": "#/user"},
                "user": {"allOf": [{"$ref": "#/parent"}], "required": ["a"]},
                "parent": {"oneOf": [{"$ref": "#/child"}]},
                "child": {"allOf": [{"$ref": "#/parent"}, {"$ref": "#/leaf"}]},
                "leaf": {"type": "object"}
            }),
            true,
        );
        assert_eq!(found["parent"].schema.text(), "true");
        assert_eq!(found["child"].schema.text(), "true");
        assert_eq!(
            found["user"].schema.text(),
            r##"{"allOf":[{"$ref":"#/$defs/parent"}],"required":["a"]}"##
        );
        assert_eq!(found["leaf"].schema.text(), r#"{"type":"object"}"#);
    }

    #[test]
    fn two_places_of_one_name_have_two_definitions() {
        let found = finished(
            &json!({
                "start": {"properties": {"a": {"$ref": "#/x/S~1T"}, "b": {"$ref": "#/y/S~1T"}, "c": {"$ref": "#/x/S%2FT"}}},
                "x": {"S/T": {"type": "string"}}, "y": {"S/T": {"type": "integer"}}
            }),
            true,
        );
        assert_eq!(found.keys().collect::<Vec<_>>(), ["S_T", "S_T2"]);
    }

    #[test]
    fn beside_a_reference_only_newer_documents_say_something() {
        let document =
            json!({"start": {"$ref": "#/a"}, "a": {"$ref": "#/b", "minLength": 3}, "b": {"type": "string"}});
        assert_eq!(
            finished(&document, true)["a"].schema.text(),
            r##"{"$ref":"#/$defs/b"}"##
        );
        assert_eq!(
            finished(&document, false)["a"].schema.text(),
            r##"{"$ref":"#/$defs/b","minLength":3}"##
        );
    }
}
