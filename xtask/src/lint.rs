//! `cargo xtask lint`: format, clippy, and the rules of this house that no other tool knows.

mod alone;
mod arrows;
mod exclusive;
mod members;
mod shell;
mod traces;

use crate::stages::Stages;
use crate::{Verb, no_arguments, npm, run};

pub(crate) const VERB: Verb = Verb {
    name: "lint",
    arguments: "",
    about: "check format, clippy, the arrows between crates and the rules of the house",
    run: lint,
};

/// A rule of the house: returns what breaks it, one sentence each.
type Rule = fn() -> anyhow::Result<Vec<String>>;

const RULES: &[(&str, Rule)] = &[
    ("arrows between crates", arrows::check),
    ("libraries with one owner", exclusive::check),
    ("lints in every member", members::check),
    ("traces of a machine", traces::check),
    ("shell scripts", shell::check),
];

fn lint(arguments: &[String]) -> anyhow::Result<()> {
    no_arguments(arguments)?;
    Stages::run(stages)
}

/// The stages of lint, the quick ones first.
pub(crate) fn stages(stages: &mut Stages) -> anyhow::Result<()> {
    stages.stage("rules of the house", rules)?;
    stages.stage("format", || {
        run::run(&mut run::cargo(["fmt", "--all", "--check"]))?;
        // Not of the workspace, but of the house.
        run::run(&mut run::cargo([
            "fmt",
            "--check",
            "--manifest-path",
            "e2e/sdk/rust/Cargo.toml",
        ]))
    })?;
    stages.stage("typescript", || {
        npm::build()?;
        npm::script("check")
    })?;
    stages.stage("cargo deny", deny)?;
    stages.stage("clippy", || {
        run::run(&mut run::cargo(
            "clippy --workspace --all-targets --all-features -- -D warnings".split(' '),
        ))
    })?;
    stages.stage("published crates alone", alone::check)
}

/// Tells all that is wrong at once.
fn rules() -> anyhow::Result<()> {
    report(RULES)
}

/// Runs such rules, prints what they find, and fails when they found anything.
pub(crate) fn report(rules: &[(&str, Rule)]) -> anyhow::Result<()> {
    let mut count = 0;
    for (name, rule) in rules {
        let findings = rule()?;
        println!(
            "{name}: {}",
            if findings.is_empty() { "good" } else { "NOT GOOD" }
        );
        for finding in &findings {
            println!("  {finding}");
        }
        count += findings.len();
    }
    anyhow::ensure!(count == 0, "{count} of the above to put right");
    Ok(())
}

/// Licences, banned crates and sources, where the tool is installed. Advisories are left out: they need a database that not
/// every network reaches.
fn deny() -> anyhow::Result<()> {
    if !run::succeeds(run::cargo(["deny", "--version"]).env("CARGO_TERM_COLOR", "never")) {
        println!("cargo-deny is not installed; deny.toml is not checked here");
        return Ok(());
    }
    run::run(&mut run::cargo(
        "deny --all-features check bans licenses sources".split(' '),
    ))
}
