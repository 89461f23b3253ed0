//! `sdk-examples CALLER… -- SERVICE…`: runs the examples of the SDKs, every caller against every service.
//!
//! Each is a command line in one word, such as `node sdk/typescript/examples/dist/caller.js`. A service prints where it
//! listens; a caller is told by `SERVICE_URL`. What a caller prints must hold the id of the client that the service saw.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "this program talks to the person who started it"
)]

use std::process::{ExitCode, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail};
use countersign_e2e::sample::Sample;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// Longest wait for a service to listen, and for a caller to be done.
const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::main]
async fn main() -> ExitCode {
    match run(std::env::args().skip(1).collect()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(words: Vec<String>) -> anyhow::Result<()> {
    let middle = words.iter().position(|word| word == "--");
    let middle = middle.context("usage: sdk-examples CALLER… -- SERVICE…")?;
    let (callers, services) = (&words[..middle], &words[middle + 1..]);
    anyhow::ensure!(
        !callers.is_empty() && !services.is_empty(),
        "a caller and a service at least"
    );
    let sample = Sample::start("sdk-examples").await?;
    for service in services {
        let (_running, url) = start_service(&sample, service).await?;
        for caller in callers {
            call(&sample, caller, service, &url).await?;
        }
    }
    sample.stop().await?;
    println!(
        "examples: {} calls answered",
        callers.len().saturating_mul(services.len())
    );
    Ok(())
}

/// A running service, which ends when it is dropped, and its address.
async fn start_service(sample: &Sample, service: &str) -> anyhow::Result<(Child, String)> {
    println!("$ {service}");
    let mut child = command(sample, service)?
        .env("LISTEN", "127.0.0.1:0")
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {service}"))?;
    let mut lines = BufReader::new(child.stdout.take().context("no output")?).lines();
    let listening = async {
        while let Some(line) = lines.next_line().await? {
            println!("{line}");
            if let Some(url) = line.strip_prefix("listening on ") {
                return Ok(url.trim().to_owned());
            }
        }
        bail!("{service} ended before it listened")
    };
    let url = timeout(PATIENCE, listening)
        .await
        .with_context(|| format!("{service} does not listen"))??;
    // Somebody has to read on, or the service's next line finds nobody.
    tokio::spawn(async move {
        while let Ok(Some(line)) = lines.next_line().await {
            println!("{line}");
        }
    });
    Ok((child, url))
}

async fn call(sample: &Sample, caller: &str, service: &str, url: &str) -> anyhow::Result<()> {
    println!("$ {caller}");
    let output = command(sample, caller)?.env("SERVICE_URL", url).output();
    let output = timeout(PATIENCE, output)
        .await
        .with_context(|| format!("{caller} is not done"))??;
    let said = String::from_utf8_lossy(&output.stdout);
    print!("{said}");
    eprint!("{}", String::from_utf8_lossy(&output.stderr));
    anyhow::ensure!(
        output.status.success() && said.contains(sample.client_id()),
        "{caller} was not answered by {service} as the client that it is"
    );
    Ok(())
}

fn command(sample: &Sample, line: &str) -> anyhow::Result<Command> {
    let mut words = line.split_whitespace();
    let mut command = Command::new(words.next().context("an empty command")?);
    command
        .args(words)
        .envs(sample.environment())
        .stdin(Stdio::null())
        .kill_on_drop(true);
    Ok(command)
}
