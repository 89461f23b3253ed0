//! `countersign migrate`: the schema is brought up to date before anybody serves it.

use clap::Args;
use countersign_store::{Migrated, Schema};
use serde_json::json;

use super::exit::Exit;
use super::offline;
use super::printing::Output;
use super::serve::ConfigArgs;
use crate::config::Config;
use crate::start::data_dir::DataDir;
use crate::start::database::{Engine, engine, migrate, schema};

/// Bring the schema of the database up to date.
///
/// `serve` does so by itself, unless `database.migrate` is false. On PostgreSQL it can be done while nodes of this version and
/// of the one before are at work, and by several at once: one does it, the others wait. On SQLite no server may run. A
/// migration that fails leaves the database as it was before that migration.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  countersign migrate --check --config /etc/countersign.toml
  countersign migrate --config /etc/countersign.toml

With --check the exit code is 7 when there is something to do.")]
pub(crate) struct MigrateArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// Say what is missing, and change nothing.
    #[arg(long)]
    check: bool,
}

impl MigrateArgs {
    pub(super) async fn run(&self, output: Output) -> anyhow::Result<()> {
        let config = self.config.load()?;
        if self.check {
            offline::refuse_unless_there(&config)?;
            return check(&config, output).await;
        }
        // Whoever serves SQLite is alone on it. Nodes on PostgreSQL share it, and have folders of their own.
        let _alone = match engine(&config)? {
            Engine::Sqlite(_) => Some(DataDir::lock(&config.server.data_dir)?),
            Engine::Postgres(_) => None,
        };
        let Migrated { from, to } = migrate(&config).await?;
        output.own(&json!({ "from": from, "to": to }), || match from {
            0 => format!("The schema was made: {to}.\n"),
            from if from == to => format!("The schema is up to date: {to}.\n"),
            from => format!("The schema was brought from {from} to {to}.\n"),
        })
    }
}

async fn check(config: &Config, output: Output) -> anyhow::Result<()> {
    let schema = schema(config).await?;
    let whole = json!({ "schema": schema.version, "program": schema.program, "missing": schema.missing });
    output.own(&whole, || told(&schema))?;
    if schema.program < schema.oldest_program {
        let reason = format!(
            "the database is for programs that know schema {} and later",
            schema.oldest_program
        );
        return Err(Exit::Refused.because(reason));
    }
    if schema.missing.is_empty() {
        return Ok(());
    }
    Err(Exit::ToDo.because("the schema is not up to date"))
}

fn told(schema: &Schema) -> String {
    let missing: Vec<_> = schema
        .missing
        .iter()
        .map(|migration| format!("missing: {migration}\n"))
        .collect();
    format!(
        "The database has schema {}, this program knows {}.\n{}",
        schema.version,
        schema.program,
        missing.concat()
    )
}
