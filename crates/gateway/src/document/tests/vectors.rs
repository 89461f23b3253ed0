//! The same documents through the toolkit and through this module.

use serde_json::{Value, json};

use super::*;

/// What the toolkit and the real `@hey-api/openapi-ts` make of tricky documents.
const VECTORS: &str = include_str!("../../../../../sdk/vectors/operations.json");

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
