//! From the schemas of a document to JSON Schema (draft 2020-12).

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};

use super::keywords::{Keyword, keyword};
use super::node::{Members, Node};
use super::pointer::Pointer;
use super::schema::{Definition, Schema};

/// Schemas as they are written, and what they refer to. Each is written once, however often and from wherever it is
/// referred to, so that schemas that contain themselves end.
pub(super) struct Definitions<'a> {
    root: &'a Node,
    /// OpenAPI 3.0 has nothing count that stands beside a reference.
    references_stand_alone: bool,
    names: HashMap<Pointer, String>,
    taken: HashSet<String>,
    waiting: VecDeque<(Pointer, String)>,
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
            taken: HashSet::new(),
            waiting: VecDeque::new(),
        }
    }

    /// The schema of a place in the document. `refers_to` gets the names of the definitions that it refers to.
    pub(super) fn schema(&mut self, source: Option<&Node>, refers_to: &mut BTreeSet<String>) -> Schema {
        let Some(source) = source else {
            return Schema::any();
        };
        let mut uses = Uses::default();
        let written = self.written(source, true, &mut uses);
        refers_to.append(&mut uses.all);
        Schema::of(&written)
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
    pub(super) fn finish(mut self) -> BTreeMap<String, Definition> {
        let mut written = BTreeMap::new();
        let mut in_place = BTreeMap::new();
        while let Some((place, name)) = self.waiting.pop_front() {
            let mut uses = Uses::default();
            let source = place.find(self.root).unwrap_or(&Node::Null);
            let schema = Schema::of(&self.written(source, true, &mut uses));
            in_place.insert(name.clone(), uses.in_place);
            written.insert(
                name,
                Definition {
                    schema,
                    refers_to: uses.all.into_iter().collect(),
                },
            );
        }
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
        written
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
        set_exclusive_bounds(members, &mut schema);
        demand_no_answers(members, &mut schema);
        if members.get("nullable") == Some(&Node::Bool(true))
            && !(has_reference && self.references_stand_alone)
        {
            return or_null(schema);
        }
        Node::Object(schema)
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
        let mut name = base.clone();
        let mut number = 1;
        while !self.taken.insert(name.clone()) {
            number += 1;
            name = format!("{base}_{number}");
        }
        self.names.insert(place.clone(), name.clone());
        self.waiting.push_back((place, name.clone()));
        name
    }
}

/// OpenAPI 3.0 says with a truth value whether `minimum` and `maximum` themselves are excluded.
fn set_exclusive_bounds(source: &Members, schema: &mut Members) {
    for (bound, exclusive) in [("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")] {
        if source.get(exclusive) == Some(&Node::Bool(true))
            && let Some(limit) = schema.shift_remove(bound)
        {
            schema.insert(exclusive.to_owned(), limit);
        }
    }
}

/// What is only in answers (`readOnly`) is not demanded of a request (OpenAPI 3.0.4 section 4.7.24).
fn demand_no_answers(source: &Members, schema: &mut Members) {
    let Some(Node::Object(properties)) = source.get("properties") else {
        return;
    };
    if let Some(Node::List(required)) = schema.get_mut("required") {
        required.retain(|name| match name {
            Node::Text(name) => !properties
                .get(name)
                .is_some_and(|property| property.is_true("readOnly")),
            _ => true,
        });
    }
}

/// `nullable` of OpenAPI 3.0; many write it in 3.1 as well, where it means nothing, and mean it.
fn or_null(mut schema: Members) -> Node {
    let null = || Node::Text("null".to_owned());
    match schema.get_mut("type") {
        Some(Node::List(types)) => types.push(null()),
        Some(one) => *one = Node::List(vec![one.clone(), null()]),
        None => {
            let null_alone = Node::Object(Members::from([("type".to_owned(), null())]));
            let choice = Node::List(vec![Node::Object(schema), null_alone]);
            return Node::Object(Members::from([("anyOf".to_owned(), choice)]));
        }
    }
    if let Some(Node::List(types)) = schema.get_mut("type") {
        let mut seen = HashSet::new();
        types.retain(|one| matches!(one, Node::Text(name) if seen.insert(name.clone())));
    }
    if let Some(Node::List(values)) = schema.get_mut("enum")
        && !values.contains(&Node::Null)
    {
        values.push(Node::Null);
    }
    Node::Object(schema)
}

type Graph<'a> = BTreeMap<&'a str, BTreeSet<&'a str>>;

/// The names that lead to themselves for the same value, and those between two of such circles.
fn endless(in_place: &BTreeMap<String, BTreeSet<String>>) -> Vec<String> {
    let mut uses = Graph::new();
    let mut users = Graph::new();
    for (name, used) in in_place {
        uses.entry(name)
            .or_default()
            .extend(used.iter().map(String::as_str));
        for used in used {
            users.entry(used).or_default().insert(name);
        }
    }
    let all = in_place.keys().map(String::as_str).collect();
    let lead_on = without_ends(all, &uses, &users);
    without_ends(lead_on, &users, &uses)
        .into_iter()
        .map(str::to_owned)
        .collect()
}

/// Takes away, again and again, what leads to nothing that is left.
fn without_ends<'a>(mut left: HashSet<&'a str>, next: &Graph<'a>, back: &Graph<'a>) -> HashSet<&'a str> {
    let open = |name: &str| {
        next.get(name).map_or(0, |names| {
            names.iter().filter(|next| left.contains(*next)).count()
        })
    };
    let mut ways: HashMap<&str, usize> = left.iter().map(|name| (*name, open(name))).collect();
    let mut ended: Vec<&str> = ways
        .iter()
        .filter(|(_, ways)| **ways == 0)
        .map(|(name, _)| *name)
        .collect();
    while let Some(name) = ended.pop() {
        left.remove(name);
        for before in back.get(name).into_iter().flatten() {
            if let Some(ways) = ways.get_mut(before) {
                *ways = ways.saturating_sub(1);
                if *ways == 0 && left.contains(before) {
                    ended.push(before);
                }
            }
        }
    }
    left
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn written(source: &Value) -> Value {
        let root = Node::from_json(source);
        Definitions::new(&root, true)
            .schema(Some(&root), &mut BTreeSet::new())
            .value()
    }

    #[test]
    fn keywords_of_openapi_become_those_of_json_schema() {
        for (source, expected) in [
            (
                json!({"type": "string", "nullable": true}),
                json!({"type": ["string", "null"]}),
            ),
            (
                json!({"type": "string", "nullable": true, "enum": ["a"]}),
                json!({"type": ["string", "null"], "enum": ["a", null]}),
            ),
            (
                json!({"nullable": true, "allOf": [{"type": "object"}]}),
                json!({"anyOf": [{"allOf": [{"type": "object"}]}, {"type": "null"}]}),
            ),
            (
                json!({"minimum": 1, "exclusiveMinimum": true}),
                json!({"exclusiveMinimum": 1}),
            ),
            (
                json!({"maximum": 1, "exclusiveMaximum": false}),
                json!({"maximum": 1}),
            ),
            (json!({"exclusiveMaximum": 3}), json!({"exclusiveMaximum": 3})),
            (
                json!({"required": ["a", "b"], "properties": {"a": {"readOnly": true}, "b": {}}}),
                json!({"required": ["b"], "properties": {"a": {"readOnly": true}, "b": {}}}),
            ),
            (
                json!({"additionalProperties": false}),
                json!({"additionalProperties": false}),
            ),
            (
                json!({"items": {"example": 1, "x-a": 2, "type": "string"}}),
                json!({"items": {"type": "string"}}),
            ),
        ] {
            assert_eq!(written(&source), expected, "{source}");
        }
    }

    #[test]
    fn what_no_validator_takes_is_left_out() {
        let source = json!({
            "required": true, "type": "any", "minLength": "3", "enum": [], "pattern": 7, "allOf": [], "multipleOf": 0,
            "$id": "https://example.com", "$dynamicRef": "#x", "discriminator": {"propertyName": "a"}, "title": "kept"
        });
        assert_eq!(written(&source), json!({ "title": "kept" }));
    }

    fn finished(document: &Value, version_30: bool) -> BTreeMap<String, Definition> {
        let root = Node::from_json(document);
        let mut definitions = Definitions::new(&root, version_30);
        definitions.schema(root.get("start"), &mut BTreeSet::new());
        definitions.finish()
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
        assert_eq!(found.keys().collect::<Vec<_>>(), ["S_T", "S_T_2"]);
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
