//! The binary of the commit before the last one that changed the schema, for the test of two versions on one database.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::{run, workspace};

const MIGRATIONS: &str = "crates/store/migrations";

/// Builds it, unless an earlier run has, and returns its path. It is kept beside what the tests leave, which is cleared away.
pub(crate) fn build() -> anyhow::Result<PathBuf> {
    let commit = commit()?;
    let folder = workspace::target_dir()?.join("previous").join(&commit);
    let binary = folder.join("countersign");
    if binary.is_file() {
        return Ok(binary);
    }
    let source = folder.join("source");
    check_out(&commit, &source)?;
    let built = build_in(&source, &folder.join("target"));
    run::run(git().args(["worktree", "remove", "--force"]).arg(&source))?;
    // It gets its name when it is whole.
    let partial = folder.join("countersign.partial");
    std::fs::copy(built?, &partial).context("cannot keep the binary")?;
    std::fs::rename(&partial, &binary).context("cannot keep the binary")?;
    Ok(binary)
}

/// The parent of the commit that added a migration last.
fn commit() -> anyhow::Result<String> {
    const WHY: &str = "the version before is built from the history of git, and there is none: a clone with all of it is needed";
    let added = run::output(git().args(["log", "-1", "--diff-filter=A", "--format=%H", "--", MIGRATIONS]));
    let added = added.context(WHY)?;
    anyhow::ensure!(!added.trim().is_empty(), WHY);
    let parent = format!("{}^", added.trim());
    let parent = run::output(git().args(["rev-parse", "--verify", "--quiet", &parent]));
    Ok(parent.context(WHY)?.trim().to_owned())
}

fn check_out(commit: &str, source: &Path) -> anyhow::Result<()> {
    // What an interrupted run left.
    let _ = std::fs::remove_dir_all(source);
    run::run(git().args(["worktree", "prune"]))?;
    run::run(
        git()
            .args(["worktree", "add", "--detach", "--force"])
            .arg(source)
            .arg(commit),
    )
}

fn build_in(source: &Path, target: &Path) -> anyhow::Result<PathBuf> {
    let mut cargo = run::cargo(["build", "--locked", "--package", "countersign"]);
    run::run(cargo.current_dir(source).env("CARGO_TARGET_DIR", target))?;
    Ok(target.join("debug").join("countersign"))
}

fn git() -> std::process::Command {
    run::program("git")
}
