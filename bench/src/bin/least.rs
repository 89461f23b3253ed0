//! The least axum server that parses a token request and signs: what Countersign's token endpoint is held against.
//!
//! It checks no secret, counts nothing, logs nothing, and signs on the I/O thread. Its tokens are as long as Countersign's:
//! what is hashed, encoded and sent is the same.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::routing::post;
use axum::{Json, Router};
use bytes::Bytes;
use countersign_token::issue::{SigningKey, sign};
use countersign_token::{Algorithm, Claims, TokenType};
use serde::{Deserialize, Serialize};

const KEY_ID: &str = "jwk-test-6c04db11-6a3a-4a2f-9e5e-0f4d0c7c3a55";
const PROJECT: &str = "project-test-6c04db11-6a3a-4a2f-9e5e-0f4d0c7c3a55";

#[derive(Deserialize)]
struct Request {
    client_id: String,
    #[expect(dead_code, reason = "parsed as it would have to be")]
    client_secret: String,
    #[expect(dead_code, reason = "parsed as it would have to be")]
    grant_type: String,
}

#[derive(Serialize)]
struct Answer {
    status_code: u16,
    access_token: String,
    token_type: &'static str,
    expires_in: i64,
}

#[tokio::main]
#[expect(clippy::print_stdout, reason = "says where it listens")]
async fn main() -> anyhow::Result<()> {
    let mut keys = Vec::new();
    for algorithm in Algorithm::ALL {
        let pkcs8 = SigningKey::generate(algorithm)?;
        keys.push((
            algorithm.name(),
            SigningKey::from_pkcs8(KEY_ID, algorithm, pkcs8.as_bytes())?,
        ));
    }
    let router = Router::new()
        .route("/{algorithm}", post(issue))
        .with_state(Arc::new(keys));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, router).await?;
    Ok(())
}

async fn issue(
    State(keys): State<Arc<Vec<(&'static str, SigningKey)>>>,
    Path(algorithm): Path<String>,
    body: Bytes,
) -> Result<Json<Answer>, String> {
    let request: Request = serde_urlencoded::from_bytes(&body).map_err(|error| error.to_string())?;
    let (_, key) = keys
        .iter()
        .find(|(name, _)| *name == algorithm)
        .ok_or("no such algorithm")?;
    let claims = Claims {
        iss: format!("http://127.0.0.1:40000/v1/public/{PROJECT}"),
        sub: request.client_id.clone(),
        aud: vec![PROJECT.to_owned()],
        scope: "read:bench write:bench".to_owned(),
        iat: 1_800_000_000,
        nbf: 1_800_000_000,
        exp: 1_800_003_600,
        jti: Some("6c04db11-6a3a-4a2f-9e5e-0f4d0c7c3a55".to_owned()),
        client_id: Some(request.client_id),
        extra: serde_json::Map::new(),
    };
    let access_token = sign(key, TokenType::AtJwt, &claims).map_err(|error| error.to_string())?;
    Ok(Json(Answer {
        status_code: 200,
        access_token,
        token_type: "bearer",
        expires_in: 3600,
    }))
}
