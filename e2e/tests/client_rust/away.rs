//! The server goes away and comes back; callers and services that were ready go on meanwhile.

use std::time::{Duration, Instant};

use anyhow::ensure;
use countersign_client::TokenSource;
use countersign_e2e::{Engine, Options, Server};

use super::relay::Relay;
use super::{create, on_both_engines, same, serve, source, verdict, verifier};

/// Longest wait for what has to come.
const PATIENCE: Duration = Duration::from_secs(60);
/// The time given to a caller who has no token.
const GIVE_UP: Duration = Duration::from_millis(300);

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_cable_stops_nobody_who_was_ready() -> anyhow::Result<()> {
    on_both_engines(async |engine: &Engine| {
        let server = serve("client-rust-away", engine, false).await?;
        let relay = Relay::to(server.address()).await?;
        let client = create(&server, &["read:reports"]).await?;
        let tokens = source(&server, &relay.url, &client)
            .total_timeout(GIVE_UP)
            .build()?;
        let unready = source(&server, &relay.url, &client)
            .total_timeout(GIVE_UP)
            .build()?;
        let verifier = verifier(&server, &relay.url)
            .refresh_every(Duration::from_millis(50))
            .build()?;
        let unready_verifier = super::verifier(&server, &relay.url).build()?;
        let token = tokens.token().await?;
        same(verdict(&verifier, token.expose()).await, "good")?;

        relay.cut();
        let cut_at = Instant::now();
        while cut_at.elapsed() < Duration::from_secs(1) {
            same(tokens.token().await?.expose(), token.expose())?;
            same(verdict(&verifier, token.expose()).await, "good")?;
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let error = unready.token().await.err();
        ensure!(
            error.as_ref().is_some_and(|error| error.code() == "unreachable"),
            "{error:?}"
        );
        same(
            verdict(&unready_verifier, token.expose()).await,
            "keys_unavailable",
        )?;

        relay.mend();
        eventually(&unready).await?;
        let deadline = Instant::now() + PATIENCE;
        while verdict(&unready_verifier, token.expose()).await != "good" {
            ensure!(Instant::now() < deadline, "the verifier does not find back");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        server.stop().await
    })
    .await
}

/// The same with a server that is stopped and started, on its own data.
#[tokio::test(flavor = "multi_thread")]
async fn a_restart_stops_nobody_who_was_ready() -> anyhow::Result<()> {
    let folder = tempfile::TempDir::new()?;
    let start = |listen: String| {
        Server::start(Options {
            name: "client-rust-restart",
            data_dir: Some(folder.path().to_owned()),
            environment: vec![("COUNTERSIGN_SERVER_PUBLIC_URL", listen)],
            ..Options::default()
        })
    };
    let server = start("http://id.test".to_owned()).await?;
    let client = create(&server, &["read:reports"]).await?;
    let tokens = source(&server, server.url(), &client)
        .total_timeout(GIVE_UP)
        .build()?;
    let verifier = verifier(&server, server.url()).build()?;
    let token = tokens.token().await?;
    same(verdict(&verifier, token.expose()).await, "good")?;
    server.stop().await?;
    same(tokens.token().await?.expose(), token.expose())?;
    same(verdict(&verifier, token.expose()).await, "good")?;

    let again = start("http://id.test".to_owned()).await?;
    let anew = source(&again, again.url(), &client).build()?;
    same(verdict(&verifier, anew.token().await?.expose()).await, "good")?;
    again.stop().await
}

async fn eventually(tokens: &TokenSource) -> anyhow::Result<()> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match tokens.token().await {
            Ok(_) => return Ok(()),
            Err(error) => ensure!(Instant::now() < deadline, "{error}"),
        }
        // An error stands for a second.
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}
