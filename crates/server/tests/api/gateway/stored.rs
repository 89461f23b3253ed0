//! Calls to providers that operators added: the credential goes up, and nothing of it comes back.

use std::net::SocketAddr;

use countersign::config::Config;
use countersign_core::provider::{FurtherHost, ProviderLimits, ProviderRule};
use countersign_store::Store as _;
use http::Method;
use serde_json::json;

use super::providers::{add, at, change, keep, record, set};
use super::recorder::{Answer, Recorder, ok, with_head};
use super::{caller, client, refusal, token};
use crate::support::TestApp;
use crate::support::caller::JSON;

const SECRET: &str = "upstream-token-0123456789";
const THINGS: &str = "/gateway/p/acme/things";

pub(super) async fn recorder() -> Recorder {
    Recorder::start(|_, _| {
        with_head(
            "200 OK",
            "Content-Type: application/json\r\n",
            "{\"of\":\"acme\"}",
        )
    })
    .await
}

/// A project with the provider `acme`, which has a credential.
pub(super) async fn acme(recorder: &Recorder) -> TestApp {
    let app = TestApp::new().await;
    add(&app, "acme", at(recorder)).await;
    set(
        &app,
        "acme",
        "default",
        json!({ "kind": "bearer", "token": SECRET }),
    )
    .await;
    app
}

#[tokio::test]
async fn a_call_goes_on_with_the_credential_and_without_the_callers() {
    let recorder = recorder().await;
    let app = acme(&recorder).await;
    let client = client(&app, &["gateway:acme"]).await;
    let token = token(&app, &client).await;
    let caller = super::bearer(&app, &token)
        .header("cookie", "a=b")
        .header("x-forwarded-for", "1.2.3.4");
    let answer = caller
        .send(
            Method::POST,
            &format!("{THINGS}?q=1"),
            Some(JSON),
            "{\"name\":\"n\"}",
        )
        .await;
    assert_eq!(
        (answer.status.as_u16(), answer.text()),
        (200, "{\"of\":\"acme\"}")
    );
    let request = recorder.request();
    assert!(
        request.starts_with("POST /v1/things?q=1 HTTP/1.1\r\n"),
        "{request}"
    );
    assert!(
        request.contains(&format!("authorization: Bearer {SECRET}\r\n")),
        "{request}"
    );
    assert!(request.ends_with("{\"name\":\"n\"}"), "{request}");
    for absent in [token.as_str(), "cookie", "forwarded", "id.example"] {
        assert!(!request.contains(absent), "{absent}: {request}");
    }
}

#[tokio::test]
async fn an_echoed_credential_is_kept_back() {
    let recorder =
        Recorder::start(|_, request| with_head("200 OK", "Content-Type: text/plain\r\n", request)).await;
    let app = acme(&recorder).await;
    let answer = caller(&app, &["gateway:acme"]).await.get(THINGS).await;
    assert!(
        answer.text().contains("authorization: Bearer [redacted]"),
        "{}",
        answer.text()
    );
    assert_eq!(
        answer.header("countersign-error"),
        None,
        "it is the provider's own"
    );
}

#[tokio::test]
async fn to_strangers_a_provider_that_exists_looks_like_one_that_does_not() {
    let recorder = recorder().await;
    let app = acme(&recorder).await;
    let stranger = caller(&app, &["gateway:other"]).await;
    // Nobody can make it ready: its rule is about another provider.
    let broken = ProviderRule {
        name: "r".into(),
        scope: "gateway:other".into(),
        ..ProviderRule::default()
    };
    for path in ["things", "nothing", "things;a=b", "a%2fb", "broken"] {
        if path == "broken" {
            change(&app, "acme", |settings| settings.rules = vec![broken.clone()]).await;
        }
        let mut seen = ["acme", "amce"].map(|name| (name, String::new()));
        for (name, text) in &mut seen {
            let answer = stranger.get(&format!("/gateway/p/{name}/{path}")).await;
            assert_eq!(refusal(&answer).0, 403);
            *text = answer.without_request_id().replace(*name, "NAME");
        }
        assert_eq!(seen[0].1, seen[1].1);
    }
    assert_eq!(recorder.connections(), 0);
}

#[tokio::test]
async fn a_provider_is_of_its_project_alone() {
    let recorder = recorder().await;
    let app = acme(&recorder).await;
    let foreign = app
        .create_other_client(json!({ "scopes": ["gateway:acme"] }))
        .await;
    let body = json!({
        "grant_type": "client_credentials", "client_id": foreign.id, "client_secret": foreign.secret,
        "resource": super::GATEWAY
    });
    let path = format!("/v1/public/{}/oauth2/token", app.other.id);
    let answer = app.anonymous().post(&path, body).await.ok();
    let foreign = super::bearer(&app, answer["access_token"].as_str().unwrap());
    assert_eq!(
        refusal(&foreign.get(THINGS).await),
        (403, json!("missing_scope"), json!("gateway:acme"))
    );
    assert_eq!(recorder.connections(), 0);
}

#[tokio::test]
async fn a_denied_call_opens_no_credential() {
    let recorder = recorder().await;
    let app = acme(&recorder).await;
    spoil(&app, |sealed| sealed[..sealed.len() - 4].to_owned()).await;
    let reader = caller(&app, &["gateway-read:acme"]).await;
    let denied = reader.post(THINGS, json!({})).await;
    assert_eq!(refusal(&denied).0, 403);
    let allowed = reader.get(THINGS).await;
    assert_eq!(
        refusal(&allowed),
        (502, json!("credential_unusable"), json!(null))
    );
    assert_eq!(recorder.connections(), 0);
}

/// Alters the sealed value as someone could who writes to the database.
pub(super) async fn spoil(app: &TestApp, alter: impl Fn(&str) -> String) {
    let mut credential = record(app, "acme").await.credentials.remove(0);
    credential.version += 1;
    credential.sealed = countersign_core::seal::Sealed::from_stored(alter(credential.sealed.as_str()));
    keep(app, &credential).await;
}

#[tokio::test]
async fn a_credential_that_was_tampered_with_goes_nowhere() {
    let recorder = recorder().await;
    let app = acme(&recorder).await;
    let caller = caller(&app, &["gateway:acme"]).await;
    caller.get(THINGS).await;
    assert_eq!(recorder.requests().len(), 1);

    set(
        &app,
        "acme",
        "other",
        json!({ "kind": "bearer", "token": "another-token-0123456789" }),
    )
    .await;
    let other = record(&app, "acme").await.credentials.remove(1).sealed;
    // The value of another row, a cut one, and the same one under a version that it was not sealed for.
    let swapped = |_: &str| other.as_str().to_owned();
    let cut = |sealed: &str| sealed[..sealed.len() - 4].to_owned();
    let older = |sealed: &str| sealed.to_owned();
    for alter in [&swapped as &dyn Fn(&str) -> String, &cut, &older] {
        spoil(&app, alter).await;
        let answer = caller.get(THINGS).await;
        assert_eq!(refusal(&answer), (502, json!("credential_unusable"), json!(null)));
        assert!(
            !answer.text().contains("default"),
            "why is the operator's to know"
        );
    }
    assert_eq!(recorder.requests().len(), 1);

    set(
        &app,
        "acme",
        "default",
        json!({ "kind": "bearer", "token": SECRET }),
    )
    .await;
    assert_eq!(caller.get(THINGS).await.status, 200, "set again, it works again");
}

#[tokio::test]
async fn a_provider_that_moved_does_not_get_the_credential_of_its_old_place() {
    let (recorder, elsewhere) = (recorder().await, Recorder::start(|_, _| ok("stolen")).await);
    let app = acme(&recorder).await;
    let caller = caller(&app, &["gateway:acme"]).await;
    assert_eq!(caller.get(THINGS).await.status, 200);
    let moved = at(&elsewhere).base_url;
    change(&app, "acme", |settings| settings.base_url = moved).await;
    assert_eq!(refusal(&caller.get(THINGS).await).1, "credential_unusable");

    // Nor if the row's list of hosts is changed along, of which the seal knows.
    let mut credential = record(&app, "acme").await.credentials.remove(0);
    credential.hosts = vec![format!("http://{}", elsewhere.address)];
    credential.version += 1;
    keep(&app, &credential).await;
    assert_eq!(refusal(&caller.get(THINGS).await).1, "credential_unusable");
    assert_eq!(elsewhere.connections(), 0);
}

#[tokio::test]
async fn a_credential_for_https_does_not_go_to_the_same_host_in_the_clear() {
    let recorder = recorder().await;
    let app = TestApp::new().await;
    let in_the_clear = at(&recorder);
    let mut secure = in_the_clear.clone();
    secure.base_url = in_the_clear.base_url.replace("http://", "https://");
    add(&app, "acme", secure).await;
    let value = json!({ "kind": "bearer", "token": SECRET });
    set(&app, "acme", "default", value.clone()).await;
    change(&app, "acme", |settings| settings.base_url = in_the_clear.base_url).await;
    let caller = caller(&app, &["gateway:acme"]).await;
    assert_eq!(refusal(&caller.get(THINGS).await).1, "credential_unusable");
    assert_eq!(recorder.connections(), 0);

    // Set again it is for that place.
    set(&app, "acme", "default", value).await;
    assert_eq!(caller.get(THINGS).await.status, 200);
}

#[tokio::test]
async fn the_programs_own_listeners_are_no_providers() {
    let recorder = recorder().await;
    // As if the recorder were what this program listens on itself.
    for listen in [
        (|config, address| config.server.listen = address) as fn(&mut Config, SocketAddr),
        |config, address| config.metrics.listen = address.to_string(),
        |config, address| config.gateway.listen = address.to_string(),
    ] {
        let app = TestApp::with(|config| listen(config, recorder.address)).await;
        add(&app, "acme", at(&recorder)).await;
        let answer = caller(&app, &["gateway:acme"]).await.get(THINGS).await;
        assert_eq!(
            refusal(&answer),
            (502, json!("provider_unreachable"), json!(null))
        );
    }
    assert_eq!(recorder.connections(), 0);
}

#[tokio::test]
async fn changes_count_with_the_next_call() {
    let recorder = recorder().await;
    let app = acme(&recorder).await;
    let caller = caller(&app, &["gateway:acme"]).await;
    caller.get(THINGS).await;
    set(
        &app,
        "acme",
        "default",
        json!({ "kind": "header", "name": "X-Key", "value": "second-credential" }),
    )
    .await;
    caller.get(THINGS).await;
    let requests = recorder.requests();
    assert!(
        requests[1].contains("x-key: second-credential\r\n"),
        "{requests:#?}"
    );
    assert!(!requests[1].contains("authorization"), "{requests:#?}");

    let rule = ProviderRule {
        name: "only-get".into(),
        scope: "gateway:acme".into(),
        methods: vec!["GET".into()],
        ..ProviderRule::default()
    };
    change(&app, "acme", |settings| settings.rules = vec![rule]).await;
    assert_eq!(refusal(&caller.post(THINGS, json!({})).await).0, 403);
    assert_eq!(caller.get(THINGS).await.status, 200);
    assert_eq!(
        recorder.connections(),
        2,
        "a rule's change keeps the connections of a credential"
    );
}

#[tokio::test]
async fn a_rule_chooses_the_credential_and_one_that_is_missing_is_not_replaced_by_another() {
    let recorder = recorder().await;
    let app = acme(&recorder).await;
    set(
        &app,
        "acme",
        "writer",
        json!({ "kind": "bearer", "token": "the-writers-token-1" }),
    )
    .await;
    let rule = |name: &str, methods: &[&str], credential: &str| ProviderRule {
        name: name.into(),
        scope: "gateway:acme".into(),
        methods: methods.iter().map(|&method| method.into()).collect(),
        credential: Some(credential.into()),
        ..ProviderRule::default()
    };
    let rules = vec![
        rule("write", &["POST"], "writer"),
        rule("remove", &["DELETE"], "absent"),
    ];
    change(&app, "acme", |settings| settings.rules = rules).await;
    let caller = caller(&app, &["gateway:acme"]).await;
    caller.post(THINGS, json!({})).await;
    assert!(
        recorder
            .request()
            .contains("authorization: Bearer the-writers-token-1\r\n")
    );
    let answer = caller.delete("/gateway/p/acme/things/1").await;
    assert_eq!(refusal(&answer), (502, json!("credential_unusable"), json!(null)));
    assert_eq!(recorder.requests().len(), 1);
}

#[tokio::test]
async fn an_operation_at_another_host_needs_that_host_and_its_credential() {
    let (recorder, files) = (recorder().await, self::recorder().await);
    let app = acme(&recorder).await;
    let caller = caller(&app, &["gateway:acme"]).await;
    let refused = caller.post("/gateway/p/acme/files", json!({})).await;
    assert_eq!(
        refusal(&refused),
        (403, json!("operation_elsewhere"), json!(null))
    );
    let listed = FurtherHost {
        base_url: "https://files.acme.example".into(),
        credential: "files".into(),
    };
    change(&app, "acme", |settings| settings.further_hosts = vec![listed]).await;
    let refused = caller.post("/gateway/p/acme/files", json!({})).await;
    assert_eq!(
        refusal(&refused).1,
        "credential_unusable",
        "its own, not the default one"
    );
    assert_eq!((recorder.connections(), files.connections()), (0, 0));
}

#[tokio::test]
async fn a_credential_is_not_traded_for_a_token_where_the_document_says_that_some_are_given() {
    let recorder = recorder().await;
    let app = acme(&recorder).await;
    let caller = caller(&app, &["gateway:acme"]).await;
    for path in ["/token", "/Token/", "/%74oken"] {
        let refused = caller.post(&format!("/gateway/p/acme{path}"), json!({})).await;
        assert_eq!(
            refusal(&refused),
            (403, json!("token_endpoint"), json!(null)),
            "{path}"
        );
    }
    assert_eq!(recorder.requests().len(), 0);
    assert_eq!(caller.post("/gateway/p/acme/tokens", json!({})).await.status, 200);
    // Without a credential there is nothing to trade.
    add(&app, "bare", at(&recorder)).await;
    let bare = self::caller(&app, &["gateway:bare"]).await;
    assert_eq!(bare.post("/gateway/p/bare/token", json!({})).await.status, 200);
}

#[tokio::test]
async fn a_rate_is_told_with_when_to_come_back() {
    let recorder = recorder().await;
    let app = acme(&recorder).await;
    let limits = ProviderLimits {
        calls_per_second: Some(1),
        ..ProviderLimits::default()
    };
    change(&app, "acme", |settings| settings.limits = limits).await;
    let caller = caller(&app, &["gateway:acme"]).await;
    assert_eq!(caller.get(THINGS).await.status, 200);
    let refused = caller.get(THINGS).await;
    assert_eq!(refusal(&refused), (429, json!("rate_limited"), json!(null)));
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert_eq!(refused.header("ratelimit-policy"), Some("\"provider\";q=1;w=1"));
    assert_eq!(refused.header("ratelimit"), Some("\"provider\";r=0;t=1"));
}

#[tokio::test]
async fn a_quota_is_each_callers_own_and_told_with_when_it_begins_anew() {
    let recorder = recorder().await;
    let app = acme(&recorder).await;
    let limits = ProviderLimits {
        caller_calls_per_day: Some(1),
        ..ProviderLimits::default()
    };
    change(&app, "acme", |settings| settings.limits = limits).await;
    let one = caller(&app, &["gateway:acme"]).await;
    assert_eq!(one.get(THINGS).await.status, 200);
    let refused = one.get(THINGS).await;
    assert_eq!(refusal(&refused), (429, json!("quota_used"), json!(null)));
    let wait = 86_400 - app.app.now().as_second() % 86_400;
    assert_eq!(refused.header("retry-after"), Some(&*wait.to_string()));
    assert_eq!(
        refused.header("ratelimit-policy"),
        Some("\"caller-calls-day\";q=1;w=86400")
    );
    assert_eq!(
        refused.header("ratelimit"),
        Some(&*format!("\"caller-calls-day\";r=0;t={wait}"))
    );
    let other = caller(&app, &["gateway:acme"]).await;
    assert_eq!(other.get(THINGS).await.status, 200);
    assert_eq!(recorder.requests().len(), 2);
}

#[tokio::test]
async fn a_provider_that_cannot_be_reached_is_said_so_and_no_more() {
    let recorder = recorder().await;
    let app = acme(&recorder).await;
    for (base_url, cidr) in [
        ("http://127.0.0.1:1", "127.0.0.0/8"),
        ("https://absent.invalid", "10.0.0.0/8"),
    ] {
        change(&app, "acme", |settings| {
            settings.base_url = base_url.into();
            settings.allowed_cidrs = vec![cidr.into()];
        })
        .await;
        set(
            &app,
            "acme",
            "default",
            json!({ "kind": "bearer", "token": SECRET }),
        )
        .await;
        let answer = caller(&app, &["gateway:acme"]).await.get(THINGS).await;
        assert_eq!(
            refusal(&answer),
            (502, json!("provider_unreachable"), json!(null))
        );
        assert!(
            !answer.text().contains("127.0.0.1") && !answer.text().contains("absent"),
            "{}",
            answer.text()
        );
    }
}

#[tokio::test]
async fn a_used_credential_is_noted() {
    let recorder = recorder().await;
    let app = acme(&recorder).await;
    caller(&app, &["gateway:acme"]).await.get(THINGS).await;
    assert_eq!(record(&app, "acme").await.credentials[0].last_used_at, None);
    app.store.add_usage(&app.app.usage.take()).await.unwrap();
    assert_eq!(
        record(&app, "acme").await.credentials[0].last_used_at,
        Some(app.app.now())
    );
}

#[tokio::test]
async fn an_answer_in_pieces_passes_whole() {
    let (send, receive) = tokio::sync::mpsc::channel(4);
    let receive = std::sync::Arc::new(tokio::sync::Mutex::new(receive));
    let recorder = Recorder::start(move |_, _| Answer::Pieces(receive.clone())).await;
    let app = acme(&recorder).await;
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";
    for piece in [head, "data: upstream-token-", "0123456789\n\n", "data: 2\n\n"] {
        send.send(piece).await.unwrap();
    }
    drop(send);
    let answer = caller(&app, &["gateway:acme"]).await.get(THINGS).await;
    assert_eq!(answer.text(), "data: [redacted]\n\ndata: 2\n\n");
    assert_eq!(answer.header("content-type"), Some("text/event-stream"));
}

#[tokio::test]
async fn a_websocket_needs_a_rule_of_its_own() {
    let recorder = Recorder::start(|_, _| Answer::Echo("HTTP/1.1 101 Switching Protocols\r\n\r\n")).await;
    let app = acme(&recorder).await;
    let caller = caller(&app, &["gateway:acme"]).await;
    let caller = caller
        .header("connection", "upgrade")
        .header("upgrade", "websocket");
    assert_eq!(
        refusal(&caller.get(THINGS).await),
        (403, json!("no_rule"), json!(null))
    );
    assert_eq!(recorder.connections(), 0);
}

/// By the admin API alone: a provider, a credential, another value, and none.
#[tokio::test]
async fn what_an_operator_sets_is_what_goes_up_from_then_on() {
    let recorder = recorder().await;
    let app = TestApp::new().await;
    let providers = format!("/admin/v1/projects/{}/providers", app.project.id);
    let body = json!({
        "name": "acme",
        "document": super::providers::document().to_string(),
        "base_url": format!("http://{}/v1", recorder.address),
        "allowed_cidrs": ["127.0.0.0/8"],
    });
    app.admin().post(&providers, body).await.ok();
    let client = client(&app, &["gateway:acme"]).await;
    let token = token(&app, &client).await;
    let credential = format!("{providers}/acme/credentials/default");
    for key in ["first-upstream-key-01", "second-upstream-key-02"] {
        let value = json!({ "value": { "kind": "header", "name": "X-API-Key", "value": key } });
        app.admin().put(&credential, value).await.ok();
        let answer = super::bearer(&app, &token).get(THINGS).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let request = recorder.requests().pop().unwrap();
        assert!(request.contains(&format!("x-api-key: {key}\r\n")), "{request}");
    }
    countersign::jobs::flush_usage(&app.app).await;
    let known = app
        .admin()
        .get(&format!("{providers}/acme/credentials"))
        .await
        .ok();
    assert!(known["credentials"][0]["last_used_at"].is_string(), "{known}");
    // Another one does not stand in for it.
    let other = json!({ "value": { "kind": "bearer", "token": "other-upstream-key-03" } });
    app.admin()
        .put(&format!("{providers}/acme/credentials/other"), other)
        .await
        .ok();
    app.admin().delete(&credential).await.ok();
    let answer = super::bearer(&app, &token).get(THINGS).await;
    answer.problem(502, "provider_failed");
    app.admin().delete(&format!("{providers}/acme")).await.ok();
    let answer = super::bearer(&app, &token).get(THINGS).await;
    assert!(answer.status.is_client_error(), "{}", answer.text());
    let requests = recorder.requests();
    assert_eq!(
        requests.len(),
        2,
        "nothing went up without a credential: {requests:#?}"
    );
}
