//! `POST /v1/m2m/clients`: what a client becomes.

use countersign_core::audit::{Action, ActorKind};
use countersign_core::client::Client;
use futures_util::future::join_all;
use serde_json::json;

use super::assert_client_shape;
use crate::support::TestApp;
use crate::support::answer::sorted_keys;

/// Nobody guesses it, so it gets the fast digest.
const STRONG: &str = "zDd7JqRk1oGm-PzfyC4yTKbT0XrWm_EwX8V2bHhXnUw";
/// Good enough to be accepted, and a person may have chosen it.
const WEAK: &str = "ardent-Mulberry/Quilt.92";

async fn row(app: &TestApp, client_id: &str) -> Client {
    app.stored_client(&app.project, client_id).await.unwrap()
}

// ## Generated

#[tokio::test]
async fn a_client_made_of_nothing_has_everything_generated() {
    let app = TestApp::new().await;
    let answer = app.backend().post("/v1/m2m/clients", json!({})).await;
    let body = answer.ok();
    assert_eq!(sorted_keys(&body), ["m2m_client", "request_id", "status_code"]);
    let client = &body["m2m_client"];
    assert_client_shape(client, &["client_secret"]);
    let (id, secret) = (
        client["client_id"].as_str().unwrap(),
        client["client_secret"].as_str().unwrap(),
    );
    assert_eq!(
        *client,
        json!({
            "client_id": id, "client_secret": secret, "client_name": "", "client_description": "",
            "status": "active", "scopes": [], "trusted_metadata": {},
            "client_secret_last_four": secret[secret.len() - 4..], "next_client_secret_last_four": null,
        })
    );
    let uuid = id.strip_prefix("m2m-client-test-").unwrap();
    assert!(uuid.len() == 36 && uuid.as_bytes()[14] == b'4', "{id}");
    assert!(secret.starts_with("csk_") && countersign_core::secret::check_fits(secret));
    assert!(answer.request_id().starts_with("request-id-test-"));
}

#[tokio::test]
async fn a_live_project_makes_live_ids() {
    let app = TestApp::new().await;
    let answer = app.other_backend().post("/v1/m2m/clients", json!({})).await;
    let id = answer.ok()["m2m_client"]["client_id"].clone();
    assert!(id.as_str().unwrap().starts_with("m2m-client-live-"), "{id}");
    assert!(answer.request_id().starts_with("request-id-live-"));
}

#[tokio::test]
async fn no_two_clients_share_an_id_or_a_secret() {
    let app = TestApp::new().await;
    let clients = join_all((0..20).map(|_| app.create_client(json!({})))).await;
    let mut seen = std::collections::HashSet::new();
    for client in clients {
        assert!(seen.insert(client.id) && seen.insert(client.secret));
    }
}

// ## Imported

#[tokio::test]
async fn all_six_fields_are_kept() {
    let app = TestApp::new().await;
    let fields = json!({
        "client_id": "billing@eu-1:web~2.0", "client_secret": STRONG, "client_name": "Größe ✓",
        "client_description": "two\nlines", "scopes": ["read:users", "write:*"],
        "trusted_metadata": { "team": { "name": "billing" }, "tags": [1, null, "x"] },
    });
    let made = app.create_client(fields.clone()).await;
    for (name, value) in fields.as_object().unwrap() {
        assert_eq!(made.view[name], *value, "{name}");
    }
    assert_eq!(
        made.view["client_secret_last_four"],
        json!(STRONG[STRONG.len() - 4..])
    );
    let row = row(&app, "billing@eu-1:web~2.0").await;
    assert_eq!(
        (row.name.as_str(), row.description.as_str()),
        ("Größe ✓", "two\nlines")
    );
    assert_eq!(row.scopes.joined(), "read:users write:*");
    assert_eq!(json!(row.metadata), fields["trusted_metadata"]);
    assert_eq!(row.version, 1);
    let claims = app.verify_stytch(&app.token(&made).await).await.unwrap();
    assert_eq!(claims.sub, "billing@eu-1:web~2.0");
}

#[tokio::test]
async fn what_can_be_guessed_is_digested_slowly_and_what_is_random_is_not() {
    let app = TestApp::new().await;
    let generated = app.create_client(json!({})).await;
    let strong = app.create_client(json!({ "client_secret": STRONG })).await;
    let weak = app.create_client(json!({ "client_secret": WEAK })).await;
    for (client, scheme) in [
        (&generated, "hmac-sha256$"),
        (&strong, "hmac-sha256$"),
        (&weak, "$argon2id$v=19$m=19456,t=2,p=1$"),
    ] {
        let digest = row(&app, &client.id).await.secret.digest.to_string();
        assert!(digest.starts_with(scheme), "{digest}");
        assert!(!digest.contains(&client.secret));
        app.token(client).await;
    }
}

#[tokio::test]
async fn an_id_is_taken_once_in_a_project_and_free_in_another() {
    let app = TestApp::new().await;
    let own_id = json!({ "client_id": "worker", "client_name": "first" });
    app.create_client(own_id.clone()).await;
    let before = app.dump().await;
    let again = app
        .backend()
        .post(
            "/v1/m2m/clients",
            json!({ "client_id": "worker", "client_name": "second" }),
        )
        .await;
    again.problem(400, "duplicate_m2m_client_id");
    assert_eq!(app.dump().await, before);
    app.create_other_client(own_id).await;
}

#[tokio::test]
async fn of_many_who_want_an_id_one_gets_it() {
    let app = TestApp::new().await;
    let backend = app.backend();
    let answers =
        join_all((0..8).map(|_| backend.post("/v1/m2m/clients", json!({ "client_id": "worker" })))).await;
    let won = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(won, 1);
    for lost in answers.iter().filter(|answer| answer.status != 200) {
        lost.problem(400, "duplicate_m2m_client_id");
    }
}

#[tokio::test]
async fn repeated_scopes_count_once_and_keep_their_order() {
    let app = TestApp::new().await;
    let client = app
        .create_client(json!({ "scopes": ["c", "a", "c", "b", "a"] }))
        .await;
    assert_eq!(client.view["scopes"], json!(["c", "a", "b"]));
}

/// Forms with a plain text box send a list as one text (wire contract 10).
#[tokio::test]
async fn scopes_in_one_text_are_parted() {
    let app = TestApp::new().await;
    let client = app
        .create_client(json!({ "scopes": "read:a, write:b read:c" }))
        .await;
    assert_eq!(client.view["scopes"], json!(["read:a", "write:b", "read:c"]));
}

#[tokio::test]
async fn a_null_in_metadata_is_no_member() {
    let app = TestApp::new().await;
    let client = app
        .create_client(json!({ "trusted_metadata": { "a": null, "b": { "c": null } } }))
        .await;
    assert_eq!(client.view["trusted_metadata"], json!({ "b": { "c": null } }));
}

// ## Afterwards

#[tokio::test]
async fn the_secret_is_in_the_first_answer_and_in_no_later_one() {
    let app = TestApp::new().await;
    let made = app.create_client(json!({ "client_id": "worker" })).await;
    let backend = app.backend();
    let later = [
        backend.get("/v1/m2m/clients/worker").await,
        backend
            .put("/v1/m2m/clients/worker", json!({ "client_name": "x" }))
            .await,
        backend.post("/v1/m2m/clients/search", json!({})).await,
        backend
            .post("/v1/m2m/clients/worker/secrets/rotate/start", json!({}))
            .await,
        backend
            .post("/v1/m2m/clients/worker/secrets/rotate/cancel", json!({}))
            .await,
        app.admin()
            .get(&format!("/admin/v1/projects/{}/clients/worker", app.project.id))
            .await,
        app.admin().get("/admin/v1/audit").await,
        backend.delete("/v1/m2m/clients/worker").await,
    ];
    for answer in later {
        answer.ok();
        assert!(!answer.text().contains(&made.secret), "{}", answer.text());
        assert!(!answer.text().contains("\"client_secret\""), "{}", answer.text());
    }
}

#[tokio::test]
async fn the_audit_says_who_made_what() {
    let app = TestApp::new().await;
    let answer = app
        .backend()
        .at("203.0.113.5")
        .post(
            "/v1/m2m/clients",
            json!({ "client_id": "worker", "scopes": ["a"] }),
        )
        .await;
    let secret = answer.ok()["m2m_client"]["client_secret"]
        .as_str()
        .unwrap()
        .to_owned();
    let event = app.newest_event(Action::ClientCreated).await;
    assert_eq!(
        (event.actor.kind, &event.actor.id),
        (ActorKind::ProjectSecret, &app.project.secret_id)
    );
    assert_eq!(event.project_id, Some(app.project.project_id()));
    assert_eq!(
        (event.object.as_str(), event.request_id.as_str()),
        ("worker", answer.request_id())
    );
    assert_eq!(event.address.as_deref(), Some("203.0.113.5"));
    assert_eq!(
        (event.before, &event.after.as_ref().unwrap()["scopes"]),
        (None, &json!(["a"]))
    );
    assert!(!event.after.unwrap().to_string().contains(&secret));
}
