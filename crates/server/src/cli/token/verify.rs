//! `countersign token verify`: offline, as a resource server does it, against the project's published keys.

use std::path::PathBuf;

use clap::Args;
use countersign_core::Timestamp;
use countersign_token::{Claims, Expected, JwkSet, Refusal, TokenType, VerifyingKeys, satisfies, verify};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::cli::calling::{Call, Caller, Server};
use crate::cli::connection::{ProjectArgs, ServerArgs};
use crate::cli::exit::Exit;
use crate::cli::printing::{Columns, Output, details};
use crate::clock::{Clock, SystemClock};

const COLUMNS: &Columns = &[
    ("client", "/sub"),
    ("scopes", "/scope"),
    ("audience", "/aud"),
    ("issuer", "/iss"),
    ("issued", "/issued_at"),
    ("expires", "/expires_at"),
];

/// Verify a token: signature, issuer, audience, times, scopes.
///
/// The project's keys are fetched from the server; the token itself never leaves this machine.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  countersign token get --from billing.env | countersign token verify -
  countersign token verify token.txt --scope read:usage --json

Ends with 0 for a token to be believed, and with 1 for any other.")]
pub(super) struct VerifyArgs {
    /// File with the token, - for standard input.
    file: PathBuf,
    /// A scope that the token must have; may be repeated.
    #[arg(long = "scope", value_name = "SCOPE", value_delimiter = ' ')]
    scopes: Vec<String>,
    /// Whom the token must be for [default: the project].
    #[arg(long, value_name = "AUDIENCE")]
    audience: Option<String>,
    /// Who must have issued it [default: either issuer of the project].
    #[arg(long, value_name = "ISSUER")]
    issuer: Option<String>,
}

/// One of a project's two kinds of tokens: what a verifier of that kind expects, and where it finds keys.
struct Kind {
    token_type: TokenType,
    issuer: String,
    keys: VerifyingKeys,
}

impl VerifyArgs {
    pub(super) async fn run(
        &self,
        server: &ServerArgs,
        project: &ProjectArgs,
        output: Output,
    ) -> anyhow::Result<()> {
        let token = super::read(&self.file)?;
        let token = token.expose_secret().trim();
        let (server, project_id) = (server.server()?, project.id()?);
        let claims = match self.judge(token, &stytch(&server, &project_id).await?, &project_id) {
            // The header's type tells the two kinds apart, and it is checked before anything else of the token is believed.
            Err(Refusal::WrongType) => self.judge(token, &standard(&server, &project_id).await?, &project_id),
            judged => judged,
        };
        let claims = claims
            .map_err(|refusal| Exit::Failed.because(format!("refused: {refusal} ({})", refusal.code())))?;
        self.check_scopes(&claims)?;
        let value = serde_json::to_value(&claims)?;
        output.own(&value, || {
            format!("valid\n\n{}", details(COLUMNS, &with_times(&value, &claims)))
        })
    }

    fn judge(&self, token: &str, kind: &Kind, project_id: &str) -> Result<Claims, Refusal> {
        let expected = Expected {
            issuers: &[self.issuer.as_deref().unwrap_or(&kind.issuer)],
            audience: self.audience.as_deref().unwrap_or(project_id),
            types: &[kind.token_type],
            leeway_seconds: 0,
            max_age_seconds: None,
        };
        verify(token, &kind.keys, &expected, SystemClock.now().as_second())
    }

    fn check_scopes(&self, claims: &Claims) -> anyhow::Result<()> {
        match self
            .scopes
            .iter()
            .find(|needed| !satisfies(&claims.scope, needed))
        {
            Some(missing) => {
                Err(Exit::Failed.because(format!("refused: the token lacks the scope {missing}")))
            }
            None => Ok(()),
        }
    }
}

/// The kind that SDKs of the wire verify.
async fn stytch(server: &Server, project_id: &str) -> anyhow::Result<Kind> {
    Ok(Kind {
        token_type: TokenType::Jwt,
        issuer: format!("stytch.com/{project_id}"),
        keys: keys(server, &["v1", "sessions", "jwks", project_id]).await?,
    })
}

/// RFC 9068.
async fn standard(server: &Server, project_id: &str) -> anyhow::Result<Kind> {
    let path = [
        ".well-known",
        "oauth-authorization-server",
        "v1",
        "public",
        project_id,
    ];
    let metadata = server.ask(Call::get(&path), &Caller::Nobody).await?.good()?;
    Ok(Kind {
        token_type: TokenType::AtJwt,
        issuer: metadata.text_at("/issuer")?.to_owned(),
        keys: keys(server, &["v1", "public", project_id, "jwks.json"]).await?,
    })
}

async fn keys(server: &Server, path: &[&str]) -> anyhow::Result<VerifyingKeys> {
    let answer = server.ask(Call::get(path), &Caller::Nobody).await?.good()?;
    Ok(VerifyingKeys::from_set(&JwkSet::from_json(
        answer.text.as_bytes(),
    )?))
}

/// The claims, and their times as people read them.
fn with_times(value: &Value, claims: &Claims) -> Value {
    let mut value = value.clone();
    for (name, seconds) in [("issued_at", claims.iat), ("expires_at", claims.exp)] {
        value[name] = json!(Timestamp::from_second(seconds).ok());
    }
    value
}
