//! What this repository consists of.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use anyhow::Context as _;
use serde_json::Value;

use crate::run;

/// The root of the repository.
pub(crate) fn root() -> &'static Path {
    static ROOT: OnceLock<PathBuf> = OnceLock::new();
    ROOT.get_or_init(|| {
        // Asked for when running: clones that share a target folder may run the xtask that another one built.
        let here = std::env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
        here.parent().map_or_else(|| here.clone(), Path::to_owned)
    })
}

/// What `cargo metadata` says about the members.
fn metadata() -> anyhow::Result<&'static Value> {
    static METADATA: OnceLock<Value> = OnceLock::new();
    if let Some(known) = METADATA.get() {
        return Ok(known);
    }
    let text = run::output(&mut run::cargo(["metadata", "--format-version=1", "--no-deps"]))?;
    let value = serde_json::from_str(&text).context("cargo metadata wrote something that is not JSON")?;
    Ok(METADATA.get_or_init(|| value))
}

/// The packages of the workspace, as `cargo metadata` describes them.
pub(crate) fn members() -> anyhow::Result<Vec<&'static Value>> {
    let metadata = metadata()?;
    let ids = list(&metadata["workspace_members"]);
    let members: Vec<_> = list(&metadata["packages"])
        .iter()
        .filter(|package| ids.contains(&package["id"]))
        .collect();
    anyhow::ensure!(!members.is_empty(), "cargo metadata names no workspace member");
    Ok(members)
}

/// Where cargo puts what it builds; outside the repository when `CARGO_TARGET_DIR` says so.
pub(crate) fn target_dir() -> anyhow::Result<PathBuf> {
    let path = metadata()?["target_directory"]
        .as_str()
        .context("cargo metadata names no target directory")?;
    Ok(path.into())
}

/// The elements of a JSON array; none when it is something else.
pub(crate) fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// The text of a JSON string; empty when it is something else.
pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Every file that is in git or would be with the next `git add`, relative to the root.
pub(crate) fn files() -> anyhow::Result<Vec<String>> {
    let mut command = run::program("git");
    command.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
    let listed = run::output(&mut command).context("the files to check are those that git lists")?;
    let there = |file: &&str| !file.is_empty() && root().join(file).is_file();
    Ok(listed.split('\0').filter(there).map(str::to_owned).collect())
}

/// The text of a file of the repository; `None` when it is not text.
pub(crate) fn read(file: &str) -> anyhow::Result<Option<String>> {
    let bytes = std::fs::read(root().join(file)).with_context(|| format!("cannot read {file}"))?;
    Ok(String::from_utf8(bytes).ok().filter(|text| !text.contains('\0')))
}
