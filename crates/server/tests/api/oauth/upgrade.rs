//! Digests of other systems: they work, and the first good login replaces them.

use countersign_core::audit::{Action, ActorKind};
use serde_json::json;

use crate::support::observed_store::Fault;
use crate::support::{TestApp, token_request};

/// Secret and digest, made outside: hashlib, and bcrypt's own published vector.
const FOREIGN: [(&str, &str); 3] = [
    (
        "password",
        "sha256$5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8",
    ),
    (
        "password",
        "$pbkdf2-sha256$i=1000,l=32$c2FsdHNhbHQ$E196ZhRPzw+wA84EjzHwJO1cv/MFJdO6C/sxmUeTYqY",
    ),
    (
        "U*U*U",
        "$2a$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a",
    ),
];
/// As a random generator of another system makes one.
const RANDOM: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

async fn import(app: &TestApp, id: &str, digest: &str) {
    let body = json!({ "client_id": id, "client_secret_digest": digest });
    let path = format!("/admin/v1/projects/{}/clients", app.project.id);
    app.admin().post(&path, body).await.ok();
}

async fn digest_of(app: &TestApp, id: &str) -> String {
    app.stored_client(&app.project, id)
        .await
        .unwrap()
        .secret
        .digest
        .to_string()
}

#[tokio::test]
async fn the_first_good_login_replaces_a_foreign_digest() {
    let app = TestApp::new().await;
    for (number, (secret, digest)) in FOREIGN.into_iter().enumerate() {
        let id = format!("client-{number}");
        import(&app, &id, digest).await;
        app.ask_token(&id, "wrong").await.oauth(400, "invalid_client");
        assert_eq!(digest_of(&app, &id).await, digest, "a bad login replaces nothing");
        let body = token_request(&id, secret);
        let answer = app
            .anonymous()
            .at("203.0.113.9")
            .post(&app.token_path(), body)
            .await;
        answer.ok();
        app.store.ended("update_client", number + 1).await;
        assert!(
            digest_of(&app, &id).await.starts_with("$argon2id$"),
            "what can be guessed is digested slowly"
        );
        let event = app.newest_event(Action::DigestUpgraded).await;
        assert_eq!(
            (event.actor.kind, &event.actor.id, &event.object),
            (ActorKind::Client, &id, &id)
        );
        assert_eq!(
            (event.request_id.as_str(), event.address.as_deref()),
            (answer.request_id(), Some("203.0.113.9"))
        );
        assert!(!format!("{event:?}").contains(secret) && !format!("{event:?}").contains('$'));
        app.ask_token(&id, secret).await.ok();
        app.ask_token(&id, "wrong").await.oauth(400, "invalid_client");
    }
}

/// A slow digest is made for the first of them, not for each.
#[tokio::test]
async fn many_first_logins_at_once_are_one_upgrade() {
    let app = TestApp::new().await;
    let (secret, digest) = FOREIGN[0];
    import(&app, "worker", digest).await;
    let logins = async {
        let all = (0..20).map(|_| app.ask_token("worker", secret));
        for answer in futures_util::future::join_all(all).await {
            answer.ok();
        }
        app.store.ended("update_client", 1).await;
        app.ask_token("worker", secret).await.ok();
    };
    let ((), asked) = app.store.asked_during(logins).await;
    assert_eq!(asked.iter().filter(|asked| **asked == "update_client").count(), 1);
    assert!(digest_of(&app, "worker").await.starts_with("$argon2id$"));
}

#[tokio::test]
async fn a_random_secret_ends_with_the_fast_digest() {
    let app = TestApp::new().await;
    let hash = {
        use aws_lc_rs::digest::{SHA256, digest};
        digest(&SHA256, RANDOM.as_bytes())
            .as_ref()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    };
    import(&app, "worker", &format!("sha256${hash}")).await;
    app.ask_token("worker", RANDOM).await.ok();
    app.store.ended("update_client", 1).await;
    assert!(digest_of(&app, "worker").await.starts_with("hmac-sha256$"));
    let (answer, asked) = app.store.asked_during(app.ask_token("worker", RANDOM)).await;
    answer.ok();
    assert!(!asked.contains(&"update_client"), "upgraded once: {asked:?}");
}

#[tokio::test]
async fn everything_else_of_the_client_stays() {
    let app = TestApp::new().await;
    let (secret, digest) = FOREIGN[0];
    import(&app, "worker", digest).await;
    let mut before = app.backend().get("/v1/m2m/clients/worker").await.ok();
    assert_eq!(
        before["m2m_client"]["client_secret_last_four"], "",
        "nobody knows them yet"
    );
    let row = app.stored_client(&app.project, "worker").await.unwrap();
    app.clock.advance(60);
    app.ask_token("worker", secret).await.ok();
    app.store.ended("update_client", 1).await;
    let after = app.backend().get("/v1/m2m/clients/worker").await.ok();
    before["m2m_client"]["client_secret_last_four"] = json!("word");
    assert_eq!(before["m2m_client"], after["m2m_client"]);
    let upgraded = app.stored_client(&app.project, "worker").await.unwrap();
    assert_eq!(upgraded.updated_at, row.updated_at, "its owner changed nothing");
    assert_eq!(upgraded.secret.created_at, row.secret.created_at);
    assert_eq!(upgraded.secret.number, row.secret.number);
}

/// A login must not fail because its upgrade does.
#[tokio::test]
async fn an_upgrade_that_fails_is_tried_again_at_the_next_login() {
    let app = TestApp::new().await;
    let (secret, digest) = FOREIGN[0];
    import(&app, "worker", digest).await;
    app.store.fail("update_client", Fault::Unavailable);
    app.ask_token("worker", secret).await.ok();
    app.store.failed("update_client", 1).await;
    assert_eq!(digest_of(&app, "worker").await, digest);
    app.ask_token("worker", secret).await.ok();
    app.store.ended("update_client", 1).await;
    assert!(digest_of(&app, "worker").await.starts_with("$argon2id$"));
}

/// Also the digest of the next secret is upgraded, and the other one left alone.
#[tokio::test]
async fn while_rotating_the_secret_that_was_used_is_upgraded() {
    let app = TestApp::new().await;
    let (secret, digest) = FOREIGN[0];
    import(&app, "worker", digest).await;
    let started = app
        .backend()
        .post("/v1/m2m/clients/worker/secrets/rotate/start", json!({}))
        .await
        .ok();
    let next = started["m2m_client"]["next_client_secret"].as_str().unwrap();
    app.ask_token("worker", next).await.ok();
    assert_eq!(digest_of(&app, "worker").await, digest);
    app.ask_token("worker", secret).await.ok();
    app.store.ended("update_client", 2).await;
    assert!(digest_of(&app, "worker").await.starts_with("$argon2id$"));
    app.ask_token("worker", next).await.ok();
    app.ask_token("worker", secret).await.ok();
}
