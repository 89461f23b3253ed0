//! A secret rotates three times while a caller calls a protected service, and no call fails.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use axum::Router;
use axum::routing::get;
use countersign_client::{Authenticated, BearerToken, SecretString, TokenSourceBuilder, required_scopes};
use countersign_e2e::{Engine, Server};
use reqwest_middleware::ClientBuilder;
use tokio::net::TcpListener;

use super::{create, on_both_engines, serve, source, verifier};

const ROTATIONS: usize = 3;
/// So many calls with a new token each have to succeed in each phase of a rotation.
const CALLS_PER_PHASE: usize = 20;
const PATIENCE: Duration = Duration::from_secs(60);

required_scopes! { ReadReports = ["read:reports"]; }

async fn reports(caller: Authenticated<ReadReports>) -> String {
    caller.client_id().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_call_fails_while_the_secret_rotates() -> anyhow::Result<()> {
    on_both_engines(async |engine: &Engine| {
        let server = serve("client-rust-rotation", engine, false).await?;
        story(&server).await?;
        server.stop().await
    })
    .await
}

async fn story(server: &Server) -> anyhow::Result<()> {
    let client = create(server, &["read:reports"]).await?;
    let service = service(server).await?;
    let secret = Arc::new(Mutex::new(client.secret.clone()));
    let held = secret.clone();
    let tokens = source(server, server.url(), &client).client_secret_from(move || {
        let secret = held.lock().unwrap_or_else(PoisonError::into_inner).clone();
        async move { Ok::<_, std::convert::Infallible>(SecretString::from(secret)) }
    });
    let caller = Caller {
        http: server.client().clone(),
        tokens,
        service,
        client_id: client.id.clone(),
        good: AtomicUsize::default(),
        stop: AtomicBool::default(),
    };
    let caller = Arc::new(caller);
    let calling = tokio::spawn(caller.clone().run());

    let backend = server.backend();
    for _ in 0..ROTATIONS {
        caller.some_more_calls().await?;
        let started = backend.start_rotation(&client.id).await?.ok()?;
        let next = &started["m2m_client"]["next_client_secret"];
        caller.some_more_calls().await?;
        next.as_str()
            .context("no next secret")?
            .clone_into(&mut secret.lock().unwrap_or_else(PoisonError::into_inner));
        caller.some_more_calls().await?;
        backend.complete_rotation(&client.id).await?.ok()?;
        caller.some_more_calls().await?;
    }
    caller.stop.store(true, Ordering::SeqCst);
    calling.await??;
    ensure!(caller.good.load(Ordering::SeqCst) >= ROTATIONS * 4 * CALLS_PER_PHASE);

    // The old secret is worth nothing, so the calls above were made with the new ones.
    let stale = source(server, server.url(), &client).build()?;
    ensure!(
        stale
            .token()
            .await
            .is_err_and(|error| error.code() == "invalid_client")
    );
    Ok(())
}

async fn service(server: &Server) -> anyhow::Result<String> {
    let verifier = verifier(server, server.url()).build()?;
    let router = Router::new().route("/reports", get(reports)).with_state(verifier);
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let url = format!("http://{}", listener.local_addr()?);
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(url)
}

struct Caller {
    http: reqwest::Client,
    tokens: TokenSourceBuilder,
    service: String,
    client_id: String,
    good: AtomicUsize,
    stop: AtomicBool,
}

impl Caller {
    /// Calls until it is stopped, each time with a new token. The first call that fails ends it.
    async fn run(self: Arc<Self>) -> anyhow::Result<()> {
        while !self.stop.load(Ordering::SeqCst) {
            // A source of its own for each call: what replaces a forgotten token is kept for some seconds.
            let token = BearerToken::new(self.tokens.clone().build()?);
            let http = ClientBuilder::new(self.http.clone()).with(token).build();
            let answer = http.get(format!("{}/reports", self.service)).send().await?;
            let (status, body) = (answer.status(), answer.text().await?);
            ensure!(status == 200 && body == self.client_id, "{status}: {body}");
            self.good.fetch_add(1, Ordering::SeqCst);
        }
        Ok(())
    }

    async fn some_more_calls(&self) -> anyhow::Result<()> {
        let enough = self.good.load(Ordering::SeqCst) + CALLS_PER_PHASE;
        let deadline = Instant::now() + PATIENCE;
        while self.good.load(Ordering::SeqCst) < enough {
            ensure!(Instant::now() < deadline, "calls fail, or take too long");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(())
    }
}
