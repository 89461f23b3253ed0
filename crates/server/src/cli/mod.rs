//! The command line: nouns and verbs.
//!
//! A noun is a file or a folder, and `Command` is their table of contents. Nouns that speak HTTP do so through
//! `calling`, with credentials that `connection` finds; those that work on the data folder go through `offline`.
//!
//! # Adding a command
//!
//! A variant of `Command` or of its noun's verbs, with an example in `after_help`; a snapshot of its help is taken by
//! `tests/cli`. Secrets never come as arguments: give it a `--…-file` option and `secret_input`.

mod audit;
mod backup;
mod calling;
mod client;
mod completions;
mod config;
mod connection;
mod doctor;
mod env_file;
mod exit;
mod export;
mod import;
mod key;
mod master_key;
mod migrate;
mod offline;
mod openapi;
mod operator;
mod paging;
mod passphrase;
mod printing;
mod project;
mod provider;
mod recover;
mod restore;
mod secret_input;
mod serve;
mod shown_once;
mod token;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use printing::Output;

const AFTER_HELP: &str = "\
Environment:
  COUNTERSIGN_URL             where the server is [default: http://127.0.0.1:4000]
  COUNTERSIGN_CA_FILE         PEM of the one authority to trust, when it is private
  COUNTERSIGN_PROJECT_ID      the project
  COUNTERSIGN_PROJECT_SECRET  its secret, for `client`
  COUNTERSIGN_OPERATOR_KEY    an operator's key, for everything else
  COUNTERSIGN_CLIENT_ID, COUNTERSIGN_CLIENT_SECRET  for `token get`
  Secrets come from here, from a file or from standard input, never from an argument.

Exit codes:
  0  it worked
  1  it failed
  2  the command was not understood, or something it needs was not given
  3  credentials are wrong or do not allow it (401, 403)
  4  what it is about does not exist (404)
  5  the present state refuses it: an id is taken, a rotation is open, a file is in the way
  6  the server cannot be reached, or cannot answer now (429, 503)
  7  it was asked whether there is something to do, and there is";

/// A self-hosted identity service for machines.
#[derive(Debug, Parser)]
#[command(name = "countersign", version, max_term_width = 100, after_help = AFTER_HELP)]
struct Cli {
    /// Print JSON for scripts: the API's answer as it came.
    #[arg(long, global = true, display_order = 900)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::ServeArgs),
    Project(project::ProjectArgs),
    Client(client::ClientArgs),
    Provider(provider::ProviderArgs),
    Token(token::TokenArgs),
    Key(key::KeyArgs),
    Operator(operator::OperatorArgs),
    Audit(audit::AuditArgs),
    Doctor(doctor::DoctorArgs),
    Config(config::ConfigNounArgs),
    Backup(backup::BackupArgs),
    Restore(restore::RestoreArgs),
    Migrate(migrate::MigrateArgs),
    Export(export::ExportArgs),
    Import(import::ImportArgs),
    MasterKey(master_key::MasterKeyArgs),
    Recover(recover::RecoverArgs),
    Openapi(openapi::OpenapiArgs),
    Completions(completions::CompletionsArgs),
}

/// Runs the command that the arguments name.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let ended = block_on(cli.run());
    crate::gateway::write_waiting();
    exit::end(ended)
}

/// The whole command line, for completions and for tests that visit every command.
pub fn command() -> clap::Command {
    Cli::command()
}

impl Cli {
    async fn run(self) -> anyhow::Result<()> {
        let output = Output { json: self.json };
        match self.command {
            Command::Serve(args) => args.run().await,
            Command::Project(args) => args.run(output).await,
            Command::Client(args) => args.run(output).await,
            Command::Provider(args) => args.run(output).await,
            Command::Token(args) => args.run(output).await,
            Command::Key(args) => args.run(output).await,
            Command::Operator(args) => args.run(output).await,
            Command::Audit(args) => args.run(output).await,
            Command::Doctor(args) => args.run(output).await,
            Command::Config(args) => args.run(output),
            Command::Backup(args) => args.run(output).await,
            Command::Restore(args) => args.run(output).await,
            Command::Migrate(args) => args.run(output).await,
            Command::Export(args) => args.run(output).await,
            Command::Import(args) => args.run(output).await,
            Command::MasterKey(args) => args.run(output).await,
            Command::Recover(args) => args.run(output).await,
            Command::Openapi(args) => args.run(),
            Command::Completions(args) => args.run(),
        }
    }
}

fn block_on<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(work)
}
