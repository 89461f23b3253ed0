//! Token profiles: per project, with an override per client.

use countersign_core::audit::Action;
use serde_json::{Value, json};

use crate::support::clock::START;
use crate::support::tokens::{kid_of, look_into, standard_jwks_path};
use crate::support::{TestApp, token_path, token_request};

const STANDARD: [(&str, &str); 3] = [
    ("standard-rs256", "RS256"),
    ("standard-es256", "ES256"),
    ("standard-eddsa", "EdDSA"),
];

/// A project made through the admin API, and a client of it.
struct Made {
    project_id: String,
    client_id: String,
    client_secret: String,
}

async fn make(app: &TestApp, profile: &str) -> Made {
    let body = json!({ "name": profile, "token_profile": profile });
    let made = app.admin().post("/admin/v1/projects", body).await.ok();
    assert_eq!(made["project"]["token_profile"], profile);
    let project_id = made["project"]["project_id"].as_str().unwrap().to_owned();
    let secret = made["project_secret"]["secret"].as_str().unwrap();
    let backend = app.anonymous().basic(&project_id, secret);
    let client = backend
        .post(
            "/v1/m2m/clients",
            json!({ "client_id": "worker", "scopes": ["a", "b"] }),
        )
        .await
        .ok();
    Made {
        project_id,
        client_id: "worker".to_owned(),
        client_secret: client["m2m_client"]["client_secret"].as_str().unwrap().to_owned(),
    }
}

async fn token(app: &TestApp, made: &Made) -> String {
    let body = token_request(&made.client_id, &made.client_secret);
    let answer = app
        .anonymous()
        .post(&token_path(&made.project_id), body)
        .await
        .ok();
    answer["access_token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn standard_tokens_are_rfc_9068_and_verify_from_metadata_alone() {
    let app = TestApp::new().await;
    for (profile, algorithm) in STANDARD {
        let made = make(&app, profile).await;
        let token = token(&app, &made).await;
        let seen = look_into(&token);
        let kid = seen.header["kid"].clone();
        assert_eq!(
            seen.header,
            json!({ "alg": algorithm, "kid": kid, "typ": "at+jwt" })
        );
        let jti = seen.claims["jti"].clone();
        assert_eq!(jti.as_str().unwrap().len(), 36);
        assert_eq!(
            seen.claims,
            json!({
                "iss": format!("https://id.example/v1/public/{}", made.project_id), "sub": "worker", "client_id": "worker",
                "aud": [made.project_id], "scope": "a b", "iat": START, "nbf": START, "exp": START + 3600, "jti": jti,
            })
        );
        let claims = app.verify_standard(&token, &made.project_id).await.unwrap();
        assert_eq!(claims.sub, "worker");
    }
}

#[tokio::test]
async fn no_two_standard_tokens_share_their_id() {
    let app = TestApp::new().await;
    let made = make(&app, "standard-eddsa").await;
    let mut seen = std::collections::HashSet::new();
    for _ in 0..10 {
        assert!(seen.insert(look_into(&token(&app, &made).await).claims["jti"].to_string()));
    }
}

#[tokio::test]
async fn a_client_may_have_another_profile_than_its_project() {
    let app = TestApp::new().await;
    let client = app.create_client(json!({ "client_id": "worker" })).await;
    let path = format!("/admin/v1/projects/{}/clients/worker", app.project.id);
    for (profile, algorithm) in STANDARD {
        let body = app
            .admin()
            .put(&path, json!({ "token_profile": profile }))
            .await
            .ok();
        assert_eq!(body["client"]["token_profile"], profile);
        let token = app.token(&client).await;
        assert_eq!(
            look_into(&token).header["alg"],
            algorithm,
            "signed from the next token on"
        );
        app.verify_standard(&token, &app.project.id).await.unwrap();
        assert!(app.verify_stytch(&token).await.is_err());
    }
    let event = app.newest_event(Action::ClientUpdated).await;
    assert_eq!(event.after.unwrap()["token_profile"], "standard-eddsa");
    let body = app
        .admin()
        .put(&path, json!({ "token_profile": null }))
        .await
        .ok();
    assert_eq!(body["client"]["token_profile"], Value::Null);
    app.verify_stytch(&app.token(&client).await).await.unwrap();
}

/// A wire update knows nothing of profiles and must not reset one.
#[tokio::test]
async fn an_update_or_a_rotation_keeps_the_clients_profile() {
    let app = TestApp::new().await;
    let client = app.create_client(json!({ "client_id": "worker" })).await;
    let path = format!("/admin/v1/projects/{}/clients/worker", app.project.id);
    app.admin()
        .put(&path, json!({ "token_profile": "standard-eddsa" }))
        .await
        .ok();
    app.backend()
        .put("/v1/m2m/clients/worker", json!({ "client_name": "x" }))
        .await
        .ok();
    app.backend()
        .post("/v1/m2m/clients/worker/secrets/rotate/start", json!({}))
        .await
        .ok();
    assert_eq!(look_into(&app.token(&client).await).header["typ"], "at+jwt");
    let shown = app.backend().get("/v1/m2m/clients/worker").await.ok();
    assert!(
        shown["m2m_client"].get("token_profile").is_none(),
        "the wire's object is the wire's"
    );
}

#[tokio::test]
async fn a_project_may_change_its_profile_and_its_issuer_stays() {
    let app = TestApp::new().await;
    let client = app.create_client(json!({})).await;
    let old = app.token(&client).await;
    let path = format!("/admin/v1/projects/{}", app.project.id);
    let body = app
        .admin()
        .put(&path, json!({ "token_profile": "standard-es256" }))
        .await
        .ok();
    assert_eq!(
        body["project"]["issuer"],
        format!("https://id.example/v1/public/{}", app.project.id)
    );
    let new = app.token(&client).await;
    assert_eq!(look_into(&new).header["alg"], "ES256");
    app.verify_standard(&new, &app.project.id).await.unwrap();
    app.verify_stytch(&old).await.unwrap();
    let events = app.events().await;
    assert_eq!(
        events.last().unwrap().action,
        Action::ProjectUpdated,
        "no key had to be made: all are published from the start"
    );
    app.admin()
        .put(&path, json!({ "token_profile": "stytch" }))
        .await
        .ok();
    app.verify_stytch(&app.token(&client).await).await.unwrap();
}

/// Verifiers cache key sets: whoever read one before the change can verify the first token after it.
#[tokio::test]
async fn a_key_set_read_before_a_change_of_profile_verifies_tokens_after_it() {
    let app = TestApp::new().await;
    let made = make(&app, "stytch").await;
    let cached = app.keys_at(&standard_jwks_path(&made.project_id)).await;
    for (profile, _) in STANDARD {
        let path = format!("/admin/v1/projects/{}", made.project_id);
        app.admin()
            .put(&path, json!({ "token_profile": profile }))
            .await
            .ok();
        assert!(cached.contains(&kid_of(&token(&app, &made).await)), "{profile}");
    }
}

#[tokio::test]
async fn unknown_profiles_are_refused() {
    let app = TestApp::new().await;
    app.create_client(json!({ "client_id": "worker" })).await;
    let before = app.dump().await;
    let project = format!("/admin/v1/projects/{}", app.project.id);
    for profile in [json!("standard"), json!("RS256"), json!(""), json!(7)] {
        let body = json!({ "name": "x", "token_profile": profile });
        app.admin()
            .post("/admin/v1/projects", body.clone())
            .await
            .problem(400, "invalid_request_value");
        app.admin()
            .put(&project, body.clone())
            .await
            .problem(400, "invalid_request_value");
        app.admin()
            .put(&format!("{project}/clients/worker"), body)
            .await
            .problem(400, "invalid_request_value");
    }
    assert_eq!(app.dump().await, before);
}
