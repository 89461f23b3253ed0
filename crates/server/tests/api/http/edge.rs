//! The edge: request ids, headers, failures of ours, bounds of time and number.

use std::collections::HashSet;
use std::time::Duration;

use axum::body::Body;
use countersign::keys::making::look_after_keys;
use countersign::memory::feed::{Follower, Freshness};
use futures_util::stream;
use http::Method;
use serde_json::{Value, json};
use tokio::sync::oneshot;

use crate::support::caller::JSON;
use crate::support::observed_store::Fault;
use crate::support::{TestApp, client_path, engine};

/// A body that is not sent before the signal comes.
fn body_on_signal(signal: oneshot::Receiver<&'static str>) -> Body {
    Body::from_stream(stream::once(signal))
}

fn body_that_never_comes() -> Body {
    Body::from_stream(stream::pending::<Result<&'static str, std::io::Error>>())
}

// ## Request ids

#[tokio::test]
async fn request_ids_are_ours_and_never_twice() {
    let app = TestApp::new().await;
    let caller = app.backend().header("x-request-id", "request-id-test-forged");
    let mut seen = HashSet::new();
    for _ in 0..20 {
        let answer = caller.get("/v1/debug/whoami").await;
        answer.ok();
        assert!(seen.insert(answer.request_id().to_owned()) && !answer.text().contains("forged"));
    }
}

#[tokio::test]
async fn a_request_id_names_the_environment() {
    let app = TestApp::new().await;
    for (path, environment) in [(&app.project.id, "test"), (&app.other.id, "live")] {
        let answer = app.anonymous().get(&format!("/v1/sessions/jwks/{path}")).await;
        assert!(
            answer
                .request_id()
                .starts_with(&format!("request-id-{environment}-"))
        );
    }
}

// ## Failures of ours

#[tokio::test]
async fn a_panic_is_an_error_that_says_nothing_and_the_next_request_is_served() {
    let app = TestApp::new().await;
    app.store.fail("client", Fault::Panic);
    let answer = app.backend().get("/v1/m2m/clients/worker").await;
    answer.problem(500, "internal_server_error");
    assert!(!answer.text().contains("panic"), "{}", answer.text());
    app.backend()
        .get("/v1/m2m/clients/worker")
        .await
        .problem(404, "m2m_client_not_found");
}

#[tokio::test]
async fn damaged_data_is_an_error_that_says_nothing() {
    let app = TestApp::new().await;
    app.store.fail("client", Fault::Inconsistent);
    let answer = app.backend().get("/v1/m2m/clients/worker").await;
    let body = answer.problem(500, "internal_server_error");
    assert!(
        !answer.text().contains("metadata") && !answer.text().contains("a-row"),
        "{body}"
    );
}

#[tokio::test]
async fn a_database_that_cannot_write_is_a_503_and_nothing_is_half_done() {
    let app = TestApp::new().await;
    let client = app.create_client(json!({ "client_id": "worker" })).await;
    let (backend, admin) = (app.backend(), app.admin());
    let project = format!("/admin/v1/projects/{}", app.project.id);
    let before = app.dump().await;
    for (intention, method, path, body) in [
        ("insert_client", Method::POST, "/v1/m2m/clients".to_owned(), "{}"),
        (
            "update_client",
            Method::PUT,
            client_path("worker"),
            r#"{"client_name":"x"}"#,
        ),
        (
            "update_client",
            Method::POST,
            client_path("worker/secrets/rotate/start"),
            "",
        ),
        ("delete_client", Method::DELETE, client_path("worker"), ""),
        ("count_clients", Method::POST, client_path("search"), "{}"),
        ("update_project", Method::PUT, project.clone(), r#"{"name":"x"}"#),
        (
            "insert_project_secret",
            Method::POST,
            format!("{project}/secrets"),
            r#"{"name":"x"}"#,
        ),
        (
            "insert_operator",
            Method::POST,
            "/admin/v1/operators".to_owned(),
            r#"{"name":"x"}"#,
        ),
    ] {
        app.store.fail(intention, Fault::Unavailable);
        let caller = if path.starts_with("/admin") {
            &admin
        } else {
            &backend
        };
        let answer = caller.send(method, &path, Some(JSON), body).await;
        answer.problem(503, "service_unavailable");
        assert_eq!(answer.header("retry-after"), Some("1"), "{intention}");
        assert!(!answer.text().contains("secretly"), "{}", answer.text());
        assert_eq!(app.dump().await, before, "{intention}");
    }
    app.token(&client).await;
}

// ## Bounds

#[tokio::test]
async fn over_the_bound_of_concurrent_requests_there_is_an_early_503() {
    let app = TestApp::with(|config| config.limits.concurrent_requests = 1).await;
    let (go_on, signal) = oneshot::channel();
    let backend = app.backend();
    let waiting = backend.send(
        Method::POST,
        "/v1/m2m/clients",
        Some(JSON),
        body_on_signal(signal),
    );
    let others = async {
        let answer = app.backend().get("/v1/debug/whoami").await;
        answer.problem(503, "service_unavailable");
        assert_eq!(answer.header("retry-after"), Some("1"));
        // A probe that is refused would get a busy process restarted.
        app.anonymous().get("/healthz").await.ok();
        app.anonymous().get("/readyz").await.ok();
        go_on.send("{}").unwrap();
    };
    let (answer, ()) = tokio::join!(waiting, others);
    answer.ok();
    app.backend().get("/v1/debug/whoami").await.ok();
}

#[tokio::test]
async fn a_body_that_never_comes_is_timed_out() {
    let app = TestApp::with(|config| config.server.request_timeout = Duration::from_millis(5)).await;
    let before = app.dump().await;
    let backend = app.backend();
    for path in ["/v1/m2m/clients", "/v1/m2m/clients/search", &app.token_path()] {
        let answer = backend
            .send(Method::POST, path, Some(JSON), body_that_never_comes())
            .await;
        answer.problem(408, "request_timeout");
    }
    assert_eq!(app.dump().await, before);
}

#[tokio::test]
async fn a_body_that_breaks_off_is_a_bad_request() {
    let app = TestApp::new().await;
    let before = app.dump().await;
    for path in ["/v1/m2m/clients", "/v1/m2m/clients/search"] {
        let (broken, signal) = oneshot::channel();
        drop(broken);
        let answer = app
            .backend()
            .send(Method::POST, path, Some(JSON), body_on_signal(signal))
            .await;
        answer.problem(400, "bad_request");
    }
    assert_eq!(app.dump().await, before);
}

// ## Probes

#[tokio::test]
async fn healthz_looks_at_nothing_and_readyz_at_the_database() {
    let app = TestApp::new().await;
    let caller = app.anonymous();
    let (answer, asked) = app.store.asked_during(caller.get("/healthz")).await;
    assert_eq!((answer.ok(), asked), (json!({ "status": "ok" }), vec![]));
    assert_eq!(app.anonymous().get("/readyz").await.ok()["status"], "ready");
    app.store.fail("ping", Fault::Unavailable);
    app.anonymous()
        .get("/readyz")
        .await
        .problem(503, "service_unavailable");
    app.store.fail("ping", Fault::Unavailable);
    app.anonymous().get("/healthz").await.ok();
}

/// Who watches many nodes compares them by what each says of itself.
#[tokio::test]
async fn readyz_tells_the_age_of_what_it_rests_on() {
    let app = TestApp::new().await;
    let before = app.anonymous().get("/readyz").await.ok();
    assert!(before["database"]["answered_in_ms"].is_u64(), "{before}");
    assert!(before["changes"]["read_ms_ago"].is_u64(), "{before}");
    assert_eq!(
        before["signing_keys"]["oldest_signs_for_seconds"],
        Value::Null,
        "nobody looked yet"
    );
    look_after_keys(&app.app).await.unwrap();
    app.clock.advance(90);
    let after = app.anonymous().get("/readyz").await.ok();
    assert_eq!(after["signing_keys"]["oldest_signs_for_seconds"], 90);
}

/// The clock of these stories is in another year than the one of a PostgreSQL server. SQLite has no clock of its own.
#[tokio::test]
async fn readyz_warns_of_a_clock_that_is_off() {
    let app = TestApp::new().await;
    let ready = app.anonymous().get("/readyz").await.ok();
    assert_eq!(ready["status"], "ready", "others may be off as well");
    let warnings = ready["warnings"].as_array().unwrap();
    if engine::is_postgres() {
        assert!(ready["clock"]["ahead_of_database_ms"].as_i64().unwrap().abs() > 5000);
        assert!(warnings[0].as_str().unwrap().contains("clock"), "{ready}");
    } else {
        assert_eq!((&ready["clock"], warnings.len()), (&Value::Null, 0));
    }
}

/// A node that has lost the change feed must not be given requests.
#[tokio::test]
async fn readyz_says_no_while_the_change_feed_is_not_read() {
    let app = TestApp::with_freshness(Freshness::new(Duration::ZERO)).await;
    app.anonymous()
        .get("/readyz")
        .await
        .problem(503, "service_unavailable");
    let mut follower = Follower::new(app.store.clone(), app.app.memory.clone(), app.clock.clone());
    follower.poll().await.unwrap();
    app.anonymous()
        .get("/readyz")
        .await
        .problem(503, "service_unavailable");
}
