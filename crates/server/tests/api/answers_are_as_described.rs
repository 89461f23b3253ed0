//! What operations answer is what their documents say: every member described, none missing, each of its type.

use serde_json::{Map, Value, json};

use crate::support::operations::{self, Operation};
use crate::support::{TestApp, fixtures, token_request};

/// The schema that a reference leads to.
fn resolved<'d>(document: &'d Value, schema: &'d Value) -> &'d Value {
    match schema.get("$ref").and_then(Value::as_str) {
        Some(reference) => resolved(document, document.pointer(&reference[1..]).unwrap()),
        None => schema,
    }
}

/// Properties and required names of an object schema, those of `allOf` included.
fn members(
    document: &Value,
    schema: &Value,
    properties: &mut Map<String, Value>,
    required: &mut Vec<String>,
) {
    let schema = resolved(document, schema);
    for part in schema["allOf"].as_array().into_iter().flatten() {
        members(document, part, properties, required);
    }
    properties.extend(schema["properties"].as_object().cloned().unwrap_or_default());
    let names = schema["required"].as_array().into_iter().flatten();
    required.extend(names.map(|name| name.as_str().unwrap().to_owned()));
}

fn is_of_type(value: &Value, name: &str) -> bool {
    match name {
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "null" => value.is_null(),
        other => panic!("no type of JSON: {other}"),
    }
}

fn check(document: &Value, schema: &Value, value: &Value, way: &str) {
    let schema = resolved(document, schema);
    for choices in ["oneOf", "anyOf"] {
        if let Some(choices) = schema[choices].as_array() {
            let fits = |choice: &&Value| !value.is_null() || choice["type"] == "null";
            let choice = choices
                .iter()
                .find(fits)
                .unwrap_or_else(|| panic!("{way}: {value} is none of {choices:?}"));
            if !value.is_null() {
                check(document, choice, value, way);
            }
            return;
        }
    }
    let types: Vec<&str> = match &schema["type"] {
        Value::String(name) => vec![name],
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
        _ => vec![],
    };
    assert!(
        types.is_empty() || types.iter().any(|name| is_of_type(value, name)),
        "{way}: {value} is no {types:?}"
    );
    if let (Some(pattern), Some(text)) = (schema["pattern"].as_str(), value.as_str()) {
        assert_eq!(
            pattern, "^(active|inactive)$",
            "teach this test the pattern of {way}"
        );
        assert!(["active", "inactive"].contains(&text), "{way}: {text}");
    }
    if let Value::Array(items) = value {
        items
            .iter()
            .enumerate()
            .for_each(|(at, item)| check(document, &schema["items"], item, &format!("{way}/{at}")));
    }
    let (mut properties, mut required) = (Map::new(), Vec::new());
    members(document, schema, &mut properties, &mut required);
    if let Some(found) = value.as_object().filter(|_| !properties.is_empty()) {
        for name in &required {
            assert!(
                found.contains_key(name),
                "{way}: {name} is required and not there"
            );
        }
        for (name, member) in found {
            let described = properties
                .get(name)
                .unwrap_or_else(|| panic!("{way}: {name} is not described"));
            check(document, described, member, &format!("{way}/{name}"));
        }
    }
}

/// Checks an answer against what the operation says of its status.
fn assert_described(operation: &Operation, status: u16, body: &Value) {
    let response = &operation.described["responses"][status.to_string()];
    let schema = &response["content"]["application/json"]["schema"];
    assert!(!schema.is_null(), "{}: nothing is said of {status}", operation.id);
    check(&operation.document, schema, body, &operation.id);
}

/// A project in which every list has something in it.
async fn lived_in() -> (TestApp, String) {
    let app = TestApp::new().await;
    let fields =
        json!({ "client_id": "worker", "scopes": ["a"], "trusted_metadata": { "k": [1, { "n": null }] } });
    let worker = app.create_client(fields).await;
    app.token(&worker).await;
    app.ask_token("worker", "wrong").await;
    app.backend()
        .post("/v1/m2m/clients/worker/secrets/rotate/start", json!({}))
        .await
        .ok();
    app.create_operator(json!({ "name": "narrow", "project_ids": [app.project.id] }))
        .await;
    fixtures::make_provider(&app).await;
    countersign::jobs::flush_usage(&app.app).await;
    (app, worker.secret)
}

#[tokio::test]
async fn every_success_is_as_described() {
    for operation in operations::all() {
        let (app, secret) = lived_in().await;
        if operation.id.ends_with("RotateStart") {
            app.backend()
                .post("/v1/m2m/clients/worker/secrets/rotate/cancel", json!({}))
                .await
                .ok();
        }
        let answer = if operation.id == "api_m2m_v1_m2m_oauth2_Token" {
            app.anonymous()
                .post(&operation.path(&app), token_request("worker", &secret))
                .await
        } else if operation.template.starts_with("/v1/") {
            operation.call(&app, &app.backend()).await
        } else {
            operation.call(&app, &app.admin()).await
        };
        assert_described(&operation, 200, &answer.ok());
    }
}

#[tokio::test]
async fn every_error_is_as_described() {
    for operation in operations::all() {
        let (app, _) = lived_in().await;
        let answer = operation.call(&app, &app.anonymous()).await;
        let status = answer.status.as_u16();
        if status != 200 {
            assert_described(&operation, status, &answer.json());
        }
    }
}
