//! Operations by their names: found, and called with a flat object of arguments.

use countersign_core::provider::ProviderRule;
use http::Method;
use serde_json::{Value, json};

use super::providers::{add, at, change};
use super::stored::{acme, recorder};
use super::{caller, refusal};
use crate::support::TestApp;
use crate::support::answer::Answer;
use crate::support::caller::{Caller, JSON};

const CREATE: &str = "/gateway/tools/countersign/apiM2mV1M2mClientsCreate";
const THINGS: &str = "/gateway/tools/acme/createThing";

/// The faults of arguments, as field and reason.
fn faults(answer: &Answer) -> Vec<(String, String)> {
    assert_eq!(refusal(answer), (400, json!("invalid_arguments"), Value::Null));
    let body: Value = serde_json::from_slice(&answer.body).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let faults = body["arguments"].as_array().unwrap().iter();
    faults
        .map(|fault| (text(&fault["field"]), text(&fault["reason"])))
        .collect()
}

fn fault(field: &str, reason: &str) -> (String, String) {
    (field.to_owned(), reason.to_owned())
}

/// The names of what is found.
async fn found(caller: &Caller<'_>, query: &str) -> Vec<String> {
    let answer = caller.get(&format!("/gateway/tools?{query}")).await.ok();
    let operations = answer["operations"].as_array().unwrap().iter();
    let name = |one: &Value| {
        let (provider, operation) = (&one["provider"], &one["operation"]);
        format!("{}/{}", provider.as_str().unwrap(), operation.as_str().unwrap())
    };
    operations.map(name).collect()
}

#[tokio::test]
async fn a_client_is_made_with_arguments_and_a_token_alone() {
    let app = TestApp::new().await;
    let caller = caller(&app, &["gateway:countersign"]).await;
    let made = caller.post(CREATE, json!({ "client_name": "made" })).await;
    assert_eq!(made.header("countersign-error"), None);
    let made = made.ok();
    let id = made["m2m_client"]["client_id"].as_str().unwrap();
    let kept = app.backend().get(&format!("/v1/m2m/clients/{id}")).await.ok();
    assert_eq!(kept["m2m_client"]["client_name"], "made");

    let get = "/gateway/tools/countersign/apiM2mV1M2mClientsGet";
    let got = caller.post(get, json!({ "client_id": id })).await.ok();
    assert_eq!(got["m2m_client"]["client_name"], "made");
    caller
        .post(get, json!({ "client_id": "absent" }))
        .await
        .problem(404, "m2m_client_not_found");
}

#[tokio::test]
async fn arguments_reach_a_stored_provider_with_its_credential_and_no_field_of_the_callers() {
    let recorder = recorder().await;
    let app = acme(&recorder).await;
    let caller = caller(&app, &["gateway:acme"])
        .await
        .header("cookie", "a=b")
        .header("x-trace", "callers")
        .header("accept", "application/json")
        .header(
            "traceparent",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        );
    let arguments = json!({ "name": "n", "tags": ["a"], "base_url": "https://evil.example" });
    let answer = caller.post(THINGS, arguments).await;
    assert_eq!(
        (answer.status.as_u16(), answer.text()),
        (200, "{\"of\":\"acme\"}")
    );
    let request = recorder.request();
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("POST /v1/things HTTP/1.1\r\n"), "{head}");
    for line in [
        "authorization: Bearer upstream-token-0123456789",
        "accept: application/json",
        "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "content-type: application/json",
        &format!("content-length: {}", body.len()),
        &format!("host: {}", recorder.address),
    ] {
        assert!(head.lines().any(|given| given == line), "{line}: {head}");
    }
    for absent in ["cookie", "x-trace", "id.example", "evil"] {
        assert!(!head.contains(absent), "{absent}: {head}");
    }
    let body: Value = serde_json::from_str(body).unwrap();
    assert_eq!(
        body,
        json!({ "name": "n", "tags": ["a"], "base_url": "https://evil.example" }),
        "a member that the document does not know is a member, and nothing else"
    );
}

#[tokio::test]
async fn every_argument_that_does_not_fit_is_named_and_nothing_is_sent() {
    let recorder = recorder().await;
    let app = acme(&recorder).await;
    let caller = caller(&app, &["gateway:acme"]).await;
    let wrong = caller
        .post(THINGS, json!({ "name": "much too long", "tags": [1] }))
        .await;
    let both = [
        fault("/name", "unusable_argument"),
        fault("/tags/0", "unusable_argument"),
    ];
    assert_eq!(faults(&wrong), both);
    assert!(!wrong.text().contains("much too long"), "values are not repeated");
    let missing = caller.post(THINGS, json!({})).await;
    assert_eq!(faults(&missing), [fault("/name", "missing_argument")]);

    let delete = "/gateway/tools/acme/deleteThing";
    for (arguments, expected) in [
        (json!({}), vec![fault("/id", "missing_argument")]),
        (json!({ "id": null }), vec![fault("/id", "missing_argument")]),
        (json!({ "id": ".." }), vec![fault("/id", "unusable_argument")]),
        (json!({ "id": "a/b" }), vec![fault("/id", "unusable_argument")]),
        (json!({ "id": "a\u{0}" }), vec![fault("/id", "unusable_argument")]),
        (json!({ "id": "" }), vec![fault("/id", "unusable_argument")]),
        (
            json!({ "id": "7", "x": 1 }),
            vec![fault("/x", "unknown_argument")],
        ),
        (
            json!({ "x": 1 }),
            vec![fault("/id", "missing_argument"), fault("/x", "unknown_argument")],
        ),
    ] {
        let mut told = faults(&caller.post(delete, arguments.clone()).await);
        told.sort();
        assert_eq!(told, expected, "{arguments}");
    }
    assert_eq!(recorder.connections(), 0);
}

#[tokio::test]
async fn bodies_that_are_no_object_of_arguments_are_refused() {
    let app = TestApp::new().await;
    let caller = caller(&app, &["gateway:countersign"]).await;
    let long = format!("{{\"client_name\":\"{}\"}}", "x".repeat(300_000));
    for (kind, body, status) in [
        (JSON, "[1]", 400),
        (JSON, "{\"client_name\":\"a\",\"client_name\":\"b\"}", 400),
        ("text/plain", "{}", 415),
        (JSON, &long, 413),
    ] {
        let answer = caller
            .send(Method::POST, CREATE, Some(kind), body.to_owned())
            .await;
        assert_eq!(refusal(&answer).0, status, "{kind} {status}");
    }
}

#[tokio::test]
async fn a_call_by_name_is_judged_by_the_path_that_its_arguments_make() {
    let recorder = recorder().await;
    let app = acme(&recorder).await;
    change(&app, "acme", |settings| {
        settings.rules = vec![ProviderRule {
            name: "only-seven".into(),
            scope: "gateway:acme/seven".into(),
            methods: vec!["DELETE".into()],
            paths: vec!["/things/7".into()],
            ..ProviderRule::default()
        }];
    })
    .await;
    let caller = caller(&app, &["gateway:acme/seven"]).await;
    let delete = "/gateway/tools/acme/deleteThing";
    assert_eq!(caller.post(delete, json!({ "id": "7" })).await.status, 200);
    let other = caller.post(delete, json!({ "id": "8" })).await;
    assert_eq!(
        refusal(&other),
        (403, json!("missing_scope"), json!("gateway:acme/deleteThing"))
    );
    assert!(recorder.request().starts_with("DELETE /v1/things/7 HTTP/1.1\r\n"));
}

#[tokio::test]
async fn who_may_not_call_hears_nothing_of_what_would_fit() {
    let recorder = recorder().await;
    let app = acme(&recorder).await;
    let reader = caller(&app, &["gateway-read:acme"]).await;
    for arguments in [json!({ "name": 7 }), json!({ "name": "n" }), json!({})] {
        let answer = reader.post(THINGS, arguments).await;
        assert_eq!(
            refusal(&answer),
            (403, json!("missing_scope"), json!("gateway:acme/createThing"))
        );
    }
    let answer = reader.post("/gateway/tools/acme/deleteThing", json!({})).await;
    assert_eq!(refusal(&answer).0, 403);
    let absent = reader.post("/gateway/tools/acme/absent", json!({})).await;
    assert_eq!(refusal(&absent), (404, json!("no_such_operation"), Value::Null));
    let elsewhere = caller(&app, &["gateway:acme"]).await;
    let elsewhere = elsewhere.post("/gateway/tools/acme/uploadFile", json!({})).await;
    assert_eq!(
        refusal(&elsewhere),
        (403, json!("operation_elsewhere"), Value::Null)
    );
    assert_eq!(recorder.connections(), 0);
}

#[tokio::test]
async fn to_strangers_a_provider_has_no_operations_whether_it_exists_or_not() {
    let recorder = recorder().await;
    let app = acme(&recorder).await;
    let stranger = caller(&app, &["gateway:other"]).await;
    for operation in ["listThings", "absent"] {
        let mut heard = ["acme", "amce"].map(|name| (name, String::new()));
        for (name, text) in &mut heard {
            let answer = stranger
                .post(&format!("/gateway/tools/{name}/{operation}"), json!({}))
                .await;
            assert_eq!(
                refusal(&answer),
                (403, json!("missing_scope"), json!(format!("gateway:{name}")))
            );
            *text = answer.without_request_id().replace(*name, "NAME");
        }
        assert_eq!(heard[0].1, heard[1].1);
    }
    assert_eq!(found(&stranger, "").await, [""; 0]);
    assert_eq!(found(&stranger, "provider=acme").await, [""; 0]);
    for (method, path) in [(Method::POST, THINGS), (Method::GET, "/gateway/tools")] {
        let nobody = app.anonymous().header("host", "id.example");
        let answer = nobody.send(method, path, None, "").await;
        assert_eq!(refusal(&answer).0, 401);
    }
}

#[tokio::test]
async fn a_search_shows_what_the_caller_may_call_and_nothing_else() {
    let recorder = recorder().await;
    let app = acme(&recorder).await;
    add(&app, "beta", at(&recorder)).await;
    let all = caller(&app, &["gateway:acme"]).await;
    // `uploadFile` is at a host that the operator has not listed.
    assert_eq!(
        found(&all, "").await,
        ["acme/createThing", "acme/deleteThing", "acme/listThings"]
    );
    let reader = caller(&app, &["gateway-read:acme", "gateway:beta/deleteThing"]).await;
    assert_eq!(found(&reader, "").await, ["acme/listThings", "beta/deleteThing"]);
    assert_eq!(found(&reader, "provider=beta").await, ["beta/deleteThing"]);
    assert_eq!(
        found(&reader, "query=createThing").await,
        ["acme/listThings", "beta/deleteThing"]
    );
    let everywhere = caller(&app, &["gateway-read:*"]).await;
    assert_eq!(
        found(&everywhere, "").await,
        [
            "acme/listThings",
            "beta/listThings",
            "countersign/apiM2mV1M2mClientsGet"
        ]
    );
    assert_eq!(recorder.connections(), 0);
}

#[tokio::test]
async fn the_best_fit_is_first_and_says_how_it_is_called() {
    let app = TestApp::new().await;
    let caller = caller(&app, &["gateway:countersign"]).await;
    let first = |answer: &Value| answer["operations"][0].clone();
    let answer = caller.get("/gateway/tools?query=create%20a%20client").await.ok();
    let best = first(&answer);
    assert_eq!(best["operation"], "apiM2mV1M2mClientsCreate");
    assert_eq!(
        (&best["method"], &best["path"]),
        (&json!("POST"), &json!("/v1/m2m/clients"))
    );
    assert!(
        best["summary"].is_string() && best["arguments_schema"].is_null(),
        "{best}"
    );
    let answer = caller
        .get("/gateway/tools?query=apiM2mV1M2mClientsDelete&schema=true")
        .await
        .ok();
    let best = first(&answer);
    assert_eq!(best["operation"], "apiM2mV1M2mClientsDelete");
    assert_eq!(best["arguments_schema"]["required"], json!(["client_id"]));
}

#[tokio::test]
async fn a_search_goes_on_where_its_cursor_says() {
    let app = TestApp::new().await;
    let caller = caller(&app, &["gateway:countersign"]).await;
    let all = found(&caller, "").await;
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let query = format!("limit=3&cursor={cursor}");
        seen.extend(found(&caller, &query).await);
        let page = caller.get(&format!("/gateway/tools?{query}")).await.ok();
        match page["results_metadata"]["next_cursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(seen, all);
    assert!(all.len() > 3);
    let other = caller
        .get(&format!("/gateway/tools?query=x&cursor={cursor}"))
        .await;
    assert_eq!(refusal(&other).1, "invalid_cursor", "of another list");
    let many = caller.get("/gateway/tools?limit=101").await;
    assert_eq!(refusal(&many).1, "invalid_request_value");
}
