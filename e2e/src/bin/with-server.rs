//! `with-server COMMAND [ARGUMENTS]…`: runs a command while a server with one client runs, and tells it of both by
//! `COUNTERSIGN_*` variables. The snippets of the documents are run this way.

#![expect(
    clippy::print_stderr,
    reason = "this program talks to the person who started it"
)]

use std::process::ExitCode;

use anyhow::Context as _;
use countersign_e2e::sample::Sample;

#[tokio::main]
async fn main() -> ExitCode {
    match run(std::env::args().skip(1).collect()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether the command succeeded.
async fn run(words: Vec<String>) -> anyhow::Result<bool> {
    let (program, arguments) = words.split_first().context("which command?")?;
    let sample = Sample::start("with-server").await?;
    let status = tokio::process::Command::new(program)
        .args(arguments)
        .envs(sample.environment())
        .kill_on_drop(true)
        .status()
        .await
        .with_context(|| format!("cannot start {program}"))?;
    sample.stop().await?;
    Ok(status.success())
}
