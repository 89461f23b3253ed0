//! What OpenAPI says otherwise than JSON Schema.

use std::collections::HashSet;

use super::node::{Members, Node};

/// The schema as JSON Schema has it. `source` is the same as OpenAPI has it.
pub(super) fn adapt(source: &Members, mut schema: Members, is_nullable: bool) -> Node {
    set_exclusive_bounds(source, &mut schema);
    demand_no_answers(source, &mut schema);
    remove_doubles(&mut schema);
    if is_nullable {
        or_null(schema)
    } else {
        Node::Object(schema)
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

/// Names that are there twice in `type` or `required` make a schema none.
fn remove_doubles(schema: &mut Members) {
    for keyword in ["type", "required"] {
        if let Some(Node::List(names)) = schema.get_mut(keyword) {
            let mut seen = HashSet::new();
            names.retain(|one| matches!(one, Node::Text(name) if seen.insert(name.clone())));
        }
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
    remove_doubles(&mut schema);
    if let Some(Node::List(values)) = schema.get_mut("enum")
        && !values.contains(&Node::Null)
    {
        values.push(Node::Null);
    }
    Node::Object(schema)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::{Value, json};

    use super::super::definitions::Definitions;
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
}
