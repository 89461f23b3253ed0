//! `countersign project …`: projects and their secrets.

mod secret;

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use super::calling::{Call, Connected};
use super::connection::{OperatorConnection, environment, id};
use super::env_file::Reader;
use super::exit::Exit;
use super::paging::PageArgs;
use super::printing::{Columns, Output};
use super::shown_once::{SaveArgs, Secret};

/// How tokens look.
const PROFILES: [&str; 4] = ["stytch", "standard-rs256", "standard-es256", "standard-eddsa"];

/// What is shown of a project.
const COLUMNS: &Columns = &[
    ("project id", "/project_id"),
    ("name", "/name"),
    ("environment", "/environment"),
    ("token profile", "/token_profile"),
    ("issuer", "/issuer"),
    ("created", "/created_at"),
];

/// Projects and their secrets. Needs an operator's key.
#[derive(Debug, Args)]
pub(crate) struct ProjectArgs {
    #[command(flatten)]
    connection: OperatorConnection,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Create(Create),
    List(List),
    Get(Get),
    Update(Update),
    Secret(secret::SecretArgs),
}

/// Create a project with its first secret.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  countersign project create --name payments --environment live --save payments.env")]
struct Create {
    /// For people.
    #[arg(long)]
    name: String,
    /// Part of the id [default: test].
    #[arg(long, value_parser = ["test", "live"])]
    environment: Option<String>,
    /// Your own id, project-test-… or project-live-…, when moving from elsewhere.
    #[arg(long, value_name = "PROJECT_ID")]
    id: Option<String>,
    /// How its tokens look [default: stytch].
    #[arg(long, value_name = "PROFILE", value_parser = PROFILES)]
    token_profile: Option<String>,
    #[command(flatten)]
    save: SaveArgs,
}

/// List the projects that the operator sees.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  countersign project list")]
struct List {
    #[command(flatten)]
    page: PageArgs,
}

/// Show a project.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  countersign project get project-live-d0c1e7a2-30a5-4d1c-8a55-7c5a3c3c6b1e"
)]
struct Get {
    /// The project [env: COUNTERSIGN_PROJECT_ID].
    #[arg(value_parser = id)]
    project_id: Option<String>,
}

/// Change a project's name, or how its tokens look from now on.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  countersign project update --token-profile standard-es256")]
struct Update {
    /// The project [env: COUNTERSIGN_PROJECT_ID].
    #[arg(value_parser = id)]
    project_id: Option<String>,
    /// A new name.
    #[arg(long, required_unless_present = "token_profile")]
    name: Option<String>,
    /// How its tokens look. Its keys are made first, so the change is safe at any time.
    #[arg(long, value_name = "PROFILE", value_parser = PROFILES)]
    token_profile: Option<String>,
}

impl ProjectArgs {
    pub(super) async fn run(&self, output: Output) -> anyhow::Result<()> {
        match &self.verb {
            Verb::Create(create) => create.run(&self.connection, output).await,
            Verb::List(list) => list.run(&self.connection.connect()?, output).await,
            Verb::Get(get) => get.run(&self.connection.connect()?, output).await,
            Verb::Update(update) => update.run(&self.connection.connect()?, output).await,
            Verb::Secret(secret) => secret.run(&self.connection.connect()?, output).await,
        }
    }
}

impl Create {
    async fn run(&self, connection: &OperatorConnection, output: Output) -> anyhow::Result<()> {
        let connected = connection.connect()?;
        let place = self.save.prepare()?;
        let mut body = Map::from_iter([("name".to_owned(), json!(self.name))]);
        add(&mut body, "environment", self.environment.clone());
        add(&mut body, "project_id", self.id.clone());
        add(&mut body, "token_profile", self.token_profile.clone());
        let call = Call::post(&["admin", "v1", "projects"]).json(Value::Object(body));
        let answer = connected.send(call).await?;
        let project_id = answer.text_at("/project/project_id")?.to_owned();
        let secret = Secret {
            answer,
            object: "/project",
            columns: COLUMNS,
            secret: "/project_secret/secret",
            variable: "COUNTERSIGN_PROJECT_SECRET",
            beside: vec![("COUNTERSIGN_PROJECT_ID", &project_id)],
            reader: Reader::Shell,
        };
        secret.bring_to(place, output, &connected.server)
    }
}

impl List {
    async fn run(&self, connected: &Connected, output: Output) -> anyhow::Result<()> {
        let ask = async |page: super::paging::Page| {
            let call = Call::get(&["admin", "v1", "projects"]);
            let call = call.query("limit", page.limit).query("cursor", page.cursor);
            connected.send(call).await
        };
        self.page.show(output, "/projects", COLUMNS, ask).await
    }
}

impl Get {
    async fn run(&self, connected: &Connected, output: Output) -> anyhow::Result<()> {
        let project_id = named(self.project_id.as_ref())?;
        let answer = connected
            .send(Call::get(&["admin", "v1", "projects", &project_id]))
            .await?;
        output.object(&answer, "/project", COLUMNS)
    }
}

impl Update {
    async fn run(&self, connected: &Connected, output: Output) -> anyhow::Result<()> {
        let project_id = named(self.project_id.as_ref())?;
        let mut body = Map::new();
        add(&mut body, "name", self.name.clone());
        add(&mut body, "token_profile", self.token_profile.clone());
        let call = Call::put(&["admin", "v1", "projects", &project_id]).json(Value::Object(body));
        output.object(&connected.send(call).await?, "/project", COLUMNS)
    }
}

/// Adds a member that was given.
pub(super) fn add(body: &mut Map<String, Value>, name: &str, value: Option<impl Into<Value>>) {
    body.extend(value.map(|value| (name.to_owned(), value.into())));
}

fn named(project_id: Option<&String>) -> anyhow::Result<String> {
    let found = project_id
        .cloned()
        .or_else(|| environment("COUNTERSIGN_PROJECT_ID"));
    found.ok_or_else(|| Exit::Usage.because("name the project, or set COUNTERSIGN_PROJECT_ID"))
}
