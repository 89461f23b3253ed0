//! The binary `countersign` as users get it, with no feature that only tests enable.

use std::path::PathBuf;

use anyhow::Context as _;

use crate::{run, workspace};

/// Builds it in the profile `dev` and returns its path.
///
/// `dev` here means: every dependency optimised, our own code not. That is the shortest wait for a newcomer (release adds
/// link-time optimisation of the whole graph), hashing, signing and SQL run at full speed all the same, and `test` finds
/// the dependencies already built.
pub(crate) fn build() -> anyhow::Result<PathBuf> {
    run::run(&mut run::cargo(["build", "--package", "countersign"]))?;
    Ok(workspace::target_dir()?.join("debug").join("countersign"))
}

/// Builds it and puts it aside, because builds of the tests may replace it by one with test features.
pub(crate) fn build_for_tests() -> anyhow::Result<PathBuf> {
    let built = build()?;
    let aside = workspace::target_dir()?
        .join("e2e")
        .join("bin")
        .join("countersign");
    if let Some(folder) = aside.parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    // A new file, not new content of the old: one that somebody still runs cannot be written to.
    let _ = std::fs::remove_file(&aside);
    std::fs::copy(&built, &aside).with_context(|| format!("cannot copy {} aside", built.display()))?;
    Ok(aside)
}
