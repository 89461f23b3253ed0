//! What only a real connection shows: bounds on heads, broken requests, slow callers. The program itself is asked.

use std::io::Write;
use std::net::TcpStream;

use serde_json::{Value, json};

use crate::support::server::{PROJECT_ID, RawAnswer, Server, project_basic};

/// A whoami request with more headers.
fn whoami(server: &Server, more: &str) -> RawAnswer {
    let basic = project_basic();
    let head = format!(
        "GET /v1/debug/whoami HTTP/1.1\r\nHost: x\r\nAuthorization: {basic}\r\nConnection: close\r\n"
    );
    server.exchange(format!("{head}{more}\r\n").as_bytes())
}

fn create_head(length: &str) -> String {
    let basic = project_basic();
    format!(
        "POST /v1/m2m/clients HTTP/1.1\r\nHost: x\r\nAuthorization: {basic}\r\nContent-Type: application/json\r\nConnection: close\r\n{length}\r\n\r\n"
    )
}

fn clients(server: &Server) -> Value {
    server.backend("POST", "/v1/m2m/clients/search", "{}")["results_metadata"]["total"].take()
}

#[test]
fn heads_are_bounded_in_bytes_and_in_number() {
    let server = Server::start(&[]);
    let big = |bytes: usize| format!("X-Big: {}\r\n", "x".repeat(bytes));
    assert_eq!(
        whoami(&server, &big(30_000)).status,
        200,
        "a long token and then some"
    );
    assert_eq!(whoami(&server, &big(200_000)).status, 431);
    let many = |count: usize| {
        (0..count)
            .map(|number| format!("X-{number}: y\r\n"))
            .collect::<String>()
    };
    assert_eq!(whoami(&server, &many(50)).status, 200);
    assert_eq!(whoami(&server, &many(1000)).status, 431);
    let long_path = format!(
        "GET /{} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        "x".repeat(100_000)
    );
    assert!([414, 431].contains(&server.exchange(long_path.as_bytes()).status));
    assert_eq!(whoami(&server, "").status, 200, "it goes on");
}

#[test]
fn what_is_no_http_is_refused_and_says_nothing() {
    let server = Server::start(&[]);
    for bytes in [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".as_slice(),
        b"\0\0\0\0\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX\0Y: z\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nBad Header\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx",
    ] {
        let answer = server.exchange(bytes);
        assert!([0, 400].contains(&answer.status), "{bytes:?}: {answer:?}");
        assert!(answer.body.is_empty(), "{answer:?}");
    }
    assert_eq!(whoami(&server, "").status, 200);
}

#[test]
fn a_body_of_ten_megabytes_is_refused() {
    let server = Server::start(&[]);
    let body = vec![b' '; 10 * 1024 * 1024];
    let whole = [
        create_head(&format!("Content-Length: {}", body.len())).as_bytes(),
        &body,
    ]
    .concat();
    let mut stream = TcpStream::connect(server.address).unwrap();
    let mut writing = stream.try_clone().unwrap();
    // In a thread of its own: the answer comes before the body has gone.
    let writer = std::thread::spawn(move || drop(writing.write_all(&whole)));
    let answer = RawAnswer::read(&mut stream);
    writer.join().unwrap();
    assert_eq!(answer.status, 413, "{answer:?}");
    let error: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(error["error_type"], "request_too_large");
    assert_eq!(clients(&server), 0);
}

#[test]
fn a_chunked_body_is_read_and_bounded_alike() {
    let server = Server::start(&[]);
    let head = create_head("Transfer-Encoding: chunked");
    let made = server.exchange(format!("{head}1\r\n{{\r\n1\r\n}}\r\n0\r\n\r\n").as_bytes());
    assert_eq!(made.status, 200, "{made:?}");
    let chunk = format!("{:x}\r\n{}\r\n", 64 * 1024, " ".repeat(64 * 1024));
    let endless = server.exchange(format!("{head}{}", chunk.repeat(5)).as_bytes());
    assert_eq!(endless.status, 413, "{endless:?}");
    assert_eq!(clients(&server), 1);
}

/// Neither half of a request is taken for the whole.
#[test]
fn a_body_that_breaks_off_changes_nothing() {
    let server = Server::start(&[]);
    for (length, sent) in [
        ("Content-Length: 100", "{}"),
        ("Transfer-Encoding: chunked", "2\r\n{}\r\n"),
    ] {
        let mut stream = TcpStream::connect(server.address).unwrap();
        stream
            .write_all(format!("{}{sent}", create_head(length)).as_bytes())
            .unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let answer = RawAnswer::read(&mut stream);
        assert_ne!(answer.status, 200, "{answer:?}");
    }
    assert_eq!(clients(&server), 0);
}

#[test]
fn a_slow_body_is_timed_out() {
    let server = Server::start(&[("COUNTERSIGN_SERVER_REQUEST_TIMEOUT", "100ms")]);
    let token_head = format!(
        "POST /v1/public/{PROJECT_ID}/oauth2/token HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n"
    );
    for head in [create_head("Content-Length: 9"), token_head] {
        let mut stream = TcpStream::connect(server.address).unwrap();
        stream.write_all(format!("{head}{{").as_bytes()).unwrap();
        let answer = RawAnswer::read(&mut stream);
        assert_eq!(answer.status, 408, "{answer:?}");
        let error: Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(error["error_type"], "request_timeout");
    }
    assert_eq!(clients(&server), 0);
}

#[test]
fn the_callers_address_is_that_of_its_socket() {
    let server = Server::start(&[]);
    let forged = "X-Forwarded-For: 203.0.113.1\r\nForwarded: for=203.0.113.1\r\nX-Real-IP: 203.0.113.1\r\nContent-Length: 2";
    assert_eq!(
        server
            .exchange(format!("{}{{}}", create_head(forged)).as_bytes())
            .status,
        200
    );
    let audit = server.admin("GET", "/admin/v1/audit?action=client_created", "");
    assert_eq!(audit["events"][0]["address"], "127.0.0.1");
}

#[test]
fn a_connection_serves_one_request_after_another() {
    let server = Server::start(&[]);
    let basic = project_basic();
    let request = format!("GET /v1/debug/whoami HTTP/1.1\r\nHost: x\r\nAuthorization: {basic}\r\n\r\n");
    let last = request.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n");
    let both = server.exchange(format!("{request}{request}{last}").as_bytes());
    let all = format!("{}\r\n\r\n{}", both.head, both.body);
    assert_eq!(
        all.matches("HTTP/1.1 200").count() + all.matches("http/1.1 200").count(),
        3,
        "{all}"
    );
}

#[test]
fn answers_carry_no_name_of_the_software() {
    let server = Server::start(&[]);
    let answer = whoami(&server, "");
    assert!(
        !answer.head.contains("\r\nserver:") && !answer.head.contains("x-powered-by"),
        "{}",
        answer.head
    );
    assert_eq!(answer.ok()["project_id"], json!(PROJECT_ID));
}
