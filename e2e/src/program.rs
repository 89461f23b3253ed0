//! The binary as a command: started the same way by everyone, and for commands that end, run to their end.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use anyhow::Context as _;

use crate::group::EndsGroup;
use crate::places;

/// Longest time for a command that ends by itself, under strace and beside other tests.
const TIMEOUT: Duration = Duration::from_secs(60);

/// The binary, started by the program that `under` names with its arguments, if any.
pub fn countersign(under: &[String]) -> anyhow::Result<Command> {
    Ok(start(&places::binary()?, under))
}

/// Another binary than the one under test, started the same way.
pub(crate) fn start(binary: &Path, under: &[String]) -> Command {
    let words = [under, &[binary.display().to_string()]].concat();
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]);
    // The binary takes every COUNTERSIGN_ variable for a setting, so those meant for us must not reach it.
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("COUNTERSIGN_") {
            command.env_remove(name);
        }
    }
    command
        .stdin(Stdio::null())
        // Those who start it with a folder of their own replace this; a countersign.toml in the folder that somebody
        // started the tests from is none of ours.
        .current_dir(std::env::temp_dir());
    // So that a signal reaches the binary also under another program.
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    command
}

/// Runs a command to its end.
pub async fn run(command: Command) -> anyhow::Result<Output> {
    let child = tokio::process::Command::from(command)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("cannot start the command")?;
    let _group = EndsGroup::of(child.id());
    tokio::time::timeout(TIMEOUT, child.wait_with_output())
        .await
        .with_context(|| format!("not done after {} seconds", TIMEOUT.as_secs()))?
        .context("cannot read what the command says")
}
