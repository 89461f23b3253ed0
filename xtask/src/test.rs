//! `cargo xtask test`: every test there is, from rules to unmodified SDKs against real servers.

use std::path::Path;
use std::process::Command;

use anyhow::Context as _;
use countersign_cluster::{Cluster, Durability, SHARED};

use crate::stages::Stages;
use crate::{Verb, e2e, npm, openapi, product, run, sdk, tools, workspace};

pub(crate) const VERB: Verb = Verb {
    name: "test",
    arguments: "[-- filter]",
    about: "install what is missing and run all tests; with a filter, the Rust tests whose name contains it",
    run: test,
};

/// All of the workspace with all features, in every call alike: another choice would be another build.
pub(crate) const ALL: [&str; 2] = ["--workspace", "--all-features"];

fn test(arguments: &[String]) -> anyhow::Result<()> {
    match arguments {
        [] => Stages::run(stages),
        [dashes, filter @ ..] if dashes == "--" && !filter.is_empty() => {
            Stages::run(|stages| filtered(stages, filter))
        }
        _ => anyhow::bail!("a filter stands after --, as in: cargo xtask test -- rotation"),
    }
}

/// The stages of the whole.
pub(crate) fn stages(stages: &mut Stages) -> anyhow::Result<()> {
    stages.stage("tools", tools::ensure)?;
    // Servers of an earlier run left their logs there, and a search for leaked secrets looks at all that it finds.
    stages.stage("clean up", || clear(&workspace::target_dir()?.join("e2e")))?;
    stages.stage("build", || {
        product::build_for_tests()?;
        run::run(tests().args(["--tests", "--no-run"]))?;
        npm::build()
    })?;
    let cluster = stages.stage("cluster", || Cluster::start(Durability::Quick, &[]))?;
    let shared = cluster.port().to_string();
    stages.stage("rust tests", || {
        let mut command = tests();
        command.args(["--tests", "--no-fail-fast", "--exclude", e2e::PACKAGE]);
        run::run(command.env(SHARED, &shared))
    })?;
    stages.stage("rust tests on PostgreSQL", || {
        let mut command = tests();
        command.args(["--test", "api", "--no-fail-fast"]);
        run::run(
            command
                .env(SHARED, &shared)
                .env("COUNTERSIGN_TEST_ENGINE", "postgres"),
        )
    })?;
    drop(cluster);
    sdk::stages(stages)?;
    stages.stage("openapi documents", openapi::check)?;
    stages.stage("sdk suites", e2e::sdk_suites)?;
    stages.stage("end to end", || e2e::run(None))
}

fn filtered(stages: &mut Stages, filter: &[String]) -> anyhow::Result<()> {
    stages.stage("tools", tools::ensure)?;
    stages.stage("build", || product::build_for_tests().map(|_| ()))?;
    stages.stage("rust tests", || {
        let mut command = tests();
        run::run(
            e2e::surroundings(&mut command)?
                .args(["--tests", "--no-fail-fast"])
                .args(filter),
        )
    })
}

/// The command that runs tests. Nextest, where it is installed, runs each test in a process of its own, names the slow ones,
/// and ends those that hang.
pub(crate) fn tests() -> Command {
    let has_nextest = run::succeeds(run::cargo(["nextest", "--version"]).env("CARGO_TERM_COLOR", "never"));
    let mut command = run::cargo(if has_nextest {
        &["nextest", "run"][..]
    } else {
        &["test"]
    });
    command.args(ALL);
    command
}

fn clear(folder: &Path) -> anyhow::Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", folder.display()))
        }
        _ => Ok(()),
    }
}
