//! Output that nobody reads to its end.

use std::process::Stdio;

use crate::support::{BINARY, Deployment, Ran};

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let deployment = Deployment::start();
    for arguments in [
        vec!["completions", "bash"],
        vec!["openapi"],
        vec!["client", "list"],
        vec!["audit", "export"],
        vec!["doctor"],
        vec!["config", "show"],
        vec!["--help"],
    ] {
        let mut command = deployment.command(BINARY);
        command
            .args(&arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut process = command.spawn().unwrap();
        drop(process.stdout.take());
        let ran = Ran::of(process.wait_with_output().unwrap());
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{arguments:?}");
    }
}

#[test]
fn completions_know_the_nouns() {
    let deployment = Deployment::empty();
    for shell in ["bash", "zsh", "fish"] {
        let script = deployment.ok(&["completions", shell]);
        assert!(
            script.contains("master-key") && script.contains("doctor"),
            "{shell}"
        );
    }
    deployment.run(&["completions", "cobol"]).refused(2);
}
