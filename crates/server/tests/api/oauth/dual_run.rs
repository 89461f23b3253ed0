//! Clients whose secret only an old service knows: it is asked at the first login, and never again.

use countersign::dual_run::OldService as Named;
use countersign_core::audit::Action;
use futures_util::future::join_all;
use serde_json::json;

use crate::support::answer::Answer;
use crate::support::old_service::{OldService, TOKEN, WRONG};
use crate::support::{TestApp, client_path};

/// As Stytch makes one.
const SECRET: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

/// An app whose configuration names the old service, with a client that waits for its first login.
async fn arranged(service: &OldService) -> TestApp {
    let named: Named = service.setting("old").try_into().unwrap();
    let app = TestApp::with(|config| {
        config.dual_run.services = vec![named];
        config.limits.refusals_per_source_per_minute = 0;
    })
    .await;
    import(&app, "waiting", "old").await.ok();
    app
}

async fn import(app: &TestApp, id: &str, service: &str) -> Answer {
    let path = format!("/admin/v1/projects/{}/clients", app.project.id);
    let body = json!({
        "client_id": id, "client_secret_dual_run": service, "client_secret_last_four": "0a08", "scopes": ["read:a"],
    });
    app.admin().post(&path, body).await
}

async fn digest_of(app: &TestApp, id: &str) -> String {
    let client = app.stored_client(&app.project, id).await.unwrap();
    client.secret.digest.to_string()
}

async fn waits_for(app: &TestApp, id: &str) -> serde_json::Value {
    let path = format!("/admin/v1/projects/{}/clients/{id}", app.project.id);
    app.admin().get(&path).await.ok()["secrets"][0]["dual_run"].take()
}

/// What is changed while a login waits for the old service holds for that login too.
#[tokio::test]
async fn a_client_that_is_changed_while_it_is_asked_about_gets_no_token() {
    let old = OldService::start();
    old.answers(TOKEN);
    let app = arranged(&old).await;
    import(&app, "deleted", "old").await.ok();
    for id in ["waiting", "deleted"] {
        old.hold(true);
        let asked = old.requests().len();
        let (login, ()) = tokio::join!(app.ask_token(id, SECRET), async {
            while old.requests().len() == asked {
                tokio::task::yield_now().await;
            }
            let backend = app.backend();
            match id {
                "deleted" => backend.delete(&client_path(id)).await.ok(),
                _ => {
                    let inactive = json!({ "status": "inactive" });
                    backend.put(&client_path(id), inactive).await.ok()
                }
            };
            old.hold(false);
        });
        login.oauth(400, "invalid_client");
    }
    assert_eq!(digest_of(&app, "waiting").await, "dual-run$old");
}

#[tokio::test]
async fn the_first_login_that_the_old_service_accepts_is_kept_as_a_digest() {
    let old = OldService::start();
    let app = arranged(&old).await;
    assert_eq!(digest_of(&app, "waiting").await, "dual-run$old");
    assert_eq!(waits_for(&app, "waiting").await, "old");
    old.answers(TOKEN);
    let answer = app.ask_token("waiting", SECRET).await.ok();
    assert!(
        answer["access_token"].as_str().unwrap() != "eyJ.eyJ.x",
        "our own token"
    );

    // Before the answer: whoever got a token needs the old service no more.
    assert!(digest_of(&app, "waiting").await.starts_with("hmac-sha256$"));
    let event = app.newest_event(Action::DigestUpgraded).await;
    assert_eq!(event.actor.id, "waiting");
    assert!(waits_for(&app, "waiting").await.is_null());
    let requests = old.requests();
    let [request] = requests.as_slice() else {
        panic!("{requests:?}")
    };
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("POST /oauth2/token HTTP/1.1\r\n"), "{head}");
    assert!(!head.contains(SECRET) && !head.to_lowercase().contains("authorization"));
    assert_eq!(
        body,
        format!("grant_type=client_credentials&client_id=waiting&client_secret={SECRET}")
    );

    old.go_away();
    app.ask_token("waiting", SECRET).await.ok();
    app.ask_token("waiting", "wrong")
        .await
        .oauth(400, "invalid_client");
}

#[tokio::test]
async fn a_wrong_secret_is_answered_like_anybody_elses() {
    let old = OldService::start();
    let app = arranged(&old).await;
    app.create_client(json!({ "client_id": "ordinary" })).await;
    let ordinary = app.ask_token("ordinary", "wrong").await;
    for wrong in [WRONG, (401, r#"{"error":"unauthorized_client"}"#)] {
        old.answers(wrong);
        let guess = format!("wrong-{}", wrong.0);
        let answer = app.ask_token("waiting", &guess).await;
        assert_eq!(answer.without_request_id(), ordinary.without_request_id());
        // The same guess is not passed on again.
        let asked = old.requests().len();
        app.ask_token("waiting", &guess)
            .await
            .oauth(400, "invalid_client");
        assert_eq!(old.requests().len(), asked);
    }
    assert_eq!(digest_of(&app, "waiting").await, "dual-run$old");
}

#[tokio::test]
async fn what_is_neither_a_token_nor_a_refusal_is_not_believed() {
    let old = OldService::start();
    let app = arranged(&old).await;
    let answers = [
        "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/t\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_owned(),
        "HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\n<html>".to_owned(),
        "HTTP/1.1 401 No\r\nContent-Length: 6\r\nConnection: close\r\n\r\n<html>".to_owned(),
        "HTTP/1.1 429 No\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}".to_owned(),
        "HTTP/1.1 500 No\r\nContent-Length: 26\r\nConnection: close\r\n\r\n{\"error\":\"invalid_client\"}".to_owned(),
        format!(
            "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{{\"access_token\":\"{}\"}}",
            "x".repeat(100_000)
        ),
        "nonsense".to_owned(),
        String::new(),
    ];
    for answer in answers {
        old.answers_raw(&answer);
        let refused = app.ask_token("waiting", SECRET).await;
        refused.problem(503, "service_unavailable");
        assert_eq!(refused.header("retry-after"), Some("5"));
    }
    old.go_away();
    app.ask_token("waiting", SECRET)
        .await
        .problem(503, "service_unavailable");
    assert_eq!(digest_of(&app, "waiting").await, "dual-run$old");
}

#[tokio::test]
async fn nobody_else_is_asked_about() {
    let old = OldService::start();
    let app = arranged(&old).await;
    old.answers(TOKEN);
    app.create_client(json!({ "client_id": "ordinary" })).await;
    app.backend()
        .put(&client_path("waiting"), json!({ "status": "inactive" }))
        .await
        .ok();
    let endless = "x".repeat(1025);
    for (id, secret) in [("ordinary", SECRET), ("nobody", SECRET), ("waiting", SECRET)] {
        app.ask_token(id, secret).await.oauth(400, "invalid_client");
    }
    app.backend()
        .put(&client_path("waiting"), json!({ "status": "active" }))
        .await
        .ok();
    app.ask_token("waiting", &endless)
        .await
        .oauth(400, "invalid_client");
    assert!(old.requests().is_empty(), "{:?}", old.requests());
}

#[tokio::test]
async fn many_logins_at_once_are_one_question() {
    let old = OldService::start();
    let app = arranged(&old).await;
    old.answers(TOKEN);
    let logins = (0..20).map(|_| app.ask_token("waiting", SECRET));
    for answer in join_all(logins).await {
        answer.ok();
    }
    assert_eq!(old.requests().len(), 1);
}

#[tokio::test]
async fn a_flood_of_guesses_is_not_passed_on() {
    const GUESSES: usize = 400;
    let old = OldService::start();
    let app = arranged(&old).await;
    let mut turned_away = 0;
    for number in 0..GUESSES {
        let answer = app.ask_token("waiting", &format!("guess-{number}")).await;
        turned_away += usize::from(answer.status == 503);
    }
    assert!(turned_away > 0);
    assert_eq!(old.requests().len(), GUESSES - turned_away);
}

#[tokio::test]
async fn a_rotation_moves_the_client_to_a_secret_of_ours() {
    let old = OldService::start();
    let app = arranged(&old).await;
    let rotate = format!("{}/secrets/rotate", client_path("waiting"));
    let started = app
        .backend()
        .post(&format!("{rotate}/start"), json!({}))
        .await
        .ok();
    let next = started["m2m_client"]["next_client_secret"].as_str().unwrap();
    app.ask_token("waiting", next).await.ok();
    assert!(old.requests().is_empty(), "ours needs no question");
    old.answers(TOKEN);
    app.ask_token("waiting", SECRET).await.ok();
    assert_eq!(old.requests().len(), 1);
    app.backend().post(&rotate, json!({})).await.ok();
    app.ask_token("waiting", SECRET)
        .await
        .oauth(400, "invalid_client");
    app.ask_token("waiting", next).await.ok();
    assert_eq!(old.requests().len(), 1);
}

#[tokio::test]
async fn only_services_of_the_configuration_can_be_waited_for() {
    let old = OldService::start();
    let app = arranged(&old).await;
    for name in ["other", "", "http://127.0.0.1:1/", "old$"] {
        import(&app, "second", name)
            .await
            .problem(400, "m2m_client_invalid_client_secret");
    }
    assert!(app.stored_client(&app.project, "second").await.is_none());
}

#[tokio::test]
async fn a_refusal_of_the_old_service_counts_against_its_source_and_an_outage_does_not() {
    let old = OldService::start();
    let named: Named = old.setting("old").try_into().unwrap();
    let app = TestApp::with(|config| {
        config.dual_run.services = vec![named];
        config.limits.refusals_per_source_per_minute = 3;
    })
    .await;
    import(&app, "waiting", "old").await.ok();
    old.answers((500, "{}"));
    for _ in 0..5 {
        app.ask_token("waiting", SECRET)
            .await
            .problem(503, "service_unavailable");
    }
    old.answers(WRONG);
    for number in 0..4 {
        let guess = format!("guess-{number}");
        app.ask_token("waiting", &guess)
            .await
            .oauth(400, "invalid_client");
    }
    let asked = old.requests().len();
    app.ask_token("waiting", SECRET)
        .await
        .problem(429, "too_many_requests");
    assert_eq!(old.requests().len(), asked);
}
