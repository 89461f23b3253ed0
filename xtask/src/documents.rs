//! `cargo xtask documents`: what is written about the code must be true of the code.

mod links;
mod map;

use crate::stages::Stages;
use crate::{Verb, lint, no_arguments, npm, run};

pub(crate) const VERB: Verb = Verb {
    name: "documents",
    arguments: "",
    about: "check the crates' pages, the links of all Markdown files, and the names in ARCHITECTURE.md",
    run: documents,
};

fn documents(arguments: &[String]) -> anyhow::Result<()> {
    no_arguments(arguments)?;
    Stages::run(stages)
}

/// The stages of documents, the quick one first.
pub(crate) fn stages(stages: &mut Stages) -> anyhow::Result<()> {
    stages.stage("links and names", || {
        lint::report(&[("links", links::check), ("names in ARCHITECTURE.md", map::check)])
    })?;
    stages.stage("pages of the crates", || {
        run::run(
            run::cargo("doc --workspace --no-deps --all-features".split(' '))
                .env("RUSTDOCFLAGS", "-D warnings"),
        )
    })?;
    stages.stage("pages of the packages", || {
        npm::build()?;
        npm::script("reference")
    })
}
