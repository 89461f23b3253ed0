//! Whole documents.

use std::collections::HashSet;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// What the toolkit and the real `@hey-api/openapi-ts` make of tricky documents.
const VECTORS: &str = include_str!("../../../../sdk/vectors/operations.json");

fn read(document: &Value) -> Result<Document, DocumentError> {
    Document::read(document.to_string().as_bytes(), None)
}

/// An operation as the toolkit describes it.
fn described(operation: &Operation) -> Value {
    let arguments = operation.arguments.iter().map(|argument| {
        let mut described =
            json!({"name": argument.name, "place": argument.place, "original": argument.original});
        if argument.json {
            described["json"] = true.into();
        } else if let Some(style) = argument.style {
            if style != Style::usual(argument.place) {
                described["style"] = json!(style);
            }
            if argument.explode != (style == Style::Form) {
                described["explode"] = argument.explode.into();
            }
            if argument.allow_reserved {
                described["allowReserved"] = true.into();
            }
        }
        described
    });
    let mut described = json!({
        "name": operation.name, "method": operation.method, "path": operation.path,
        "arguments": arguments.collect::<Vec<_>>(), "security": operation.security,
    });
    if let OperationServer::Own(url) = &operation.server {
        described["server"] = json!(url);
    }
    if let Some(body) = &operation.body {
        described["body"] = json!({
            "mediaType": body.media_type, "spread": body.spread, "required": body.required, "encoding": body.encoding
        });
    }
    described
}

#[derive(Deserialize)]
struct Vectors {
    documents: Vec<Vector>,
}

#[derive(Deserialize)]
struct Vector {
    title: String,
    // As text: the order of members counts, and parsed JSON does not keep it.
    document: Box<serde_json::value::RawValue>,
    operations: Vec<Value>,
}

#[test]
fn names_and_arguments_are_those_of_the_toolkit() {
    let vectors: Vectors = serde_json::from_str(VECTORS).unwrap();
    assert!(vectors.documents.len() > 5);
    for vector in vectors.documents {
        let document = Document::read(vector.document.get().as_bytes(), None).expect(&vector.title);
        let found: Vec<_> = document.operations.iter().map(described).collect();
        assert_eq!(found.len(), vector.operations.len(), "{}", vector.title);
        for (found, expected) in found.iter().zip(&vector.operations) {
            assert_eq!(found, expected, "{}", vector.title);
        }
    }
}

/// `COUNTERSIGN_TEST_OPENAPI` names a document; `COUNTERSIGN_TEST_OPERATIONS` what sdk/toolkit/test/vectors.test.ts wrote
/// of the same document when it was run with both.
#[test]
fn a_given_document_has_the_operations_that_the_toolkit_finds_in_it() {
    let Some(path) = std::env::var_os("COUNTERSIGN_TEST_OPENAPI") else {
        println!("SKIPPED: COUNTERSIGN_TEST_OPENAPI names no document");
        return;
    };
    let document = Document::read(&std::fs::read(path).unwrap(), None).unwrap();
    assert!(!document.operations.is_empty());
    assert_consistent(&document);
    let Some(path) = std::env::var_os("COUNTERSIGN_TEST_OPERATIONS") else {
        println!("NOT COMPARED: COUNTERSIGN_TEST_OPERATIONS names no file");
        return;
    };
    let expected: Vec<Value> = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let found: Vec<_> = document.operations.iter().map(described).collect();
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(&expected) {
        assert_eq!(found, expected);
    }
}

/// What holds for any document that is taken.
fn assert_consistent(document: &Document) {
    let names: HashSet<_> = document
        .operations
        .iter()
        .map(|operation| &operation.name)
        .collect();
    assert_eq!(names.len(), document.operations.len(), "names differ");
    for operation in &document.operations {
        let arguments: HashSet<_> = operation
            .arguments
            .iter()
            .map(|argument| &argument.name)
            .collect();
        assert_eq!(
            arguments.len(),
            operation.arguments.len(),
            "names of arguments differ"
        );
        assert_complete(&document.arguments_schema(operation).value());
        for response in &operation.responses {
            if let Some(schema) = &response.schema {
                assert_complete(&document.complete_schema(schema, &response.refers_to).value());
            }
        }
        let stored = serde_json::to_string(operation).unwrap();
        assert_eq!(
            &serde_json::from_str::<Operation>(&stored).unwrap(),
            operation,
            "stored for itself"
        );
    }
    let stored = serde_json::to_string(document).unwrap();
    assert_eq!(
        &serde_json::from_str::<Document>(&stored).unwrap(),
        document,
        "stored as a whole"
    );
}

/// Each reference leads to a definition of the schema itself.
fn assert_complete(schema: &Value) {
    let definitions = schema.get("$defs").cloned().unwrap_or_default();
    let mut waiting = vec![schema];
    while let Some(value) = waiting.pop() {
        match value {
            Value::Object(members) => {
                if let Some(Value::String(reference)) = members.get("$ref") {
                    let name = reference.strip_prefix("#/$defs/").unwrap();
                    assert!(definitions.get(name).is_some(), "{reference}");
                }
                // Examples of what may be there are no schemas.
                waiting.extend(
                    members
                        .iter()
                        .filter(|(name, _)| *name != "default" && *name != "const")
                        .map(|(_, v)| v),
                );
            }
            Value::Array(items) => waiting.extend(items),
            _ => {}
        }
    }
}

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

#[test]
fn more_operations_than_are_taken_are_refused() {
    let paths: serde_json::Map<_, _> = (0..=MAX_OPERATIONS)
        .map(|n| (format!("/{n}"), json!({"get": {}})))
        .collect();
    let error = read(&json!({"openapi": "3.1.0", "paths": paths})).unwrap_err();
    assert_eq!(
        error,
        DocumentError::TooManyOperations {
            max_operations: MAX_OPERATIONS
        }
    );
}

#[test]
fn the_arguments_of_an_operation_are_one_schema() {
    let document = read(&json!({
        "openapi": "3.0.3",
        "paths": {"/a/{id}": {"post": {
            "parameters": [
                {"name": "id", "in": "path", "description": "Which.", "schema": {"$ref": "#/components/schemas/Id"}},
                {"name": "id", "in": "query", "schema": {"type": "string"}},
            ],
            "requestBody": {"required": true, "content": {"application/json": {"schema": {
                "type": "object", "required": ["name"],
                "properties": {"name": {"type": "string"}, "made": {"type": "string", "readOnly": true}}
            }}}}
        }}},
        "components": {"schemas": {"Id": {"type": "string", "minLength": 3}, "Unused": {}}}
    }))
    .unwrap();
    let [operation] = document.operations.as_slice() else {
        panic!("one operation")
    };
    assert_eq!(
        document.arguments_schema(operation).value(),
        json!({
            "type": "object",
            "properties": {
                "path_id": {"$ref": "#/$defs/Id", "description": "Which."},
                "query_id": {"type": "string"},
                "name": {"type": "string"},
                "made": {"type": "string", "readOnly": true},
            },
            "required": ["path_id", "name"],
            "$defs": {"Id": {"type": "string", "minLength": 3}},
        })
    );
    assert_eq!(document.definitions.keys().collect::<Vec<_>>(), ["Id"]);
}

#[test]
fn without_a_spread_body_arguments_that_are_left_are_refused_by_the_schema() {
    let document = read(&json!({"openapi": "3.1.0", "paths": {"/": {"get": {}}}})).unwrap();
    let schema = document.arguments_schema(&document.operations[0]);
    assert_eq!(
        schema.text(),
        r#"{"type":"object","properties":{},"additionalProperties":false}"#
    );
}

#[test]
fn what_the_console_shows_is_there() {
    let document = read(&json!({
        "openapi": "3.1.0",
        "info": {"title": "An API", "version": "2"},
        "servers": [{"url": "https://example.com/v1/"}, {"url": "nowhere"}],
        "security": [{"key": []}],
        "components": {"securitySchemes": {"key": {"type": "http", "scheme": "basic"}}},
        "paths": {"/a": {"get": {
            "operationId": "get_a", "summary": "Gets.", "description": " ", "tags": ["A", 1], "deprecated": true,
            "responses": {
                "200": {"content": {"text/csv": {}, "application/json": {"schema": {"type": "string"}}}},
                "204": {"description": "Nothing."},
                "x-more": {}
            }
        }}}
    }))
    .unwrap();
    assert_eq!(
        (document.title.as_str(), document.version.as_str()),
        ("An API", "2")
    );
    assert_eq!(document.servers, ["https://example.com/v1"]);
    assert_eq!(document.security_schemes["key"], SecurityScheme::Basic);
    assert_eq!(
        serde_json::to_value(&document.operations[0]).unwrap(),
        json!({
            "name": "getA", "operationId": "get_a", "method": "GET", "path": "/a", "tags": ["A"], "summary": "Gets.",
            "deprecated": true, "security": [["key"]],
            "responses": [
                {"status": "200", "mediaType": "application/json", "schema": {"type": "string"}},
                {"status": "204"}
            ]
        })
    );
}

#[test]
fn what_is_not_as_openapi_has_it_is_refused_with_its_place() {
    for (paths, place) in [
        (json!({"/a": null}), "#/paths/~1a"),
        (json!({"a": {}}), "#/paths/a"),
        (json!({"/a": {"get": 1}}), "#/paths/~1a/get"),
        (json!({"/a": {"get": {"operationId": 1}}}), "#/paths/~1a/get"),
        (json!({"/a": {"get": {"operationId": "..."}}}), "#/paths/~1a/get"),
        (
            json!({"/a": {"get": {"requestBody": null}}}),
            "#/paths/~1a/get/requestBody",
        ),
        (json!({"/{x}": {"get": {}}}), "#/paths/~1{x}/get"),
        (
            json!({"/a": {}, "/b": {"$ref": "#/paths/~1a", "get": {}}}),
            "#/paths/~1b",
        ),
    ] {
        let error = read(&json!({"openapi": "3.1.0", "paths": paths})).unwrap_err();
        assert_eq!(error.code(), "document_invalid", "{paths}");
        assert!(error.to_string().starts_with(&format!("`{place}` ")), "{error}");
    }
}

#[test]
fn an_error_repeats_little_of_the_document_and_no_control_characters() {
    let path = format!("/\u{1b}[31m{}", "x".repeat(100_000));
    let error = read(&json!({"openapi": "3.1.0", "paths": {path: 1}})).unwrap_err();
    assert!(error.to_string().len() < 500);
    assert!(!error.to_string().contains('\u{1b}'));
}

#[test]
fn a_document_that_is_too_large_is_refused_before_it_is_read() {
    let error = Document::read(&vec![b' '; MAX_BYTES + 1], None).unwrap_err();
    assert_eq!(error.code(), "document_too_large");
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
