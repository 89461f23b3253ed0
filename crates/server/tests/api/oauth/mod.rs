//! The token endpoint: `src/oauth`.

use http::Method;

use crate::support::TestApp;
use crate::support::answer::Answer;

mod formats;
mod grants;
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
