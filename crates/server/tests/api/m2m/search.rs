//! `POST /v1/m2m/clients/search`: filters.

use serde_json::{Value, json};

use super::assert_client_shape;
use crate::support::TestApp;
use crate::support::answer::sorted_keys;

/// Four clients in the order of their making.
async fn app_of_four() -> TestApp {
    let app = TestApp::new().await;
    for (id, name, scopes) in [
        ("a", "billing", vec!["read:x", "write:x"]),
        ("b", "billing", vec!["read:x"]),
        ("c", "Billing", vec!["read:y"]),
        ("d", "", vec![]),
    ] {
        app.create_client(json!({ "client_id": id, "client_name": name, "scopes": scopes }))
            .await;
    }
    app.create_other_client(json!({ "client_id": "z", "client_name": "billing", "scopes": ["read:x"] }))
        .await;
    app
}

async fn search(app: &TestApp, body: Value) -> Value {
    app.backend().post("/v1/m2m/clients/search", body).await.ok()
}

/// The ids that a query finds, checked against the total.
async fn found(app: &TestApp, operator: &str, operands: Value) -> String {
    let body = search(
        app,
        json!({ "query": { "operator": operator, "operands": operands } }),
    )
    .await;
    let clients = body["m2m_clients"].as_array().unwrap();
    assert_eq!(
        body["results_metadata"],
        json!({ "total": clients.len(), "next_cursor": null })
    );
    clients
        .iter()
        .map(|client| client["client_id"].as_str().unwrap())
        .collect()
}

fn operand(name: &str, values: &[&str]) -> Value {
    json!({ "filter_name": name, "filter_value": values })
}

#[tokio::test]
async fn an_answer_has_its_exact_shape() {
    let app = app_of_four().await;
    let body = search(&app, json!({})).await;
    assert_eq!(
        sorted_keys(&body),
        ["m2m_clients", "request_id", "results_metadata", "status_code"]
    );
    assert_eq!(
        body["results_metadata"],
        json!({ "total": 4, "next_cursor": null })
    );
    let clients = body["m2m_clients"].as_array().unwrap();
    clients.iter().for_each(|client| assert_client_shape(client, &[]));
    let ids: Vec<_> = clients
        .iter()
        .map(|client| client["client_id"].as_str().unwrap())
        .collect();
    assert_eq!(
        ids,
        ["a", "b", "c", "d"],
        "in the order of their making, and of this project alone"
    );
}

#[tokio::test]
async fn nothing_found_is_an_empty_list() {
    let app = TestApp::new().await;
    let body = search(&app, json!({})).await;
    assert_eq!(body["m2m_clients"], json!([]));
    assert_eq!(
        body["results_metadata"],
        json!({ "total": 0, "next_cursor": null })
    );
}

#[tokio::test]
async fn what_sdks_send_for_no_query_finds_everything() {
    let app = app_of_four().await;
    for body in [
        json!({ "cursor": null, "limit": null, "query": null }),
        json!({ "cursor": "", "limit": 0 }),
        json!({ "query": { "operator": "AND" } }),
        json!({ "query": { "operator": "OR", "operands": [] } }),
        json!({ "query": { "operator": "OR", "operands": null } }),
    ] {
        assert_eq!(
            search(&app, body.clone()).await["results_metadata"]["total"],
            4,
            "{body}"
        );
    }
    for body in ["", "[]", "null"] {
        let answer = app
            .backend()
            .send(http::Method::POST, "/v1/m2m/clients/search", None, body)
            .await;
        assert_eq!(answer.ok()["results_metadata"]["total"], 4, "{body:?}");
    }
}

#[tokio::test]
async fn each_filter_finds_any_of_its_values_exactly() {
    let app = app_of_four().await;
    for (name, values, ids) in [
        ("client_id", vec!["a"], "a"),
        ("client_id", vec!["d", "a", "a", "nobody", "z"], "ad"),
        ("client_id", vec!["A"], ""),
        ("client_name", vec!["billing"], "ab"),
        ("client_name", vec!["billing", "Billing"], "abc"),
        ("client_name", vec!["bill"], ""),
        ("client_name", vec![""], "d"),
        ("scopes", vec!["read:x"], "ab"),
        ("scopes", vec!["read:y", "write:x"], "ac"),
        ("scopes", vec!["read:*"], ""),
        ("scopes", vec!["read"], ""),
        ("scopes", vec![""], ""),
        ("scopes", vec![], ""),
        ("client_id", vec!["a' OR '1'='1", "a\0", "%", "_"], ""),
    ] {
        for operator in ["AND", "OR"] {
            assert_eq!(
                found(&app, operator, json!([operand(name, &values)])).await,
                ids,
                "{name} {values:?}"
            );
        }
    }
}

#[tokio::test]
async fn and_needs_all_filters_and_or_any() {
    let app = app_of_four().await;
    let (billing, x, y, d) = (
        operand("client_name", &["billing"]),
        operand("scopes", &["write:x"]),
        operand("scopes", &["read:y"]),
        operand("client_id", &["d"]),
    );
    for (operands, and, or) in [
        (vec![&billing, &x], "a", "ab"),
        (vec![&x, &y], "", "ac"),
        (vec![&billing, &y, &d], "", "abcd"),
        (vec![&d, &d], "d", "d"),
        (vec![&billing, &operand("scopes", &[])], "", "ab"),
    ] {
        assert_eq!(found(&app, "AND", json!(operands)).await, and, "AND {operands:?}");
        assert_eq!(found(&app, "OR", json!(operands)).await, or, "OR {operands:?}");
    }
}

#[tokio::test]
async fn a_search_sees_every_change_at_once() {
    let app = app_of_four().await;
    let patch = json!({ "client_name": "new", "scopes": ["read:z"] });
    app.backend().put("/v1/m2m/clients/a", patch).await.ok();
    assert_eq!(
        found(&app, "AND", json!([operand("scopes", &["read:x"])])).await,
        "b"
    );
    assert_eq!(
        found(
            &app,
            "AND",
            json!([operand("scopes", &["read:z"]), operand("client_name", &["new"])])
        )
        .await,
        "a"
    );
    app.backend().delete("/v1/m2m/clients/a").await.ok();
    assert_eq!(
        found(&app, "AND", json!([operand("scopes", &["read:z"])])).await,
        ""
    );
}

#[tokio::test]
async fn as_many_values_as_the_limits_allow_are_searched() {
    let app = app_of_four().await;
    let numbered = |count: usize| {
        (0..count)
            .map(|number| format!("id-{number}"))
            .chain(["a".to_owned()])
            .collect::<Vec<_>>()
    };
    for (name, count, ids) in [
        ("client_id", 999, "a"),
        ("client_name", 255, ""),
        ("scopes", 255, ""),
    ] {
        let operands = json!([{ "filter_name": name, "filter_value": numbered(count) }]);
        assert_eq!(found(&app, "AND", operands).await, ids, "{name}");
    }
}
