//! Libraries that only some of our crates may name, and libraries that must not be linked at all.

use serde_json::Value;

use super::arrows::is_shipped;
use crate::run;
use crate::workspace::{list, members, text};

/// Libraries, and the only crates that may name them as a dependency of what they ship.
const OWNED: &[(&[&str], &[&str])] = &[
    // Everything about the database stands in one crate.
    (
        &[
            "sqlx",
            "sqlx-core",
            "sqlx-sqlite",
            "sqlx-postgres",
            "libsqlite3-sys",
            "tokio-postgres",
        ],
        &["countersign-store"],
    ),
    // Signatures are made and checked in `token`; `core` seals and digests, the server speaks TLS, the client digests tokens
    // and draws jitter, the gateway signs requests as their upstreams want it. The benchmark measures what this library does without us.
    (
        &["aws-lc-rs"],
        &[
            "countersign-token",
            "countersign-core",
            "countersign-client",
            "countersign-gateway",
            "countersign",
            "countersign-bench",
        ],
    ),
    // Rules, storage and tokens know no HTTP.
    (
        &["axum", "axum-core", "axum-extra", "utoipa-axum", "tower-http"],
        &[
            "countersign",
            "countersign-gateway",
            "countersign-client",
            "countersign-bench",
            "countersign-e2e",
        ],
    ),
];

/// Never in a build: one provider of cryptography and TLS in the whole graph, which is aws-lc-rs. With two, rustls cannot
/// choose, and twice as much C decides over our secrets.
const BANNED: &[&str] = &["ring", "openssl", "openssl-sys", "native-tls"];

pub(super) fn check() -> anyhow::Result<Vec<String>> {
    let mut findings: Vec<_> = members()?.into_iter().flat_map(trespasses).collect();
    findings.extend(banned()?);
    Ok(findings)
}

fn trespasses(member: &Value) -> Vec<String> {
    let name = text(&member["name"]);
    let mut findings = Vec::new();
    for dependency in list(&member["dependencies"])
        .iter()
        .filter(|dependency| is_shipped(dependency))
    {
        let library = text(&dependency["name"]);
        for (_, owners) in OWNED
            .iter()
            .filter(|(owned, owners)| owned.contains(&library) && !owners.contains(&name))
        {
            findings.push(format!(
                "{name} must not depend on {library}, which is for {}",
                owners.join(", ")
            ));
        }
    }
    findings
}

/// The banned crates that a build links, each with the way by which it got in.
///
/// `cargo tree` is asked because the graph of `cargo metadata` also shows optional dependencies that no build turns on.
fn banned() -> anyhow::Result<Vec<String>> {
    let tree = |more: &[&str]| {
        let arguments = ["tree", "--workspace", "--all-features", "--edges", "normal,build"];
        run::output(run::cargo(arguments).args(more))
    };
    let all = tree(&["--prefix", "none", "--format", "{p}"])?;
    let mut findings = Vec::new();
    for name in linked(&all) {
        findings.push(format!("{name} is in the graph:\n{}", tree(&["--invert", name])?));
    }
    Ok(findings)
}

/// Which of the banned names stand in a list of `name version`.
fn linked(list: &str) -> Vec<&'static str> {
    let has = |name: &&&str| list.lines().any(|line| line.split(' ').next() == Some(name));
    BANNED.iter().filter(has).copied().collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_library_has_its_owners() {
        let member = |name: &str, library: &str| json!({ "name": name, "dependencies": [{ "name": library, "kind": null }] });
        assert!(trespasses(&member("countersign-store", "sqlx")).is_empty());
        assert_eq!(trespasses(&member("countersign", "sqlx")).len(), 1);
        assert_eq!(trespasses(&member("countersign-core", "axum")).len(), 1);
    }

    #[test]
    fn a_banned_crate_is_found_by_its_whole_name() {
        assert_eq!(linked("ours v0.1.0\nring v0.17.14 (*)\n"), ["ring"]);
        assert!(linked("ours v0.1.0\nringbuf v0.4.0\n").is_empty());
    }
}
