//! `trusted_metadata`: merged at the top level, null deletes, limits hold for the result (wire contract 3.3, 3.7).

use serde_json::{Value, json};

use crate::support::TestApp;

async fn app_with(metadata: Value) -> TestApp {
    let app = TestApp::new().await;
    app.create_client(json!({ "client_id": "worker", "trusted_metadata": metadata }))
        .await;
    app
}

async fn merge(app: &TestApp, patch: Value) -> Value {
    let answer = app
        .backend()
        .put("/v1/m2m/clients/worker", json!({ "trusted_metadata": patch }))
        .await
        .ok();
    let shown = app.backend().get("/v1/m2m/clients/worker").await.ok();
    assert_eq!(answer["m2m_client"], shown["m2m_client"]);
    shown["m2m_client"]["trusted_metadata"].clone()
}

#[tokio::test]
async fn keys_are_merged_and_nested_objects_replaced_whole() {
    let app = app_with(json!({ "a": { "x": 1, "y": 2 }, "b": 1 })).await;
    assert_eq!(
        merge(&app, json!({ "c": [1] })).await,
        json!({ "a": { "x": 1, "y": 2 }, "b": 1, "c": [1] })
    );
    assert_eq!(
        merge(&app, json!({ "a": { "x": 9 } })).await,
        json!({ "a": { "x": 9 }, "b": 1, "c": [1] })
    );
    assert_eq!(
        merge(&app, json!({})).await,
        json!({ "a": { "x": 9 }, "b": 1, "c": [1] })
    );
}

#[tokio::test]
async fn null_deletes_a_key_and_only_at_the_top() {
    let app = app_with(json!({ "a": 1, "b": { "c": 1 } })).await;
    assert_eq!(
        merge(&app, json!({ "a": null, "unknown": null })).await,
        json!({ "b": { "c": 1 } })
    );
    assert_eq!(
        merge(&app, json!({ "b": { "c": null } })).await,
        json!({ "b": { "c": null } })
    );
    assert_eq!(merge(&app, json!({ "b": null })).await, json!({}));
}

/// An empty PHP array stands for an empty object (wire contract 1.2).
#[tokio::test]
async fn an_empty_array_is_an_empty_object() {
    let app = app_with(json!([])).await;
    assert_eq!(merge(&app, json!([])).await, json!({}));
    app.backend()
        .put("/v1/m2m/clients/worker", json!({ "trusted_metadata": ["x"] }))
        .await
        .problem(400, "metadata_invalid_format");
}

#[tokio::test]
async fn limits_hold_for_the_merged_result() {
    let twenty: Value = (0..20)
        .map(|n| (format!("k{n:02}"), json!(1)))
        .collect::<serde_json::Map<_, _>>()
        .into();
    let app = app_with(twenty).await;
    let one_more = json!({ "trusted_metadata": { "more": 1 } });
    app.backend()
        .put("/v1/m2m/clients/worker", one_more)
        .await
        .problem(400, "metadata_too_many_keys");
    merge(&app, json!({ "k00": null, "more": 1 })).await;

    let app = app_with(json!({ "half": "x".repeat(2048) })).await;
    let other_half = json!({ "trusted_metadata": { "rest": "x".repeat(2048) } });
    app.backend()
        .put("/v1/m2m/clients/worker", other_half)
        .await
        .problem(400, "metadata_too_large");
    merge(&app, json!({ "half": null, "rest": "x".repeat(2048) })).await;
}

#[tokio::test]
async fn every_kind_of_value_comes_back_as_it_went_in() {
    let metadata = json!({
        "text": "Ünïcödé \u{1f512} \"quoted\" \\ / \u{0} \u{7f}", "number": -12.5e-3, "big": 9_007_199_254_740_993_i64,
        "largest": u64::MAX, "smallest": i64::MIN, "yes": true, "list": [[], {}, null], "": "empty name",
    });
    let app = app_with(metadata.clone()).await;
    assert_eq!(merge(&app, json!({})).await, metadata);
}

#[tokio::test]
async fn metadata_is_not_in_tokens() {
    let app = TestApp::new().await;
    let client = app
        .create_client(json!({ "trusted_metadata": { "team": "billing", "sub": "root" } }))
        .await;
    let claims = app.verify_stytch(&app.token(&client).await).await.unwrap();
    assert_eq!((claims.sub, claims.extra.len()), (client.id, 0));
}
