//! Everything that makes, shows, takes or refuses a secret, done once with the real program.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::search::Secrets;
use crate::support::old_service::{OldService, TOKEN};
use crate::support::server::{OPERATOR_KEY, PROJECT_ID, PROJECT_SECRET, RawAnswer, Server, project_basic};

/// Everything that makes, shows, takes or refuses a secret.
pub(super) fn live_through_everything(server: &Server, secrets: &mut Secrets) {
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
    keep_credentials(server, secrets, &project);
    let mut seen = |answer: Value| {
        secrets.add_from(&answer);
        answer
    };
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

/// Credentials of a provider: set, replaced, refused, deleted.
fn keep_credentials(server: &Server, secrets: &mut Secrets, project: &str) {
    let document = r#"{"openapi":"3.1.0","info":{},"paths":{}}"#;
    let body = json!({ "name": "acme", "document": document, "base_url": "https://acme.example" });
    server.admin("POST", &format!("{project}/providers"), &body.to_string());
    let credential = format!("{project}/providers/acme/credentials/default");
    for (member, value) in [
        ("token", "first-acme-credential-6f1d"),
        ("token", "next-acme-credential-88c2"),
    ] {
        secrets.add("credential", value);
        let body = json!({ "value": { "kind": "bearer", member: value } });
        server.admin("PUT", &credential, &body.to_string());
    }
    for value in [
        json!({ "kind": "bearer", "tokens": "misnamed-acme-credential-19ab" }),
        json!({ "kind": "unknown-kind-of-acme-credential" }),
        json!("bare-acme-credential-77d0"),
        json!({ "kind": "bearer", "token": "broken-acme\ncredential-40ee" }),
    ] {
        let secret = value
            .as_str()
            .or(value["tokens"].as_str())
            .or(value["token"].as_str());
        secrets.add("refused credential", secret.or(value["kind"].as_str()).unwrap());
        let body = json!({ "value": value });
        let refused = server.request(
            "PUT",
            &credential,
            &format!("Bearer {OPERATOR_KEY}"),
            &body.to_string(),
        );
        assert_eq!(refused.status, 400);
    }
    server.admin("GET", &format!("{project}/providers/acme/credentials"), "");
    server.admin("DELETE", &credential, "");
    server.admin("DELETE", &format!("{project}/providers/acme"), "");
}

/// Secrets that come along from elsewhere, and that only an old service can check, whatever it says.
pub(super) fn log_in_by_dual_run(server: &Server, old: &OldService, secrets: &mut Secrets) {
    let clients = format!("/admin/v1/projects/{PROJECT_ID}/clients");
    let in_clear = "Qn4mBz7wKf2xTs9vLp6cYd3hRg8jWe5a";
    secrets.add("secret imported in clear", in_clear);
    let body = json!({ "client_id": "in-clear", "client_secret": in_clear }).to_string();
    server.admin("POST", &clients, &body);
    secrets.add_from(&ask(server, "in-clear", in_clear).ok());
    let body = json!({ "client_id": "waiting", "client_secret_dual_run": "old" }).to_string();
    server.admin("POST", &clients, &body);
    let redirect = "HTTP/1.1 302 X\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n";
    let mut ask_old = |what: &str, secret: &str| {
        secrets.add(what, secret);
        ask(server, "waiting", secret)
    };
    assert_eq!(
        ask_old("refused by the old service", "6wVnRk2bTz9xQm4c").status,
        400
    );
    old.answers_raw(redirect);
    assert_eq!(
        ask_old("redirected by the old service", "8pLsHd3fJy7gWv5n").status,
        503
    );
    old.answers(TOKEN);
    let answer = ask_old("accepted by the old service", "2tXcBq6mZr9kNf4w").ok();
    secrets.add_from(&answer);
    old.go_away();
}

fn ask(server: &Server, id: &str, secret: &str) -> RawAnswer {
    let body =
        json!({ "client_id": id, "client_secret": secret, "grant_type": "client_credentials" }).to_string();
    let path = format!("/v1/public/{PROJECT_ID}/oauth2/token");
    server.request("POST", &path, &project_basic(), &body)
}

/// Secrets in every place where one does not belong or does not work.
pub(super) fn present_wrong_ones(server: &Server, secrets: &mut Secrets) {
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
    let body = json!({ "client_id": "generated", "client_secret": wrong("secret by HTTP/2"), "grant_type": "client_credentials" });
    assert_eq!(
        server.http2("POST", &path, &project_basic(), &body.to_string()),
        400
    );
    let basic = STANDARD.encode(format!(
        "{PROJECT_ID}:{}",
        wrong("wrong project secret by HTTP/2")
    ));
    assert_eq!(
        server.http2("POST", "/v1/m2m/clients", &format!("Basic {basic}"), "{}"),
        401
    );
    assert_eq!(
        server.http2("GET", "/admin/v1/projects", &format!("Bearer {OPERATOR_KEY}"), ""),
        200
    );
}
