//! Who is let in, and what the others hear.

use serde_json::{Value, json};

use super::{CLIENTS, GATEWAY, bearer, caller, client, refusal, token};
use crate::support::TestApp;

#[tokio::test]
async fn without_a_token_nobody_is_let_in() {
    let app = TestApp::new().await;
    let nobody = app.anonymous().header("host", "id.example");
    for path in [CLIENTS, "/gateway/p/absent/x"] {
        let answer = nobody.get(path).await;
        assert_eq!(refusal(&answer), (401, json!("missing_token"), Value::Null));
        assert_eq!(
            answer.header("www-authenticate"),
            Some("Bearer realm=\"Countersign gateway\"")
        );
    }
    let backend = app.backend().header("host", "id.example").get(CLIENTS).await;
    assert_eq!(
        refusal(&backend).1,
        "missing_token",
        "a project secret is no token"
    );
    let guess = bearer(&app, "a.b.c").get(CLIENTS).await;
    assert_eq!(refusal(&guess), (401, json!("malformed"), Value::Null));
    assert_eq!(
        guess.header("www-authenticate"),
        Some("Bearer realm=\"Countersign gateway\", error=\"invalid_token\"")
    );
}

#[tokio::test]
async fn a_token_for_services_is_refused_whatever_its_client_holds() {
    let app = TestApp::new().await;
    let client = client(&app, &["gateway:countersign", "read:users"]).await;
    let answer = app.ask_token(&client.id, &client.secret).await.ok();
    let for_services = answer["access_token"].as_str().unwrap();
    let answer = bearer(&app, for_services).get(CLIENTS).await;
    assert_eq!(refusal(&answer), (401, json!("wrong_audience"), Value::Null));
}

#[tokio::test]
async fn both_profiles_and_all_algorithms_are_let_in() {
    let app = TestApp::new().await;
    for profile in ["stytch", "standard-rs256", "standard-es256", "standard-eddsa"] {
        let client = client(&app, &["gateway:countersign"]).await;
        let path = format!("/admin/v1/projects/{}/clients/{}", app.project.id, client.id);
        app.admin()
            .put(&path, json!({ "token_profile": profile }))
            .await
            .ok();
        let caller = bearer(&app, &token(&app, &client).await);
        caller.get(&format!("{CLIENTS}/{}", client.id)).await.ok();
    }
}

#[tokio::test]
async fn a_scope_opens_what_it_names() {
    let app = TestApp::new().await;
    let target = client(&app, &[]).await;
    let one = format!("{CLIENTS}/{}", target.id);
    let reader = caller(&app, &["gateway-read:countersign"]).await;
    reader.get(&one).await.ok();
    assert_eq!(
        refusal(&reader.delete(&one).await),
        (
            403,
            json!("missing_scope"),
            json!("gateway:countersign/apiM2mV1M2mClientsDelete")
        )
    );
    let creator = caller(&app, &["gateway:countersign/apiM2mV1M2mClientsCreate"]).await;
    creator.post(CLIENTS, json!({})).await.ok();
    assert_eq!(
        refusal(&creator.get(&one).await),
        (
            403,
            json!("missing_scope"),
            json!("gateway:countersign/apiM2mV1M2mClientsGet")
        )
    );
    assert_eq!(
        refusal(&creator.delete(&one).await).2,
        "gateway:countersign/apiM2mV1M2mClientsDelete"
    );
    app.backend()
        .get(&format!("/v1/m2m/clients/{}", target.id))
        .await
        .ok();
}

#[tokio::test]
async fn a_provider_that_exists_looks_to_strangers_like_one_that_does_not() {
    let app = TestApp::new().await;
    let stranger = caller(&app, &["gateway:acme"]).await;
    let heard = |name: &'static str| {
        let stranger = stranger.clone();
        async move {
            let answer = stranger.get(&format!("/gateway/p/{name}/v1/m2m/clients")).await;
            let mut body: Value = serde_json::from_slice(&answer.body).unwrap();
            body["request_id"] = Value::Null;
            (refusal(&answer), body.to_string().replace(name, "NAME"))
        }
    };
    let (known, unknown) = (heard("countersign").await, heard("elsewhere").await);
    assert_eq!(known.1, unknown.1);
    assert_eq!(
        known.0,
        (403, json!("missing_scope"), json!("gateway:countersign"))
    );
}

#[tokio::test]
async fn changes_of_the_client_hold_for_the_token_that_it_has() {
    let app = TestApp::new().await;
    let client = client(&app, &["gateway:countersign"]).await;
    let caller = bearer(&app, &token(&app, &client).await);
    let wire = format!("/v1/m2m/clients/{}", client.id);
    let one = format!("{CLIENTS}/{}", client.id);
    caller.get(&one).await.ok();

    app.backend()
        .put(&wire, json!({ "scopes": ["read:users"] }))
        .await
        .ok();
    assert_eq!(refusal(&caller.get(&one).await).1, "missing_scope");
    let back = json!({ "scopes": ["gateway:countersign"], "status": "inactive" });
    app.backend().put(&wire, back).await.ok();
    assert_eq!(
        refusal(&caller.get(&one).await),
        (401, json!("inactive_client"), Value::Null)
    );
    app.backend().put(&wire, json!({ "status": "active" })).await.ok();
    caller.get(&one).await.ok();
    app.backend().delete(&wire).await.ok();
    assert_eq!(refusal(&caller.get(&one).await).1, "inactive_client");
}

#[tokio::test]
async fn keys_rotate_under_callers() {
    let app = TestApp::new().await;
    let client = client(&app, &["gateway:countersign"]).await;
    let caller = bearer(&app, &token(&app, &client).await);
    let one = format!("{CLIENTS}/{}", client.id);
    caller.get(&one).await.ok();
    let keys = format!("/admin/v1/projects/{}/keys/rotate", app.project.id);
    app.admin()
        .post(&keys, json!({ "algorithm": "RS256", "emergency": true }))
        .await
        .ok();
    // The token that the dropped key signed was taken a moment ago, and is remembered as a good one no longer.
    assert_eq!(refusal(&caller.get(&one).await).0, 401);
    let renewed = bearer(&app, &token(&app, &client).await);
    renewed.get(&one).await.ok();
}

#[tokio::test]
async fn a_token_in_a_cookie_lets_nobody_in() {
    let app = TestApp::new().await;
    let client = client(&app, &["gateway:countersign"]).await;
    let token = token(&app, &client).await;
    let one = format!("{CLIENTS}/{}", client.id);
    bearer(&app, &token).get(&one).await.ok();
    for cookie in [
        format!("token={token}"),
        format!("access_token={token}; Authorization=Bearer {token}"),
    ] {
        let page = app
            .anonymous()
            .header("host", "id.example")
            .header("cookie", &cookie);
        assert_eq!(refusal(&page.get(&one).await).0, 401);
    }
}

#[tokio::test]
async fn methods_that_are_never_forwarded_are_refused() {
    let app = TestApp::new().await;
    let caller = caller(&app, &["gateway:countersign"]).await;
    for method in [http::Method::TRACE, http::Method::CONNECT] {
        let answer = caller.send(method, CLIENTS, None, "").await;
        assert_eq!(refusal(&answer).0, 405);
        assert_eq!(
            answer.header("allow"),
            Some("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")
        );
    }
    assert_eq!(GATEWAY, app.app.token_policy.gateway_audience);
}
