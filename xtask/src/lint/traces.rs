//! What is committed must work anywhere and tell nothing about where it was written: no path of somebody's machine, no host
//! that packages happened to be downloaded from.

use crate::workspace::{files, read, root};

/// Folders at the root of a file system under which people and machines keep their own things.
const FOLDERS: &[&str] = &["work", "home", "Users", "root"];

/// Hosts that package clients download from, in two parts, so that this file is not a finding itself.
const HOSTS: &[(&str, &str)] = &[
    ("index", "crates.io"),
    ("static", "crates.io"),
    ("registry", "npmjs.org"),
    ("registry", "yarnpkg.com"),
    ("files", "pythonhosted.org"),
    ("pypi", "org/simple"),
    ("deb", "debian.org"),
    ("proxy", "golang.org"),
];

pub(super) fn check() -> anyhow::Result<Vec<String>> {
    let traces = traces();
    let mut findings = Vec::new();
    for file in files()? {
        for (index, line) in read(&file)?.unwrap_or_default().lines().enumerate() {
            for trace in traces.iter().filter(|trace| has(line, trace)) {
                findings.push(format!("{file}:{}: names {trace}", index + 1));
            }
        }
    }
    Ok(findings)
}

fn traces() -> Vec<String> {
    let mut traces: Vec<_> = FOLDERS.iter().map(|folder| format!("/{folder}/")).collect();
    traces.extend(HOSTS.iter().map(|(name, domain)| format!("{name}.{domain}")));
    traces.push(root().display().to_string());
    traces
}

/// Whether the line has it where a word begins: a folder counts after a quote, but not in the middle of a web address.
fn has(line: &str, trace: &str) -> bool {
    line.match_indices(trace).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|before| before.is_alphanumeric() || "._-~}>)/*".contains(before))
            || (!trace.starts_with('/') && line[..at].ends_with('/'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_count_where_they_begin() {
        let path = format!("/{}/", "home");
        assert!(has(&format!("cd {path}me"), &path));
        assert!(has(&format!("\"{path}me\""), &path));
        assert!(!has(&format!("see example.com{path}me"), &path));
        assert!(!has(&format!("${{PREFIX}}{path}me"), &path));
    }

    #[test]
    fn hosts_count_in_addresses_too() {
        assert!(has("resolved: https://a.example/x", "a.example"));
        assert!(has("= a.example", "a.example"));
        assert!(!has("data.example", "a.example"));
    }
}
