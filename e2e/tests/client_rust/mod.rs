//! The Rust SDK against the real server: its callers get tokens, its services check them.

mod away;
mod keys;
mod life;
mod refusals;
mod relay;
mod rotation;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, ensure};
use countersign_client::{Clock, TokenSource, TokenSourceBuilder, Verifier, VerifierBuilder};
use countersign_e2e::{Engine, Options, Server, identity};
use reqwest::Method;
use serde_json::{Value, json};

/// A client of the server's first project.
struct Client {
    id: String,
    secret: String,
}

/// A server on a new database of this engine.
async fn serve(name: &'static str, engine: &Engine, tls: bool) -> anyhow::Result<Server> {
    Server::start(Options {
        name,
        tls,
        environment: engine.new_database()?,
        ..Options::default()
    })
    .await
}

async fn create(server: &Server, scopes: &[&str]) -> anyhow::Result<Client> {
    let made = server
        .backend()
        .create(&json!({ "scopes": scopes }))
        .await?
        .ok()?;
    let text = |name: &str| {
        let text = made["m2m_client"][name].as_str().map(str::to_owned);
        text.context("no client")
    };
    Ok(Client {
        id: text("client_id")?,
        secret: text("client_secret")?,
    })
}

/// Gives a client a token profile of its own.
async fn set_profile(server: &Server, client: &Client, profile: &str) -> anyhow::Result<()> {
    let path = format!(
        "/admin/v1/projects/{}/clients/{}",
        identity::PROJECT_ID,
        client.id
    );
    let request = server.by_operator(Method::PUT, &path);
    let answer = request.json(&json!({ "token_profile": profile })).send().await?;
    answer.error_for_status()?;
    Ok(())
}

/// Rotates the key that signs: the kid of the new one.
async fn rotate_key(server: &Server, emergency: bool) -> anyhow::Result<String> {
    let path = format!("/admin/v1/projects/{}/keys/rotate", identity::PROJECT_ID);
    let request = server.by_operator(Method::POST, &path);
    let answer = request.json(&json!({ "emergency": emergency })).send().await?;
    let body: Value = answer.error_for_status()?.json().await?;
    Ok(body["key"]["kid"].as_str().context("no kid")?.to_owned())
}

fn source(server: &Server, url: &str, client: &Client) -> TokenSourceBuilder {
    TokenSource::builder()
        .url(url)
        .project_id(identity::PROJECT_ID)
        .client_id(&client.id)
        .client_secret(client.secret.clone())
        .http(server.client().clone())
}

fn verifier(server: &Server, url: &str) -> VerifierBuilder {
    Verifier::builder()
        .url(url)
        .project_id(identity::PROJECT_ID)
        .http(server.client().clone())
}

/// What a verifier says of a token.
async fn verdict(verifier: &Verifier, token: &str) -> &'static str {
    verifier
        .verify(token)
        .await
        .map_or_else(|refusal| refusal.code(), |_| "good")
}

fn kid(token: &str) -> anyhow::Result<String> {
    let seen = countersign_token::unverified::decode(token)?;
    Ok(seen.header["kid"].as_str().context("no kid")?.to_owned())
}

/// The system's clock, set forwards or back by seconds.
#[derive(Clone, Debug, Default)]
struct Skewed(Arc<AtomicI64>);

impl Skewed {
    fn set(&self, seconds: i64) {
        self.0.store(seconds, Ordering::SeqCst);
    }
}

impl Clock for Skewed {
    #[expect(
        clippy::disallowed_methods,
        reason = "the server under test goes by the system's clock"
    )]
    fn unix_seconds(&self) -> i64 {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs().cast_signed());
        now + self.0.load(Ordering::SeqCst)
    }
}

/// Both engines, one after the other.
async fn on_both_engines(story: impl AsyncFn(&Engine) -> anyhow::Result<()>) -> anyhow::Result<()> {
    for engine in [Engine::Sqlite, Engine::postgres()?] {
        story(&engine).await.with_context(|| engine.name())?;
    }
    Ok(())
}

fn same<T: PartialEq + std::fmt::Debug>(found: T, expected: T) -> anyhow::Result<()> {
    ensure!(found == expected, "{found:?} instead of {expected:?}");
    Ok(())
}
