//! A build of the workspace adds up the features that all crates ask for, and so hides that one forgot to ask. These crates
//! are used by others on their own, so they are checked on their own.

use crate::run;
use crate::workspace::{members, text};

/// Crate, and each set of features that somebody may choose.
const PUBLISHED: &[(&str, &[&str])] = &[
    ("countersign-token", &["", "issue"]),
    ("countersign-client", &["", "axum", "tower", "reqwest-middleware"]),
];

pub(super) fn check() -> anyhow::Result<()> {
    let there = members()?;
    for (name, choices) in PUBLISHED {
        anyhow::ensure!(
            there.iter().any(|member| text(&member["name"]) == *name),
            "there is no crate {name}"
        );
        for features in *choices {
            run::run(&mut run::cargo([
                "clippy",
                "--package",
                name,
                "--features",
                features,
                "--",
                "-D",
                "warnings",
            ]))?;
        }
    }
    Ok(())
}
