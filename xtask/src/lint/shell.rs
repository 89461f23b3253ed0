//! Shell scripts must at least be shell.

use crate::run;
use crate::workspace::{files, read};

pub(super) fn check() -> anyhow::Result<Vec<String>> {
    let mut findings = Vec::new();
    for file in files()? {
        if is_shell(&file)? && run::output(run::program("bash").arg("-n").arg(&file)).is_err() {
            findings.push(format!("{file}: bash -n refuses it, as said above"));
        }
    }
    Ok(findings)
}

fn is_shell(file: &str) -> anyhow::Result<bool> {
    if file.ends_with(".sh") {
        return Ok(true);
    }
    let content = read(file)?.unwrap_or_default();
    let first = content.lines().next().unwrap_or_default();
    Ok(first.starts_with("#!") && first.ends_with("sh"))
}
