//! `POST /v1/m2m/clients`: what is refused, and what just fits.

use serde_json::{Value, json};

use crate::support::TestApp;

/// Body and the error it gets.
type Refusal = (Value, &'static str);

fn field(name: &str, value: impl Into<Value>) -> Value {
    json!({ name: value.into() })
}

fn characters(count: usize) -> String {
    "ü".repeat(count)
}

fn letters(count: usize) -> String {
    "x".repeat(count)
}

fn scopes(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("s:{number}")).collect()
}

fn keys(count: usize) -> Value {
    (0..count)
        .map(|number| (format!("k{number}"), json!(number)))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

/// Metadata of so many bytes as compact JSON.
fn bytes(count: usize) -> Value {
    json!({ "k": letters(count - r#"{"k":""}"#.len()) })
}

/// A secret of so many characters that nobody guesses.
fn secret(length: usize) -> String {
    "q7Zp.2Rk/w9Xm-L4tB_8Vn+J3hD~6Ys"
        .chars()
        .cycle()
        .take(length)
        .collect()
}

fn refusals() -> Vec<Refusal> {
    let mut refusals = vec![
        (
            field("client_name", characters(257)),
            "m2m_client_invalid_client_name",
        ),
        (field("client_name", "a\nb"), "m2m_client_invalid_client_name"),
        (field("client_name", "a\0b"), "m2m_client_invalid_client_name"),
        (
            field("client_description", characters(1025)),
            "m2m_client_invalid_client_description",
        ),
        (
            field("client_description", "a\u{1b}[31m"),
            "m2m_client_invalid_client_description",
        ),
        (field("scopes", scopes(257)), "too_many_m2m_client_scopes"),
        (field("scopes", vec![letters(129)]), "invalid_m2m_client_scope"),
        (
            field(
                "scopes",
                (0..40)
                    .map(|number| format!("{number:0>120}"))
                    .collect::<Vec<_>>(),
            ),
            "invalid_m2m_client_scope",
        ),
        (field("trusted_metadata", keys(21)), "metadata_too_many_keys"),
        (field("trusted_metadata", bytes(4097)), "metadata_too_large"),
        (field("trusted_metadata", "text"), "metadata_invalid_format"),
        (field("trusted_metadata", json!([1])), "metadata_invalid_format"),
        (field("trusted_metadata", 7), "metadata_invalid_format"),
        (
            field("client_secret", "short"),
            "m2m_client_invalid_client_secret",
        ),
        (field("client_secret", ""), "m2m_client_invalid_client_secret"),
        (
            field("client_secret", "ardent-Mulberry\0Quilt.92"),
            "m2m_client_invalid_client_secret",
        ),
        (field("client_secret", secret(256)), "client_secret_too_long"),
        (field("client_secret", "password1"), "insecure_m2m_client_secret"),
        (
            field("client_secret", "aaaaaaaaaaaaaaaaaaaaaaaa"),
            "insecure_m2m_client_secret",
        ),
        (
            field("client_secret", "abcdefghijklmnop"),
            "insecure_m2m_client_secret",
        ),
        (field("client_id", 7), "invalid_request_value"),
        (field("client_name", json!(["x"])), "invalid_request_value"),
        (field("scopes", json!({ "a": 1 })), "invalid_request_value"),
        (field("scopes", json!(["a", 1])), "invalid_request_value"),
        (field("client_secret", json!({ "a": 1 })), "invalid_request_value"),
    ];
    for scope in ["", "a b", "a\"b", "a\\b", "ä", "a\0", "a\tb"] {
        refusals.push((field("scopes", vec![scope]), "invalid_m2m_client_scope"));
    }
    for id in [
        "",
        " ",
        "a b",
        "a/b",
        "..",
        ".",
        "ä",
        "a\0",
        "a%2Fb",
        "a?b",
        "a#b",
        &letters(129),
    ] {
        refusals.push((field("client_id", id), "m2m_client_invalid_client_id"));
    }
    refusals
}

#[tokio::test]
async fn each_bad_field_is_refused_by_its_type_and_nothing_is_made() {
    let app = TestApp::new().await;
    let before = app.dump().await;
    for (body, error_type) in refusals() {
        let answer = app.backend().post("/v1/m2m/clients", body.clone()).await;
        assert_eq!(answer.json()["error_type"], error_type, "{body}");
        answer.problem(400, error_type);
    }
    assert_eq!(app.dump().await, before);
}

#[tokio::test]
async fn what_just_fits_is_taken() {
    let app = TestApp::new().await;
    for body in [
        field("client_name", characters(256)),
        field("client_description", characters(1024)),
        field("client_description", "a\r\n\tb"),
        field("scopes", scopes(256)),
        field("scopes", vec![letters(128)]),
        field("scopes", vec!["!#$%&'()*+,-./:;<=>?@[]^_`{|}~"]),
        field("trusted_metadata", keys(20)),
        field("trusted_metadata", bytes(4096)),
        field("trusted_metadata", json!({ "": { "nul": "\0" } })),
        field("client_secret", "7#kQ!v2Zp"),
        field("client_secret", secret(255)),
        field("client_id", letters(128)),
        field("client_id", "..."),
    ] {
        let made = app.create_client(body.clone()).await;
        for (name, value) in body.as_object().unwrap() {
            assert_eq!(made.view[name], *value);
        }
        let shown = app
            .backend()
            .get(&crate::support::client_path(&made.id))
            .await
            .ok();
        assert_eq!(
            shown["m2m_client"]["trusted_metadata"],
            made.view["trusted_metadata"]
        );
        app.token(&made).await;
    }
}

/// A refusal must not repeat what was sent: it may be a secret, and it may be in a log.
#[tokio::test]
async fn a_refusal_does_not_repeat_the_secret() {
    let app = TestApp::new().await;
    for secret in [
        json!("hunter22"),
        json!("hunter2"),
        json!(424_242_424_242_u64),
        json!({ "hunter2": 1 }),
        json!(["hunter2"]),
    ] {
        let answer = app
            .backend()
            .post("/v1/m2m/clients", json!({ "client_secret": secret }))
            .await;
        assert_eq!(answer.status, 400);
        assert!(
            !answer.text().contains("hunter2") && !answer.text().contains("424242"),
            "{}",
            answer.text()
        );
    }
}

/// Its path would be the search's, so it could never be read, changed or deleted.
#[tokio::test]
async fn no_client_is_called_search() {
    let app = TestApp::new().await;
    let answer = app
        .backend()
        .post("/v1/m2m/clients", json!({ "client_id": "search" }))
        .await;
    answer.problem(400, "m2m_client_invalid_client_id");
    app.create_client(json!({ "client_id": "Search" })).await;
    app.backend().get("/v1/m2m/clients/Search").await.ok();
}
