//! The token endpoint: `src/oauth`.

use http::Method;

use serde_json::json;

use crate::support::answer::Answer;
use crate::support::caller::basic;
use crate::support::{NewClient, TestApp};

mod dual_run;
mod formats;
mod grants;
mod malformed;
mod memory;
mod refusals;
mod signing_queue;
mod slow_secrets;
mod token;
mod upgrade;

const GRANT: &str = "grant_type=client_credentials";

/// Any request to the project's token endpoint.
async fn ask(
    app: &TestApp,
    content_type: Option<&str>,
    authorization: Option<&str>,
    body: impl Into<Vec<u8>>,
) -> Answer {
    let mut caller = app.anonymous();
    if let Some(authorization) = authorization {
        caller = caller.header("authorization", authorization);
    }
    caller
        .send(Method::POST, &app.token_path(), content_type, body.into())
        .await
}

/// A client with three scopes, and the header that five SDKs send with every call.
async fn app_with_client() -> (TestApp, NewClient, String) {
    let app = TestApp::new().await;
    let client = app.create_client(json!({ "scopes": ["a", "b", "c"] })).await;
    let project = basic(&app.project.id, &app.project.secret);
    (app, client, project)
}

fn json_body(client: &NewClient, more: &str) -> String {
    let (id, secret) = (&client.id, &client.secret);
    format!(r#"{{"client_id":"{id}","client_secret":"{secret}","grant_type":"client_credentials"{more}}}"#)
}

fn form_body(client: &NewClient, more: &str) -> String {
    format!(
        "client_id={}&client_secret={}&{GRANT}{more}",
        client.id, client.secret
    )
}
