//! The workspace's lints do nothing in a member that does not ask for them.

use std::path::Path;

use anyhow::Context as _;

use crate::workspace::{members, text};

pub(super) fn check() -> anyhow::Result<Vec<String>> {
    let mut findings = Vec::new();
    for member in members()? {
        let manifest = Path::new(text(&member["manifest_path"]));
        let content = std::fs::read_to_string(manifest)
            .with_context(|| format!("cannot read {}", manifest.display()))?;
        if !inherits_lints(&content) {
            findings.push(format!(
                "{}: add a section [lints] with workspace = true",
                text(&member["name"])
            ));
        }
    }
    Ok(findings)
}

fn inherits_lints(manifest: &str) -> bool {
    let mut lines = manifest.lines().map(str::trim);
    lines.any(|line| line == "[lints]")
        && lines
            .take_while(|line| !line.starts_with('['))
            .any(|line| line.replace(' ', "") == "workspace=true")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_that_section_counts() {
        assert!(inherits_lints(
            "[package]\nname = 'a'\n\n[lints]\nworkspace = true\n"
        ));
        assert!(!inherits_lints("[package]\nname = 'a'\n"));
        assert!(!inherits_lints("[lints]\n[other]\nworkspace = true\n"));
        assert!(!inherits_lints("[dependencies]\nworkspace = true\n"));
    }
}
