//! `/admin/v1/operators`: roles and reach.

use countersign::jobs;
use countersign_core::audit::Action;
use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::answer::sorted_keys;

const OPERATORS: &str = "/admin/v1/operators";

async fn list(app: &TestApp) -> Vec<Value> {
    app.admin().get(OPERATORS).await.ok()["operators"]
        .as_array()
        .unwrap()
        .clone()
}

#[tokio::test]
async fn a_new_operator_gets_a_key_that_is_shown_once() {
    let app = TestApp::new().await;
    let answer = app
        .admin()
        .post(OPERATORS, json!({ "name": "terraform", "role": "admin" }))
        .await;
    let body = answer.ok();
    assert_eq!(
        sorted_keys(&body),
        ["operator", "operator_key", "request_id", "status_code"]
    );
    let operator = &body["operator"];
    assert_eq!(
        sorted_keys(operator),
        [
            "created_at",
            "last_four",
            "last_used_at",
            "name",
            "operator_id",
            "project_ids",
            "revoked_at",
            "role"
        ]
    );
    assert_eq!(
        (&operator["role"], &operator["project_ids"]),
        (&json!("admin"), &Value::Null)
    );
    let key = body["operator_key"].as_str().unwrap();
    assert!(key.starts_with("cso_") && key.ends_with(operator["last_four"].as_str().unwrap()));
    app.anonymous().bearer(key).get(OPERATORS).await.ok();
    let event = app.newest_event(Action::OperatorCreated).await;
    assert_eq!(
        (json!(event.object), event.request_id.as_str()),
        (operator["operator_id"].clone(), answer.request_id())
    );
    assert_eq!(event.project_id, None);
    for answer in [
        app.admin().get(OPERATORS).await,
        app.admin().get("/admin/v1/audit").await,
    ] {
        assert!(!answer.text().contains(key));
    }
    assert!(!app.dump().await.contains(key));
}

#[tokio::test]
async fn without_a_role_it_may_only_look() {
    let app = TestApp::new().await;
    let reader = app.create_operator(json!({ "name": "reader" })).await;
    let caller = app.anonymous().bearer(&reader.key);
    caller.get(OPERATORS).await.ok();
    caller.get("/admin/v1/audit").await.ok();
    let before = app.dump().await;
    caller
        .post(OPERATORS, json!({ "name": "x" }))
        .await
        .problem(403, "insufficient_permissions");
    caller
        .delete(&format!("{OPERATORS}/{}", app.operator.id))
        .await
        .problem(403, "insufficient_permissions");
    assert_eq!(app.dump().await, before);
    assert_eq!(list(&app).await[1]["role"], "read-only");
}

/// Else an admin of one project could make itself one of all.
#[tokio::test]
async fn an_admin_of_some_projects_does_not_touch_the_installation() {
    let app = TestApp::new().await;
    let narrow = app
        .create_operator(json!({ "name": "n", "role": "admin", "project_ids": [app.project.id] }))
        .await;
    let caller = app.anonymous().bearer(&narrow.key);
    let before = app.dump().await;
    for answer in [
        caller.get(OPERATORS).await,
        caller
            .post(OPERATORS, json!({ "name": "x", "role": "admin" }))
            .await,
        caller.delete(&format!("{OPERATORS}/{}", app.operator.id)).await,
        caller.post("/admin/v1/projects", json!({ "name": "x" })).await,
        caller.get("/admin/v1/audit").await,
    ] {
        answer.problem(403, "insufficient_permissions");
    }
    assert_eq!(app.dump().await, before);
    let project = format!("/admin/v1/projects/{}", app.project.id);
    caller.put(&project, json!({ "name": "renamed" })).await.ok();
    caller.get(&format!("{project}/audit")).await.ok();
}

#[tokio::test]
async fn a_revoked_key_stops_at_once() {
    let app = TestApp::new().await;
    let leaving = app
        .create_operator(json!({ "name": "leaving", "role": "admin" }))
        .await;
    let caller = app.anonymous().bearer(&leaving.key);
    caller.get(OPERATORS).await.ok();
    let path = format!("{OPERATORS}/{}", leaving.id);
    let answer = app.admin().delete(&path).await;
    assert_eq!(answer.ok()["operator_id"], json!(leaving.id));
    caller
        .get(OPERATORS)
        .await
        .problem(401, "unauthorized_credentials");
    app.admin().delete(&path).await.problem(404, "operator_not_found");
    app.admin()
        .delete(&format!("{OPERATORS}/operator-x"))
        .await
        .problem(404, "operator_not_found");
    let event = app.newest_event(Action::OperatorRevoked).await;
    assert_eq!(
        (&event.object, event.request_id.as_str()),
        (&leaving.id, answer.request_id())
    );
    assert_eq!(
        list(&app).await[1]["revoked_at"],
        "2027-01-15T08:00:00.75Z",
        "it stays listed"
    );
}

/// An operator may revoke itself; the answer is still its own.
#[tokio::test]
async fn an_operator_may_revoke_itself() {
    let app = TestApp::new().await;
    let leaving = app
        .create_operator(json!({ "name": "leaving", "role": "admin" }))
        .await;
    let caller = app.anonymous().bearer(&leaving.key);
    caller.delete(&format!("{OPERATORS}/{}", leaving.id)).await.ok();
    caller
        .get(OPERATORS)
        .await
        .problem(401, "unauthorized_credentials");
}

#[tokio::test]
async fn what_is_no_operator_is_refused() {
    let app = TestApp::new().await;
    let before = app.dump().await;
    for (body, status, error_type) in [
        (json!({}), 400, "invalid_request_value"),
        (json!({ "name": "a\0" }), 400, "invalid_request_value"),
        (
            json!({ "name": "x", "role": "root" }),
            400,
            "invalid_request_value",
        ),
        (
            json!({ "name": "x", "project_ids": "all" }),
            400,
            "invalid_request_value",
        ),
        (
            json!({ "name": "x", "project_ids": ["project-test-unknown"] }),
            404,
            "project_not_found",
        ),
        (
            json!({ "name": "x", "project_ids": [app.project.id, "nonsense"] }),
            404,
            "project_not_found",
        ),
    ] {
        app.admin()
            .post(OPERATORS, body)
            .await
            .problem(status, error_type);
    }
    assert_eq!(app.dump().await, before);
}

#[tokio::test]
async fn a_project_named_twice_counts_once() {
    let app = TestApp::new().await;
    let ids = json!([app.project.id, app.other.id, app.project.id]);
    let body = app
        .admin()
        .post(OPERATORS, json!({ "name": "x", "project_ids": ids }))
        .await
        .ok();
    assert_eq!(
        body["operator"]["project_ids"],
        json!([app.project.id, app.other.id])
    );
}

#[tokio::test]
async fn lists_are_paged_in_the_order_of_making() {
    let app = TestApp::new().await;
    for number in 0..3 {
        app.create_operator(json!({ "name": format!("o{number}") })).await;
    }
    let (mut names, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = app
            .admin()
            .get(&format!("{OPERATORS}?limit=3&cursor={cursor}"))
            .await
            .ok();
        let operators = page["operators"].as_array().unwrap().iter();
        names.extend(operators.map(|operator| operator["name"].as_str().unwrap().to_owned()));
        let Some(next) = page["results_metadata"]["next_cursor"].as_str() else {
            break;
        };
        cursor = next.to_owned();
    }
    assert_eq!(names, ["first", "o0", "o1", "o2"]);
}

#[tokio::test]
async fn the_last_use_of_a_key_is_known_after_the_next_flush() {
    let app = TestApp::new().await;
    jobs::flush_usage(&app.app).await;
    app.clock.advance(9);
    app.admin().get(OPERATORS).await.ok();
    jobs::flush_usage(&app.app).await;
    assert_eq!(list(&app).await[0]["last_used_at"], "2027-01-15T08:00:09.75Z");
}

#[tokio::test]
async fn what_is_no_bearer_header_is_told_apart_from_a_wrong_key() {
    let app = TestApp::new().await;
    for key in ["cso_wrong", "", &app.project.secret] {
        app.anonymous()
            .bearer(key)
            .get(OPERATORS)
            .await
            .problem(401, "unauthorized_credentials");
    }
    for value in ["Bearer", "Token x", "x"] {
        let answer = app
            .anonymous()
            .header("authorization", value)
            .get(OPERATORS)
            .await;
        answer.problem(401, "invalid_authorization_header");
    }
    let lower = format!("bearer {}", app.operator.key);
    app.anonymous()
        .header("authorization", &lower)
        .get(OPERATORS)
        .await
        .ok();
}
