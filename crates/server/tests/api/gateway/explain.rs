//! What would become of a call, without the call.

use countersign_core::provider::ProviderRule;
use serde_json::{Value, json};

use super::providers::{change, record, set};
use super::stored::{acme, recorder, spoil};
use super::{caller, refusal};
use crate::support::TestApp;
use crate::support::caller::Caller;

const EXPLAIN: &str = "/gateway/explain";

async fn explained(caller: &Caller<'_>, question: Value) -> Value {
    caller.post(EXPLAIN, question).await.ok()
}

#[tokio::test]
async fn rule_credential_and_operation_are_told_and_nothing_is_called() {
    let recorder = recorder().await;
    let app = acme(&recorder).await;
    set(
        &app,
        "acme",
        "strong",
        json!({ "kind": "bearer", "token": "another-token-0123456789" }),
    )
    .await;
    change(&app, "acme", |settings| {
        settings.rules = vec![ProviderRule {
            name: "delete".into(),
            scope: "gateway:acme/remove".into(),
            methods: vec!["DELETE".into()],
            credential: Some("strong".into()),
            ..ProviderRule::default()
        }];
    })
    .await;
    let id = |name: &str, record: &countersign_store::ProviderRecord| {
        let credential = record
            .credentials
            .iter()
            .find(|credential| credential.name == name);
        credential.unwrap().id.clone()
    };
    let record = record(&app, "acme").await;
    let caller = caller(&app, &["gateway-read:acme", "gateway:acme/remove"]).await;

    let read = explained(
        &caller,
        json!({ "provider": "acme", "method": "GET", "path": "/things" }),
    )
    .await;
    assert_eq!(read["allowed"], true);
    assert_eq!(
        (&read["rule"], &read["operation"]),
        (&json!("gateway-read:acme"), &json!("listThings"))
    );
    assert_eq!(
        read["credential"],
        json!({ "name": "default", "id": id("default", &record) })
    );

    let deleted = json!({ "name": "strong", "id": id("strong", &record) });
    for question in [
        json!({ "provider": "acme", "method": "DELETE", "path": "/things/7" }),
        json!({ "provider": "acme", "operation": "deleteThing" }),
        json!({ "provider": "acme", "operation": "deleteThing", "arguments": { "id": "7" } }),
    ] {
        let answer = explained(&caller, question).await;
        assert_eq!(
            (&answer["allowed"], &answer["rule"]),
            (&json!(true), &json!("delete"))
        );
        assert_eq!(
            (&answer["credential"], &answer["operation"]),
            (&deleted, &json!("deleteThing"))
        );
    }
    let websocket = json!({ "provider": "acme", "method": "GET", "path": "/things", "websocket": true });
    let websocket = explained(&caller, websocket).await;
    assert_eq!(
        (&websocket["allowed"], &websocket["reason"]),
        (&json!(false), &json!("no_rule"))
    );
    assert_eq!(recorder.connections(), 0);
}

#[tokio::test]
async fn a_credential_that_cannot_be_opened_is_explained_all_the_same() {
    let recorder = recorder().await;
    let app = acme(&recorder).await;
    spoil(&app, |sealed| sealed[..sealed.len() - 4].to_owned()).await;
    let id = record(&app, "acme").await.credentials.remove(0).id;
    let caller = caller(&app, &["gateway:acme"]).await;
    let answer = explained(&caller, json!({ "provider": "acme", "operation": "listThings" })).await;
    assert_eq!(
        (&answer["allowed"], &answer["credential"]["id"]),
        (&json!(true), &json!(id))
    );
}

#[tokio::test]
async fn a_refusal_says_what_would_help() {
    let recorder = recorder().await;
    let app = acme(&recorder).await;
    let reader = caller(&app, &["gateway-read:acme"]).await;
    for question in [
        json!({ "provider": "acme", "method": "POST", "path": "/things" }),
        json!({ "provider": "acme", "operation": "createThing" }),
        json!({ "provider": "acme", "operation": "createThing", "arguments": { "name": 7 } }),
    ] {
        let answer = explained(&reader, question).await;
        assert_eq!(
            (&answer["allowed"], &answer["credential"]),
            (&json!(false), &Value::Null)
        );
        assert_eq!(answer["reason"], "missing_scope");
        assert_eq!(answer["needed_scope"], "gateway:acme/createThing");
        assert!(answer.get("arguments").is_none());
    }
    let all = caller(&app, &["gateway:acme"]).await;
    for (question, reason) in [
        (
            json!({ "provider": "acme", "operation": "absent" }),
            "no_such_operation",
        ),
        (
            json!({ "provider": "acme", "operation": "uploadFile" }),
            "operation_elsewhere",
        ),
        (
            json!({ "provider": "acme", "method": "GET", "path": "/a/../b" }),
            "path_dot_segment",
        ),
        (
            json!({ "provider": "acme", "method": "TRACE", "path": "/things" }),
            "method_not_allowed",
        ),
    ] {
        let answer = explained(&all, question.clone()).await;
        assert_eq!(
            (&answer["allowed"], &answer["reason"]),
            (&json!(false), &json!(reason)),
            "{question}"
        );
    }
    let wrong = json!({ "provider": "acme", "operation": "createThing", "arguments": { "name": 7 } });
    let wrong = explained(&all, wrong).await;
    assert_eq!(wrong["reason"], "invalid_arguments");
    assert_eq!(wrong["arguments"][0]["field"], "/name");
}

#[tokio::test]
async fn strangers_learn_nothing() {
    let recorder = recorder().await;
    let app = acme(&recorder).await;
    let stranger = caller(&app, &["gateway:other"]).await;
    for rest in [
        json!({ "method": "GET", "path": "/things" }),
        json!({ "method": "GET", "path": "/a/../b" }),
        json!({ "operation": "listThings" }),
        json!({ "operation": "absent", "arguments": {} }),
    ] {
        let mut heard = ["acme", "amce"].map(|name| (name, String::new()));
        for (name, text) in &mut heard {
            let mut question = rest.clone();
            question["provider"] = json!(name);
            let answer = stranger.post(EXPLAIN, question).await;
            let body = answer.ok();
            assert_eq!(
                (&body["allowed"], &body["reason"]),
                (&json!(false), &json!("missing_scope"))
            );
            assert_eq!(body["needed_scope"], format!("gateway:{name}"));
            *text = answer.without_request_id().replace(*name, "NAME");
        }
        assert_eq!(heard[0].1, heard[1].1);
    }
}

#[tokio::test]
async fn a_question_has_one_form_or_the_other() {
    let app = TestApp::new().await;
    let nobody = app.anonymous().header("host", "id.example");
    assert_eq!(refusal(&nobody.post(EXPLAIN, json!({})).await).0, 401);
    let caller = caller(&app, &["gateway:countersign"]).await;
    for question in [
        json!({}),
        json!({ "provider": "countersign" }),
        json!({ "provider": "countersign", "method": "GET" }),
        json!({ "provider": "countersign", "method": "G T", "path": "/" }),
        json!({ "provider": "countersign", "method": "GET", "path": "/", "operation": "x" }),
        json!({ "provider": "countersign", "operation": "x", "websocket": true }),
    ] {
        let answer = caller.post(EXPLAIN, question.clone()).await;
        assert_eq!(refusal(&answer).0, 400, "{question}");
    }
    let own = json!({ "provider": "countersign", "operation": "apiM2mV1M2mClientsCreate" });
    let own = explained(&caller, own).await;
    assert_eq!(
        (&own["allowed"], &own["credential"]),
        (&json!(true), &Value::Null)
    );
}
