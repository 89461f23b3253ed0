//! Where the binary is, and where what it writes is kept.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

/// The binary to test: the one that `COUNTERSIGN_E2E_BINARY` names, as `cargo xtask` does, else the one that cargo built last
/// beside this program.
pub fn binary() -> anyhow::Result<PathBuf> {
    if let Some(path) = std::env::var_os("COUNTERSIGN_E2E_BINARY") {
        return Ok(path.into());
    }
    let path = profile_dir()?.join("countersign");
    anyhow::ensure!(
        path.is_file(),
        "there is no {}; build it: cargo build -p countersign",
        path.display()
    );
    Ok(path)
}

/// A binary built from the commit before the last one that changed the schema, as `cargo xtask e2e --full` makes it.
pub fn previous_binary() -> anyhow::Result<PathBuf> {
    let path = std::env::var_os("COUNTERSIGN_E2E_PREVIOUS_BINARY");
    path.map(PathBuf::from).context(
        "COUNTERSIGN_E2E_PREVIOUS_BINARY names no binary of an earlier commit; use cargo xtask e2e --full",
    )
}

/// `target/e2e/<name>`, made if need be. It is kept after the run: who looks for leaked secrets looks there.
pub fn kept(name: &str) -> anyhow::Result<PathBuf> {
    let target = profile_dir()?
        .parent()
        .map(Path::to_owned)
        .context("no target folder above the profile's")?;
    let folder = target.join("e2e").join(name);
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    Ok(folder)
}

/// The same, empty.
pub fn kept_anew(name: &str) -> anyhow::Result<PathBuf> {
    let folder = kept(name)?;
    std::fs::remove_dir_all(&folder).with_context(|| format!("cannot empty {}", folder.display()))?;
    kept(name)
}

/// Such as `target/debug`, wherever cargo was told to have its target folder: this program runs from there.
fn profile_dir() -> anyhow::Result<PathBuf> {
    let program = std::env::current_exe().context("cannot tell where this program is")?;
    let folder = program.parent().context("this program is in no folder")?;
    let folder = if folder.ends_with("deps") {
        folder.parent().unwrap_or(folder)
    } else {
        folder
    };
    Ok(folder.to_owned())
}
