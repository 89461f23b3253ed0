//! `countersign key …`: a project's signing keys.

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use super::calling::Call;
use super::connection::{OperatorConnection, ProjectArgs};
use super::printing::{Columns, Output, note};
use super::project::add;

const COLUMNS: &Columns = &[
    ("kid", "/kid"),
    ("algorithm", "/algorithm"),
    ("state", "/state"),
    ("announced", "/announced_at"),
    ("signs from", "/activate_at"),
    ("signs until", "/retire_at"),
    ("published until", "/drop_at"),
];

/// A project's signing keys. Needs an operator's key.
#[derive(Debug, Args)]
pub(crate) struct KeyArgs {
    #[command(flatten)]
    connection: OperatorConnection,
    #[command(flatten)]
    project: ProjectArgs,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List the keys and where each is in its life.
    #[command(after_help = "Example:\n  countersign key list")]
    List,
    /// Make a new key. It is announced before it signs, so that every verifier knows it by then.
    #[command(after_help = "Examples:
  countersign key rotate
  countersign key rotate --algorithm ES256
  countersign key rotate --emergency")]
    Rotate {
        /// Of the key [default: RS256].
        #[arg(long, value_parser = ["RS256", "ES256", "EdDSA"])]
        algorithm: Option<String>,
        /// The present key is compromised: the new one signs at once, and every earlier one of the algorithm is withdrawn at
        /// once. Tokens signed by them are refused as soon as verifiers read the key set again.
        #[arg(long)]
        emergency: bool,
    },
}

impl KeyArgs {
    pub(super) async fn run(&self, output: Output) -> anyhow::Result<()> {
        let (connected, project_id) = (self.connection.connect()?, self.project.id()?);
        let keys = ["admin", "v1", "projects", &project_id, "keys"];
        match &self.verb {
            Verb::List => output.list(&connected.send(Call::get(&keys)).await?, "/keys", COLUMNS),
            Verb::Rotate { algorithm, emergency } => {
                let mut body = Map::from_iter([("emergency".to_owned(), json!(emergency))]);
                add(&mut body, "algorithm", algorithm.as_deref());
                let path = [&keys[..], &["rotate"]].concat();
                let answer = connected
                    .send(Call::post(&path).json(Value::Object(body)))
                    .await?;
                output.object(&answer, "/key", COLUMNS)?;
                if !output.json {
                    note(answer.text_at("/note")?);
                }
                Ok(())
            }
        }
    }
}
