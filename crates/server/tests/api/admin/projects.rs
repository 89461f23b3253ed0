//! `/admin/v1/projects`

use countersign_core::audit::{Action, ActorKind};
use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::answer::sorted_keys;
use crate::support::observed_store::Fault;

const PROJECTS: &str = "/admin/v1/projects";
const PROJECT_KEYS: [&str; 7] = [
    "created_at",
    "environment",
    "issuer",
    "name",
    "project_id",
    "token_profile",
    "updated_at",
];

async fn create(app: &TestApp, body: Value) -> Value {
    app.admin().post(PROJECTS, body).await.ok()
}

fn ids(list: &Value) -> Vec<String> {
    let projects = list["projects"].as_array().unwrap().iter();
    projects
        .map(|project| project["project_id"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn a_new_project_is_ready_with_its_first_secret() {
    let app = TestApp::new().await;
    let body = create(&app, json!({ "name": "payments" })).await;
    assert_eq!(
        sorted_keys(&body),
        ["project", "project_secret", "request_id", "status_code"]
    );
    assert_eq!(sorted_keys(&body["project"]), PROJECT_KEYS);
    let project = &body["project"];
    let id = project["project_id"].as_str().unwrap();
    assert!(
        id.starts_with("project-test-") && id.len() == "project-test-".len() + 36,
        "{id}"
    );
    assert_eq!(
        (
            &project["name"],
            &project["environment"],
            &project["token_profile"]
        ),
        (&json!("payments"), &json!("test"), &json!("stytch"))
    );
    assert_eq!(project["issuer"], format!("https://id.example/v1/public/{id}"));
    assert_eq!(project["created_at"], "2027-01-15T08:00:00.75Z");
    let secret = &body["project_secret"];
    assert_eq!(
        sorted_keys(secret),
        [
            "created_at",
            "last_four",
            "last_used_at",
            "name",
            "revoked_at",
            "secret",
            "secret_id"
        ]
    );
    let plaintext = secret["secret"].as_str().unwrap();
    assert!(
        plaintext.starts_with("secret-test-") && plaintext.ends_with(secret["last_four"].as_str().unwrap())
    );
    app.anonymous()
        .basic(id, plaintext)
        .get("/v1/debug/whoami")
        .await
        .ok();
    let event = app.newest_event(Action::ProjectCreated).await;
    assert_eq!(
        (event.actor.kind, &event.actor.id),
        (ActorKind::Operator, &app.operator.id)
    );
    assert_eq!(
        (json!(event.object), json!(event.request_id)),
        (json!(id), body["request_id"].clone())
    );
    assert!(!format!("{event:?}").contains(plaintext));
}

#[tokio::test]
async fn an_id_may_be_brought_along() {
    let app = TestApp::new().await;
    let own = json!({ "name": "x", "project_id": "project-live-9b1d6d26-0b5c-4f5a-9a53-5ecf1d4a0b11" });
    let body = create(&app, own.clone()).await;
    assert_eq!(body["project"]["project_id"], own["project_id"]);
    assert_eq!(body["project"]["environment"], "live");
    assert!(
        body["project_secret"]["secret"]
            .as_str()
            .unwrap()
            .starts_with("secret-live-")
    );
    let before = app.dump().await;
    app.admin()
        .post(PROJECTS, own)
        .await
        .problem(400, "duplicate_project_id");
    assert_eq!(app.dump().await, before);
}

#[tokio::test]
async fn what_is_no_project_is_refused() {
    let app = TestApp::new().await;
    let before = app.dump().await;
    for body in [
        json!({}),
        json!({ "name": null }),
        json!({ "name": 7 }),
        json!({ "name": "x".repeat(257) }),
        json!({ "name": "a\0b" }),
        json!({ "name": "x", "environment": "production" }),
        json!({ "name": "x", "project_id": "payments" }),
        json!({ "name": "x", "project_id": "project-test-" }),
        json!({ "name": "x", "project_id": "project-test-a/b" }),
        json!({ "name": "x", "project_id": format!("project-test-{}", "x".repeat(65)) }),
        json!({ "name": "x", "project_id": "project-test-1", "environment": "live" }),
    ] {
        app.admin()
            .post(PROJECTS, body)
            .await
            .problem(400, "invalid_request_value");
    }
    assert_eq!(app.dump().await, before);
}

#[tokio::test]
async fn a_project_is_shown_and_renamed() {
    let app = TestApp::new().await;
    let path = format!("{PROJECTS}/{}", app.project.id);
    let body = app.admin().get(&path).await.ok();
    assert_eq!(sorted_keys(&body), ["project", "request_id", "status_code"]);
    assert_eq!(sorted_keys(&body["project"]), PROJECT_KEYS);
    app.clock.advance(60);
    let answer = app
        .admin()
        .put(&path, json!({ "name": "new", "project_id": "ignored" }))
        .await;
    let renamed = answer.ok();
    assert_eq!(renamed["project"]["name"], "new");
    assert_eq!(renamed["project"]["updated_at"], "2027-01-15T08:01:00.75Z");
    assert_eq!(app.admin().get(&path).await.ok()["project"], renamed["project"]);
    assert_eq!(app.backend().get("/v1/debug/whoami").await.ok()["name"], "new");
    let event = app.newest_event(Action::ProjectUpdated).await;
    assert_eq!(
        (&event.before.unwrap()["name"], &event.after.unwrap()["name"]),
        (&json!("a project"), &json!("new"))
    );
    assert_eq!(event.request_id, answer.request_id());
    for (body, error_type) in [
        (json!({ "name": "x\n" }), "invalid_request_value"),
        (json!({ "name": 1 }), "invalid_request_value"),
    ] {
        app.admin().put(&path, body).await.problem(400, error_type);
    }
    app.store.fail("update_project", Fault::Stale);
    app.admin()
        .put(&path, json!({ "name": "x" }))
        .await
        .problem(409, "write_conflict");
    let unchanged = app.admin().put(&path, json!({})).await.ok();
    assert_eq!(unchanged["project"]["name"], "new");
}

#[tokio::test]
async fn lists_are_paged_in_the_order_of_making() {
    let app = TestApp::new().await;
    for number in 0..3 {
        create(&app, json!({ "name": format!("p{number}") })).await;
    }
    let all = app.admin().get(PROJECTS).await.ok();
    assert_eq!(
        sorted_keys(&all),
        ["projects", "request_id", "results_metadata", "status_code"]
    );
    assert_eq!(all["results_metadata"], json!({ "next_cursor": null }));
    let all = ids(&all);
    assert_eq!((all.len(), &all[0], &all[1]), (5, &app.project.id, &app.other.id));
    let mut paged = Vec::new();
    let mut path = format!("{PROJECTS}?limit=2");
    loop {
        let page = app.admin().get(&path).await.ok();
        paged.extend(ids(&page));
        let Some(cursor) = page["results_metadata"]["next_cursor"].as_str() else {
            break;
        };
        path = format!("{PROJECTS}?limit=2&cursor={cursor}");
    }
    assert_eq!(paged, all);
}

#[tokio::test]
async fn an_operator_sees_the_projects_within_its_reach() {
    let app = TestApp::new().await;
    let narrow = app
        .create_operator(json!({ "name": "narrow", "role": "admin", "project_ids": [app.other.id] }))
        .await;
    let caller = app.anonymous().bearer(&narrow.key);
    assert_eq!(ids(&caller.get(PROJECTS).await.ok()), [app.other.id.as_str()]);
    caller.get(&format!("{PROJECTS}/{}", app.other.id)).await.ok();
    let (theirs, nobodys) = (
        caller.get(&format!("{PROJECTS}/{}", app.project.id)).await,
        caller.get(&format!("{PROJECTS}/project-test-nobody")).await,
    );
    theirs.problem(404, "project_not_found");
    assert_eq!(theirs.without_request_id(), nobodys.without_request_id());
    let nothing = app
        .create_operator(json!({ "name": "nothing", "project_ids": [] }))
        .await;
    let caller = app.anonymous().bearer(&nothing.key);
    assert!(ids(&caller.get(PROJECTS).await.ok()).is_empty());
}

#[tokio::test]
async fn another_operators_cursor_is_no_cursor() {
    let app = TestApp::new().await;
    let page = app.admin().get(&format!("{PROJECTS}?limit=1")).await.ok();
    let cursor = page["results_metadata"]["next_cursor"].as_str().unwrap();
    let narrow = app
        .create_operator(json!({ "name": "narrow", "project_ids": [app.other.id] }))
        .await;
    let path = format!("{PROJECTS}?cursor={cursor}");
    app.anonymous()
        .bearer(&narrow.key)
        .get(&path)
        .await
        .problem(400, "invalid_cursor");
    app.admin()
        .get(&format!("/admin/v1/audit?cursor={cursor}"))
        .await
        .problem(400, "invalid_cursor");
    for bad in ["limit=1001", "limit=-1", "limit=x", "limit=", "limit=1&limit=2"] {
        app.admin()
            .get(&format!("{PROJECTS}?{bad}"))
            .await
            .problem(400, "invalid_request_value");
    }
}
