//! `/admin/v1/projects/{project_id}/clients`: found by part of their name, shown with the use of their secrets.

use countersign::jobs;
use serde_json::{Value, json};

use crate::support::answer::sorted_keys;
use crate::support::{TestApp, token_request};

fn path(app: &TestApp, tail: &str) -> String {
    format!("/admin/v1/projects/{}/clients{tail}", app.project.id)
}

async fn app_of_four() -> TestApp {
    let app = TestApp::new().await;
    for (id, name) in [
        ("a1", "Billing worker"),
        ("a2", "billing cron"),
        ("b1", "100% \"done\"_"),
        ("b2", ""),
    ] {
        app.create_client(json!({ "client_id": id, "client_name": name }))
            .await;
    }
    app.backend()
        .put("/v1/m2m/clients/a2", json!({ "status": "inactive" }))
        .await
        .ok();
    app.create_other_client(json!({ "client_id": "z", "client_name": "Billing" }))
        .await;
    app
}

async fn found(app: &TestApp, query: &str) -> String {
    let body = app.admin().get(&path(app, &format!("?{query}"))).await.ok();
    let clients = body["clients"].as_array().unwrap().iter();
    clients
        .map(|client| client["client_id"].as_str().unwrap())
        .collect::<Vec<_>>()
        .join(" ")
}

async fn detail(app: &TestApp, id: &str) -> Value {
    app.admin().get(&path(app, &format!("/{id}"))).await.ok()
}

#[tokio::test]
async fn clients_are_found_by_part_of_their_name_or_id_and_by_status() {
    let app = app_of_four().await;
    for (query, ids) in [
        ("", "a1 a2 b1 b2"),
        ("contains=billing", "a1 a2"),
        ("contains=BILLING%20w", "a1"),
        ("contains=b", "a1 a2 b1 b2"),
        ("contains=b2", "b2"),
        ("contains=%25", "b1"),
        ("contains=_", "b1"),
        ("contains=%22", "b1"),
        ("contains='", ""),
        ("contains=%00", ""),
        ("contains=", "a1 a2 b1 b2"),
        ("status=inactive", "a2"),
        ("status=active&contains=bill", "a1"),
    ] {
        assert_eq!(found(&app, query).await, ids, "{query}");
    }
    for bad in ["status=gone", "status=", "contains=%ff"] {
        app.admin()
            .get(&path(&app, &format!("?{bad}")))
            .await
            .problem(400, "invalid_request_value");
    }
}

#[tokio::test]
async fn a_cursor_belongs_to_its_filters_and_its_project() {
    let app = app_of_four().await;
    let first = app.admin().get(&path(&app, "?contains=b&limit=1")).await.ok();
    let cursor = first["results_metadata"]["next_cursor"].as_str().unwrap();
    assert_eq!(
        found(&app, &format!("contains=b&limit=2&cursor={cursor}")).await,
        "a2 b1"
    );
    for elsewhere in [
        path(&app, &format!("?contains=a&cursor={cursor}")),
        path(&app, &format!("?contains=b&status=active&cursor={cursor}")),
        format!(
            "/admin/v1/projects/{}/clients?contains=b&cursor={cursor}",
            app.other.id
        ),
        path(&app, "?contains=b&cursor=AAAA"),
    ] {
        app.admin().get(&elsewhere).await.problem(400, "invalid_cursor");
    }
    let wire = json!({ "cursor": cursor });
    app.backend()
        .post("/v1/m2m/clients/search", wire)
        .await
        .problem(400, "invalid_cursor");
}

#[tokio::test]
async fn a_client_is_shown_with_its_times_and_secrets() {
    let app = TestApp::new().await;
    let client = app.create_client(json!({ "client_id": "worker" })).await;
    let body = detail(&app, "worker").await;
    assert_eq!(
        sorted_keys(&body),
        ["client", "request_id", "secrets", "status_code"]
    );
    assert_eq!(
        sorted_keys(&body["client"]),
        [
            "client_description",
            "client_id",
            "client_name",
            "client_secret_last_four",
            "created_at",
            "next_client_secret_last_four",
            "scopes",
            "status",
            "token_profile",
            "trusted_metadata",
            "updated_at",
        ]
    );
    assert_eq!(
        body["secrets"],
        json!([{
            "slot": "current", "last_four": client.secret[client.secret.len() - 4..], "created_at": "2027-01-15T08:00:00.75Z",
            "last_used_at": null, "last_used_address": null, "last_used_user_agent": null, "tokens": 0, "dual_run": null,
        }])
    );
}

/// While a rotation is open, the use of the current secret says who still has to move.
#[tokio::test]
async fn each_secrets_use_is_counted_apart() {
    let app = TestApp::new().await;
    let client = app.create_client(json!({ "client_id": "worker" })).await;
    let started = app
        .backend()
        .post("/v1/m2m/clients/worker/secrets/rotate/start", json!({}))
        .await
        .ok();
    let next = started["m2m_client"]["next_client_secret"]
        .as_str()
        .unwrap()
        .to_owned();
    let ask = async |secret: &str, address: &str, agent: &str| {
        let caller = app.anonymous().at(address).header("user-agent", agent);
        caller
            .post(&app.token_path(), token_request("worker", secret))
            .await
    };
    ask(&client.secret, "203.0.113.1", "old/1").await.ok();
    app.clock.advance(3);
    ask(&client.secret, "203.0.113.2", "old/2").await.ok();
    ask(&next, "203.0.113.3", &"x".repeat(500)).await.ok();
    ask("wrong", "203.0.113.4", "guess")
        .await
        .oauth(400, "invalid_client");
    assert_eq!(
        detail(&app, "worker").await["secrets"][0]["tokens"],
        0,
        "written in batches"
    );
    jobs::flush_usage(&app.app).await;
    let secrets = detail(&app, "worker").await["secrets"].take();
    let seen = |slot: usize| {
        ["slot", "tokens", "last_used_address", "last_used_at"].map(|name| secrets[slot][name].clone())
    };
    assert_eq!(
        seen(0),
        [
            json!("current"),
            json!(2),
            json!("203.0.113.2"),
            json!("2027-01-15T08:00:03.75Z")
        ]
    );
    assert_eq!(
        seen(1),
        [
            json!("next"),
            json!(1),
            json!("203.0.113.3"),
            json!("2027-01-15T08:00:03.75Z")
        ]
    );
    assert_eq!(secrets[0]["last_used_user_agent"], "old/2");
    assert_eq!(
        secrets[1]["last_used_user_agent"].as_str().unwrap().len(),
        200,
        "shortened"
    );
    ask(&client.secret, "203.0.113.5", "old/3").await.ok();
    jobs::flush_usage(&app.app).await;
    assert_eq!(
        detail(&app, "worker").await["secrets"][0]["tokens"],
        3,
        "added up"
    );
    app.backend()
        .post("/v1/m2m/clients/worker/secrets/rotate", json!({}))
        .await
        .ok();
    let secrets = detail(&app, "worker").await["secrets"].take();
    assert_eq!(
        (
            secrets.as_array().unwrap().len(),
            &secrets[0]["slot"],
            &secrets[0]["tokens"]
        ),
        (1, &json!("current"), &json!(1))
    );
}

/// A user agent goes to a terminal and a page.
#[tokio::test]
async fn a_user_agent_forges_no_line() {
    let app = TestApp::new().await;
    app.create_client(
        json!({ "client_id": "worker", "client_secret": "zDd7JqRk1oGm-PzfyC4yTKbT0XrWm_EwX8V2bHhXnUw" }),
    )
    .await;
    let caller = app.anonymous().header("user-agent", "a\tb");
    let body = token_request("worker", "zDd7JqRk1oGm-PzfyC4yTKbT0XrWm_EwX8V2bHhXnUw");
    caller.post(&app.token_path(), body).await.ok();
    jobs::flush_usage(&app.app).await;
    let agent = detail(&app, "worker").await["secrets"][0]["last_used_user_agent"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(!agent.chars().any(char::is_control), "{agent:?}");
}

#[tokio::test]
async fn unknown_clients_and_other_projects_clients_look_alike() {
    let app = app_of_four().await;
    let (theirs, nobodys) = (
        app.admin().get(&path(&app, "/z")).await,
        app.admin().get(&path(&app, "/nobody")).await,
    );
    theirs.problem(404, "m2m_client_not_found");
    assert_eq!(theirs.without_request_id(), nobodys.without_request_id());
    let before = app.dump().await;
    let profile = json!({ "token_profile": "standard-eddsa" });
    app.admin()
        .put(&path(&app, "/z"), profile)
        .await
        .problem(404, "m2m_client_not_found");
    assert_eq!(app.dump().await, before, "not even a key was made");
}
