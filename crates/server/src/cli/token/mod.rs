//! `countersign token …`: get a token as a client does, and look at one as a resource server does.

mod get;
mod verify;

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args, Subcommand};
use countersign_token::unverified;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::connection::{ProjectArgs, ServerArgs};
use super::printing::Output;
use super::secret_input;

/// Get, verify and decode access tokens.
#[derive(Debug, Args)]
pub(crate) struct TokenArgs {
    #[command(flatten)]
    server: ServerArgs,
    #[command(flatten)]
    project: ProjectArgs,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Get(get::GetArgs),
    Verify(verify::VerifyArgs),
    /// Show what a token says, without verifying anything.
    #[command(
        after_help = "Example:\n  countersign token get --from billing.env | countersign token decode -"
    )]
    Decode {
        /// File with the token, - for standard input.
        #[arg(default_value = "-")]
        file: PathBuf,
    },
}

impl TokenArgs {
    pub(super) async fn run(&self, output: Output) -> anyhow::Result<()> {
        match &self.verb {
            Verb::Get(get) => get.run(&self.server, &self.project, output).await,
            Verb::Verify(verify) => verify.run(&self.server, &self.project, output).await,
            Verb::Decode { file } => decode(file, output),
        }
    }
}

fn decode(file: &Path, output: Output) -> anyhow::Result<()> {
    let token = read(file)?;
    let seen = unverified::decode(token.expose_secret().trim())?;
    let value = json!({ "header": seen.header, "claims": seen.claims, "verified": false });
    let (header, claims) = (
        serde_json::to_string_pretty(&seen.header).context("header")?,
        serde_json::to_string_pretty(&seen.claims).context("claims")?,
    );
    output.own(&value, || {
        format!(
            "Nothing was verified: anyone can write a token that says this.\n\nheader {header}\nclaims {claims}\n"
        )
    })
}

/// The token of a file or of standard input.
fn read(file: &Path) -> anyhow::Result<SecretString> {
    secret_input::read(file)
}
