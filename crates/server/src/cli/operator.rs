//! `countersign operator …`: who administers this installation.

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use super::calling::Call;
use super::connection::{OperatorConnection, id};
use super::env_file::Reader;
use super::paging::{Page, PageArgs};
use super::printing::{Columns, Output};
use super::project::add;
use super::shown_once::{SaveArgs, Secret};

const COLUMNS: &Columns = &[
    ("operator id", "/operator_id"),
    ("name", "/name"),
    ("role", "/role"),
    ("projects", "/project_ids"),
    ("last four", "/last_four"),
    ("created", "/created_at"),
    ("last used", "/last_used_at"),
    ("revoked", "/revoked_at"),
];

/// The people and scripts that administer this installation. Needs an operator's key.
#[derive(Debug, Args)]
pub(crate) struct OperatorArgs {
    #[command(flatten)]
    connection: OperatorConnection,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Create an operator. Its key is shown this once, or saved.
    #[command(after_help = "Examples:
  countersign operator create --name terraform --role admin --save terraform.env
  countersign operator create --name dashboard --project \"$COUNTERSIGN_PROJECT_ID\"")]
    Create {
        /// For people: who or what this is.
        #[arg(long)]
        name: String,
        /// What it may do [default: read-only].
        #[arg(long, value_parser = ["admin", "read-only"])]
        role: Option<String>,
        /// A project that it sees; may be repeated [default: all, and the installation itself].
        #[arg(long = "project", value_name = "PROJECT_ID")]
        projects: Vec<String>,
        #[command(flatten)]
        save: SaveArgs,
    },
    /// List operators with their last use, revoked ones too.
    #[command(after_help = "Example:\n  countersign operator list")]
    List {
        #[command(flatten)]
        page: PageArgs,
    },
    /// Revoke an operator. Its key stops working within a second.
    #[command(after_help = "Example:\n  countersign operator revoke operator-7f0e…")]
    Revoke {
        /// The operator's id, as `list` shows it.
        #[arg(value_parser = id)]
        operator_id: String,
    },
}

impl OperatorArgs {
    pub(super) async fn run(&self, output: Output) -> anyhow::Result<()> {
        let connected = self.connection.connect()?;
        let path = ["admin", "v1", "operators"];
        match &self.verb {
            Verb::Create {
                name,
                role,
                projects,
                save,
            } => {
                let place = save.prepare()?;
                let mut body = Map::from_iter([("name".to_owned(), json!(name))]);
                add(&mut body, "role", role.as_deref());
                add(
                    &mut body,
                    "project_ids",
                    (!projects.is_empty()).then(|| projects.clone()),
                );
                let secret = Secret {
                    answer: connected
                        .send(Call::post(&path).json(Value::Object(body)))
                        .await?,
                    object: "/operator",
                    columns: COLUMNS,
                    secret: "/operator_key",
                    variable: "COUNTERSIGN_OPERATOR_KEY",
                    beside: Vec::new(),
                    reader: Reader::Shell,
                };
                secret.bring_to(place, output, &connected.server)
            }
            Verb::List { page } => {
                let ask = async |page: Page| {
                    let call = Call::get(&path).query("limit", page.limit);
                    connected.send(call.query("cursor", page.cursor)).await
                };
                page.show(output, "/operators", COLUMNS, ask).await
            }
            Verb::Revoke { operator_id } => {
                let call = Call::delete(&["admin", "v1", "operators", operator_id]);
                output.object(&connected.send(call).await?, "", &[("revoked", "/operator_id")])
            }
        }
    }
}
