//! What the SDKs need besides the tests of the workspace: their packages, their examples, and the snippets of their pages.

use std::path::PathBuf;
use std::process::Command;

use crate::stages::Stages;
use crate::{Verb, e2e, no_arguments, npm, product, run, test, tools, workspace};

pub(crate) const EXAMPLES: Verb = Verb {
    name: "examples",
    arguments: "",
    about: "run the examples of both SDKs, every caller against every service, on a server of their own",
    run: |arguments| {
        no_arguments(arguments)?;
        Stages::run(|stages| {
            stages.stage("tools", tools::ensure)?;
            stages.stage("build", || {
                product::build_for_tests()?;
                npm::build()
            })?;
            stages.stage("examples", examples)
        })
    },
};

/// The crates that others use, in the order in which they would be published.
const PUBLISHED: [&str; 2] = ["countersign-token", "countersign-client"];

/// The stages of tests that are the SDKs' own. The server's binary is built and put aside by then.
pub(crate) fn stages(stages: &mut Stages) -> anyhow::Result<()> {
    stages.stage("typescript tests", || npm::script("test"))?;
    stages.stage("packages", packages)?;
    stages.stage("doc tests", doc_tests)?;
    stages.stage("snippets", snippets)?;
    stages.stage("examples", examples)
}

/// Whether the packages could be published; nothing is.
fn packages() -> anyhow::Result<()> {
    npm::script("packaging")?;
    // A working copy with changes may be tested too.
    let mut command = run::cargo(["publish", "--dry-run", "--allow-dirty"]);
    for package in PUBLISHED {
        command.args(["--package", package]);
    }
    run::run(&mut command)
}

/// The examples in the crates' pages. Those of the client crate talk to a server.
fn doc_tests() -> anyhow::Result<()> {
    let mut command = with_server()?;
    run::run(command.args(["cargo", "test", "--doc"]).args(test::ALL))
}

/// The TypeScript in the packages' pages and doc comments, compiled and run.
fn snippets() -> anyhow::Result<()> {
    run::run(with_server()?.args(["npm", "run", "snippets"]))
}

/// Callers and services in both languages.
fn examples() -> anyhow::Result<()> {
    run::run(
        run::cargo(["build", "--examples", "--package", "countersign-client"]).args(["--all-features"]),
    )?;
    npm::script("examples")?;
    let rust = workspace::target_dir()?.join("debug").join("examples");
    let words = [
        rust.join("caller").display().to_string(),
        "node sdk/typescript/examples/dist/caller.js".to_owned(),
        "--".to_owned(),
        rust.join("service").display().to_string(),
        "node sdk/typescript/examples/dist/service.js".to_owned(),
    ];
    let mut command = run::program(program("sdk-examples")?);
    run::run(e2e::surroundings(&mut command)?.args(words))
}

/// The program that runs a command beside a server.
fn with_server() -> anyhow::Result<Command> {
    let mut command = run::program(program("with-server")?);
    e2e::surroundings(&mut command)?;
    Ok(command)
}

/// A program of the package of the tests, built.
fn program(name: &str) -> anyhow::Result<PathBuf> {
    run::run(run::cargo(["build", "--bin", name]).args(test::ALL))?;
    Ok(workspace::target_dir()?.join("debug").join(name))
}
