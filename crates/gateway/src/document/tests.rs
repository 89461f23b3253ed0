//! Whole documents.

mod generated;
mod vectors;

use std::collections::HashSet;

use serde_json::{Value, json};

use super::*;

fn read(document: &Value) -> Result<Document, DocumentError> {
    Document::read(document.to_string().as_bytes(), None)
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
                        .filter(|(name, _)| !["default", "const", "enum"].contains(&name.as_str()))
                        .map(|(_, v)| v),
                );
            }
            Value::Array(items) => waiting.extend(items),
            _ => {}
        }
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

#[test]
fn what_is_shared_cannot_be_made_to_unfold_without_end() {
    let shared = json!({"content": {"application/json": {"schema": {"enum": ["x".repeat(1 << 20)]}}}});
    let operation = json!({"responses": {"200": {"$ref": "#/components/responses/Shared"}}});
    let paths: serde_json::Map<_, _> = (0..1_000)
        .map(|n| (format!("/{n}"), json!({"get": operation})))
        .collect();
    let document =
        json!({"openapi": "3.1.0", "paths": paths, "components": {"responses": {"Shared": shared}}});
    assert_eq!(read(&document).unwrap_err().code(), "document_too_repetitive");
}

#[test]
fn every_flow_tells_where_tokens_are_given() {
    let read = |scheme: serde_json::Value| {
        let document = serde_json::json!({
            "openapi": "3.0.3", "info": { "title": "t", "version": "1" }, "servers": [{ "url": "https://h/v1" }], "paths": {},
            "components": { "securitySchemes": { "tokens": scheme } }
        });
        let read = Document::read(document.to_string().as_bytes(), None).unwrap();
        let paths = read.token_paths.into_iter();
        paths
            .map(|path| (path.whole, path.below_server))
            .collect::<Vec<_>>()
    };
    let given = read(serde_json::json!({ "type": "oauth2", "flows": {
        "authorizationCode": { "tokenUrl": "https://h/v1/token", "refreshUrl": "renew" },
        "clientCredentials": { "tokenUrl": "https://other/oauth/token" },
        "implicit": { "authorizationUrl": "https://h/v1/authorize" }, "password": { "tokenUrl": "https://other" }
    } }));
    assert_eq!(
        given,
        [
            ("/v1/token".to_owned(), Some("/token".to_owned())),
            ("/v1/renew".to_owned(), Some("/renew".to_owned())),
            ("/oauth/token".to_owned(), None),
        ]
    );
    assert_eq!(read(serde_json::json!({ "type": "http", "scheme": "basic" })), []);
}
