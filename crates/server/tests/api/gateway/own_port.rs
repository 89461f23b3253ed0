//! The gateway at a port of its own: calls there and nothing else, and none at the service's port.

use std::io::Write as _;
use std::net::{SocketAddr, TcpStream};

use serde_json::{Value, json};

use crate::support::server::{PROJECT_ID, RawAnswer, Server};

/// A token for the provider `countersign`, and another client's id for a rebound name to try.
fn token(server: &Server) -> String {
    let client = server.backend(
        "POST",
        "/v1/m2m/clients",
        "{\"scopes\":[\"gateway:countersign\"]}",
    );
    let client = &client["m2m_client"];
    let ask = json!({
        "grant_type": "client_credentials", "client_id": client["client_id"], "client_secret": client["client_secret"],
        "scope": "gateway:countersign"
    });
    let path = format!("/v1/public/{PROJECT_ID}/oauth2/token");
    let token: Value = server.request("POST", &path, "", &ask.to_string()).ok();
    token["access_token"].as_str().unwrap().to_owned()
}

fn ask(at: SocketAddr, host: &str, method: &str, path: &str, token: &str, body: &str) -> RawAnswer {
    let mut stream = TcpStream::connect(at).unwrap();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n\
         Accept: application/json, text/event-stream\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).unwrap();
    RawAnswer::read(&mut stream)
}

const CREATE: (&str, &str) = (
    "/gateway/p/countersign/v1/m2m/clients",
    "{\"client_name\":\"called\"}",
);

#[test]
fn calls_are_answered_at_the_own_port_and_nothing_else_is() {
    let mut server = Server::start(&[("COUNTERSIGN_GATEWAY_LISTEN", "127.0.0.1:0")]);
    let (token, gateway) = (token(&server), server.gateway.unwrap());
    assert_ne!(gateway, server.address);
    let at = |address: SocketAddr, method, path, body| {
        ask(address, &address.to_string(), method, path, &token, body)
    };
    assert_eq!(at(gateway, "POST", CREATE.0, CREATE.1).status, 200);
    assert_eq!(at(gateway, "GET", "/healthz", "").status, 200);
    assert_eq!(at(gateway, "GET", "/readyz", "").status, 200);
    let elsewhere = [
        "/v1/m2m/clients/search",
        "/admin/v1/projects",
        "/openapi.json",
        "/guide",
        "/",
        &format!("/v1/public/{PROJECT_ID}/oauth2/token"),
        &format!("/v1/sessions/jwks/{PROJECT_ID}"),
        "/.well-known/oauth-authorization-server",
    ];
    for path in elsewhere {
        for method in ["GET", "POST"] {
            let answer = at(gateway, method, path, "{}");
            assert_eq!(answer.status, 404, "{method} {path}: {answer:?}");
        }
    }
    // And the service's port takes no calls.
    for path in [CREATE.0, "/gateway/tools", "/gateway/mcp", "/gateway/explain"] {
        assert_eq!(at(server.address, "POST", path, CREATE.1).status, 404, "{path}");
    }
    server.stop();
    let log = server.log();
    assert!(!log.contains(&token), "{log}");
}

#[test]
fn agents_reach_it_by_the_name_that_it_has() {
    let server = Server::start(&[
        ("COUNTERSIGN_GATEWAY_LISTEN", "127.0.0.1:0"),
        ("COUNTERSIGN_GATEWAY_PUBLIC_URL", "https://gateway.example"),
    ]);
    let (token, gateway) = (token(&server), server.gateway.unwrap());
    let list = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {} }).to_string();
    let named = |host| ask(gateway, host, "POST", "/gateway/mcp", &token, &list);
    assert_eq!(
        named("gateway.example").status,
        200,
        "{:?}",
        named("gateway.example")
    );
    // A page whose name was pointed here.
    assert_eq!(named("rebound.example").status, 403);
}

#[test]
fn a_stop_finishes_what_is_under_way_at_both_ports() {
    let mut server = Server::start(&[("COUNTERSIGN_GATEWAY_LISTEN", "127.0.0.1:0")]);
    let (token, gateway) = (token(&server), server.gateway.unwrap());
    let mut stream = TcpStream::connect(gateway).unwrap();
    let head = format!(
        "POST {} HTTP/1.1\r\nHost: {gateway}\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nExpect: 100-continue\r\n\r\n",
        CREATE.0,
        CREATE.1.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    // The request is in the handler's hands when it asks for the body.
    let mut asked = [0; 25];
    std::io::Read::read_exact(&mut stream, &mut asked).unwrap();
    assert_eq!(&asked, b"HTTP/1.1 100 Continue\r\n\r\n");
    let ending = std::thread::spawn(move || {
        server.stop();
        server
    });
    stream.write_all(CREATE.1.as_bytes()).unwrap();
    assert_eq!(RawAnswer::read(&mut stream).status, 200);
    ending.join().unwrap();
}
