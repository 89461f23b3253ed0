//! `countersign provider …`: the upstream APIs that the gateway calls, and the credentials for them.

mod credential;
mod document;
mod fields;

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use super::calling::{Call, Connected};
use super::connection::{OperatorKeyArgs, ProjectArgs, ServerArgs, id};
use super::paging::{Page, PageArgs};
use super::printing::{Columns, Output};
use document::DocumentArg;
use fields::{ChangedFields, Fields};

/// What is shown of a provider.
const COLUMNS: &Columns = &[
    ("provider", "/name"),
    ("version", "/version"),
    ("base url", "/base_url"),
    ("private ranges", "/allowed_cidrs"),
    ("further hosts", "/further_hosts"),
    ("rules", "/rules"),
    ("limits", "/limits"),
    ("keeps cookies", "/keep_cookies"),
    ("path parameters", "/path_parameters"),
    ("document", "/document/sha256"),
    ("created", "/created_at"),
    ("updated", "/updated_at"),
];

/// What is shown of many.
const LIST_COLUMNS: &Columns = &[
    ("provider", "/name"),
    ("base url", "/base_url"),
    ("updated", "/updated_at"),
];

/// Upstream APIs that clients call through the gateway, with credentials that they never hold. Needs an operator's key.
#[derive(Debug, Args)]
pub(crate) struct ProviderArgs {
    #[command(flatten)]
    connection: Connection,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Args)]
struct Connection {
    #[command(flatten)]
    server: ServerArgs,
    #[command(flatten)]
    project: ProjectArgs,
    #[command(flatten)]
    operator_key: OperatorKeyArgs,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Add a provider by its OpenAPI document.
    #[command(after_help = "Examples:
  countersign provider add acme --openapi https://api.acme.example/openapi.json
  countersign provider add intranet --openapi intranet.yaml \\
    --base-url http://10.20.0.7:8080 --allow-cidr 10.20.0.0/16
  countersign provider add acme --openapi acme.yaml \\
    --rule '{\"name\":\"read\",\"scope\":\"gateway:acme/read\",\"paths\":[\"/users/**\"]}'

Then: countersign provider credential set acme --kind bearer")]
    Add {
        /// Its name, in paths and scopes: letters a-z, digits and -.
        #[arg(value_parser = id)]
        name: String,
        /// Its OpenAPI 3.0 or 3.1 document, JSON or YAML: a file, a URL, or - for standard input.
        #[arg(long, value_name = "FILE|URL")]
        openapi: DocumentArg,
        #[command(flatten)]
        fields: Fields,
    },
    /// List providers.
    #[command(after_help = "Example:\n  countersign provider list")]
    List {
        #[command(flatten)]
        page: PageArgs,
    },
    /// Show a provider.
    #[command(after_help = "Example:\n  countersign provider show acme")]
    Show {
        /// The provider.
        #[arg(value_parser = id)]
        name: String,
    },
    /// Change a provider. What is not named stays; a list that is named takes the place of the old one.
    #[command(after_help = "Examples:
  countersign provider update acme --openapi acme.yaml
  countersign provider update acme --limit concurrency=20 --limit timeout_seconds=60
  countersign provider update acme --no-rules")]
    Update {
        /// The provider.
        #[arg(value_parser = id)]
        name: String,
        #[command(flatten)]
        fields: ChangedFields,
    },
    /// Remove a provider with its document, its rules and its credentials.
    #[command(after_help = "Example:\n  countersign provider remove acme")]
    Remove {
        /// The provider.
        #[arg(value_parser = id)]
        name: String,
    },
    Credential(credential::CredentialArgs),
}

/// The server, called by the operator, and the project's providers there.
struct Providers {
    connected: Connected,
    project_id: String,
}

impl ProviderArgs {
    pub(super) async fn run(&self, output: Output) -> anyhow::Result<()> {
        let providers = self.connection.connect()?;
        match &self.verb {
            Verb::Add {
                name,
                openapi,
                fields,
            } => {
                let document = openapi.read().await?;
                let mut body = fields.body();
                body.insert("name".to_owned(), json!(name));
                document.add_to(&mut body);
                let call = Call::post(&providers.path(&[])).json(Value::Object(body));
                output.object(&providers.connected.send(call).await?, "/provider", COLUMNS)
            }
            Verb::List { page } => {
                let ask = async |page: Page| {
                    let call = Call::get(&providers.path(&[])).query("limit", page.limit);
                    providers.connected.send(call.query("cursor", page.cursor)).await
                };
                page.show(output, "/providers", LIST_COLUMNS, ask).await
            }
            Verb::Show { name } => {
                let call = Call::get(&providers.path(&[name]));
                output.object(&providers.connected.send(call).await?, "/provider", COLUMNS)
            }
            Verb::Update { name, fields } => {
                let body: Map<_, _> = fields.body().await?;
                let call = Call::put(&providers.path(&[name])).json(Value::Object(body));
                output.object(&providers.connected.send(call).await?, "/provider", COLUMNS)
            }
            Verb::Remove { name } => {
                let call = Call::delete(&providers.path(&[name]));
                let answer = providers.connected.send(call).await?;
                output.object(&answer, "", &[("removed", "/provider")])
            }
            Verb::Credential(credential) => credential.run(&providers, output).await,
        }
    }
}

impl Connection {
    fn connect(&self) -> anyhow::Result<Providers> {
        Ok(Providers {
            project_id: self.project.id()?,
            connected: Connected {
                server: self.server.server()?,
                caller: self.operator_key.caller()?,
            },
        })
    }
}

impl Providers {
    /// A path below the project's providers.
    fn path<'a>(&'a self, rest: &[&'a str]) -> Vec<&'a str> {
        let providers = ["admin", "v1", "projects", &self.project_id, "providers"];
        [&providers, rest].concat()
    }
}
