//! Documents that nobody wrote.

use std::collections::HashSet;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// A document of many operations that share schemas, most of which contain one another.
fn large(operations: usize) -> String {
    let mut yaml = String::from("openapi: 3.0.3\ninfo: {title: Large, version: 1.0}\npaths:\n");
    for number in 0..operations {
        let (group, schema) = (number / 10, number % 100);
        yaml += &format!(
            "  /v1/group_{group}/{{group_id}}/things_{number}:\n    post:\n      operationId: api_group{group}_v1_things_{}\n\
             \x20     tags: [group {group}]\n      parameters:\n\
             \x20     - {{name: group_id, in: path, required: true, schema: {{type: string}}}}\n\
             \x20     - {{name: limit, in: query, schema: {{type: integer, nullable: true}}}}\n\
             \x20     requestBody: {{content: {{application/json: {{schema: {{$ref: '#/components/schemas/S{schema}'}}}}}}}}\n\
             \x20     responses: {{200: {{content: {{application/json: {{schema: {{$ref: '#/components/schemas/S{schema}'}}}}}}}}}}\n",
            number % 7
        );
    }
    yaml += "components:\n  schemas:\n";
    for number in 0..100 {
        yaml += &format!(
            "    S{number}:\n      type: object\n      required: [name]\n      properties:\n        name: {{type: string}}\n\
             \x20       next: {{$ref: '#/components/schemas/S{}'}}\n\
             \x20       others: {{type: array, items: {{$ref: '#/components/schemas/S{}'}}}}\n",
            (number + 1) % 100,
            (number * 7) % 100
        );
    }
    yaml
}

#[test]
fn three_thousand_operations_have_names_of_their_own_and_schemas_that_are_written_once() {
    let document = Document::read(large(3_000).as_bytes(), None).unwrap();
    assert_eq!(document.operations.len(), 3_000);
    assert_eq!(document.version, "1.0");
    let names: HashSet<_> = document
        .operations
        .iter()
        .map(|operation| &operation.name)
        .collect();
    assert_eq!(names.len(), 3_000);
    assert_eq!(document.definitions.len(), 100);
    let index = OperationIndex::new(&document.operations);
    for number in [0, 1_234, 2_999] {
        let operation = &document.operations[number];
        let arguments: Vec<_> = operation
            .arguments
            .iter()
            .map(|argument| argument.name.as_str())
            .collect();
        assert_eq!(arguments, ["group_id", "limit", "name", "next", "others"]);
        assert_complete(&document.arguments_schema(operation).value());
        assert_eq!(
            index.matching("POST", &operation.path.replace("{group_id}", "7")),
            Some(number)
        );
    }
}

/// Any JSON, with the words of OpenAPI among its names and texts.
fn any_json() -> impl Strategy<Value = Value> {
    let word = || {
        prop::sample::select(vec![
            "$ref",
            "#/components/schemas/A",
            "#/components/schemas/B",
            "#",
            "#/paths",
            "paths",
            "/a/{id}",
            "get",
            "post",
            "parameters",
            "name",
            "in",
            "id",
            "path",
            "query",
            "schema",
            "schemas",
            "components",
            "content",
            "requestBody",
            "application/json",
            "type",
            "object",
            "properties",
            "allOf",
            "oneOf",
            "items",
            "required",
            "responses",
            "200",
            "nullable",
            "servers",
            "url",
            "https://{a}.b",
            "variables",
            "security",
            "operationId",
            "style",
            "explode",
            "A",
            "B",
            "additionalProperties",
            "enum",
            "minimum",
            "exclusiveMinimum",
            "",
        ])
        .prop_map(str::to_owned)
    };
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        word().prop_map(Value::from),
        ".{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(7, 80, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(word(), inner, 0..6)
                .prop_map(|members| members.into_iter().collect()),
        ]
    })
}

proptest! {
    #[test]
    fn no_json_makes_it_panic_and_what_is_taken_is_consistent(
        operation in any_json(), item in any_json(), a in any_json(), b in any_json()
    ) {
        // Around the noise stands what is needed to get past the door.
        let parameters = json!([{"name": "id", "in": "path"}, {"name": "x", "in": "query", "schema": a}]);
        let document = json!({
            "openapi": "3.0.3",
            "paths": {
                "/a/{id}": {"parameters": parameters, "get": operation, "post": {
                    "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/A"}}}},
                    "responses": {"200": {"content": {"application/json": {"schema": b}}}}
                }},
                "/b": item
            },
            "components": {"schemas": {"A": a, "B": b}}
        });
        if let Ok(document) = read(&document) {
            assert_consistent(&document);
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), text in any_json()) {
        let _ = Document::read(&bytes, None);
        let _ = read(&text);
    }
}
