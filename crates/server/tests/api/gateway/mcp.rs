//! The gateway as a server of the Model Context Protocol: JSON-RPC as it stands on the wire.

use axum::body::Body;
use http::{Method, Request, StatusCode};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::providers::{add, at};
use super::recorder::{Recorder, with_head};
use super::stored::{acme, recorder};
use super::{caller, client, refusal, token};
use crate::support::TestApp;
use crate::support::caller::{Caller, JSON};

const MCP: &str = "/gateway/mcp";
const ACCEPT: &str = "application/json, text/event-stream";
/// The one without a handshake: each request says what it speaks.
const NEWEST: &str = "2026-07-28";
const WITH_HANDSHAKE: [&str; 3] = ["2025-03-26", "2025-06-18", "2025-11-25"];

/// Somebody who speaks a version.
struct Client<'a>(Caller<'a>, &'static str);

impl<'a> Client<'a> {
    async fn new(app: &'a TestApp, scopes: &[&str], version: &'static str) -> Self {
        let caller = caller(app, scopes).await.header("accept", ACCEPT);
        Self(caller.header("mcp-protocol-version", version), version)
    }

    async fn ask(&self, method: &str, mut params: Value) -> Value {
        let mut caller = self.0.clone();
        if self.1 == NEWEST {
            caller = caller.header("mcp-method", method);
            if let Some(name) = params["name"].as_str() {
                caller = caller.header("mcp-name", name);
            }
            params["_meta"] = json!({
                "io.modelcontextprotocol/protocolVersion": NEWEST,
                "io.modelcontextprotocol/clientCapabilities": {}
            });
        }
        let request = json!({ "jsonrpc": "2.0", "id": 7, "method": method, "params": params });
        let answer = caller.post(MCP, request).await;
        assert_eq!(answer.header("content-type"), Some("application/json"));
        let answer = answer.json();
        assert_eq!(
            (&answer["jsonrpc"], &answer["id"]),
            (&json!("2.0"), &json!(7)),
            "{answer}"
        );
        answer["result"].clone()
    }

    async fn tools(&self) -> Vec<Value> {
        self.ask("tools/list", json!({})).await["tools"]
            .as_array()
            .unwrap()
            .clone()
    }

    async fn names(&self) -> Vec<String> {
        let name = |tool: Value| tool["name"].as_str().unwrap().to_owned();
        self.tools().await.into_iter().map(name).collect()
    }

    async fn call(&self, tool: &str, arguments: Value) -> Value {
        self.ask("tools/call", json!({ "name": tool, "arguments": arguments }))
            .await
    }
}

fn text(result: &Value) -> &str {
    result["content"][0]["text"].as_str().unwrap()
}

#[tokio::test]
async fn every_version_lists_searches_and_calls() {
    for version in WITH_HANDSHAKE.into_iter().chain([NEWEST]) {
        let app = TestApp::new().await;
        let client = Client::new(&app, &["gateway:countersign"], version).await;
        if version == NEWEST {
            let found = client.ask("server/discover", json!({})).await;
            let known = found["supportedVersions"].as_array().unwrap();
            assert!(known.contains(&json!(NEWEST)), "{found}");
        } else {
            let hello = json!({
                "protocolVersion": version, "capabilities": {}, "clientInfo": { "name": "story", "version": "1" }
            });
            let hello = client.ask("initialize", hello).await;
            assert_eq!(hello["protocolVersion"], version);
            assert_eq!(hello["serverInfo"]["name"], "countersign-gateway");
            assert!(hello["capabilities"]["tools"].is_object(), "{hello}");
            let initialized = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
            assert_eq!(client.0.post(MCP, initialized).await.status, 202);
        }
        let names = client.names().await;
        assert_eq!(
            names[..3],
            ["search_operations", "describe_operation", "call_operation"]
        );
        assert!(
            names.contains(&"countersign_apiM2mV1M2mClientsCreate".to_owned()),
            "{names:?}"
        );

        let found = client
            .call("search_operations", json!({ "query": "create a client" }))
            .await;
        let best = &found["structuredContent"]["operations"][0]["operation"];
        assert_eq!(best, "apiM2mV1M2mClientsCreate");
        let call = json!({
            "provider": "countersign", "operation": "apiM2mV1M2mClientsCreate", "arguments": { "client_name": version }
        });
        let made = client.call("call_operation", call).await;
        assert_eq!(made["isError"], false, "{made}");
        let id = made["structuredContent"]["m2m_client"]["client_id"]
            .as_str()
            .unwrap();
        assert!(text(&made).contains(id));
        let kept = app.backend().get(&format!("/v1/m2m/clients/{id}")).await.ok();
        assert_eq!(kept["m2m_client"]["client_name"], version);
    }
}

#[tokio::test]
async fn an_operation_is_a_tool_with_its_own_arguments() {
    let recorder = recorder().await;
    let app = acme(&recorder).await;
    let client = Client::new(&app, &["gateway:acme"], "2025-11-25").await;
    let tools = client.tools().await;
    let create = tools
        .iter()
        .find(|tool| tool["name"] == "acme_createThing")
        .unwrap();
    assert_eq!(create["inputSchema"]["type"], "object");
    assert_eq!(create["inputSchema"]["required"], json!(["name"]));
    let list = tools
        .iter()
        .find(|tool| tool["name"] == "acme_listThings")
        .unwrap();
    assert_eq!(list["description"], "Lists things");
    assert_eq!(list["annotations"]["readOnlyHint"], true);
    assert_eq!(create["annotations"]["readOnlyHint"], false);

    let made = client.call("acme_createThing", json!({ "name": "n" })).await;
    assert_eq!(
        (&made["isError"], text(&made)),
        (&json!(false), "{\"of\":\"acme\"}")
    );
    assert_eq!(made["structuredContent"], json!({ "of": "acme" }));
    let request = recorder.request();
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("POST /v1/things HTTP/1.1\r\n"), "{head}");
    assert!(
        head.contains("authorization: Bearer upstream-token-0123456789\r\n"),
        "{head}"
    );
    for absent in ["mcp", "event-stream", "id.example"] {
        assert!(!head.contains(absent), "{absent}: {head}");
    }
    assert_eq!(body, "{\"name\":\"n\"}");
}

#[tokio::test]
async fn only_few_operations_are_tools_each() {
    let recorder = recorder().await;
    let app = acme(&recorder).await;
    // Three operations a provider, and those of `countersign`.
    for number in 0..21 {
        add(&app, &format!("more-{number}"), at(&recorder)).await;
    }
    let all = Client::new(&app, &["gateway:*"], "2025-11-25").await;
    assert_eq!(
        all.names().await,
        ["search_operations", "describe_operation", "call_operation"]
    );
    let few = Client::new(&app, &["gateway-read:*"], "2025-11-25").await;
    let few = few.names().await;
    assert_eq!(few.len(), 3 + 22 + 1, "{few:?}");
    assert!(!few.iter().any(|name| name.ends_with("_createThing")), "{few:?}");
}

#[tokio::test]
async fn a_description_has_the_schema_and_is_for_those_who_may_call() {
    let recorder = recorder().await;
    let app = acme(&recorder).await;
    let client = Client::new(&app, &["gateway:acme"], "2025-11-25").await;
    let named = |operation: &str| json!({ "provider": "acme", "operation": operation });
    let thing = client.call("describe_operation", named("createThing")).await;
    let schema = &thing["structuredContent"]["arguments_schema"];
    assert_eq!(schema["properties"]["name"]["maxLength"], 8);
    let reader = Client::new(&app, &["gateway-read:acme"], "2025-11-25").await;
    for (client, operation, reason) in [
        (&reader, "createThing", "missing_scope"),
        (&client, "absent", "no_such_operation"),
        (&client, "uploadFile", "operation_elsewhere"),
    ] {
        let refused = client.call("describe_operation", named(operation)).await;
        assert_eq!(refused["isError"], true);
        assert_eq!(refused["structuredContent"]["reason"], reason, "{operation}");
        assert!(!refused.to_string().contains("maxLength"));
    }
}

#[tokio::test]
async fn a_refusal_is_a_result_that_says_what_would_help() {
    let recorder = recorder().await;
    let app = acme(&recorder).await;
    let reader = Client::new(&app, &["gateway-read:acme"], "2025-11-25").await;
    let refused = reader.call("acme_createThing", json!({ "name": "n" })).await;
    assert_eq!(refused["isError"], true);
    assert!(
        text(&refused).starts_with("Refused by the gateway (missing_scope): "),
        "{refused}"
    );
    assert!(
        text(&refused).ends_with("The scope gateway:acme/createThing is needed."),
        "{refused}"
    );
    assert_eq!(
        refused["structuredContent"]["needed_scope"],
        "gateway:acme/createThing"
    );

    let all = Client::new(&app, &["gateway:acme"], "2025-11-25").await;
    let wrong = all
        .call("acme_createThing", json!({ "name": "much too long" }))
        .await;
    assert_eq!(wrong["structuredContent"]["reason"], "invalid_arguments");
    assert!(text(&wrong).contains("\n/name "), "{wrong}");
    for tool in ["nothing", "acme_absent"] {
        assert_eq!(all.call(tool, json!({})).await["isError"], true, "{tool}");
    }
    assert_eq!(recorder.connections(), 0);
}

#[tokio::test]
async fn strangers_hear_the_same_of_every_provider() {
    let recorder = recorder().await;
    let app = acme(&recorder).await;
    let stranger = Client::new(&app, &["gateway:other"], "2025-11-25").await;
    assert_eq!(
        stranger.names().await,
        ["search_operations", "describe_operation", "call_operation"]
    );
    for tool in ["call_operation", "describe_operation"] {
        let mut heard = ["acme", "amce"].map(|name| (name, String::new()));
        for (name, text) in &mut heard {
            let asked = json!({ "provider": name, "operation": "listThings" });
            let answer = stranger.call(tool, asked).await.to_string();
            assert!(answer.contains(&format!("gateway:{name}")), "{answer}");
            *text = answer.replace(*name, "NAME");
        }
        assert_eq!(heard[0].1, heard[1].1);
    }
}

#[tokio::test]
async fn errors_of_the_provider_and_answers_that_are_no_text_are_told_as_such() {
    let recorder = Recorder::start(|number, _| match number {
        1 => with_head(
            "404 Not Found",
            "Content-Type: application/json\r\n",
            "{\"no\":1}",
        ),
        2 => with_head("200 OK", "Content-Type: text/plain\r\n", "plain"),
        3 => with_head("204 No Content", "", ""),
        _ => with_head(
            "200 OK",
            "Content-Type: text/plain\r\n",
            &"x".repeat(1024 * 1024 + 1),
        ),
    })
    .await;
    let app = acme(&recorder).await;
    let client = Client::new(&app, &["gateway:acme"], "2025-11-25").await;
    let absent = client.call("acme_listThings", json!({})).await;
    assert_eq!(
        (&absent["isError"], text(&absent)),
        (&json!(true), "HTTP 404 Not Found: {\"no\":1}")
    );
    assert_eq!(absent["structuredContent"], json!({ "no": 1 }));
    let plain = client.call("acme_listThings", json!({})).await;
    assert_eq!((&plain["isError"], text(&plain)), (&json!(false), "plain"));
    assert!(plain.get("structuredContent").is_none());
    let empty = client.call("acme_listThings", json!({})).await;
    assert_eq!(
        (&empty["isError"], text(&empty)),
        (&json!(false), "HTTP 204 No Content")
    );
    let long = client.call("acme_listThings", json!({})).await;
    assert_eq!(long["isError"], true);
    assert!(text(&long).len() < 200);
}

#[tokio::test]
async fn without_a_token_there_is_no_protocol() {
    let app = TestApp::new().await;
    let nobody = app
        .anonymous()
        .header("host", "id.example")
        .header("accept", ACCEPT);
    let hello = json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" });
    let answer = nobody.post(MCP, hello.clone()).await;
    assert_eq!(refusal(&answer), (401, json!("missing_token"), Value::Null));
    assert_eq!(
        answer.header("www-authenticate"),
        Some("Bearer realm=\"Countersign gateway\"")
    );
    let guess = nobody.clone().bearer("a.b.c").post(MCP, hello).await;
    assert_eq!(refusal(&guess).0, 401);
    for method in [Method::GET, Method::DELETE] {
        let answer = nobody.send(method, MCP, None, "").await;
        assert_eq!(answer.status, 405, "there are no sessions and no streams");
    }
}

#[tokio::test]
async fn pages_that_name_another_host_or_come_from_another_origin_are_refused() {
    let app = TestApp::new().await;
    let client = client(&app, &["gateway:countersign"]).await;
    let token = token(&app, &client).await;
    let ask = |host: &'static str, origin: Option<&'static str>| {
        let request = Request::post(MCP)
            .header("host", host)
            .header("accept", ACCEPT)
            .header("content-type", JSON)
            .header("authorization", format!("Bearer {token}"));
        let request = match origin {
            Some(origin) => request.header("origin", origin),
            None => request,
        };
        let hello = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" });
        let request = request.body(Body::from(hello.to_string())).unwrap();
        let routes = app.routes.clone();
        async move { routes.oneshot(request).await.unwrap().status() }
    };
    assert_eq!(ask("id.example", None).await, StatusCode::OK);
    assert_eq!(ask("localhost", None).await, StatusCode::OK);
    assert_eq!(ask("evil.example", None).await, StatusCode::FORBIDDEN);
    let origin = Some("https://evil.example");
    assert_eq!(ask("id.example", origin).await, StatusCode::FORBIDDEN);
}
