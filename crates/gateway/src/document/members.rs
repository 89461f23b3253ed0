//! The flat rule (sdk/toolkit/README.md), point 3: which members a spread body has.

use std::collections::{HashMap, HashSet};

use indexmap::IndexMap;

use super::node::Node;
use super::reference::resolve;

/// How deep parts of bodies may contain parts. Beyond, a body is one argument; no real one is near.
const MAX_PARTS_DEPTH: usize = 64;

/// A member of a spread body.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Member<'a> {
    /// Its schemas: one for each part of the body that names it.
    pub(super) schemas: Vec<&'a Node>,
    /// Some part demands it.
    pub(super) required: bool,
}

type BodyMembers<'a> = IndexMap<&'a str, Member<'a>>;

/// The members of a body whose names are all known; `None` for any other, which is one argument as a whole.
pub(super) fn body_members<'a>(root: &'a Node, schema: &'a Node) -> Option<BodyMembers<'a>> {
    let declares = declares_properties(root, schema, &mut HashSet::new(), 0);
    declares
        .then(|| collect(root, schema, &mut HashMap::new(), 0))
        .flatten()
}

/// Nodes are told apart by where they stand in memory: the same words twice are two parts.
type Identity = *const Node;

/// An object without `properties` may hold anything; one with empty ones holds nothing.
fn declares_properties<'a>(
    root: &'a Node,
    schema: &'a Node,
    seen: &mut HashSet<Identity>,
    depth: usize,
) -> bool {
    let meant = resolve(root, schema);
    if depth > MAX_PARTS_DEPTH || !seen.insert(meant) {
        return false;
    }
    matches!(meant.get("properties"), Some(Node::Object(_)))
        || meant
            .list("allOf")
            .iter()
            .any(|part| declares_properties(root, part, seen, depth + 1))
}

/// `known` holds what was collected, so that no part is walked twice. What is being collected is known as nothing, and so
/// are those that contain it.
fn collect<'a>(
    root: &'a Node,
    schema: &'a Node,
    known: &mut HashMap<Identity, Option<BodyMembers<'a>>>,
    depth: usize,
) -> Option<BodyMembers<'a>> {
    let meant = resolve(root, schema);
    if depth > MAX_PARTS_DEPTH {
        return None;
    }
    if let Some(found) = known.get(&std::ptr::from_ref(meant)) {
        return found.clone();
    }
    known.insert(meant, None);
    let found = members(root, meant, known, depth);
    known.insert(meant, found.clone());
    found
}

fn members<'a>(
    root: &'a Node,
    meant: &'a Node,
    known: &mut HashMap<Identity, Option<BodyMembers<'a>>>,
    depth: usize,
) -> Option<BodyMembers<'a>> {
    let keywords = meant.as_object()?;
    // A member with a name of the caller's choice could be taken for a parameter.
    let is_open = !matches!(
        keywords.get("additionalProperties"),
        None | Some(Node::Null | Node::Bool(false))
    );
    if is_open
        || ["oneOf", "anyOf", "patternProperties"]
            .iter()
            .any(|name| keywords.contains_key(*name))
    {
        return None;
    }
    if !is_object_type(keywords.get("type")) {
        return None;
    }
    let mut found = BodyMembers::new();
    for part in meant.list("allOf") {
        for (name, inherited) in collect(root, part, known, depth + 1)? {
            let member = found.entry(name).or_default();
            for schema in inherited.schemas {
                // A part that is named twice is one part; without this, naming it twice at each depth doubles each time.
                if !member.schemas.iter().any(|known| std::ptr::eq(*known, schema)) {
                    member.schemas.push(schema);
                }
            }
            member.required |= inherited.required;
        }
    }
    for (name, schema) in meant
        .get("properties")
        .and_then(Node::as_object)
        .into_iter()
        .flatten()
    {
        found.entry(name).or_default().schemas.push(schema);
    }
    for name in meant.list("required") {
        if let Node::Text(name) = name
            && let Some(member) = found.get_mut(name.as_str())
        {
            member.required = true;
        }
    }
    Some(found)
}

fn is_object_type(types: Option<&Node>) -> bool {
    let is = |node: &Node, name: &str| matches!(node, Node::Text(text) if text == name);
    match types {
        None | Some(Node::Null) => true,
        Some(Node::List(types)) => {
            let mut types = types.iter().filter(|one| !is(one, "null"));
            types.next().is_some_and(|one| is(one, "object")) && types.next().is_none()
        }
        Some(one) => is(one, "object"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn found(schema: &Value) -> Option<Vec<String>> {
        let a = json!({"type": "object", "properties": {"a": {}}});
        let root =
            json!({"A": a, "loop": {"allOf": [{"$ref": "#/loop"}], "properties": {"x": {}}}, "body": schema});
        let root = Node::from_json(&root);
        let members = body_members(&root, root.get("body").unwrap())?;
        Some(
            members
                .into_iter()
                .map(|(name, member)| format!("{name}{}", if member.required { "!" } else { "" }))
                .collect(),
        )
    }

    #[test]
    fn a_body_is_spread_where_its_members_are_known() {
        let b = json!({"properties": {"b": {}}});
        for (schema, expected) in [
            (json!({"type": "object", "properties": {"a": {}}}), vec!["a"]),
            (json!({"$ref": "#/A"}), vec!["a"]),
            (
                json!({"allOf": [{"$ref": "#/A"}, b, {"required": ["a"]}]}),
                vec!["a", "b"],
            ),
            (
                json!({"allOf": [{"$ref": "#/A"}], "required": ["a", "z"]}),
                vec!["a!"],
            ),
            (
                json!({"type": ["object", "null"], "properties": {"a": {}}}),
                vec!["a"],
            ),
            (
                json!({"properties": {"a": {}}, "additionalProperties": false}),
                vec!["a"],
            ),
            (json!({"type": "object", "properties": {}}), vec![]),
        ] {
            let expected: Vec<String> = expected.into_iter().map(str::to_owned).collect();
            assert_eq!(found(&schema), Some(expected), "{schema}");
        }
    }

    #[test]
    fn any_other_body_is_one_argument() {
        for schema in [
            json!({"type": "object"}),
            json!({"properties": {"a": {}}, "additionalProperties": {}}),
            json!({"properties": {"a": {}}, "additionalProperties": true}),
            json!({"properties": {"a": {}}, "patternProperties": {}}),
            json!({"properties": {"a": {}}, "oneOf": []}),
            json!({"allOf": [{"$ref": "#/A"}, {"anyOf": []}]}),
            json!({"allOf": [{"$ref": "#/A"}, true]}),
            json!({"type": "array"}),
            json!({"type": ["object", "string"], "properties": {"a": {}}}),
            json!({"type": [], "properties": {"a": {}}}),
            json!({}),
            json!(true),
            json!({"$ref": "#/loop"}),
        ] {
            assert_eq!(found(&schema), None, "{schema}");
        }
    }

    #[test]
    fn parts_that_are_named_twice_at_each_depth_are_walked_once() {
        let mut root = json!({"S0": {"properties": {"x": {}}}});
        for depth in 1..=60 {
            let part = json!({"$ref": format!("#/S{}", depth - 1)});
            root[format!("S{depth}")] = json!({"allOf": [part, part]});
        }
        let root = Node::from_json(&root);
        let start = Node::from_json(&json!({"$ref": "#/S60"}));
        assert_eq!(
            body_members(&root, &start).unwrap().keys().collect::<Vec<_>>(),
            [&"x"]
        );
    }

    #[test]
    fn a_chain_of_parts_longer_than_the_stack_is_no_spread_body() {
        let mut root = json!({"S0": {"properties": {"x": {}}}});
        for depth in 1..=100_000 {
            root[format!("S{depth}")] = json!({"allOf": [{"$ref": format!("#/S{}", depth - 1)}]});
        }
        let root = Node::from_json(&root);
        assert_eq!(body_members(&root, root.get("S100000").unwrap()), None);
    }
}
