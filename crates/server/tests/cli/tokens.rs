//! `token …`

use crate::support::{Deployment, row};

#[test]
fn a_token_is_printed_alone_and_verified() {
    let deployment = Deployment::start();
    deployment.ok(&[
        "client",
        "create",
        "--id",
        "c",
        "--scope",
        "read:usage write:usage",
        "--save",
        "c.env",
    ]);
    let token = deployment.token("c.env");
    assert_eq!(token.split('.').count(), 3);
    assert!(!token.contains(char::is_whitespace));
    let raw = deployment.ok(&["token", "get", "--from", "c.env", "--raw"]);
    assert!(!raw.ends_with('\n'));
    let answer = deployment.json(&["token", "get", "--from", "c.env", "--scope", "read:usage"]);
    assert_eq!(answer["token_type"], "bearer");

    let verified = deployment
        .run_on(&token, &["token", "verify", "-", "--scope", "read:usage"])
        .ok();
    assert!(verified.starts_with("valid\n"), "{verified}");
    assert_eq!(row(&verified, "client"), ["client", "c"]);
    std::fs::write(deployment.file("token"), format!("{token}\n")).unwrap();
    let claims = deployment.json(&["token", "verify", "token"]);
    assert_eq!(claims["sub"], "c");

    let missing = deployment
        .run(&["token", "verify", "token", "--scope", "read:all"])
        .refused(1);
    assert!(missing.contains("lacks the scope read:all"), "{missing}");
    let audience = deployment
        .run(&["token", "verify", "token", "--audience", "other"])
        .refused(1);
    assert!(audience.contains("wrong_audience"), "{audience}");
    let issuer = deployment
        .run(&["token", "verify", "token", "--issuer", "other"])
        .refused(1);
    assert!(issuer.contains("wrong_issuer"), "{issuer}");
    let forged = deployment
        .run_on(&token[..token.len() - 8], &["token", "verify", "-"])
        .refused(1);
    assert!(
        forged.contains("refused") && !forged.contains(&token[..40]),
        "{forged}"
    );
}

#[test]
fn both_kinds_of_tokens_are_verified() {
    let mut deployment = Deployment::start();
    for profile in ["standard-rs256", "standard-es256", "standard-eddsa"] {
        let file = format!("{profile}.env");
        deployment.ok(&[
            "project",
            "create",
            "--name",
            "p",
            "--token-profile",
            profile,
            "--save",
            &file,
        ]);
        for (name, value) in crate::support::environment_of(&deployment.file(&file)) {
            deployment.set(&name, &value);
        }
        let client = format!("{profile}-client.env");
        deployment.ok(&["client", "create", "--save", &client]);
        let token = deployment.token(&client);
        let claims = deployment
            .run_on(&token, &["--json", "token", "verify", "-"])
            .ok();
        assert!(claims.contains("\"client_id\""), "{claims}");
    }
}

#[test]
fn decoding_says_that_nothing_was_verified() {
    let deployment = Deployment::start();
    deployment.ok(&["client", "create", "--id", "c", "--save", "c.env"]);
    let token = deployment.token("c.env");
    let text = deployment.run_on(&token, &["token", "decode"]).ok();
    assert!(
        text.starts_with("Nothing was verified") && text.contains("\"sub\": \"c\""),
        "{text}"
    );
    let value = deployment
        .run_on(&token, &["token", "decode", "-", "--json"])
        .ok();
    let value: serde_json::Value = serde_json::from_str(&value).unwrap();
    assert_eq!(
        (&value["verified"], &value["claims"]["sub"]),
        (&false.into(), &"c".into())
    );
    deployment.run_on("nonsense", &["token", "decode"]).refused(1);
}

#[test]
fn flags_win_over_the_file_and_the_file_over_the_environment() {
    let mut deployment = Deployment::start();
    deployment.ok(&["client", "create", "--id", "c", "--save", "c.env"]);
    let url = deployment.get("COUNTERSIGN_URL").to_owned();
    deployment.set("COUNTERSIGN_URL", "http://127.0.0.1:1");
    deployment.token("c.env");
    deployment
        .run(&["token", "get", "--from", "c.env", "--url", "http://127.0.0.1:1"])
        .refused(6);
    deployment
        .run(&["token", "get", "--from", "c.env", "--client", "other"])
        .refused(3);

    let file = std::fs::read_to_string(deployment.file("c.env")).unwrap();
    deployment.run_on(&file, &["token", "get", "--from", "-"]).ok();

    deployment.set("COUNTERSIGN_URL", &url);
    for (name, value) in crate::support::environment_of(&deployment.file("c.env")) {
        deployment.set(&name, &value);
    }
    deployment.ok(&["token", "get"]);
}
