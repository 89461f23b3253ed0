//! The gateway inside `serve`: clients call with a token and without a credential.

mod admission;
mod cross_origin;
mod explain;
mod live;
mod mcp;
mod own_port;
mod pass_through;
mod providers;
#[path = "../../../../gateway/tests/forward/recorder.rs"]
pub(crate) mod recorder;
mod stored;
mod tools;

use serde_json::{Value, json};

use crate::support::caller::Caller;
use crate::support::{NewClient, TestApp};

const GATEWAY: &str = "https://id.example/gateway";
const CLIENTS: &str = "/gateway/p/countersign/v1/m2m/clients";

/// A client with these scopes.
async fn client(app: &TestApp, scopes: &[&str]) -> NewClient {
    app.create_client(json!({ "scopes": scopes })).await
}

/// A token for the gateway.
async fn token(app: &TestApp, client: &NewClient) -> String {
    let body = json!({
        "grant_type": "client_credentials", "client_id": client.id, "client_secret": client.secret, "resource": GATEWAY
    });
    let answer = app.anonymous().post(&app.token_path(), body).await.ok();
    answer["access_token"].as_str().unwrap().to_owned()
}

/// Someone with this token, as an HTTP client calls.
fn bearer<'a>(app: &'a TestApp, token: &str) -> Caller<'a> {
    app.anonymous().header("host", "id.example").bearer(token)
}

/// A caller with a token of a new client that holds these scopes.
async fn caller<'a>(app: &'a TestApp, scopes: &[&str]) -> Caller<'a> {
    let client = client(app, scopes).await;
    bearer(app, &token(app, &client).await)
}

/// What the gateway says of a call that it did not let through.
fn refusal(answer: &crate::support::answer::Answer) -> (u16, Value, Value) {
    assert_eq!(answer.header("countersign-error"), Some("gateway"));
    let body: Value = serde_json::from_slice(&answer.body).unwrap();
    (
        answer.status.as_u16(),
        body["reason"].clone(),
        body["needed_scope"].clone(),
    )
}

/// What a caller hears when the provider answers like this.
pub(crate) async fn answer_of(app: &TestApp, answer: recorder::Answer) -> crate::support::answer::Answer {
    let answer = std::sync::Mutex::new(Some(answer));
    let provider = recorder::Recorder::start(move |_, _| answer.lock().unwrap().take().unwrap()).await;
    let mut settings = providers::at(&provider);
    settings.limits.timeout_seconds = Some(1);
    providers::add(app, "acme", settings).await;
    caller(app, &["gateway:acme"])
        .await
        .get("/gateway/p/acme/things")
        .await
}
