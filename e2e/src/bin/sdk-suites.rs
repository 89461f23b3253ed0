//! Runs SDKs against real servers: `sdk-suites [python|node|rust|typescript]…`, without a name all of them.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "this program talks to the person who started it"
)]

use std::process::ExitCode;

use countersign_e2e::Engine;
use countersign_e2e::suites::{Outcome, SUITES, Servers};
use countersign_e2e::tally::Tally;

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

/// Whether all of them passed.
async fn run(mut suites: Vec<String>) -> anyhow::Result<bool> {
    if suites.is_empty() {
        suites = SUITES.map(String::from).to_vec();
    }
    let mut outcomes = Vec::new();
    for engine in [Engine::Sqlite, Engine::postgres()?] {
        let name = engine.name();
        let servers = Servers::start(engine).await?;
        for suite in &suites {
            println!("\n--- SDK suite: {suite} on {name}");
            outcomes.push(servers.run(suite).await?);
        }
        servers.stop().await?;
    }
    print_table(&outcomes);
    Ok(outcomes.iter().all(|outcome| outcome.problem.is_none()))
}

fn print_table(outcomes: &[Outcome]) {
    println!("\n{:<20} {:>7} {:>7} {:>7}", "suite", "passed", "failed", "time");
    let mut all = Tally::default();
    for Outcome {
        suite,
        tally,
        problem,
        took,
    } in outcomes
    {
        let problem = problem
            .as_ref()
            .map(|problem| format!("  FAILED: {problem}"))
            .unwrap_or_default();
        println!(
            "{suite:<20} {:>7} {:>7} {:>6}s{problem}",
            tally.passed,
            tally.failed,
            took.as_secs()
        );
        all += *tally;
    }
    println!("\nsdk: {} passed, {} failed", all.passed, all.failed);
}
