//! Keys rotate while a service checks tokens.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::ensure;
use countersign_e2e::{Engine, Options, Server};

use super::{create, kid, on_both_engines, rotate_key, same, serve, source, verdict, verifier};

/// The least that the configuration takes.
const ANNOUNCE: &str = "20s";
/// Longest wait for what has to come.
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn no_token_fails_while_an_announced_key_takes_over() -> anyhow::Result<()> {
    let server = Server::start(Options {
        name: "client-rust-announced",
        environment: vec![("COUNTERSIGN_KEYS_ANNOUNCE", ANNOUNCE.to_owned())],
        ..Options::default()
    })
    .await?;
    let client = create(&server, &[]).await?;
    let tokens = source(&server, server.url(), &client).build()?;
    // The first one refreshes its keys, the second one never does of itself: an unknown key tells it.
    let verifiers = [
        verifier(&server, server.url())
            .refresh_every(Duration::from_secs(1))
            .build()?,
        verifier(&server, server.url()).build()?,
    ];
    let first = tokens.token().await?;
    for verifier in &verifiers {
        same(verdict(verifier, first.expose()).await, "good")?;
    }
    let new = rotate_key(&server, false).await?;
    let (mut signed_by, mut count) = (BTreeSet::new(), 0);
    let deadline = Instant::now() + PATIENCE;
    while !signed_by.contains(&new) {
        ensure!(Instant::now() < deadline, "{new} does not sign");
        // A new source: what replaces a forgotten token is kept for some seconds.
        let token = source(&server, server.url(), &client).build()?.token().await?;
        signed_by.insert(kid(token.expose())?);
        for verifier in &verifiers {
            same(verdict(verifier, token.expose()).await, "good")?;
        }
        count += 1;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    println!("{count} tokens of {} keys, all good", signed_by.len());
    same(signed_by.len(), 2)?;
    for verifier in &verifiers {
        same(verdict(verifier, first.expose()).await, "good")?;
    }
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn after_an_emergency_new_tokens_are_good_at_once_and_old_ones_soon_are_not() -> anyhow::Result<()> {
    on_both_engines(async |engine: &Engine| {
        let server = serve("client-rust-emergency", engine, false).await?;
        let client = create(&server, &[]).await?;
        let tokens = source(&server, server.url(), &client).build()?;
        let verifier = verifier(&server, server.url())
            .refresh_every(Duration::from_secs(1))
            .build()?;
        let old = tokens.token().await?;
        same(verdict(&verifier, old.expose()).await, "good")?;
        same(verdict(&verifier, old.expose()).await, "good")?;

        let new = rotate_key(&server, true).await?;
        tokens.forget(&old);
        let token = tokens.token().await?;
        same(kid(token.expose())?, new)?;
        same(verdict(&verifier, token.expose()).await, "good")?;
        let deadline = Instant::now() + PATIENCE;
        while verdict(&verifier, old.expose()).await != "unknown_key" {
            ensure!(Instant::now() < deadline, "the withdrawn key opens the door");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        same(verdict(&verifier, token.expose()).await, "good")?;
        server.stop().await
    })
    .await
}
