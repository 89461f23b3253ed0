//! The files of `deploy/`: nothing runs them here, but their settings are real ones.

use std::collections::BTreeMap;
use std::path::Path;

use crate::support::Deployment;

const FILES: [&str; 2] = ["compose.yaml", "kubernetes/deployment.yaml"];

/// Settings in a file, in either form: `NAME: value` and `{name: NAME, value: value}`.
fn settings(file: &str) -> BTreeMap<String, String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../deploy")
        .join(file);
    let text = std::fs::read_to_string(path).unwrap();
    let lines = text.lines().map(str::trim).filter(|line| !line.starts_with('#'));
    let setting = |line: &str| {
        let (_, rest) = line.split_once("COUNTERSIGN_")?;
        let (name, value) = rest.split_once(": ").or_else(|| rest.split_once(", value: "))?;
        let name = name.trim_end_matches(", value");
        let value = value.trim_end_matches('}').trim_matches('"');
        Some((format!("COUNTERSIGN_{name}"), value.to_owned()))
    };
    lines.filter_map(setting).collect()
}

#[test]
fn what_is_set_there_is_a_setting() {
    for file in FILES {
        let settings = settings(file);
        assert!(settings.len() >= 5, "{file}: {settings:?}");
        let mut deployment = Deployment::empty();
        std::fs::write(
            deployment.file("c.toml"),
            "[database]\nurl = ['postgres://c:p@database/c?sslmode=disable']\n",
        )
        .unwrap();
        std::fs::write(deployment.file("master.key"), "0".repeat(64)).unwrap();
        for (name, value) in &settings {
            let value = match name.as_str() {
                "COUNTERSIGN_CONFIG" => "c.toml",
                "COUNTERSIGN_MASTER_KEY_FILE" => "master.key",
                _ => value,
            };
            deployment.set(name, value);
        }
        // A name that is none is an error, and so is a value of the wrong kind.
        deployment.ok(&["config", "check"]);
    }
}
