//! Requests with a secret where none belongs, or with a mistake that an error message might quote.

use countersign_e2e::{Server, identity};
use reqwest::{Method, RequestBuilder};
use serde_json::json;

use super::traffic::{FORM, Secret, encoded};

/// Commits them all with each secret; what was answered must not repeat it.
pub(super) async fn with(server: &Server, secrets: &[Secret]) -> anyhow::Result<Vec<(String, Vec<u8>)>> {
    let mut answers = Vec::new();
    for secret in secrets {
        for (blunder, request) in requests(server, &secret.text) {
            let answer = request.send().await?;
            let (status, body) = (answer.status(), answer.bytes().await?);
            anyhow::ensure!(
                !status.is_success() && !status.is_server_error(),
                "{blunder} is answered {status}"
            );
            answers.push((format!("{blunder} with {}", secret.what), body.to_vec()));
        }
    }
    Ok(answers)
}

fn requests(server: &Server, secret: &str) -> Vec<(&'static str, RequestBuilder)> {
    let token_path = format!("/v1/public/{}/oauth2/token", identity::PROJECT_ID);
    let token = || server.request(Method::POST, &token_path);
    let form = |fields: &[(&str, &str)]| token().header("content-type", FORM).body(encoded(fields));
    let grant = ("grant_type", "client_credentials");
    let create = || server.by_project(Method::POST, "/v1/m2m/clients");
    let create_raw = |body: String| create().header("content-type", "application/json").body(body);
    vec![
        (
            "a query",
            server.request(Method::POST, &format!("{token_path}?client_secret={secret}")),
        ),
        (
            "a path",
            server.by_project(Method::GET, &format!("/v1/m2m/clients/{secret}")),
        ),
        (
            "a path of nothing",
            server.request(Method::GET, &format!("/{secret}")),
        ),
        ("a method", server.request(method(secret), "/v1/m2m/clients")),
        (
            "a cookie",
            server
                .request(Method::GET, "/v1/debug/whoami")
                .header("cookie", secret),
        ),
        (
            "a bearer of the wrong kind",
            server
                .request(Method::GET, "/v1/debug/whoami")
                .bearer_auth(secret),
        ),
        (
            "an unknown scheme",
            server
                .request(Method::GET, "/v1/debug/whoami")
                .header("authorization", secret),
        ),
        (
            "Basic without an encoding",
            server
                .request(Method::GET, "/v1/debug/whoami")
                .header("authorization", format!("Basic {secret}")),
        ),
        (
            "a user name",
            server
                .request(Method::GET, "/v1/debug/whoami")
                .basic_auth(secret, Some(secret)),
        ),
        (
            "an operator's place",
            server
                .request(Method::GET, "/admin/v1/operators")
                .bearer_auth(format!("{secret}x")),
        ),
        (
            "a client id",
            form(&[grant, ("client_id", secret), ("client_secret", secret)]),
        ),
        (
            "a grant type",
            form(&[
                ("grant_type", secret),
                ("client_id", "a"),
                ("client_secret", secret),
            ]),
        ),
        (
            "a scope",
            form(&[
                grant,
                ("client_id", "a"),
                ("client_secret", secret),
                ("scope", secret),
            ]),
        ),
        (
            "a field twice",
            form(&[grant, ("client_secret", secret), ("client_secret", secret)]),
        ),
        (
            "a content type",
            token().header("content-type", secret).body(secret.to_owned()),
        ),
        (
            "broken JSON",
            create_raw(format!("{{\"client_secret\":\"{secret}")),
        ),
        ("JSON of another type", create_raw(json!(secret).to_string())),
        (
            "a list of secrets",
            create_raw(json!({ "client_secret": [secret] }).to_string()),
        ),
        (
            "scopes that are none",
            create_raw(json!({ "scopes": { secret: secret } }).to_string()),
        ),
        (
            "a scope with a space",
            create_raw(json!({ "scopes": [format!("{secret} {secret}")] }).to_string()),
        ),
        (
            "a name of the wrong type",
            create_raw(json!({ "client_name": { secret: secret } }).to_string()),
        ),
        (
            "a key twice",
            create_raw(format!(
                "{{\"client_secret\":\"{secret}\",\"client_secret\":\"{secret}\"}}"
            )),
        ),
        (
            "a secret too long",
            create_raw(json!({ "client_secret": secret.repeat(12) }).to_string()),
        ),
        (
            "a client id of the wrong form",
            create_raw(json!({ "client_id": format!("{secret} ") }).to_string()),
        ),
        ("a filter", create_search(server, secret)),
        (
            "a cursor",
            server
                .by_project(Method::POST, "/v1/m2m/clients/search")
                .json(&json!({ "cursor": secret })),
        ),
    ]
}

fn create_search(server: &Server, secret: &str) -> RequestBuilder {
    let operands = json!([{ "filter_name": secret, "filter_value": [secret] }]);
    let query = json!({ "query": { "operator": "AND", "operands": operands } });
    server
        .by_project(Method::POST, "/v1/m2m/clients/search")
        .json(&query)
}

/// Methods are words without limits. One with a dot is one too.
fn method(secret: &str) -> Method {
    Method::from_bytes(secret.as_bytes()).unwrap_or(Method::TRACE)
}
