//! The whole program over real sockets at both ends: what needs a connection of its own.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::block_in_place;

use super::providers::document;
use super::recorder::{Answer, Recorder};
use crate::support::server::{PROJECT_ID, Server};

const AGREES: &str = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-Of-Provider: 1\r\n\r\n";
const EVENTS: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";

/// A server with the provider `acme`, whose rule for these scopes also allows WebSockets, and a token for it.
fn start(recorder: &Recorder) -> (Server, String) {
    let server = Server::start(&[]);
    let providers = format!("/admin/v1/projects/{PROJECT_ID}/providers");
    let rule = json!({ "name": "all", "scope": "gateway:acme", "websocket": true });
    let provider = json!({
        "name": "acme", "document": document().to_string(), "base_url": format!("http://{}", recorder.address),
        "allowed_cidrs": ["127.0.0.0/8"], "rules": [rule]
    });
    server.admin("POST", &providers, &provider.to_string());
    let client = server.backend("POST", "/v1/m2m/clients", "{\"scopes\":[\"gateway:acme\"]}");
    let (id, secret) = (
        &client["m2m_client"]["client_id"],
        &client["m2m_client"]["client_secret"],
    );
    let ask = json!({ "grant_type": "client_credentials", "client_id": id, "client_secret": secret, "scope": "gateway:acme" });
    let path = format!("/v1/public/{PROJECT_ID}/oauth2/token");
    let token: Value = server.request("POST", &path, "", &ask.to_string()).ok();
    let token = token["access_token"].as_str().unwrap().to_owned();
    (server, token)
}

fn ask(server: &Server, token: &str, path: &str, fields: &str) -> TcpStream {
    let mut stream = TcpStream::connect(server.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let head = format!(
        "GET /gateway/p/acme{path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {token}\r\n{fields}\r\n",
        server.address
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream
}

/// Reads up to and with this text.
fn read_until(stream: &mut TcpStream, end: &str) -> String {
    let mut bytes = Vec::new();
    while !bytes.ends_with(end.as_bytes()) {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        bytes.push(byte[0]);
    }
    String::from_utf8(bytes).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_websocket_goes_both_ways() {
    let recorder = Recorder::start(|_, _| Answer::Echo(AGREES)).await;
    block_in_place(|| {
        let (mut server, token) = start(&recorder);
        let fields = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
            Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
        let mut stream = ask(&server, &token, "/chat", fields);
        let head = read_until(&mut stream, "\r\n\r\n");
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        for text in ["first", "second"] {
            stream.write_all(text.as_bytes()).unwrap();
            read_until(&mut stream, text);
        }
        drop(stream);
        assert!(!recorder.request().contains(&token));
        server.stop();
        let log = server.log();
        assert!(!log.contains(&token), "{log}");
        assert!(log.contains("\"bytes_up\":11"), "the line of the call: {log}");
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_arrives_before_the_next_is_sent() {
    let (send, receive) = tokio::sync::mpsc::channel(4);
    let receive = std::sync::Arc::new(tokio::sync::Mutex::new(receive));
    let recorder = Recorder::start(move |_, _| Answer::Pieces(receive.clone())).await;
    block_in_place(|| {
        let (mut server, token) = start(&recorder);
        let mut stream = ask(&server, &token, "/events?since=yesterday", "");
        send.blocking_send(EVENTS).unwrap();
        read_until(&mut stream, "\r\n\r\n");
        for event in ["data: one\n\n", "data: two\n\n"] {
            send.blocking_send(event).unwrap();
            read_until(&mut stream, event);
        }
        // Its caller hangs up, and so does the gateway: the recorder then takes no more.
        drop(stream);
        while send.blocking_send(": anybody?\n\n").is_ok() {}
        server.stop();
        let log = server.log();
        let line = log.lines().find(|line| line.contains("caller_hung_up"));
        let line: Value = serde_json::from_str(line.unwrap_or_else(|| panic!("{log}"))).unwrap();
        assert_eq!(
            (&line["path"], &line["query"]),
            (&json!("/events"), &json!("since"))
        );
        assert_eq!(
            (&line["provider"], &line["rule"]),
            (&json!("acme"), &json!("all"))
        );
        assert!(!log.contains("yesterday"), "{log}");
    });
}
