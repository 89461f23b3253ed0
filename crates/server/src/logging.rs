//! Logs: coloured lines for people on a terminal, JSON otherwise.
//!
//! Nothing in the program logs a header, a body or a query; secrets have types that do not print. A test runs everything
//! at trace level and searches the log for every secret and token that was issued.

use std::io::IsTerminal;

use anyhow::Context;
use tracing_subscriber::EnvFilter;

use crate::config::{Log, LogFormat};

/// Starts logging to standard error; standard output is for what a command prints.
pub fn start(config: &Log) -> anyhow::Result<()> {
    // At trace level this library logs what tools were given and what they answered.
    let filter = EnvFilter::try_new(&config.level)
        .context("log.level")?
        .add_directive("rmcp=off".parse()?);
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    let for_people = match config.format {
        LogFormat::Auto => std::io::stderr().is_terminal(),
        LogFormat::People => true,
        LogFormat::Json => false,
    };
    let started = if for_people {
        builder
            .with_target(false)
            .with_ansi(std::io::stderr().is_terminal())
            .try_init()
    } else {
        builder
            .json()
            .flatten_event(true)
            .with_current_span(true)
            .with_span_list(false)
            .try_init()
    };
    started.map_err(|error| anyhow::anyhow!("logging: {error}"))
}
