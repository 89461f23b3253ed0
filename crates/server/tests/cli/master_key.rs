//! `master-key rotate`, whole and interrupted, and wrong keys.

use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::providers::add_acme;
use crate::support::{BINARY, Deployment};

const OTHER_KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

/// A client whose credentials are in `c.env`, and a token from before. The server is stopped.
fn installation() -> (Deployment, String) {
    let mut deployment = Deployment::start();
    deployment.ok(&["client", "create", "--id", "c", "--save", "c.env"]);
    add_acme(&deployment);
    let token = deployment.token("c.env");
    deployment.stop();
    (deployment, token)
}

/// Secrets match, keys sign, and tokens from before are believed.
fn assert_works(deployment: &mut Deployment, earlier: &str) {
    deployment.serve(&[]);
    let url = deployment.get("COUNTERSIGN_URL");
    deployment.ok(&["token", "get", "--from", "c.env", "--url", url]);
    deployment.run_on(earlier, &["token", "verify", "-"]).ok();
    deployment.ok(&["key", "list"]);
    deployment.stop();
}

fn key(deployment: &Deployment, name: &str) -> Option<String> {
    std::fs::read_to_string(deployment.data_dir().join(name)).ok()
}

#[test]
fn a_rotation_breaks_nothing() {
    let (mut deployment, token) = installation();
    let old = key(&deployment, "master.key").unwrap();
    let said = deployment.run_offline(&["master-key", "rotate"]).ok();
    assert!(said.contains("sealed values moved from master key"), "{said}");
    assert_ne!(key(&deployment, "master.key").unwrap(), old);
    assert_eq!(key(&deployment, "master.key.next"), None);
    assert_works(&mut deployment, &token);
    // What was sealed anew opens, also the credential of a provider.
    deployment.run_offline(&["master-key", "rotate"]).ok();
    assert_works(&mut deployment, &token);

    deployment.serve(&[]);
    deployment.run_offline(&["master-key", "rotate"]).refused(5);
    let events = deployment.ok(&[
        "audit",
        "list",
        "--all-projects",
        "--action",
        "master_key_rotated",
    ]);
    assert_eq!(events.lines().count(), 3, "{events}");
}

#[test]
fn interrupted_before_or_after_its_one_transaction_it_is_taken_back_or_finished() {
    let (mut deployment, token) = installation();
    let data = deployment.data_dir();
    let old = key(&deployment, "master.key").unwrap();

    // Killed after the next key was written: it sealed nothing yet.
    std::fs::write(data.join("master.key.next"), OTHER_KEY).unwrap();
    assert_works(&mut deployment, &token);
    assert_eq!(key(&deployment, "master.key").as_ref(), Some(&old));

    // Killed after everything was sealed anew, before the file was renamed.
    deployment.run_offline(&["master-key", "rotate"]).ok();
    let new = key(&deployment, "master.key").unwrap();
    std::fs::rename(data.join("master.key"), data.join("master.key.next")).unwrap();
    std::fs::write(data.join("master.key"), &old).unwrap();
    assert_works(&mut deployment, &token);
    assert_eq!(key(&deployment, "master.key"), Some(new));
    assert_eq!(key(&deployment, "master.key.next"), None);
}

#[test]
fn killed_at_any_time_it_leaves_a_working_installation() {
    const TIMES: u32 = 12;
    let (mut deployment, token) = installation();
    let started = Instant::now();
    deployment.run_offline(&["master-key", "rotate"]).ok();
    let whole = started.elapsed();
    for time in 1..=TIMES {
        let mut command = deployment.command(BINARY);
        command
            .args(["master-key", "rotate", "--data-dir"])
            .arg(deployment.data_dir());
        let mut rotation = command.stdout(Stdio::null()).spawn().unwrap();
        std::thread::sleep((whole * time / TIMES).max(Duration::from_millis(1)));
        let _ = rotation.kill();
        let _ = rotation.wait();
        assert_works(&mut deployment, &token);
    }
}

#[test]
fn keys_from_outside_are_rotated_to_a_named_file() {
    let (mut deployment, token) = installation();
    let old = key(&deployment, "master.key").unwrap();
    std::fs::remove_file(deployment.data_dir().join("master.key")).unwrap();
    deployment.set("COUNTERSIGN_MASTER_KEY", &old);
    let complaint = deployment.run_offline(&["master-key", "rotate"]).refused(1);
    assert!(complaint.contains("--new-key-file"), "{complaint}");

    std::fs::write(deployment.file("new.key"), format!("{OTHER_KEY}\n")).unwrap();
    let said = deployment
        .run_offline(&["--json", "master-key", "rotate", "--new-key-file", "new.key"])
        .ok();
    assert!(
        said.contains("COUNTERSIGN_MASTER_KEY") && !said.contains(OTHER_KEY),
        "{said}"
    );
    deployment.set("COUNTERSIGN_MASTER_KEY", OTHER_KEY);
    assert_works(&mut deployment, &token);
}

#[test]
fn a_wrong_or_missing_key_is_refused_in_clear_words() {
    let (deployment, _) = installation();
    let wrong = deployment
        .serve_refused(&[("COUNTERSIGN_MASTER_KEY", OTHER_KEY)])
        .refused(1);
    assert!(
        wrong.contains("wrong master key") && wrong.contains("lost master key"),
        "{wrong}"
    );
    assert!(!wrong.contains(OTHER_KEY));
    let garbled = deployment
        .serve_refused(&[("COUNTERSIGN_MASTER_KEY", "short")])
        .refused(1);
    assert!(garbled.contains("32 bytes"), "{garbled}");
    std::fs::remove_file(deployment.data_dir().join("master.key")).unwrap();
    let missing = deployment.serve_refused(&[]).refused(1);
    assert!(missing.contains("none was given"), "{missing}");
}
