//! `countersign project secret …`: several may live at once, so that one can be replaced without an interruption.

use clap::{Args, Subcommand};
use serde_json::json;

use crate::cli::calling::{Call, Connected};
use crate::cli::connection::{ProjectArgs, id};
use crate::cli::env_file::Reader;
use crate::cli::printing::{Columns, Output};
use crate::cli::shown_once::{SaveArgs, Secret};

const COLUMNS: &Columns = &[
    ("secret id", "/secret_id"),
    ("name", "/name"),
    ("last four", "/last_four"),
    ("created", "/created_at"),
    ("last used", "/last_used_at"),
    ("revoked", "/revoked_at"),
];

/// A project's secrets: what its backends manage clients with.
#[derive(Debug, Args)]
pub(super) struct SecretArgs {
    #[command(flatten)]
    project: ProjectArgs,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Create a secret. It works beside the others at once.
    #[command(
        after_help = "Example:\n  countersign project secret create --name 'deploy pipeline' --save pipeline.env"
    )]
    Create {
        /// For people: where it is used.
        #[arg(long)]
        name: String,
        #[command(flatten)]
        save: SaveArgs,
    },
    /// List the secrets with their last use, revoked ones too.
    #[command(after_help = "Example:\n  countersign project secret list")]
    List,
    /// Revoke a secret. It stops working within a second.
    #[command(after_help = "Example:\n  countersign project secret revoke project-secret-0b6c…")]
    Revoke {
        /// The secret's id, as `list` shows it.
        #[arg(value_parser = id)]
        secret_id: String,
    },
}

impl SecretArgs {
    pub(super) async fn run(&self, connected: &Connected, output: Output) -> anyhow::Result<()> {
        let project_id = self.project.id()?;
        let path = ["admin", "v1", "projects", &project_id, "secrets"];
        match &self.verb {
            Verb::Create { name, save } => {
                let place = save.prepare()?;
                let answer = connected
                    .send(Call::post(&path).json(json!({ "name": name })))
                    .await?;
                let secret = Secret {
                    answer,
                    object: "/project_secret",
                    columns: COLUMNS,
                    secret: "/project_secret/secret",
                    variable: "COUNTERSIGN_PROJECT_SECRET",
                    beside: vec![("COUNTERSIGN_PROJECT_ID", &project_id)],
                    reader: Reader::Shell,
                };
                secret.bring_to(place, output, &connected.server)
            }
            Verb::List => {
                let answer = connected.send(Call::get(&path)).await?;
                output.list(&answer, "/project_secrets", COLUMNS)
            }
            Verb::Revoke { secret_id } => {
                let path = ["admin", "v1", "projects", &project_id, "secrets", secret_id];
                let answer = connected.send(Call::delete(&path)).await?;
                output.object(&answer, "", &[("revoked", "/secret_id")])
            }
        }
    }
}
