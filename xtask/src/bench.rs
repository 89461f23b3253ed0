//! `cargo xtask bench`: the open benchmark, in the package at `bench/`.

use crate::{Verb, npm, run, tools};

pub(crate) const VERB: Verb = Verb {
    name: "bench",
    arguments: "NAME",
    about: "build in release and measure; without a name, list what can be measured",
    run: bench,
};

fn bench(arguments: &[String]) -> anyhow::Result<()> {
    // PostgreSQL among them.
    tools::ensure()?;
    // One of them runs the TypeScript SDK.
    npm::build()?;
    // The bench starts the server's binary and its own second one, which `run` would not build.
    run::run(&mut run::cargo([
        "build",
        "--release",
        "--package",
        "countersign",
        "--package",
        "countersign-bench",
    ]))?;
    run::run(run::cargo(["run", "--release", "--package", "countersign-bench", "--"]).args(arguments))
}
