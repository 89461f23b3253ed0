//! `countersign client …`: a project's M2M clients, by the wire's API as SDKs use it; `list` by the admin API.

mod fields;
mod rotate;
mod search;

use clap::{Args, Subcommand};
use serde_json::json;

use super::calling::{Answer, Call, Caller, Connected};
use super::connection::{OperatorKeyArgs, ProjectArgs, ProjectSecretArgs, ServerArgs, id};
use super::env_file::Reader;
use super::paging::{Page, PageArgs};
use super::printing::{Columns, Output};
use super::shown_once::{Place, SaveArgs, Secret};
use fields::{ChangedFields, ImportedFields, NewFields};

/// What is shown of a client.
const COLUMNS: &Columns = &[
    ("client id", "/client_id"),
    ("name", "/client_name"),
    ("description", "/client_description"),
    ("status", "/status"),
    ("scopes", "/scopes"),
    ("metadata", "/trusted_metadata"),
    ("secret ends in", "/client_secret_last_four"),
    ("next secret ends in", "/next_client_secret_last_four"),
];

/// Where a new client's secret is in the answer.
const NEW_SECRET: &str = "/m2m_client/client_secret";

/// What is shown of many.
const LIST_COLUMNS: &Columns = &[
    ("client id", "/client_id"),
    ("name", "/client_name"),
    ("status", "/status"),
    ("scopes", "/scopes"),
    ("secret", "/client_secret_last_four"),
    ("next", "/next_client_secret_last_four"),
];

/// What is shown of a client whose tokens look otherwise.
const PROFILE_COLUMNS: &Columns = &[
    ("client id", "/client_id"),
    ("name", "/client_name"),
    ("token profile", "/token_profile"),
];

/// In place of a profile: the project's own.
const THE_PROJECTS: &str = "project";
const PROFILES: [&str; 5] = [
    "stytch",
    "standard-rs256",
    "standard-es256",
    "standard-eddsa",
    THE_PROJECTS,
];

/// M2M clients and their secrets.
///
/// Calls with the project's secret, as SDKs do; `import`, `list`, `rotate status` and `token-profile` need an operator's key.
#[derive(Debug, Args)]
pub(crate) struct ClientArgs {
    #[command(flatten)]
    connection: Connection,
    #[command(subcommand)]
    verb: Verb,
}

/// What the verbs need of each.
#[derive(Debug, Args)]
struct Connection {
    #[command(flatten)]
    server: ServerArgs,
    #[command(flatten)]
    project: ProjectArgs,
    #[command(flatten)]
    project_secret: ProjectSecretArgs,
    #[command(flatten)]
    operator_key: OperatorKeyArgs,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Create a client. Its secret is shown this once, or saved.
    #[command(after_help = "Examples:
  countersign client create --name billing --scope read:usage --save billing.env
  countersign client create --id billing --secret-file old.txt --metadata '{\"team\":\"billing\"}'

The file of --save has NAME=value lines, for `token get --from`, systemd and docker.")]
    Create {
        #[command(flatten)]
        fields: NewFields,
        #[command(flatten)]
        save: SaveArgs,
    },
    /// Import a client by the digest that another system kept of its secret. Needs an operator's key.
    #[command(after_help = "Example:
  countersign client import --id billing --scope read:usage --digest-file billing.bcrypt

The client keeps its secret. At its first login the digest is replaced by one of Countersign's own.")]
    Import {
        #[command(flatten)]
        fields: ImportedFields,
    },
    /// Show a client.
    #[command(
        after_help = "Example:\n  countersign client get m2m-client-test-d731954d-dab3-4a2b-bdee-07f3ad1be885"
    )]
    Get {
        /// The client.
        #[arg(value_parser = id)]
        client_id: String,
    },
    /// List clients by part of their name or id, and by status. Needs an operator's key.
    #[command(after_help = "Example:\n  countersign client list --contains billing --status active")]
    List {
        /// Name or id contains this, whatever the case.
        #[arg(long, value_name = "TEXT")]
        contains: Option<String>,
        /// Only these.
        #[arg(long, value_parser = ["active", "inactive"])]
        status: Option<String>,
        #[command(flatten)]
        page: PageArgs,
    },
    Search(search::SearchArgs),
    /// Change a client. What is not named stays.
    #[command(after_help = "Examples:
  countersign client update billing --scope read:usage
  countersign client update billing --status inactive
  countersign client update billing --metadata '{\"team\":\"finance\",\"obsolete\":null}'")]
    Update {
        /// The client.
        #[arg(value_parser = id)]
        client_id: String,
        #[command(flatten)]
        fields: ChangedFields,
    },
    /// Delete a client. Tokens already out stay valid until they expire.
    #[command(after_help = "Example:\n  countersign client delete billing")]
    Delete {
        /// The client.
        #[arg(value_parser = id)]
        client_id: String,
    },
    /// Set how one client's tokens look, whatever the project's do. Needs an operator's key.
    #[command(after_help = "Examples:
  countersign client token-profile billing standard-es256
  countersign client token-profile billing project")]
    TokenProfile {
        /// The client.
        #[arg(value_parser = id)]
        client_id: String,
        /// A profile, or `project` for the project's own.
        #[arg(value_parser = PROFILES)]
        profile: String,
    },
    Rotate(rotate::RotateArgs),
}

impl ClientArgs {
    pub(super) async fn run(&self, output: Output) -> anyhow::Result<()> {
        let connection = &self.connection;
        match &self.verb {
            Verb::Create { fields, save } => connection.create(fields, save, output).await,
            Verb::Import { fields } => {
                let project_id = connection.project.id()?;
                let path = ["admin", "v1", "projects", &project_id, "clients"];
                let call = Call::post(&path).json(fields.body()?);
                let answer = connection.as_operator()?.send(call).await?;
                output.object(&answer, "/client", COLUMNS)
            }
            Verb::Get { client_id } => {
                let call = Call::get(&["v1", "m2m", "clients", client_id]);
                let answer = connection.as_project()?.send(call).await?;
                output.object(&answer, "/m2m_client", COLUMNS)
            }
            Verb::List {
                contains,
                status,
                page,
            } => {
                connection
                    .list(contains.as_deref(), status.as_deref(), page, output)
                    .await
            }
            Verb::Search(search) => search.run(&connection.as_project()?, output).await,
            Verb::Update { client_id, fields } => {
                let call = Call::put(&["v1", "m2m", "clients", client_id]).json(fields.body()?);
                let answer = connection.as_project()?.send(call).await?;
                output.object(&answer, "/m2m_client", COLUMNS)
            }
            Verb::Delete { client_id } => {
                let call = Call::delete(&["v1", "m2m", "clients", client_id]);
                let answer = connection.as_project()?.send(call).await?;
                output.object(&answer, "", &[("deleted", "/client_id")])
            }
            Verb::TokenProfile { client_id, profile } => {
                let profile = (profile != THE_PROJECTS).then_some(profile);
                let project_id = connection.project.id()?;
                let path = ["admin", "v1", "projects", &project_id, "clients", client_id];
                let call = Call::put(&path).json(json!({ "token_profile": profile }));
                let answer = connection.as_operator()?.send(call).await?;
                output.object(&answer, "/client", PROFILE_COLUMNS)
            }
            Verb::Rotate(rotate) => rotate.run(connection, output).await,
        }
    }
}

impl Connection {
    /// The server, called by the project.
    fn as_project(&self) -> anyhow::Result<Connected> {
        let (id, secret) = (self.project.id()?, self.project_secret.secret()?);
        Ok(Connected {
            server: self.server.server()?,
            caller: Caller::Project { id, secret },
        })
    }

    /// The server, called by the operator.
    fn as_operator(&self) -> anyhow::Result<Connected> {
        Ok(Connected {
            server: self.server.server()?,
            caller: self.operator_key.caller()?,
        })
    }

    async fn create(&self, fields: &NewFields, save: &SaveArgs, output: Output) -> anyhow::Result<()> {
        let connected = self.as_project()?;
        let body = fields.body()?;
        let place = save.prepare()?;
        let answer = connected
            .send(Call::post(&["v1", "m2m", "clients"]).json(body))
            .await?;
        if fields.bring_their_secret() && save.is_to_screen() {
            // Whoever brought the secret has it; the screen need not.
            return output.object(&answer.without(NEW_SECRET), "/m2m_client", COLUMNS);
        }
        self.bring(answer, NEW_SECRET, place, output, &connected)
    }

    /// Brings a client's new secret to its place.
    fn bring(
        &self,
        answer: Answer,
        secret: &'static str,
        place: Place,
        output: Output,
        connected: &Connected,
    ) -> anyhow::Result<()> {
        let project_id = self.project.id()?;
        let client_id = answer.text_at("/m2m_client/client_id")?.to_owned();
        let secret = Secret {
            answer,
            object: "/m2m_client",
            columns: COLUMNS,
            secret,
            variable: "COUNTERSIGN_CLIENT_SECRET",
            beside: vec![
                ("COUNTERSIGN_PROJECT_ID", &project_id),
                ("COUNTERSIGN_CLIENT_ID", &client_id),
            ],
            reader: Reader::Service,
        };
        secret.bring_to(place, output, &connected.server)
    }

    async fn list(
        &self,
        contains: Option<&str>,
        status: Option<&str>,
        page: &PageArgs,
        output: Output,
    ) -> anyhow::Result<()> {
        let (connected, project_id) = (self.as_operator()?, self.project.id()?);
        let ask = async |page: Page| {
            let call = Call::get(&["admin", "v1", "projects", &project_id, "clients"])
                .query("contains", contains)
                .query("status", status)
                .query("limit", page.limit)
                .query("cursor", page.cursor);
            connected.send(call).await
        };
        page.show(output, "/clients", LIST_COLUMNS, ask).await
    }
}
