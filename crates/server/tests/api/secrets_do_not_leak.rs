//! A run of the real program with everything switched on that could tell: the log at trace level, metrics, the audit, the
//! database files. Afterwards no secret and no token that was ever issued or presented stands in any of them.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::support::server::{OPERATOR_KEY, PROJECT_ID, PROJECT_SECRET, RawAnswer, Server, project_basic};

/// What must not be found, and what it is.
#[derive(Default)]
struct Secrets(BTreeMap<String, String>);

impl Secrets {
    fn add(&mut self, what: &str, secret: impl Into<String>) {
        let secret = secret.into();
        assert!(secret.len() >= 12, "too short to be found by chance: {secret}");
        // As it may stand in a header that was written down.
        self.0.insert(
            STANDARD.encode(&secret).trim_end_matches('=').to_owned(),
            format!("{what} in base64"),
        );
        self.0.insert(secret, what.to_owned());
    }

    /// Every text of an answer that an SDK would keep to itself.
    fn add_from(&mut self, answer: &Value) {
        match answer {
            Value::Object(members) => {
                for (name, value) in members {
                    let secret = [
                        "client_secret",
                        "next_client_secret",
                        "access_token",
                        "operator_key",
                        "secret",
                    ]
                    .contains(&name.as_str());
                    match value.as_str().filter(|_| secret) {
                        Some(text) => self.add(name, text),
                        None => self.add_from(value),
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| self.add_from(item)),
            _ => {}
        }
    }

    fn assert_absent(&self, place: &str, bytes: &[u8]) {
        assert!(!bytes.is_empty(), "{place} is empty: nothing was searched");
        for (secret, what) in &self.0 {
            let found = memchr(bytes, secret.as_bytes());
            let around =
                found.map(|at| String::from_utf8_lossy(&bytes[at.saturating_sub(200)..at]).into_owned());
            assert_eq!(around, None, "{what} stands in {place} after this");
        }
    }
}

fn memchr(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

/// Everything that makes, shows, takes or refuses a secret.
fn live_through_everything(server: &Server, secrets: &mut Secrets) {
    secrets.add("project secret", PROJECT_SECRET);
    secrets.add("operator key", OPERATOR_KEY);
    secrets.add("project header", project_basic().split_off("Basic ".len()));
    let mut seen = |answer: Value| {
        secrets.add_from(&answer);
        answer
    };
    let clients = "/v1/m2m/clients";
    seen(server.backend(
        "POST",
        clients,
        r#"{"client_id":"generated","scopes":["read:a"]}"#,
    ));
    let imported = [
        ("weak", "ardent-Mulberry/Quilt.92"),
        ("strong", "zDd7JqRk1oGm-PzfyC4yTKbT0XrWm_EwX8V2bHhXnUw"),
    ];
    for (id, secret) in imported {
        let body = json!({ "client_id": id, "client_secret": secret }).to_string();
        seen(server.backend("POST", clients, &body));
        seen(ask(server, id, secret).ok());
        seen(ask(server, id, secret).ok());
    }
    let rotate = "/v1/m2m/clients/generated/secrets/rotate";
    for end in ["", "/cancel"] {
        let started = seen(server.backend("POST", &format!("{rotate}/start"), ""));
        let next = started["m2m_client"]["next_client_secret"]
            .as_str()
            .unwrap()
            .to_owned();
        seen(ask(server, "generated", &next).ok());
        server.backend("POST", &format!("{rotate}{end}"), "");
    }
    let project = format!("/admin/v1/projects/{PROJECT_ID}");
    server.admin(
        "PUT",
        &format!("{project}/clients/weak"),
        r#"{"token_profile":"standard-eddsa"}"#,
    );
    seen(ask(server, "weak", imported[0].1).ok());
    seen(server.admin("POST", &format!("{project}/secrets"), r#"{"name":"second"}"#));
    let operator = seen(server.admin("POST", "/admin/v1/operators", r#"{"name":"second"}"#));
    let made = seen(server.admin("POST", "/admin/v1/projects", r#"{"name":"second"}"#));
    server.admin("POST", &format!("{project}/keys/rotate"), r#"{"emergency":true}"#);
    let id = operator["operator"]["operator_id"].as_str().unwrap();
    server.admin("DELETE", &format!("/admin/v1/operators/{id}"), "");
    let id = made["project"]["project_id"].as_str().unwrap();
    server.admin(
        "PUT",
        &format!("/admin/v1/projects/{id}"),
        r#"{"token_profile":"standard-es256"}"#,
    );
}

fn ask(server: &Server, id: &str, secret: &str) -> RawAnswer {
    let body =
        json!({ "client_id": id, "client_secret": secret, "grant_type": "client_credentials" }).to_string();
    let path = format!("/v1/public/{PROJECT_ID}/oauth2/token");
    server.request("POST", &path, &project_basic(), &body)
}

/// Secrets in every place where one does not belong or does not work.
fn present_wrong_ones(server: &Server, secrets: &mut Secrets) {
    let mut number = 0;
    let mut wrong = |what: &str| {
        number += 1;
        let secret = format!("presented-Secret-{number:04}-qZx7");
        secrets.add(what, secret.clone());
        secret
    };
    let path = format!("/v1/public/{PROJECT_ID}/oauth2/token");
    for id in ["generated", "weak", "nobody"] {
        assert_eq!(ask(server, id, &wrong("wrong client secret")).status, 400);
    }
    let basic = STANDARD.encode(format!("generated:{}", wrong("wrong secret by Basic")));
    server.request(
        "POST",
        &path,
        &format!("Basic {basic}"),
        r#"{"grant_type":"client_credentials"}"#,
    );
    for body in [
        format!(r#"{{"client_secret":["{}"]}}"#, wrong("secret of a wrong type")),
        format!(
            r#"{{"client_id":"x","client_secret":"{}"#,
            wrong("secret in broken JSON")
        ),
        format!(
            r#"{{"client_secret":"a","client_secret":"{}"}}"#,
            wrong("repeated secret")
        ),
        format!(
            r#"{{"client_id":"{}","client_secret":"x","grant_type":"y"}}"#,
            wrong("secret as client id")
        ),
        format!(r#"{{"scope":"{}","grant_type":"z"}}"#, wrong("secret as scope")),
    ] {
        assert_eq!(server.request("POST", &path, "", &body).status, 400);
        for path in ["/v1/m2m/clients", "/v1/m2m/clients/search"] {
            server.request("POST", path, &project_basic(), &body);
        }
    }
    let refused = format!(r#"{{"client_secret":"{}\u0000"}}"#, wrong("secret with a NUL"));
    assert_eq!(
        server
            .request("POST", "/v1/m2m/clients", &project_basic(), &refused)
            .status,
        400
    );
    let basic = STANDARD.encode(format!("{PROJECT_ID}:{}", wrong("wrong project secret")));
    assert_eq!(
        server
            .request("GET", "/v1/debug/whoami", &format!("Basic {basic}"), "")
            .status,
        401
    );
    for authorization in [
        format!("Bearer {}", wrong("wrong operator key")),
        format!("Basic {}", wrong("secret that is no base64")),
        wrong("secret without a scheme"),
        format!("Token {}", wrong("secret of another scheme")),
    ] {
        assert_eq!(
            server
                .request("GET", "/admin/v1/projects", &authorization, "")
                .status,
            401
        );
    }
    for path in [
        format!("/v1/m2m/clients/{}", wrong("secret in a path")),
        format!("/v1/debug/whoami?client_secret={}", wrong("secret in a query")),
        format!("/{}", wrong("secret as a route")),
        format!("/v1/public/{}/oauth2/token", wrong("secret as a project")),
        format!("/errors/{}", wrong("secret as a page")),
        format!("/admin/v1/audit?actor_id={}", wrong("secret as a filter")),
    ] {
        server.request("GET", &path, &project_basic(), "");
        server.request("POST", &path, "", "{}");
    }
    let method = wrong("secret as a method");
    server.request(&method, "/v1/debug/whoami", "", "");
}

#[test]
fn no_secret_and_no_token_is_ever_written_down() {
    let metrics_port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let metrics_listen = metrics_port.to_string();
    let mut server = Server::start(&[
        ("COUNTERSIGN_LOG_LEVEL", "trace"),
        ("COUNTERSIGN_METRICS_LISTEN", &metrics_listen),
        ("RUST_BACKTRACE", "full"),
    ]);
    let mut secrets = Secrets::default();
    live_through_everything(&server, &mut secrets);
    present_wrong_ones(&server, &mut secrets);
    assert!(secrets.0.len() > 60, "{}", secrets.0.len());

    let audit = server.admin("GET", "/admin/v1/audit?limit=1000", "");
    assert!(audit["events"].as_array().unwrap().len() > 15);
    secrets.assert_absent("the audit", audit.to_string().as_bytes());
    secrets.assert_absent("the metrics", metrics(metrics_port).as_bytes());
    for file in server.database_files() {
        // Also the write-ahead log, before it is folded into the file.
        let bytes = std::fs::read(&file).unwrap();
        if !bytes.is_empty() {
            secrets.assert_absent(&file.display().to_string(), &bytes);
        }
    }
    server.stop();
    let log = server.log();
    std::fs::write("/tmp/api/leak.log", &log).unwrap();
    assert!(
        log.contains("TRACE") && log.lines().count() > 100,
        "the log is at trace level"
    );
    secrets.assert_absent("the log", log.as_bytes());
    let database = server
        .database_files()
        .into_iter()
        .find(|file| file.ends_with("countersign.db"))
        .unwrap();
    secrets.assert_absent("the database", &std::fs::read(database).unwrap());
}

fn metrics(address: std::net::SocketAddr) -> String {
    use std::io::Write;
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    stream
        .write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        .unwrap();
    let answer = RawAnswer::read(&mut stream);
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(
        answer.body.contains("countersign_requests_total"),
        "{}",
        answer.body
    );
    answer.body
}

/// The search itself must be able to find.
#[test]
fn the_search_finds_what_is_there() {
    let mut secrets = Secrets::default();
    secrets.add("a secret", "presented-Secret-0001");
    let found = |bytes: &[u8]| std::panic::catch_unwind(|| secrets.assert_absent("a place", bytes)).is_err();
    assert!(found(b"xx presented-Secret-0001 xx"));
    assert!(found(
        format!("Basic {}", STANDARD.encode("presented-Secret-0001")).as_bytes()
    ));
    assert!(!found(b"presented-Secret-0002"));
    secrets.add_from(&json!({ "m2m_client": { "client_secret": "another-Secret-0002" } }));
    assert!(std::panic::catch_unwind(|| secrets.assert_absent("a place", b"another-Secret-0002")).is_err());
}
