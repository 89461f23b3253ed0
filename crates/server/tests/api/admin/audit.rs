//! The audit: every change has its event, in the transaction of the change, without secrets.

use countersign_core::audit::ActorKind;
use serde_json::{Value, json};

use crate::support::answer::sorted_keys;
use crate::support::observed_store::Fault;
use crate::support::{NewClient, TestApp};

const AUDIT: &str = "/admin/v1/audit";

/// Changes one thing of everything; the action that each should have written, in order.
async fn change_everything(app: &TestApp) -> (NewClient, Vec<&'static str>) {
    let (admin, backend) = (app.admin(), app.backend());
    let project = format!("/admin/v1/projects/{}", app.project.id);
    let client = app.create_client(json!({ "client_id": "worker" })).await;
    let rotate = "/v1/m2m/clients/worker/secrets/rotate";
    backend
        .put("/v1/m2m/clients/worker", json!({ "client_name": "x" }))
        .await
        .ok();
    backend.post(&format!("{rotate}/start"), json!({})).await.ok();
    backend.post(rotate, json!({})).await.ok();
    backend.post(&format!("{rotate}/start"), json!({})).await.ok();
    backend.post(&format!("{rotate}/cancel"), json!({})).await.ok();
    admin
        .put(
            &format!("{project}/clients/worker"),
            json!({ "token_profile": null }),
        )
        .await
        .ok();
    backend.delete("/v1/m2m/clients/worker").await.ok();
    admin.put(&project, json!({ "name": "x" })).await.ok();
    let secret = admin
        .post(&format!("{project}/secrets"), json!({ "name": "x" }))
        .await
        .ok();
    let secret_id = secret["project_secret"]["secret_id"].as_str().unwrap();
    admin.delete(&format!("{project}/secrets/{secret_id}")).await.ok();
    let rotate_key = format!("{project}/keys/rotate");
    admin
        .post(&rotate_key, json!({ "algorithm": "EdDSA" }))
        .await
        .ok();
    admin
        .post(&rotate_key, json!({ "algorithm": "EdDSA", "emergency": true }))
        .await
        .ok();
    let operator = app.create_operator(json!({ "name": "x" })).await;
    admin
        .delete(&format!("/admin/v1/operators/{}", operator.id))
        .await
        .ok();
    let actions = vec![
        "client_created",
        "client_updated",
        "rotation_started",
        "rotation_completed",
        "rotation_started",
        "rotation_cancelled",
        "client_updated",
        "client_deleted",
        "project_updated",
        "project_secret_created",
        "project_secret_revoked",
        "key_announced",
        "key_replaced_in_emergency",
        "operator_created",
        "operator_revoked",
    ];
    (client, actions)
}

async fn page(app: &TestApp, query: &str) -> Vec<Value> {
    let body = app.admin().get(&format!("{AUDIT}?{query}")).await.ok();
    assert_eq!(
        sorted_keys(&body),
        ["events", "request_id", "results_metadata", "status_code"]
    );
    body["events"].as_array().unwrap().clone()
}

#[tokio::test]
async fn every_change_has_one_event_with_its_actor_request_and_address() {
    let app = TestApp::new().await;
    let before = app.events().await.len();
    let (client, expected) = change_everything(&app).await;
    let events = app.events().await.split_off(before);
    let actions: Vec<_> = events.iter().map(|event| event.action.to_string()).collect();
    assert_eq!(actions, expected);
    let mut requests = std::collections::HashSet::new();
    for event in &events {
        let by_backend = event.actor.kind == ActorKind::ProjectSecret;
        let actor = if by_backend {
            &app.project.secret_id
        } else {
            &app.operator.id
        };
        assert_eq!(&event.actor.id, actor, "{event:?}");
        assert!(event.request_id.starts_with("request-id-test-") && requests.insert(&event.request_id));
        assert_eq!(event.address.as_deref(), Some("198.51.100.7"));
        assert!(!event.object.is_empty());
        let both = format!("{:?}{:?}", event.before, event.after);
        assert!(
            !both.contains(&client.secret) && !both.contains("hmac-sha256") && !both.contains("sealed"),
            "{both}"
        );
    }
}

#[tokio::test]
async fn events_are_shown_newest_first_with_their_exact_shape() {
    let app = TestApp::new().await;
    let answer = app
        .backend()
        .post("/v1/m2m/clients", json!({ "client_id": "worker" }))
        .await;
    answer.ok();
    let events = page(&app, "").await;
    let newest = &events[0];
    assert_eq!(
        sorted_keys(newest),
        [
            "action",
            "actor_id",
            "actor_kind",
            "address",
            "after",
            "at",
            "before",
            "event_id",
            "object",
            "project_id",
            "request_id"
        ]
    );
    for (name, value) in [
        ("action", json!("client_created")),
        ("actor_kind", json!("project_secret")),
        ("actor_id", json!(app.project.secret_id)),
        ("object", json!("worker")),
        ("project_id", json!(app.project.id)),
        ("request_id", json!(answer.request_id())),
        ("at", json!("2027-01-15T08:00:00.75Z")),
        ("before", Value::Null),
    ] {
        assert_eq!(newest[name], value, "{name}");
    }
    assert_eq!(events.last().unwrap()["action"], "pepper_created");
    assert_eq!(events.last().unwrap()["project_id"], Value::Null);
}

#[tokio::test]
async fn each_filter_finds_its_events() {
    let app = TestApp::new().await;
    app.create_client(json!({ "client_id": "a" })).await;
    app.clock.advance(100);
    app.create_client(json!({ "client_id": "b" })).await;
    app.admin()
        .put(
            &format!("/admin/v1/projects/{}", app.project.id),
            json!({ "name": "x" }),
        )
        .await
        .ok();
    app.create_other_client(json!({ "client_id": "a" })).await;
    let (by_secret, by_operator) = (
        format!("actor_id={}", app.project.secret_id),
        format!("actor_id={}", app.operator.id),
    );
    for (query, count) in [
        ("action=client_created", 3),
        ("object=a", 2),
        ("object=a&action=client_deleted", 0),
        (by_secret.as_str(), 2),
        (by_operator.as_str(), 1),
        ("since=2027-01-15T08:01:40.75Z", 3),
        ("until=2027-01-15T08:01:40.75Z&action=client_created", 1),
        ("since=2027-01-15T08:01:40.751Z", 0),
        ("object=nobody", 0),
        ("object=%00", 0),
    ] {
        assert_eq!(page(&app, query).await.len(), count, "{query}");
    }
    for bad in ["action=client_eaten", "since=now", "until=", "actor_id=%ff"] {
        app.admin()
            .get(&format!("{AUDIT}?{bad}"))
            .await
            .problem(400, "invalid_request_value");
    }
}

#[tokio::test]
async fn a_projects_audit_is_that_projects() {
    let app = TestApp::new().await;
    app.create_client(json!({ "client_id": "own" })).await;
    app.create_other_client(json!({ "client_id": "others" })).await;
    let body = app
        .admin()
        .get(&format!("/admin/v1/projects/{}/audit", app.project.id))
        .await
        .ok();
    let events = body["events"].as_array().unwrap();
    assert_eq!(events.len(), 2);
    assert!(
        events
            .iter()
            .all(|event| event["project_id"] == json!(app.project.id))
    );
    let first = app
        .admin()
        .get(&format!("/admin/v1/projects/{}/audit?limit=1", app.project.id))
        .await
        .ok();
    let cursor = first["results_metadata"]["next_cursor"].as_str().unwrap();
    for elsewhere in [
        format!("/admin/v1/projects/{}/audit", app.other.id),
        AUDIT.to_owned(),
    ] {
        app.admin()
            .get(&format!("{elsewhere}?cursor={cursor}"))
            .await
            .problem(400, "invalid_cursor");
    }
}

#[tokio::test]
async fn pages_hold_every_event_once() {
    let app = TestApp::new().await;
    change_everything(&app).await;
    let all = page(&app, "").await;
    for limit in [1, 4, 7, 100] {
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let body = app
                .admin()
                .get(&format!("{AUDIT}?limit={limit}&cursor={cursor}"))
                .await
                .ok();
            seen.extend(body["events"].as_array().unwrap().clone());
            let Some(next) = body["results_metadata"]["next_cursor"].as_str() else {
                break;
            };
            cursor = next.to_owned();
        }
        assert_eq!(seen, all, "{limit}");
    }
}

/// No change without its event, and no event without its change.
#[tokio::test]
async fn a_change_that_fails_leaves_no_event() {
    let app = TestApp::new().await;
    app.create_client(json!({ "client_id": "worker" })).await;
    let before = app.dump().await;
    app.store.fail("update_client", Fault::Unavailable);
    app.backend()
        .put("/v1/m2m/clients/worker", json!({ "client_name": "x" }))
        .await
        .problem(503, "service_unavailable");
    app.backend()
        .post("/v1/m2m/clients", json!({ "client_id": "worker" }))
        .await
        .problem(400, "duplicate_m2m_client_id");
    app.backend().get("/v1/m2m/clients/worker").await.ok();
    app.backend().post("/v1/m2m/clients/search", json!({})).await.ok();
    assert_eq!(app.dump().await, before, "reading leaves none either");
}
