//! Which crate of ours may use which. The crate boundaries are where trust changes; ARCHITECTURE.md draws them, and this
//! keeps the drawing true.

use serde_json::Value;

use crate::workspace::{list, members, text};

/// Crate, and the crates of ours that it may use. Arrows run downwards only.
const MAY_USE: &[(&str, &[&str])] = &[
    (
        "countersign",
        &[
            "countersign-gateway",
            "countersign-store",
            "countersign-core",
            "countersign-client",
            "countersign-token",
        ],
    ),
    (
        "countersign-gateway",
        &["countersign-client", "countersign-token"],
    ),
    ("countersign-store", &["countersign-core", "countersign-token"]),
    ("countersign-core", &["countersign-token"]),
    ("countersign-client", &["countersign-token"]),
    ("countersign-token", &[]),
];

/// Crates that nobody ships and that may use anything of ours.
const FREE: &[&str] = &[
    "xtask",
    "countersign-e2e",
    "countersign-cluster",
    "countersign-bench",
];

/// Features that put test keys or other soft spots into a build begin like this.
const TEST_FEATURE: &str = "test-";

pub(super) fn check() -> anyhow::Result<Vec<String>> {
    let members = members()?;
    let names: Vec<_> = members.iter().map(|member| text(&member["name"])).collect();
    Ok(members
        .iter()
        .flat_map(|member| findings(member, &names))
        .collect())
}

fn findings(member: &Value, ours: &[&str]) -> Vec<String> {
    let name = text(&member["name"]);
    if FREE.contains(&name) {
        return Vec::new();
    }
    let Some((_, may_use)) = MAY_USE.iter().find(|(user, _)| *user == name) else {
        return vec![format!(
            "{name} is new: say in xtask/src/lint/arrows.rs and in ARCHITECTURE.md what it may use"
        )];
    };
    let mut findings = Vec::new();
    for dependency in list(&member["dependencies"])
        .iter()
        .filter(|dependency| is_shipped(dependency))
    {
        let used = text(&dependency["name"]);
        if !ours.contains(&used) {
            continue;
        }
        if !may_use.contains(&used) {
            findings.push(format!(
                "{name} must not depend on {used}: no arrow of ARCHITECTURE.md leads there"
            ));
        }
        for feature in list(&dependency["features"])
            .iter()
            .map(text)
            .filter(|name| name.starts_with(TEST_FEATURE))
        {
            findings.push(format!(
                "{name} enables {used}/{feature} outside of [dev-dependencies]"
            ));
        }
    }
    findings
}

/// Whether a dependency ends up in what we ship. Tests may look wherever they want.
pub(super) fn is_shipped(dependency: &Value) -> bool {
    dependency["kind"] != "dev"
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const OURS: &[&str] = &[
        "countersign",
        "countersign-store",
        "countersign-core",
        "countersign-token",
    ];

    fn found(name: &str, used: &str, kind: Option<&str>, features: &[&str]) -> usize {
        let dependency = json!({ "name": used, "kind": kind, "features": features });
        findings(&json!({ "name": name, "dependencies": [dependency] }), OURS).len()
    }

    #[test]
    fn arrows_run_downwards_only() {
        assert_eq!(found("countersign-store", "countersign-core", None, &[]), 0);
        assert_eq!(found("countersign-core", "countersign-store", None, &[]), 1);
        assert_eq!(
            found("countersign-core", "countersign-store", Some("build"), &[]),
            1
        );
        assert_eq!(found("countersign-core", "serde", None, &[]), 0);
        assert_eq!(found("xtask", "countersign", None, &[]), 0);
        assert_eq!(found("countersign-new", "serde", None, &[]), 1);
    }

    #[test]
    fn test_features_are_for_tests() {
        assert_eq!(found("countersign", "countersign-token", None, &["issue"]), 0);
        assert_eq!(
            found("countersign", "countersign-token", None, &["issue", "test-keys"]),
            1
        );
        assert_eq!(
            found("countersign", "countersign-token", Some("dev"), &["test-keys"]),
            0
        );
    }
}
