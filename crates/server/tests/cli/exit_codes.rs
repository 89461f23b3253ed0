//! Exit codes, as `--help` lists them.

use crate::support::Deployment;

#[test]
fn each_code_has_its_cause() {
    let mut deployment = Deployment::start();
    deployment.client(&["--id", "taken"]);
    for (code, arguments) in [
        (0, vec!["client", "get", "taken"]),
        (1, vec!["client", "create", "--scope", "b\u{e4}d"]),
        (2, vec!["client", "create", "--no-such-option"]),
        (2, vec!["client", "update", "taken"]),
        (2, vec!["client", "get", ".."]),
        (
            2,
            vec!["client", "get", "taken", "--url", "http://user:pw@127.0.0.1"],
        ),
        (4, vec!["client", "get", "missing"]),
        (5, vec!["client", "create", "--id", "taken"]),
        (5, vec!["client", "rotate", "complete", "taken"]),
        (6, vec!["client", "get", "taken", "--url", "http://127.0.0.1:1"]),
    ] {
        let ran = deployment.run(&arguments);
        assert_eq!(ran.code, code, "{arguments:?}: {}{}", ran.out, ran.err);
        assert_eq!(code != 0, ran.err.starts_with("error: "), "{}", ran.err);
        assert!(!ran.err.contains("pw@"), "{}", ran.err);
    }
    deployment.set("COUNTERSIGN_PROJECT_SECRET", "wrong");
    deployment.run(&["client", "get", "taken"]).refused(3);
    deployment.set("COUNTERSIGN_PROJECT_SECRET", "");
    let complaint = deployment.run(&["client", "get", "taken"]).refused(2);
    assert!(complaint.contains("COUNTERSIGN_PROJECT_SECRET"), "{complaint}");
}

#[test]
fn an_error_has_the_words_of_the_api_and_what_finds_it() {
    let deployment = Deployment::start();
    let complaint = deployment.run(&["client", "get", "missing"]).refused(4);
    assert!(complaint.contains("No M2M client with this id"), "{complaint}");
    assert!(
        complaint.contains("m2m_client_not_found, request id request-id-test-"),
        "{complaint}"
    );
    assert!(complaint.contains("/errors/m2m_client_not_found"), "{complaint}");
}

#[test]
fn another_service_is_not_taken_for_ours() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let answers = [
        (
            6,
            "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n",
            "not from Countersign",
        ),
        (1, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", "not JSON"),
        (
            1,
            "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
            "redirects",
        ),
    ];
    let server = std::thread::spawn(move || {
        for (_, answer, _) in answers {
            use std::io::{Read, Write};
            let (mut connection, _) = listener.accept().unwrap();
            let mut request = [0; 4096];
            let _ = connection.read(&mut request).unwrap();
            connection.write_all(answer.as_bytes()).unwrap();
        }
    });
    let mut deployment = Deployment::empty();
    deployment.set("COUNTERSIGN_OPERATOR_KEY", "cso_x");
    for (code, _, words) in answers {
        let complaint = deployment.run(&["project", "list", "--url", &url]).refused(code);
        assert!(complaint.contains(words), "{complaint}");
    }
    server.join().unwrap();
}
