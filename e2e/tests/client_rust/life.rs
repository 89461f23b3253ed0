//! A client's whole life, on both databases, by http and https, in both profiles.

use anyhow::{Context as _, ensure};
use countersign_client::{TokenError, Verifier};
use countersign_e2e::{Engine, Server, identity};
use serde_json::json;

use super::{create, on_both_engines, same, serve, set_profile, source, verdict, verifier};

/// Each profile with the `typ` and `alg` of its tokens.
const PROFILES: [(&str, &str, &str); 4] = [
    ("stytch", "JWT", "RS256"),
    ("standard-rs256", "at+jwt", "RS256"),
    ("standard-es256", "at+jwt", "ES256"),
    ("standard-eddsa", "at+jwt", "EdDSA"),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_client_lives_and_dies() -> anyhow::Result<()> {
    on_both_engines(async |engine: &Engine| {
        for tls in [false, true] {
            let server = serve("client-rust-life", engine, tls).await?;
            // One for all: it has to tell the profiles apart.
            let verifier = verifier(&server, server.url()).build()?;
            for profile in PROFILES {
                life(&server, &verifier, profile).await.context(profile.0)?;
            }
            server.stop().await?;
        }
        Ok(())
    })
    .await
}

async fn life(
    server: &Server,
    verifier: &Verifier,
    (profile, typ, alg): (&str, &str, &str),
) -> anyhow::Result<()> {
    let client = create(server, &["read:reports", "write:*"]).await?;
    set_profile(server, &client, profile).await?;
    let tokens = source(server, server.url(), &client).build()?;

    let token = tokens.token().await?;
    let seen = countersign_token::unverified::decode(token.expose())?;
    same(seen.header["typ"].as_str(), Some(typ))?;
    same(seen.header["alg"].as_str(), Some(alg))?;
    for sight in ["first", "second"] {
        let caller = verifier.verify(token.expose()).await.context(sight)?;
        same(caller.client_id(), client.id.as_str())?;
        same(caller.scope(), "read:reports write:*")?;
        same(caller.audience(), &[identity::PROJECT_ID.to_owned()])?;
        same(caller.token_id().is_some(), typ == "at+jwt")?;
        same(caller.expires_at() - caller.issued_at(), 3600)?;
        ensure!(caller.has_scope("write:anything") && !caller.has_scope("read:users"));
    }

    let fewer = source(server, server.url(), &client)
        .scopes(["read:reports"])
        .build()?;
    let caller = verifier.verify(fewer.token().await?.expose()).await?;
    same(caller.scope(), "read:reports")?;
    let more = source(server, server.url(), &client)
        .scopes(["delete:reports"])
        .build()?;
    same(refusal(more.token().await)?, "invalid_scope".to_owned())?;

    let backend = server.backend();
    backend
        .update(&client.id, &json!({ "status": "inactive" }))
        .await?
        .ok()?;
    same(tokens.token().await?.expose(), token.expose())?;
    tokens.forget(&token);
    same(refusal(tokens.token().await)?, "invalid_client".to_owned())?;
    // A token is not revoked by that; it ends when it says.
    same(verdict(verifier, token.expose()).await, "good")?;

    backend
        .update(&client.id, &json!({ "status": "active" }))
        .await?
        .ok()?;
    // A source of its own: the other one gives the refusal out for a second, whoever asks.
    let again = source(server, server.url(), &client).build()?;
    same(verdict(verifier, again.token().await?.expose()).await, "good")?;

    backend.delete(&client.id).await?.ok()?;
    let after = source(server, server.url(), &client).build()?;
    same(refusal(after.token().await)?, "invalid_client".to_owned())
}

/// The code of a refusal of the server; it must say which request that was.
fn refusal<T>(answer: Result<T, TokenError>) -> anyhow::Result<String> {
    match answer {
        Err(TokenError::Refused {
            code,
            status: 400,
            request_id: Some(_),
            ..
        }) => Ok(code),
        Err(error) => Err(error.into()),
        Ok(_) => anyhow::bail!("there is a token"),
    }
}
