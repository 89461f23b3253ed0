//! `provider …`

use std::io::{Read, Write};
use std::net::TcpListener;

use serde_json::json;

use crate::support::{Deployment, row};

/// What the provider `acme` wants to be shown.
pub(crate) const CREDENTIAL: &str = "canary-2c6b90d1-acme-token";

const DOCUMENT: &str = r#"openapi: "3.1.0"
info: {title: Acme, version: "1"}
servers: [{url: "https://api.acme.example/v1"}]
paths:
  /users:
    get:
      operationId: users_List
      responses: {}
"#;

/// Adds the provider `acme` with a credential.
pub(crate) fn add_acme(deployment: &Deployment) {
    std::fs::write(deployment.file("acme.yaml"), DOCUMENT).unwrap();
    deployment.ok(&["provider", "add", "acme", "--openapi", "acme.yaml"]);
    add_acme_credential(deployment);
}

pub(crate) fn add_acme_credential(deployment: &Deployment) {
    deployment
        .run_on(
            &format!("{CREDENTIAL}\n"),
            &["provider", "credential", "set", "acme", "--kind", "bearer"],
        )
        .ok();
}

#[test]
fn a_providers_whole_life() {
    let deployment = Deployment::start();
    std::fs::write(deployment.file("acme.yaml"), DOCUMENT).unwrap();
    let rule = r#"{"name":"read","scope":"gateway:acme/read","operations":["usersList"]}"#;
    let shown = deployment.ok(&[
        "provider",
        "add",
        "acme",
        "--openapi",
        "acme.yaml",
        "--rule",
        rule,
        "--limit",
        "concurrency=20",
        "--further-host",
        "https://files.acme.example=files",
    ]);
    assert_eq!(row(&shown, "base")[2], "https://api.acme.example/v1");
    assert_eq!(row(&shown, "version")[1], "1");
    let updated = deployment.json(&[
        "provider",
        "update",
        "acme",
        "--base-url",
        "http://10.1.2.3",
        "--allow-cidr",
        "10.1.0.0/16",
        "--no-rules",
        "--keep-cookies",
        "--if-version",
        "1",
    ]);
    let provider = &updated["provider"];
    assert_eq!(provider["base_url"], "http://10.1.2.3");
    assert_eq!(provider["rules"], json!([]));
    assert_eq!(provider["keep_cookies"], true);
    assert_eq!(provider["limits"]["concurrency"], 20);
    assert_eq!(provider["further_hosts"][0]["credential"], "files");
    // Decided on a version that is gone.
    let again = [
        "provider",
        "update",
        "acme",
        "--keep-cookies",
        "false",
        "--if-version",
        "1",
    ];
    deployment.run(&again).refused(5);
    deployment.run(&["provider", "update", "acme"]).refused(2);
    assert!(deployment.ok(&["provider", "list"]).contains("http://10.1.2.3"));
    assert!(
        deployment
            .ok(&["provider", "show", "acme"])
            .contains("concurrency")
    );
    assert!(deployment.ok(&["provider", "remove", "acme"]).contains("acme"));
    deployment.run(&["provider", "show", "acme"]).refused(4);
}

#[test]
fn a_credential_goes_in_and_never_comes_out() {
    let deployment = Deployment::start();
    add_acme(&deployment);
    std::fs::write(deployment.file("password.txt"), "canary-password-51\n").unwrap();
    let set = deployment.run(&[
        "provider",
        "credential",
        "set",
        "acme",
        "--kind",
        "basic",
        "--username",
        "svc",
        "--as",
        "reports",
        "--from-file",
        "password.txt",
    ]);
    let shown = set.ok();
    assert_eq!(row(&shown, "hosts")[1], "api.acme.example");
    let listed = deployment.json(&["provider", "credential", "list", "acme"]);
    let names: Vec<_> = listed["credentials"].as_array().unwrap().iter().collect();
    assert_eq!(
        (&names[0]["name"], &names[1]["name"]),
        (&json!("default"), &json!("reports"))
    );
    let said = format!(
        "{shown}{listed}{}{}",
        deployment.log(),
        deployment.ok(&["--json", "audit", "list"])
    );
    for secret in [CREDENTIAL, "canary-password-51"] {
        assert!(!said.contains(secret), "{said}");
    }
    deployment.ok(&["provider", "credential", "remove", "acme", "--as", "reports"]);
    deployment
        .run(&["provider", "credential", "remove", "acme", "--as", "reports"])
        .refused(4);
}

/// What belongs to another kind would be a mistake that is noticed at the first call.
#[test]
fn a_member_of_another_kind_is_refused_and_an_empty_value_too() {
    let deployment = Deployment::start();
    add_acme(&deployment);
    let set = ["provider", "credential", "set", "acme", "--kind", "bearer"];
    let with_name = [&set[..], &["--name", "X-Key"]].concat();
    deployment.run_on("canary-value-77", &with_name).refused(1);
    deployment.run_on("", &set).refused(2);
    let credentials = deployment.json(&["provider", "credential", "list", "acme"]);
    assert_eq!(credentials["credentials"][0]["version"], 1, "{credentials}");
}

/// The document is fetched by whoever runs the command: the server needs no way to it.
#[test]
fn a_document_is_fetched_from_its_url_and_relative_servers_are_relative_to_it() {
    let deployment = Deployment::start();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/docs/openapi.yaml", listener.local_addr().unwrap());
    let serving = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = [0; 4096];
        let length = stream.read(&mut request).unwrap();
        let document = DOCUMENT.replace("https://api.acme.example/v1", "/v2");
        write!(
            stream,
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{document}",
            document.len()
        )
        .unwrap();
        String::from_utf8_lossy(&request[..length]).into_owned()
    });
    let add = [
        "provider",
        "add",
        "acme",
        "--openapi",
        &url,
        "--allow-cidr",
        "127.0.0.0/8",
    ];
    let shown = deployment.ok(&add);
    let base_url = format!("{}/v2", url.strip_suffix("/docs/openapi.yaml").unwrap());
    assert_eq!(row(&shown, "base")[2], base_url);
    let request = serving.join().unwrap();
    assert!(request.starts_with("GET /docs/openapi.yaml "), "{request}");
    assert!(
        !request.contains("cso_"),
        "the operator's key is not for the provider"
    );
    deployment
        .run(&["provider", "add", "b", "--openapi", &url])
        .refused(6);
}
