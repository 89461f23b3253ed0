//! `PUT /v1/m2m/clients/{client_id}` and `GET` of the same path.

use countersign_core::audit::Action;
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::assert_client_shape;
use crate::support::answer::sorted_keys;
use crate::support::observed_store::Fault;
use crate::support::{NewClient, TestApp, client_path};

async fn made(app: &TestApp) -> NewClient {
    app.create_client(json!({
        "client_id": "worker", "client_name": "name", "client_description": "text",
        "scopes": ["read:a", "write:b"], "trusted_metadata": { "team": "x" },
    }))
    .await
}

/// The client as a later reader sees it.
async fn shown(app: &TestApp) -> Value {
    app.backend().get("/v1/m2m/clients/worker").await.ok()["m2m_client"].take()
}

async fn update(app: &TestApp, patch: Value) -> Value {
    app.backend().put("/v1/m2m/clients/worker", patch).await.ok()["m2m_client"].take()
}

// ## Get

#[tokio::test]
async fn a_client_is_shown_as_it_was_made_without_its_secret() {
    let app = TestApp::new().await;
    let client = made(&app).await;
    let body = app.backend().get(&client_path(&client.id)).await.ok();
    assert_eq!(sorted_keys(&body), ["m2m_client", "request_id", "status_code"]);
    assert_client_shape(&body["m2m_client"], &[]);
    let mut expected = client.view.clone();
    expected.as_object_mut().unwrap().remove("client_secret");
    assert_eq!(body["m2m_client"], expected);
}

#[tokio::test]
async fn an_unknown_id_is_not_found_whatever_it_looks_like() {
    let app = TestApp::new().await;
    for id in [
        "nobody",
        "a%20b",
        "%2F",
        "%00",
        "..",
        "%2E%2E",
        &"x".repeat(2000),
        "%C3%A4",
    ] {
        let answer = app.backend().get(&client_path(id)).await;
        answer.problem(404, "m2m_client_not_found");
    }
}

// ## Update

#[tokio::test]
async fn each_field_changes_alone() {
    let app = TestApp::new().await;
    made(&app).await;
    for (field, value) in [
        ("client_name", json!("new name")),
        ("client_name", json!("")),
        ("client_description", json!("new text")),
        ("client_description", json!("")),
        ("status", json!("inactive")),
        ("status", json!("active")),
        ("scopes", json!(["write:c", "read:a"])),
        ("scopes", json!([])),
    ] {
        let mut expected = shown(&app).await;
        expected[field] = value.clone();
        let answer = update(&app, json!({ field: value })).await;
        assert_client_shape(&answer, &[]);
        assert_eq!(answer, expected, "{field}");
        assert_eq!(shown(&app).await, expected, "{field}");
    }
}

#[tokio::test]
async fn nothing_named_is_nothing_changed() {
    let app = TestApp::new().await;
    made(&app).await;
    let before = shown(&app).await;
    for patch in [
        json!({}),
        json!({ "client_name": null, "client_description": null, "status": null, "scopes": null, "trusted_metadata": null }),
        json!({ "client_id": "another", "client_secret": "ignored", "created_at": 7 }),
        json!({ "trusted_metadata": {} }),
    ] {
        assert_eq!(update(&app, patch.clone()).await, before, "{patch}");
    }
    assert_eq!(shown(&app).await, before);
}

/// That SDK sends both empty with every update (wire contract 3.3). docs/divergences.md says what is made of it.
#[tokio::test]
async fn an_empty_scope_list_clears_unless_the_java_sdk_sends_it() {
    let app = TestApp::new().await;
    made(&app).await;
    let java = app.backend().header("user-agent", "Stytch Java v11.3.0");
    let patch = json!({ "client_name": "renamed", "scopes": [], "trusted_metadata": {} });
    let answer = java.put("/v1/m2m/clients/worker", patch.clone()).await.ok();
    assert_eq!(answer["m2m_client"]["scopes"], json!(["read:a", "write:b"]));
    let answer = java
        .put("/v1/m2m/clients/worker", json!({ "scopes": [] }))
        .await
        .ok();
    assert_eq!(answer["m2m_client"]["scopes"], json!(["read:a", "write:b"]));
    assert_eq!(
        update(&app, patch).await["scopes"],
        json!(["read:a", "write:b"]),
        "beside an empty object"
    );
    assert_eq!(shown(&app).await["client_name"], "renamed");
    assert_eq!(shown(&app).await["trusted_metadata"], json!({ "team": "x" }));
    assert_eq!(update(&app, json!({ "scopes": [] })).await["scopes"], json!([]));
    let answer = java
        .put(
            "/v1/m2m/clients/worker",
            json!({ "scopes": ["z"], "trusted_metadata": {} }),
        )
        .await
        .ok();
    assert_eq!(
        answer["m2m_client"]["scopes"],
        json!(["z"]),
        "a full list is meant"
    );
}

#[tokio::test]
async fn a_bad_value_changes_nothing_not_even_the_good_ones_beside_it() {
    let app = TestApp::new().await;
    made(&app).await;
    let before = app.dump().await;
    for (patch, error_type) in [
        (json!({ "status": "disabled" }), "m2m_client_invalid_status"),
        (json!({ "status": "Active" }), "m2m_client_invalid_status"),
        (json!({ "status": "" }), "m2m_client_invalid_status"),
        (json!({ "status": 1 }), "invalid_request_value"),
        (
            json!({ "client_name": "x".repeat(257) }),
            "m2m_client_invalid_client_name",
        ),
        (
            json!({ "client_description": "x\0" }),
            "m2m_client_invalid_client_description",
        ),
        (json!({ "scopes": ["a b"] }), "invalid_m2m_client_scope"),
        (
            json!({ "scopes": (0..257).map(|n| n.to_string()).collect::<Vec<_>>() }),
            "too_many_m2m_client_scopes",
        ),
        (json!({ "trusted_metadata": "x" }), "metadata_invalid_format"),
        (
            json!({ "trusted_metadata": { "k": "x".repeat(4096) } }),
            "metadata_too_large",
        ),
    ] {
        let mut patch = patch;
        if patch.get("client_name").is_none() {
            patch["client_name"] = json!("good");
        }
        app.backend()
            .put("/v1/m2m/clients/worker", patch)
            .await
            .problem(400, error_type);
    }
    assert_eq!(app.dump().await, before);
}

#[tokio::test]
async fn the_audit_has_before_and_after() {
    let app = TestApp::new().await;
    let client = made(&app).await;
    app.clock.advance(60);
    let answer = app
        .backend()
        .put("/v1/m2m/clients/worker", json!({ "status": "inactive" }))
        .await;
    answer.ok();
    let event = app.newest_event(Action::ClientUpdated).await;
    assert_eq!(
        (event.object.as_str(), event.request_id.as_str()),
        ("worker", answer.request_id())
    );
    let (before, after) = (event.before.unwrap(), event.after.unwrap());
    assert_eq!(
        (&before["status"], &after["status"]),
        (&json!("active"), &json!("inactive"))
    );
    assert!(!format!("{before}{after}").contains(&client.secret));
    assert!(!format!("{before}{after}").contains("hmac-sha256"));
    let row = app.stored_client(&app.project, "worker").await.unwrap();
    assert_eq!(
        (
            row.version,
            row.updated_at.as_second(),
            row.created_at.as_second()
        ),
        (2, app.clock.second(), app.clock.second() - 60)
    );
}

// ## At the same time

#[tokio::test]
async fn updates_of_different_fields_at_the_same_time_are_all_kept() {
    let app = TestApp::new().await;
    made(&app).await;
    let backend = app.backend();
    let patches = (0..6).map(|number| json!({ "trusted_metadata": { format!("key{number}"): number } }));
    for answer in join_all(patches.map(|patch| backend.put("/v1/m2m/clients/worker", patch))).await {
        answer.ok();
    }
    let metadata = shown(&app).await["trusted_metadata"].take();
    assert_eq!(
        metadata,
        json!({ "team": "x", "key0": 0, "key1": 1, "key2": 2, "key3": 3, "key4": 4, "key5": 5 })
    );
    assert_eq!(
        app.stored_client(&app.project, "worker").await.unwrap().version,
        7
    );
}

#[tokio::test]
async fn whoever_never_gets_a_turn_is_told() {
    let app = TestApp::new().await;
    made(&app).await;
    let before = app.dump().await;
    (0..8).for_each(|_| app.store.fail("update_client", Fault::Stale));
    let answer = app
        .backend()
        .put("/v1/m2m/clients/worker", json!({ "client_name": "x" }))
        .await;
    answer.problem(409, "write_conflict");
    assert_eq!(app.dump().await, before);
}
