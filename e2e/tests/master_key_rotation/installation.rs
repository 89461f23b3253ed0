//! An installation with something to lose.

use std::path::Path;

use anyhow::{Context as _, ensure};
use countersign_e2e::{Backend, Options, Server, identity};
use countersign_token::{Expected, JwkSet, TokenType, VerifyingKeys, unverified, verify};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Its data, and what callers have of it.
pub(super) struct Installation {
    data: TempDir,
    /// Client ids with their secrets: generated, imported, and both of a rotation.
    credentials: Vec<(String, String)>,
    token: String,
    jwk_set: Value,
}

impl Installation {
    pub(super) async fn make() -> anyhow::Result<Self> {
        let data = TempDir::new()?;
        let server = serve(data.path()).await?;
        let backend = server.backend();
        let mut credentials = Vec::new();
        for draft in [json!({}), json!({ "client_secret": "Walrus-7-umbrella-Quartz" })] {
            let made = backend.create(&draft).await?.ok()?;
            credentials.push(credential(&made, "client_secret")?);
        }
        let rotating = credential(&backend.create(&json!({})).await?.ok()?, "client_secret")?;
        let started = backend.start_rotation(&rotating.0).await?.ok()?;
        credentials.extend([rotating, credential(&started, "next_client_secret")?]);
        let token = token(&backend, &credentials[0]).await?;
        let jwk_set = jwk_set(&backend).await?;
        server.stop().await?;
        Ok(Self {
            data,
            credentials,
            token,
            jwk_set,
        })
    }

    pub(super) fn master_key(&self) -> anyhow::Result<String> {
        Ok(std::fs::read_to_string(self.data.path().join("master.key"))?)
    }

    /// Its data once more, to be ruined.
    pub(super) fn copy(&self) -> anyhow::Result<TempDir> {
        let copy = TempDir::new()?;
        for entry in std::fs::read_dir(self.data.path())? {
            let entry = entry?;
            std::fs::copy(entry.path(), copy.path().join(entry.file_name()))?;
        }
        Ok(copy)
    }

    /// Checks that a server on this data has the same keys, and takes all secrets and tokens that were given out.
    pub(super) async fn works_in(&self, data_dir: &Path) -> anyhow::Result<()> {
        let server = serve(data_dir).await?;
        let backend = server.backend();
        let jwk_set = jwk_set(&backend).await?;
        ensure!(jwk_set == self.jwk_set, "other signing keys: {jwk_set}");
        verifies(&self.token, &jwk_set).context("the old token")?;
        for credential in &self.credentials {
            let token = token(&backend, credential)
                .await
                .context("a token by an old secret")?;
            verifies(&token, &jwk_set).context("a new token")?;
        }
        backend.create(&json!({})).await?.ok().context("a new client")?;
        server.stop().await
    }
}

async fn serve(data_dir: &Path) -> anyhow::Result<Server> {
    Server::start(Options {
        name: "master-key",
        data_dir: Some(data_dir.to_owned()),
        ..Options::default()
    })
    .await
}

fn credential(answer: &Value, secret: &str) -> anyhow::Result<(String, String)> {
    let text = |name: &str| {
        answer["m2m_client"][name]
            .as_str()
            .map(str::to_owned)
            .context("no text")
    };
    Ok((text("client_id")?, text(secret)?))
}

async fn token(backend: &Backend, (id, secret): &(String, String)) -> anyhow::Result<String> {
    let answer = backend.token(id, secret).await?.ok()?;
    answer["access_token"]
        .as_str()
        .map(str::to_owned)
        .context("no token")
}

async fn jwk_set(backend: &Backend) -> anyhow::Result<Value> {
    Ok(backend.jwk_set().await?.ok()?["keys"].take())
}

fn verifies(token: &str, keys: &Value) -> anyhow::Result<()> {
    let keys = JwkSet::from_json(json!({ "keys": keys }).to_string().as_bytes())?;
    let issuer = format!("stytch.com/{}", identity::PROJECT_ID);
    let expected = Expected {
        issuers: &[&issuer],
        audience: identity::PROJECT_ID,
        types: &[TokenType::Jwt],
        leeway_seconds: 0,
        max_age_seconds: None,
    };
    let issued_at = unverified::decode(token)?.claims["iat"]
        .as_i64()
        .context("no iat")?;
    verify(token, &VerifyingKeys::from_set(&keys), &expected, issued_at)?;
    Ok(())
}
