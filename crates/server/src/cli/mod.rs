//! The command line: nouns and verbs.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use toml::Value;

use crate::config::{Config, Overrides};

/// A self-hosted identity service for machines.
#[derive(Debug, Parser)]
#[command(name = "countersign", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the service.
    Serve(ServeArgs),
    /// Print an OpenAPI document.
    Openapi(OpenapiArgs),
}

/// Where settings come from.
#[derive(Debug, Args)]
pub struct ConfigArgs {
    /// Configuration file [default: countersign.toml when it is there].
    #[arg(long, env = "COUNTERSIGN_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Folder of the embedded database and the master key.
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<PathBuf>,
    /// Where the database is [default: SQLite in the data folder].
    #[arg(long, value_name = "URL")]
    database_url: Option<String>,
}

#[derive(Debug, Args)]
struct ServeArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// Address and port; port 0 takes a free one and prints it.
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<String>,
    /// How callers reach this service.
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// Development: serve https with a certificate made here.
    #[arg(long)]
    tls_self_signed: bool,
}

#[derive(Debug, Args)]
struct OpenapiArgs {
    /// The admin API's document instead of the wire's.
    #[arg(long)]
    admin: bool,
}

/// Runs the command that the arguments name.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let result = match cli.command {
        Command::Serve(args) => args
            .config()
            .and_then(|config| block_on(crate::serve::serve(config))),
        Command::Openapi(args) => print_openapi(&args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error);
            ExitCode::FAILURE
        }
    }
}

impl ConfigArgs {
    fn load(&self, mut overrides: Overrides) -> anyhow::Result<Config> {
        if let Some(dir) = &self.data_dir {
            overrides.push(("server.data_dir", Value::String(dir.display().to_string())));
        }
        if let Some(url) = &self.database_url {
            overrides.push(("database.url", Value::String(url.clone())));
        }
        Config::load(self.config.as_deref(), std::env::vars(), overrides)
    }
}

impl ServeArgs {
    fn config(&self) -> anyhow::Result<Config> {
        let mut overrides = Overrides::new();
        if let Some(listen) = &self.listen {
            overrides.push(("server.listen", Value::String(listen.clone())));
        }
        if let Some(url) = &self.public_url {
            overrides.push(("server.public_url", Value::String(url.clone())));
        }
        if self.tls_self_signed {
            overrides.push(("server.tls.self_signed", Value::Boolean(true)));
        }
        self.config.load(overrides)
    }
}

fn block_on<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(work)
}

#[expect(clippy::print_stdout, reason = "what a command prints")]
fn print_openapi(args: &OpenapiArgs) -> anyhow::Result<()> {
    let document = if args.admin {
        crate::openapi::admin_document()
    } else {
        crate::openapi::wire_document()
    };
    println!("{}", document.to_pretty_json()?);
    Ok(())
}

#[expect(clippy::print_stderr, reason = "where errors of a command belong")]
fn complain(error: &anyhow::Error) {
    eprintln!("error: {error:#}");
}
