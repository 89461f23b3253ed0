//! `cargo xtask e2e`: tests of the whole binary, in the package at `e2e/`.

use std::path::Path;
use std::process::Command;

use crate::stages::Stages;
use crate::{Verb, only_flag, previous, product, run, test, tools, workspace};

pub(crate) const VERB: Verb = Verb {
    name: "e2e",
    arguments: "[--full]",
    about: "run the tests of the whole binary; --full kills it twenty times instead of once, and runs it beside the version before",
    run: e2e,
};

/// The package of these tests.
pub(crate) const PACKAGE: &str = "countersign-e2e";

fn e2e(arguments: &[String]) -> anyhow::Result<()> {
    let full = only_flag(arguments, "--full")?;
    Stages::run(|stages| {
        stages.stage("tools", tools::ensure)?;
        stages.stage("build", || product::build_for_tests().map(|_| ()))?;
        let previous = if full {
            Some(stages.stage("version before", previous::build)?)
        } else {
            None
        };
        stages.stage("end to end", || run(previous.as_deref()))
    })
}

/// Runs them against the binary put aside; in full, when there is a binary of the version before.
pub(crate) fn run(previous: Option<&Path>) -> anyhow::Result<()> {
    let mut command = test::tests();
    command.args(["--test", "whole", "--no-fail-fast"]);
    if let Some(previous) = previous {
        command.env("COUNTERSIGN_E2E_FULL", "1");
        command.env("COUNTERSIGN_E2E_PREVIOUS_BINARY", previous);
    }
    run::run(surroundings(&mut command)?)
}

/// Runs the SDKs that nobody here wrote against real servers.
pub(crate) fn sdk_suites() -> anyhow::Result<()> {
    run::run(run::cargo(["build", "--bin", "sdk-suites"]).args(test::ALL))?;
    let mut command = run::program(workspace::target_dir()?.join("debug").join("sdk-suites"));
    run::run(surroundings(&mut command)?)
}

/// Tells the tests which binary to start.
pub(crate) fn surroundings(command: &mut Command) -> anyhow::Result<&mut Command> {
    let target = workspace::target_dir()?;
    Ok(command.env(
        "COUNTERSIGN_E2E_BINARY",
        target.join("e2e").join("bin").join("countersign"),
    ))
}
