//! Calls that are answered with a secret or a token, and calls that present one, each way there is.

use anyhow::Context as _;
use countersign_e2e::{Server, identity};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::h2c;

/// What an answer gave away.
pub(super) struct Secret {
    pub(super) what: &'static str,
    /// The user name that goes with it.
    pub(super) owner: String,
    pub(super) text: String,
}

/// Makes at least one of each, and uses it.
pub(super) async fn of_every_kind(server: &Server) -> anyhow::Result<Vec<Secret>> {
    let mut secrets = Vec::new();
    client_life(server, &mut secrets).await?;
    imported(server, &mut secrets).await?;
    administration(server, &mut secrets).await?;
    if server.url().starts_with("http:") {
        over_http2(server, &mut secrets).await?;
    }
    Ok(secrets)
}

async fn client_life(server: &Server, secrets: &mut Vec<Secret>) -> anyhow::Result<()> {
    let backend = server.backend();
    let made = backend.create(&json!({ "scopes": ["read:a"] })).await?.ok()?;
    let id = text(&made["m2m_client"]["client_id"])?;
    let first = text(&made["m2m_client"]["client_secret"])?;
    secrets.push(Secret::of("a client's first secret", &id, &first));
    token_in_every_way(server, secrets, &id, &first).await?;

    let started = backend.start_rotation(&id).await?.ok()?;
    let second = text(&started["m2m_client"]["next_client_secret"])?;
    secrets.push(Secret::of("a client's second secret", &id, &second));
    token_in_every_way(server, secrets, &id, &second).await?;
    backend.complete_rotation(&id).await?.ok()?;
    let refused = backend.token(&id, &first).await?;
    anyhow::ensure!(refused.status == 400, "{}", refused.status);

    let started = backend.start_rotation(&id).await?.ok()?;
    let third = text(&started["m2m_client"]["next_client_secret"])?;
    secrets.push(Secret::of("a discarded secret", &id, &third));
    backend.cancel_rotation(&id).await?.ok()?;
    Ok(())
}

/// One that is digested slowly, because a person may have chosen it.
async fn imported(server: &Server, secrets: &mut Vec<Secret>) -> anyhow::Result<()> {
    let (id, secret) = ("imported-client", "Walrus-7-umbrella-Quartz");
    let draft = json!({ "client_id": id, "client_secret": secret, "scopes": ["read:a"] });
    server.backend().create(&draft).await?.ok()?;
    secrets.push(Secret::of("an imported secret", id, secret));
    token_in_every_way(server, secrets, id, secret).await
}

async fn token_in_every_way(
    server: &Server,
    secrets: &mut Vec<Secret>,
    id: &str,
    secret: &str,
) -> anyhow::Result<()> {
    let path = format!("/v1/public/{}/oauth2/token", identity::PROJECT_ID);
    let grant = ("grant_type", "client_credentials");
    let form = [grant, ("client_id", id), ("client_secret", secret)];
    let by_form = server
        .request(Method::POST, &path)
        .header("content-type", FORM)
        .body(encoded(&form));
    let by_basic = server.request(Method::POST, &path).basic_auth(id, Some(secret));
    let by_basic = by_basic.header("content-type", FORM).body(encoded(&[grant]));
    let by_json = server.backend().token(id, secret).await?.ok()?;
    for answer in [by_json, json_of(by_form).await?, json_of(by_basic).await?] {
        let token = text(&answer["access_token"])?;
        // A service shows its token to whom it calls, and that may by mistake be this server.
        let refused = server
            .request(Method::GET, "/admin/v1/projects")
            .bearer_auth(&token)
            .send()
            .await?;
        anyhow::ensure!(refused.status() == 401, "{}", refused.status());
        secrets.push(Secret::of("an access token", id, &token));
    }
    Ok(())
}

async fn administration(server: &Server, secrets: &mut Vec<Secret>) -> anyhow::Result<()> {
    let project = json!({ "name": "another", "token_profile": "standard-es256" });
    let made = json_of(
        server
            .by_operator(Method::POST, "/admin/v1/projects")
            .json(&project),
    )
    .await?;
    let id = text(&made["project"]["project_id"])?;
    let first = text(&made["project_secret"]["secret"])?;
    let path = format!("/admin/v1/projects/{id}/secrets");
    let made = json_of(
        server
            .by_operator(Method::POST, &path)
            .json(&json!({ "name": "second" })),
    )
    .await?;
    let second = text(&made["project_secret"]["secret"])?;
    for secret in [first, second] {
        json_of(
            server
                .request(Method::GET, "/v1/debug/whoami")
                .basic_auth(&id, Some(&secret)),
        )
        .await?;
        secrets.push(Secret::of("a project's secret", &id, &secret));
    }
    let operator = json!({ "name": "another", "role": "read-only" });
    let made = json_of(
        server
            .by_operator(Method::POST, "/admin/v1/operators")
            .json(&operator),
    )
    .await?;
    let key = text(&made["operator_key"])?;
    json_of(
        server
            .request(Method::GET, "/admin/v1/projects")
            .bearer_auth(&key),
    )
    .await?;
    secrets.push(Secret::of("an operator's key", "", &key));
    Ok(())
}

/// Its library has trace lines of its own.
async fn over_http2(server: &Server, secrets: &mut Vec<Secret>) -> anyhow::Result<()> {
    let project = (identity::PROJECT_ID, identity::PROJECT_SECRET);
    let made = h2c::post(server.address(), "/v1/m2m/clients", project, &json!({})).await?;
    let id = text(&made["m2m_client"]["client_id"])?;
    let secret = text(&made["m2m_client"]["client_secret"])?;
    let path = format!("/v1/public/{}/oauth2/token", identity::PROJECT_ID);
    let grant = json!({ "grant_type": "client_credentials" });
    let token = h2c::post(server.address(), &path, (&id, &secret), &grant).await?;
    secrets.push(Secret::of("an access token", &id, &text(&token["access_token"])?));
    secrets.push(Secret::of("a client's secret", &id, &secret));
    Ok(())
}

/// The type of a form.
pub(super) const FORM: &str = "application/x-www-form-urlencoded";

/// The form; nothing in these tests needs escaping.
pub(super) fn encoded(fields: &[(&str, &str)]) -> String {
    let fields: Vec<_> = fields
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    fields.join("&")
}

async fn json_of(request: RequestBuilder) -> anyhow::Result<Value> {
    Ok(request.send().await?.error_for_status()?.json().await?)
}

fn text(value: &Value) -> anyhow::Result<String> {
    value
        .as_str()
        .map(str::to_owned)
        .context("the answer lacks a text")
}

impl Secret {
    fn of(what: &'static str, owner: &str, text: &str) -> Self {
        Self {
            what,
            owner: owner.to_owned(),
            text: text.to_owned(),
        }
    }
}
