//! The two OpenAPI documents: committed as the handlers have them, complete, and true.

use std::collections::BTreeSet;

use countersign::openapi::{admin_document, wire_document};
use serde_json::{Value, json};

use crate::support::operations;

/// Names of the contract (section 1), and our own for what it has no name for.
const WIRE_OPERATIONS: [&str; 14] = [
    "api_b2b_session_v1_GetJWKS",
    "api_debug_v1_Whoami",
    "api_m2m_v1_m2m_clients_Create",
    "api_m2m_v1_m2m_clients_Delete",
    "api_m2m_v1_m2m_clients_Get",
    "api_m2m_v1_m2m_clients_Search",
    "api_m2m_v1_m2m_clients_Update",
    "api_m2m_v1_m2m_clients_secrets_Rotate",
    "api_m2m_v1_m2m_clients_secrets_RotateCancel",
    "api_m2m_v1_m2m_clients_secrets_RotateStart",
    "api_m2m_v1_m2m_oauth2_Token",
    "api_session_v1_GetJWKS",
    "get_authorization_server_metadata",
    "get_jwk_set",
];

fn documents() -> [(&'static str, Value); 2] {
    [
        ("api/openapi.json", serde_json::to_value(wire_document()).unwrap()),
        (
            "api/admin.openapi.json",
            serde_json::to_value(admin_document()).unwrap(),
        ),
    ]
}

/// Visits every object below a value with the way to it.
fn visit(value: &Value, way: &str, look: &mut impl FnMut(&str, &serde_json::Map<String, Value>)) {
    match value {
        Value::Object(members) => {
            look(way, members);
            members
                .iter()
                .for_each(|(name, member)| visit(member, &format!("{way}/{name}"), look));
        }
        Value::Array(items) => items
            .iter()
            .enumerate()
            .for_each(|(at, item)| visit(item, &format!("{way}/{at}"), look)),
        _ => {}
    }
}

fn has_text(members: &serde_json::Map<String, Value>, name: &str) -> bool {
    members
        .get(name)
        .and_then(Value::as_str)
        .is_some_and(|text| text.trim().len() > 2)
}

/// Whether a property says what it is, or each of its choices does.
fn is_described(property: &Value) -> bool {
    let choices = property["oneOf"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|choice| choice["type"] != "null");
    let mut choices = choices
        .map(|choice| has_text(choice.as_object().unwrap(), "description"))
        .peekable();
    has_text(property.as_object().unwrap(), "description")
        || (choices.peek().is_some() && choices.all(|described| described))
}

#[test]
fn the_committed_documents_are_the_handlers() {
    for (file, document) in [
        ("api/openapi.json", wire_document()),
        ("api/admin.openapi.json", admin_document()),
    ] {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../..")
            .join(file);
        let committed = std::fs::read_to_string(&path).unwrap_or_default();
        let written = document.to_pretty_json().unwrap();
        let line = committed
            .lines()
            .zip(written.lines())
            .take_while(|(old, new)| old == new)
            .count()
            + 1;
        assert!(
            committed.trim_end() == written.trim_end(),
            "{file} is old from line {line} on: run `cargo xtask openapi`"
        );
    }
}

#[test]
fn they_are_openapi_3_1_and_name_no_server() {
    for (file, document) in documents() {
        assert!(document["openapi"].as_str().unwrap().starts_with("3.1"), "{file}");
        assert!(
            document.get("servers").is_none(),
            "{file}: an installation's address is not ours to know"
        );
    }
}

#[test]
fn the_wires_operations_have_the_contracts_names() {
    let (_, document) = &documents()[0];
    let paths = document["paths"].as_object().unwrap().values();
    let operations = paths.flat_map(|path| path.as_object().unwrap().values());
    let ids: BTreeSet<_> = operations
        .map(|operation| operation["operationId"].as_str().unwrap())
        .collect();
    assert_eq!(ids.into_iter().collect::<Vec<_>>(), WIRE_OPERATIONS);
}

#[test]
fn no_two_operations_share_a_name() {
    let operations = operations::all();
    let ids: BTreeSet<_> = operations.iter().map(|operation| &operation.id).collect();
    assert_eq!(ids.len(), operations.len());
}

#[test]
fn everything_is_described() {
    let mut missing = Vec::new();
    for (file, document) in documents() {
        let schemas = document["components"]["schemas"].as_object().unwrap();
        for (name, schema) in schemas {
            if !has_text(schema.as_object().unwrap(), "description") {
                missing.push(format!("{file}: schema {name}"));
            }
            visit(schema, name, &mut |way, members| {
                let properties = members.get("properties").and_then(Value::as_object);
                for (property, described) in properties.into_iter().flatten() {
                    if !is_described(described) {
                        missing.push(format!("{file}: {way}.{property}"));
                    }
                }
            });
        }
    }
    for operation in operations::all() {
        if !has_text(operation.described.as_object().unwrap(), "summary") {
            missing.push(format!("{}: a summary", operation.id));
        }
        for parameter in operation.described["parameters"].as_array().into_iter().flatten() {
            if !has_text(parameter.as_object().unwrap(), "description") {
                missing.push(format!("{}: parameter {}", operation.id, parameter["name"]));
            }
        }
        for (status, response) in operation.described["responses"].as_object().unwrap() {
            if !has_text(response.as_object().unwrap(), "description") {
                missing.push(format!("{}: {status}", operation.id));
            }
        }
    }
    assert!(
        missing.is_empty(),
        "without a description:\n{}",
        missing.join("\n")
    );
}

#[test]
fn every_reference_leads_somewhere() {
    for (file, document) in documents() {
        visit(&document, "", &mut |way, members| {
            if let Some(reference) = members.get("$ref").and_then(Value::as_str) {
                let pointer = reference
                    .strip_prefix('#')
                    .unwrap_or_else(|| panic!("{file}{way}: {reference} is elsewhere"));
                assert!(document.pointer(pointer).is_some(), "{file}{way}: {reference}");
            }
        });
    }
}

/// Every operation may fail for want of time or database; with credentials it can refuse them, with a body that too.
#[test]
fn every_real_error_is_listed() {
    for operation in operations::all() {
        let public = operation.described["security"]
            .as_array()
            .is_some_and(|all| all.contains(&json!({})));
        let token = operation.id == "api_m2m_v1_m2m_oauth2_Token";
        let mut statuses = vec![200, 408, 500, 503];
        if !public || token {
            statuses.extend([400, 401, 429]);
        }
        if operation.described.get("requestBody").is_some() && !token {
            statuses.extend([413, 415]);
        }
        if operation.template.contains('{') && !token {
            statuses.push(404);
        }
        for status in statuses {
            assert!(operation.declares(status), "{}: {status}", operation.id);
        }
        assert!(!operation.declares(201), "{}: the wire answers 200", operation.id);
    }
}
