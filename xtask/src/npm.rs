//! The TypeScript packages: `sdk/typescript` and `sdk/toolkit`, one npm workspace with one lockfile.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Context as _;

use crate::{run, workspace};

/// Installs what the lockfile names, unless that very lockfile was installed before, and builds both packages.
pub(crate) fn build() -> anyhow::Result<()> {
    install()?;
    script("build")
}

/// Runs a script of the root's `package.json`.
pub(crate) fn script(name: &str) -> anyhow::Result<()> {
    run::run(&mut npm(&["run", name]))
}

fn install() -> anyhow::Result<()> {
    let lockfile = std::fs::read(workspace::root().join("package-lock.json")).context("package-lock.json")?;
    let installed = installed_lockfile();
    if std::fs::read(&installed).is_ok_and(|installed| installed == lockfile) {
        return Ok(());
    }
    // No script of a package that somebody else wrote runs here.
    run::run(&mut npm(&["ci", "--ignore-scripts", "--no-audit", "--no-fund"]))?;
    // Last, so that a broken install is done again.
    std::fs::write(&installed, lockfile).with_context(|| format!("cannot write {}", installed.display()))
}

fn installed_lockfile() -> PathBuf {
    workspace::root()
        .join("node_modules")
        .join(".installed-lockfile.json")
}

fn npm(arguments: &[&str]) -> Command {
    let mut command = run::program("npm");
    command.args(arguments).env("NO_UPDATE_NOTIFIER", "1");
    command
}
