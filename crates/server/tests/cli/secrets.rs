//! Secrets come from files, standard input and the environment; what is mistaken for a file's name is not repeated.

use crate::support::Deployment;

#[test]
fn a_secret_as_an_argument_is_refused_and_not_repeated() {
    let deployment = Deployment::start();
    let operator_key = deployment.get("COUNTERSIGN_OPERATOR_KEY").to_owned();
    let project_secret = deployment.get("COUNTERSIGN_PROJECT_SECRET").to_owned();
    for (arguments, secret) in [
        (
            vec!["client", "create", "--secret-file", "csk_abcdefgh"],
            "csk_abcdefgh",
        ),
        (
            vec!["client", "list", "--operator-key-file", &operator_key],
            &operator_key,
        ),
        (
            vec!["client", "create", "--project-secret-file", &project_secret],
            &project_secret,
        ),
        (
            vec!["token", "verify", "eyJhbGciOiJSUzI1NiJ9.e30.AA"],
            "eyJhbGciOiJSUzI1NiJ9",
        ),
        (
            vec!["token", "decode", "eyJhbGciOiJSUzI1NiJ9.e30.AA"],
            "eyJhbGciOiJSUzI1NiJ9",
        ),
    ] {
        let complaint = deployment.run(&arguments).refused(2);
        assert!(!complaint.contains(secret), "{complaint}");
        assert!(complaint.contains("standard input"), "{complaint}");
    }
}

#[test]
fn each_way_in_works() {
    let mut deployment = Deployment::start();
    let key = deployment.get("COUNTERSIGN_OPERATOR_KEY").to_owned();
    deployment.set("COUNTERSIGN_OPERATOR_KEY", "");
    deployment.run(&["project", "list"]).refused(2);
    std::fs::write(deployment.file("key"), format!("{key}\n")).unwrap();
    deployment.ok(&["project", "list", "--operator-key-file", "key"]);
    deployment
        .run_on(&key, &["project", "list", "--operator-key-file", "-"])
        .ok();

    deployment.set("COUNTERSIGN_OPERATOR_KEY", "cso_wrong");
    deployment.run(&["project", "list"]).refused(3);
    deployment.ok(&["--json", "project", "--operator-key-file", "key", "list"]);
}

#[test]
fn a_saved_secret_is_in_the_file_alone() {
    let deployment = Deployment::start();
    for (index, arguments) in [
        vec!["client", "create", "--id", "c1"],
        vec!["client", "rotate", "start", "c1"],
        vec!["project", "create", "--name", "p"],
        vec!["project", "secret", "create", "--name", "s"],
        vec!["operator", "create", "--name", "o"],
    ]
    .into_iter()
    .enumerate()
    {
        let json: &[&str] = if index % 2 == 0 { &["--json"] } else { &[] };
        let file = format!("{index}.env");
        let ran = deployment.run(&[&arguments, json, &["--save", &file]].concat());
        let printed = format!("{}{}", ran.out, ran.err);
        ran.ok();
        let saved = std::fs::read_to_string(deployment.file(&file)).unwrap();
        let secret = saved.lines().last().unwrap().split_once('=').unwrap().1;
        assert!(secret.len() > 40 && !printed.contains(secret), "{printed}");
        assert!(crate::support::is_private(&deployment.file(&file)));

        // Once more: the file is in the way, and nothing is made.
        let before = deployment.ok(&["audit", "export", "--all-projects"]);
        deployment
            .run(&[&arguments[..], &["--save", &file]].concat())
            .refused(5);
        assert_eq!(deployment.ok(&["audit", "export", "--all-projects"]), before);
        assert_eq!(std::fs::read_to_string(deployment.file(&file)).unwrap(), saved);
    }
}

#[test]
fn a_call_that_fails_leaves_no_file() {
    let deployment = Deployment::start();
    deployment.client(&["--id", "taken"]);
    deployment
        .run(&["client", "create", "--id", "taken", "--save", "new.env"])
        .refused(5);
    assert!(!deployment.file("new.env").exists());
}
