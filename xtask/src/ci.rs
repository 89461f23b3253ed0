//! `cargo xtask ci`: what a change must pass.

use crate::stages::Stages;
use crate::{Verb, documents, lint, no_arguments, test};

pub(crate) const VERB: Verb = Verb {
    name: "ci",
    arguments: "",
    about: "lint, test and documents, as .ci/run does",
    run: ci,
};

fn ci(arguments: &[String]) -> anyhow::Result<()> {
    no_arguments(arguments)?;
    Stages::run(|stages| {
        lint::stages(stages)?;
        documents::stages(stages)?;
        test::stages(stages)
    })
}
