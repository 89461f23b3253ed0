//! `countersign audit …`: who changed what.

use clap::{Args, Subcommand};

use super::calling::Call;
use super::connection::{OperatorConnection, ProjectArgs};
use super::paging::{Page, PageArgs};
use super::printing::{Columns, Output, print_bytes};

const COLUMNS: &Columns = &[
    ("at", "/at"),
    ("action", "/action"),
    ("object", "/object"),
    ("by", "/actor_kind"),
    ("who", "/actor_id"),
    ("address", "/address"),
    ("request id", "/request_id"),
];

/// Who changed what, and when. Needs an operator's key.
///
/// Shows the events of the project; those of the installation and of all projects with --all-projects, or when no project is
/// named.
#[derive(Debug, Args)]
pub(crate) struct AuditArgs {
    #[command(flatten)]
    connection: OperatorConnection,
    #[command(flatten)]
    project: ProjectArgs,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List events, newest first.
    #[command(after_help = "Examples:
  countersign audit list --action client_deleted --since 2026-11-01T00:00:00Z
  countersign audit list --object billing")]
    List {
        #[command(flatten)]
        filter: Filter,
        #[command(flatten)]
        page: PageArgs,
    },
    /// Write every event that matches to standard output, one JSON object a line, newest first.
    #[command(after_help = "Example:
  countersign audit export --all-projects --until 2026-11-01T00:00:00Z > audit-until-november.jsonl

Ends with another code than 0 when the export broke off: what was written by then is not whole.")]
    Export {
        #[command(flatten)]
        filter: Filter,
    },
}

/// Which events.
#[derive(Debug, Args)]
struct Filter {
    /// By this one: the id of an operator, a project secret or a client.
    #[arg(long, value_name = "ID")]
    actor: Option<String>,
    /// Of this kind, such as client_created.
    #[arg(long)]
    action: Option<String>,
    /// About this one: the id of a client, key, secret, operator or project.
    #[arg(long, value_name = "ID")]
    object: Option<String>,
    /// From this time on, such as 2026-11-23T06:00:00Z.
    #[arg(long, value_name = "TIME")]
    since: Option<countersign_core::Timestamp>,
    /// Before this time.
    #[arg(long, value_name = "TIME")]
    until: Option<countersign_core::Timestamp>,
    /// Of all projects and of the installation itself.
    #[arg(long)]
    all_projects: bool,
}

impl AuditArgs {
    pub(super) async fn run(&self, output: Output) -> anyhow::Result<()> {
        let connected = self.connection.connect()?;
        match &self.verb {
            Verb::List { filter, page } => {
                let ask = async |page: Page| {
                    let call = filter.call(&self.project).query("limit", page.limit);
                    connected.send(call.query("cursor", page.cursor)).await
                };
                page.show(output, "/events", COLUMNS, ask).await
            }
            Verb::Export { filter } => {
                let call = filter.call(&self.project).accept("application/x-ndjson");
                let mut lines = connected.server.stream(call, &connected.caller).await?;
                let broke_off = |error| anyhow::Error::new(error).context("the export broke off");
                while let Some(chunk) = lines.chunk().await.map_err(broke_off)? {
                    print_bytes(&chunk)?;
                }
                Ok(())
            }
        }
    }
}

impl Filter {
    fn call(&self, project: &ProjectArgs) -> Call {
        let project_id = project.find().filter(|_| !self.all_projects);
        let call = match &project_id {
            Some(id) => Call::get(&["admin", "v1", "projects", id, "audit"]),
            None => Call::get(&["admin", "v1", "audit"]),
        };
        call.query("actor_id", self.actor.as_ref())
            .query("action", self.action.as_ref())
            .query("object", self.object.as_ref())
            .query("since", self.since)
            .query("until", self.until)
    }
}
