//! The first day: the three commands that the first start prints.

use std::path::Path;

use crate::support::{BINARY, Deployment, Ran, is_private};

fn commands(printed: &str) -> Vec<&str> {
    printed
        .lines()
        .filter_map(|line| line.strip_prefix("  "))
        .collect()
}

/// As a person does it: another terminal, another folder, nothing in the environment.
fn paste(deployment: &Deployment, commands: &[&str], folder: &Path) -> String {
    let script = format!("set -euo pipefail\n{}", commands.join("\n"));
    let mut bash = deployment.command("bash");
    for (name, _) in &deployment.environment {
        bash.env_remove(name);
    }
    Ran::of(bash.args(["-c", &script]).current_dir(folder).output().unwrap()).ok()
}

#[test]
fn the_three_commands_work_as_pasted() {
    let mut deployment = Deployment::empty();
    let printed = deployment.serve(&[]);
    let commands = commands(&printed);
    assert_eq!(commands.len(), 3, "{printed}");
    let elsewhere = tempfile::tempdir().unwrap();
    let out = paste(&deployment, &commands, elsewhere.path());
    assert!(out.contains("\nvalid\n") && out.contains("read:users"), "{out}");
    assert!(is_private(&elsewhere.path().join("my-first-client.env")));
    assert!(is_private(&deployment.data_dir().join("first-start.env")));
    for secret in ["csk_", "cso_", "secret-test-"] {
        assert!(!printed.contains(secret) && !out.contains(secret));
    }
}

#[test]
fn the_three_commands_work_over_https_with_the_authority_made_here() {
    let mut deployment = Deployment::empty();
    let printed = deployment.serve(&["--tls-self-signed"]);
    let elsewhere = tempfile::tempdir().unwrap();
    let out = paste(&deployment, &commands(&printed), elsewhere.path());
    assert!(out.contains("\nvalid\n"), "{out}");
    let saved = std::fs::read_to_string(elsewhere.path().join("my-first-client.env")).unwrap();
    assert!(
        saved.contains("COUNTERSIGN_CA_FILE=/"),
        "found from any folder: {saved}"
    );

    let findings = deployment.json(&["doctor"]);
    assert_eq!(
        (&findings["fail"], &findings["warn"]),
        (&0.into(), &0.into()),
        "{findings}"
    );
    deployment.set("COUNTERSIGN_CA_FILE", "");
    let complaint = deployment.run(&["client", "get", "x"]).refused(6);
    assert!(complaint.contains("COUNTERSIGN_CA_FILE"), "{complaint}");
}

#[test]
fn a_program_on_the_path_is_called_by_its_short_name() {
    let mut deployment = Deployment::empty();
    let folder = Path::new(BINARY).parent().unwrap().display();
    deployment.set("PATH", &format!("/usr/bin:/bin:{folder}"));
    let printed = deployment.serve(&[]);
    assert!(
        commands(&printed)[1].starts_with("countersign client create"),
        "{printed}"
    );
}
