//! PostgreSQL's programs, and the user that they run as.

use std::os::unix::fs::{MetadataExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;

/// Where Debian puts them, one folder for each major version.
const FOLDERS: &str = "/usr/lib/postgresql";

/// The newest version's program of this name.
pub fn program(name: &str) -> anyhow::Result<PathBuf> {
    let versions = std::fs::read_dir(FOLDERS)
        .with_context(|| format!("{FOLDERS}: install PostgreSQL, or let cargo xtask test do it"))?;
    versions
        .filter_map(|version| Some(version.ok()?.path().join("bin").join(name)))
        .filter(|program| program.exists())
        .max()
        .with_context(|| format!("no {name} below {FOLDERS}"))
}

/// A program that runs as the server's user, and is killed when the thread that started it ends.
pub(crate) fn as_server_user(program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL"]);
    if rustix::process::geteuid().is_root() {
        command.args(["--reuid", "postgres", "--regid", "postgres", "--init-groups"]);
    }
    command.arg("--").arg(program).current_dir("/");
    command
}

/// Gives a file or folder to the server's user.
pub(crate) fn own(path: &Path) -> anyhow::Result<()> {
    if rustix::process::geteuid().is_root() {
        // The user is known by what its package gave it.
        let home = std::fs::metadata("/var/lib/postgresql").context("the user postgres has no home")?;
        chown(path, Some(home.uid()), Some(home.gid()))?;
    }
    Ok(())
}
