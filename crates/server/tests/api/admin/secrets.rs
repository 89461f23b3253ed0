//! `/admin/v1/projects/{project_id}/secrets`: several live at once, each with its last use.

use countersign::jobs;
use countersign_core::audit::Action;
use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::answer::sorted_keys;

fn path(app: &TestApp) -> String {
    format!("/admin/v1/projects/{}/secrets", app.project.id)
}

async fn create(app: &TestApp, name: &str) -> Value {
    app.admin().post(&path(app), json!({ "name": name })).await.ok()["project_secret"].take()
}

async fn list(app: &TestApp) -> Vec<Value> {
    app.admin().get(&path(app)).await.ok()["project_secrets"]
        .as_array()
        .unwrap()
        .clone()
}

async fn works(app: &TestApp, secret: &str) -> bool {
    let answer = app
        .anonymous()
        .basic(&app.project.id, secret)
        .get("/v1/debug/whoami")
        .await;
    if answer.status != 200 {
        answer.problem(401, "unauthorized_credentials");
    }
    answer.status == 200
}

#[tokio::test]
async fn several_secrets_work_at_once_and_one_stops_when_it_is_revoked() {
    let app = TestApp::new().await;
    let made = create(&app, "deploy").await;
    let secret = made["secret"].as_str().unwrap().to_owned();
    assert!(works(&app, &secret).await && works(&app, &app.project.secret).await);
    let revoke = format!("{}/{}", path(&app), app.project.secret_id);
    let answer = app.admin().delete(&revoke).await;
    let body = answer.ok();
    assert_eq!(sorted_keys(&body), ["request_id", "secret_id", "status_code"]);
    assert_eq!(body["secret_id"], json!(app.project.secret_id));
    assert!(
        works(&app, &secret).await && !works(&app, &app.project.secret).await,
        "at once"
    );
    let event = app.newest_event(Action::ProjectSecretRevoked).await;
    assert_eq!(
        (&event.object, event.request_id.as_str()),
        (&app.project.secret_id, answer.request_id())
    );
    app.admin()
        .delete(&revoke)
        .await
        .problem(404, "project_secret_not_found");
    let states: Vec<_> = list(&app)
        .await
        .iter()
        .map(|secret| secret["revoked_at"].is_null())
        .collect();
    assert_eq!(states, [false, true], "revoked ones stay listed");
}

#[tokio::test]
async fn the_secret_is_shown_once_and_kept_as_a_digest() {
    let app = TestApp::new().await;
    let made = create(&app, "deploy").await;
    assert_eq!(
        sorted_keys(&made),
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
    let secret = made["secret"].as_str().unwrap();
    assert!(secret.starts_with("secret-test-") && countersign_core::secret::check_fits(secret));
    for answer in [
        app.admin().get(&path(&app)).await,
        app.admin().get("/admin/v1/audit").await,
    ] {
        answer.ok();
        assert!(!answer.text().contains(secret));
    }
    let listed = list(&app).await;
    assert_eq!(
        sorted_keys(&listed[1]),
        [
            "created_at",
            "last_four",
            "last_used_at",
            "name",
            "revoked_at",
            "secret_id"
        ]
    );
    let dump = app.dump().await;
    assert!(
        !dump.contains(secret)
            && dump.contains(&format!("{} hmac-sha256$", made["secret_id"].as_str().unwrap()))
    );
    let event = app.newest_event(Action::ProjectSecretCreated).await;
    assert_eq!(event.after.unwrap()["name"], "deploy");
}

#[tokio::test]
async fn the_last_use_is_known_after_the_next_flush() {
    let app = TestApp::new().await;
    let made = create(&app, "deploy").await;
    app.clock.advance(5);
    assert!(works(&app, made["secret"].as_str().unwrap()).await);
    assert_eq!(
        list(&app).await[1]["last_used_at"],
        Value::Null,
        "written in batches"
    );
    jobs::flush_usage(&app.app).await;
    assert_eq!(list(&app).await[1]["last_used_at"], "2027-01-15T08:00:05.75Z");
    assert_eq!(
        list(&app).await[0]["last_used_at"],
        Value::Null,
        "the other one was not used"
    );
}

/// Who tries a wrong secret has not used the right one.
#[tokio::test]
async fn a_refused_try_is_no_use() {
    let app = TestApp::new().await;
    works(&app, "wrong").await;
    jobs::flush_usage(&app.app).await;
    assert_eq!(list(&app).await[0]["last_used_at"], Value::Null);
}

#[tokio::test]
async fn another_projects_secret_cannot_be_revoked_from_here() {
    let app = TestApp::new().await;
    let before = app.dump().await;
    for id in [app.other.secret_id.as_str(), "project-secret-x", "%00", "a%2Fb"] {
        app.admin()
            .delete(&format!("{}/{id}", path(&app)))
            .await
            .problem(404, "project_secret_not_found");
    }
    assert_eq!(app.dump().await, before);
    app.other_backend().get("/v1/debug/whoami").await.ok();
}

/// A secret given from outside at the first start may be one that a person chose.
#[tokio::test]
async fn a_secret_with_a_slow_digest_works_too_and_is_computed_once() {
    use countersign_core::audit::Origin;
    use countersign_core::project::ProjectSecret;
    use countersign_core::secret::NewSecret;
    use countersign_store::Store;

    let app = TestApp::new().await;
    let (weak, id) = ("ardent-Mulberry/Quilt.92", app.project.project_id());
    let (now, chance) = (
        countersign::clock::Clock::now(app.clock.as_ref()),
        &mut countersign::chance::chance(),
    );
    let secret = NewSecret::imported(weak.into(), 1, now, &app.app.peppers, chance)
        .unwrap()
        .stored;
    assert!(secret.digest.to_string().starts_with("$argon2id$"));
    let project_secret = ProjectSecret {
        id: "project-secret-weak".to_owned(),
        project_id: id.clone(),
        name: "weak".to_owned(),
        secret,
        last_used_at: None,
        revoked_at: None,
    };
    let event = Origin::system().event(
        Action::ProjectSecretCreated,
        Some(&id),
        "project-secret-weak",
        now,
        chance,
    );
    app.store
        .insert_project_secret(&project_secret, &event)
        .await
        .unwrap();
    assert!(!works(&app, "ardent-Mulberry/Quilt.93").await);
    assert!(works(&app, weak).await);
    let everything = app.app.secrets.slow_permit().await.unwrap();
    assert!(works(&app, weak).await, "remembered");
    assert!(
        works(&app, &app.project.secret).await,
        "the fast one needs no place"
    );
    drop(everything);
}

#[tokio::test]
async fn a_secret_needs_a_name() {
    let app = TestApp::new().await;
    let before = app.dump().await;
    for body in [
        json!({}),
        json!({ "name": 7 }),
        json!({ "name": "a\tb" }),
        json!({ "name": "x".repeat(257) }),
    ] {
        app.admin()
            .post(&path(&app), body)
            .await
            .problem(400, "invalid_request_value");
    }
    assert_eq!(app.dump().await, before);
}

/// A backend whose secret is being exchanged must not fail in between.
#[tokio::test]
async fn requests_in_the_middle_of_an_exchange_all_pass() {
    let app = TestApp::new().await;
    let mut current = app.project.secret.clone();
    let mut current_id = app.project.secret_id.clone();
    for round in 0..3 {
        let made = create(&app, &format!("round {round}")).await;
        assert!(works(&app, &current).await);
        let next = made["secret"].as_str().unwrap().to_owned();
        assert!(works(&app, &next).await);
        app.admin()
            .delete(&format!("{}/{current_id}", path(&app)))
            .await
            .ok();
        assert!(!works(&app, &current).await && works(&app, &next).await);
        (current, current_id) = (next, made["secret_id"].as_str().unwrap().to_owned());
    }
}
