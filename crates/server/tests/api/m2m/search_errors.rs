//! `POST /v1/m2m/clients/search`: each mistake has its name.

use serde_json::{Value, json};

use crate::support::TestApp;

fn and(operand: &Value) -> Value {
    json!({ "query": { "operator": "AND", "operands": [operand] } })
}

fn filter(name: &str, values: impl Into<Value>) -> Value {
    json!({ "filter_name": name, "filter_value": values.into() })
}

fn many(count: usize) -> Vec<String> {
    (0..count).map(|number| number.to_string()).collect()
}

#[tokio::test]
async fn each_mistake_has_its_name_and_costs_no_search() {
    let app = TestApp::new().await;
    let mistakes = [
        (json!({ "query": {} }), "m2m_search_invalid_operator"),
        (json!({ "query": [] }), "invalid_request_value"),
        (json!({ "query": "AND" }), "invalid_request_value"),
        (
            json!({ "query": { "operator": "and" } }),
            "m2m_search_invalid_operator",
        ),
        (
            json!({ "query": { "operator": "XOR", "operands": [] } }),
            "m2m_search_invalid_operator",
        ),
        (
            json!({ "query": { "operator": null } }),
            "m2m_search_invalid_operator",
        ),
        (json!({ "query": { "operator": 1 } }), "invalid_request_value"),
        (
            json!({ "query": { "operator": "AND", "operands": {} } }),
            "invalid_request_value",
        ),
        (and(&json!("scopes")), "invalid_request_value"),
        (and(&Value::Null), "invalid_request_value"),
        (and(&json!({})), "m2m_search_missing_filter_name"),
        (
            and(&json!({ "filter_value": ["a"] })),
            "m2m_search_missing_filter_name",
        ),
        (
            and(&json!({ "filter_name": null, "filter_value": ["a"] })),
            "m2m_search_missing_filter_name",
        ),
        (
            and(&json!({ "filter_name": 7, "filter_value": ["a"] })),
            "m2m_search_filter_name_must_be_string",
        ),
        (
            and(&json!({ "filter_name": ["scopes"], "filter_value": ["a"] })),
            "m2m_search_filter_name_must_be_string",
        ),
        (
            and(&filter("status", json!(["active"]))),
            "m2m_search_filter_name_not_recognized",
        ),
        (
            and(&filter("", json!(["x"]))),
            "m2m_search_filter_name_not_recognized",
        ),
        (
            and(&filter("Scopes", json!(["x"]))),
            "m2m_search_filter_name_not_recognized",
        ),
        (
            and(&json!({ "filter_name": "scopes" })),
            "m2m_search_missing_filter_value",
        ),
        (
            and(&filter("scopes", Value::Null)),
            "m2m_search_missing_filter_value",
        ),
        (
            and(&filter("scopes", json!("a"))),
            "m2m_search_expected_array_of_strings",
        ),
        (
            and(&filter("scopes", json!(["a", 1]))),
            "m2m_search_expected_array_of_strings",
        ),
        (
            and(&filter("scopes", json!([null]))),
            "m2m_search_expected_array_of_strings",
        ),
        (
            and(&filter("scopes", json!({}))),
            "m2m_search_expected_array_of_strings",
        ),
        (
            and(&filter("client_id", json!(many(1001)))),
            "invalid_request_value",
        ),
        (
            and(&filter("client_name", json!(many(257)))),
            "invalid_request_value",
        ),
        (and(&filter("scopes", json!(many(257)))), "invalid_request_value"),
        (
            json!({ "query": { "operator": "OR", "operands": vec![filter("scopes", json!(["a"])); 17] } }),
            "invalid_request_value",
        ),
    ];
    for (body, error_type) in mistakes {
        let backend = app.backend();
        let answering = backend.post("/v1/m2m/clients/search", body.clone());
        let (answer, asked) = app.store.asked_during(answering).await;
        assert_eq!(answer.json()["error_type"], error_type, "{body}");
        answer.problem(400, error_type);
        assert!(
            !asked.contains(&"search_clients") && !asked.contains(&"count_clients"),
            "{asked:?}"
        );
    }
}

#[tokio::test]
async fn the_first_mistake_in_a_list_is_named() {
    let app = TestApp::new().await;
    let operands = json!([
        filter("scopes", json!(["a"])),
        filter("nope", json!(["a"])),
        filter("scopes", json!("a"))
    ]);
    let body = json!({ "query": { "operator": "AND", "operands": operands } });
    let answer = app.backend().post("/v1/m2m/clients/search", body).await;
    answer.problem(400, "m2m_search_filter_name_not_recognized");
}
