//! Every refusal that a real server's token can meet, and clocks that disagree.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use countersign_client::{JwkSet, Profile, Refusal, Verifier};
use countersign_e2e::{Engine, identity};

use super::{Skewed, create, on_both_engines, rotate_key, same, serve, source, verdict, verifier};

#[tokio::test(flavor = "multi_thread")]
async fn every_refusal_is_reached() -> anyhow::Result<()> {
    on_both_engines(async |engine: &Engine| {
        let server = serve("client-rust-refusals", engine, false).await?;
        let client = create(&server, &["read:reports"]).await?;
        let tokens = source(&server, server.url(), &client).build()?;
        let token = tokens.token().await?;
        let (token, url) = (token.expose(), server.url());
        let builder = || verifier(&server, url);

        // What is done to the token.
        let verifier = builder().build()?;
        same(verdict(&verifier, token).await, "good")?;
        for (changed, code) in [
            (format!("{token}{}", "A".repeat(16 * 1024)), "oversize"),
            (format!("{token} "), "malformed"),
            (
                with_header(token, |header| header.replacen('{', r#"{"kid":"k","#, 1))?,
                "duplicate_member",
            ),
            (
                with_header(token, |header| header.replace("RS256", "none"))?,
                "unsupported_algorithm",
            ),
            (
                with_header(token, |header| header.replace("RS256", "HS256"))?,
                "unsupported_algorithm",
            ),
            (
                with_header(token, |header| header.replacen('{', r#"{"crit":["b64"],"#, 1))?,
                "critical_header",
            ),
            (
                with_header(token, |header| header.replace("kid", "kie"))?,
                "missing_key_id",
            ),
            (
                with_header(token, |header| header.replace("jwk-", "jwx-"))?,
                "unknown_key",
            ),
            (
                with_header(token, |header| header.replace("RS256", "ES256"))?,
                "algorithm_mismatch",
            ),
            (
                with_header(token, |header| header.replace("JWT", "JWS"))?,
                "wrong_type",
            ),
            (
                with_header(token, |header| format!("{header} "))?,
                "bad_signature",
            ),
        ] {
            same(verdict(&verifier, &changed).await, code).with_context(|| code)?;
        }

        // What is expected of it.
        let jwks = format!("{url}/v1/public/{}/jwks.json", identity::PROJECT_ID);
        let stranger = || Verifier::builder().issuer("https://else.example").jwks_url(&jwks);
        let client_of =
            |builder: countersign_client::VerifierBuilder| builder.http(server.client().clone()).build();
        for (verifier, code) in [
            (builder().profile(Profile::Standard).build()?, "wrong_type"),
            (
                client_of(stranger().audience(identity::PROJECT_ID))?,
                "wrong_issuer",
            ),
            (
                builder().audience("https://else.example").build()?,
                "wrong_audience",
            ),
            (builder().keys(JwkSet::default()).build()?, "unknown_key"),
            (
                builder().jwks_url("http://127.0.0.1:9/").build()?,
                "keys_unavailable",
            ),
            (
                builder().jwks_url(format!("{url}/nothing")).build()?,
                "keys_unavailable",
            ),
        ] {
            same(verdict(&verifier, token).await, code).with_context(|| code)?;
        }
        let caller = verifier.verify(token).await?;
        let refusal = caller.require_scopes(&["write:reports"]).err();
        ensure!(
            refusal.as_ref().map(Refusal::code) == Some("missing_scope"),
            "{refusal:?}"
        );

        // What the server did meanwhile.
        rotate_key(&server, true).await?;
        same(verdict(&builder().build()?, token).await, "unknown_key")?;
        server.stop().await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn clocks_that_disagree_are_told_apart_by_the_tolerance() -> anyhow::Result<()> {
    let server = serve("client-rust-clocks", &Engine::Sqlite, false).await?;
    let client = create(&server, &[]).await?;
    let token = source(&server, server.url(), &client).build()?.token().await?;
    let clock = Skewed::default();
    let builder = || verifier(&server, server.url()).clock(clock.clone());
    let strict = builder().build()?;
    let lenient = builder().clock_tolerance(Duration::from_secs(60)).build()?;
    let impatient = builder().max_age(Duration::from_secs(600)).build()?;
    // Seconds, and what each says. The server's token lives an hour; the margins are wide enough for a slow machine.
    for (skew, expected) in [
        (0, ["good", "good", "good"]),
        (-30, ["not_yet_valid", "good", "not_yet_valid"]),
        (-3_000, ["not_yet_valid", "not_yet_valid", "not_yet_valid"]),
        (1_800, ["good", "good", "too_old"]),
        (3_600, ["expired", "good", "expired"]),
        (7_200, ["expired", "expired", "expired"]),
    ] {
        clock.set(skew);
        for (verifier, expected) in [&strict, &lenient, &impatient].into_iter().zip(expected) {
            same(verdict(verifier, token.expose()).await, expected)
                .with_context(|| format!("by {skew} s"))?;
        }
    }
    server.stop().await
}

/// The token with another header. The signature no longer fits, which is judged after the header.
fn with_header(token: &str, change: impl Fn(&str) -> String) -> anyhow::Result<String> {
    let (header, rest) = token.split_once('.').context("no token")?;
    let header = String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(header)?)?;
    let changed = change(&header);
    ensure!(changed != header, "nothing was changed in {header}");
    Ok(format!("{}.{rest}", BASE64_URL_SAFE_NO_PAD.encode(changed)))
}
