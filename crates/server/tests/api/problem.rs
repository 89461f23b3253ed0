//! The error catalogue: every type is provoked, has its status and style, and leads to a page that explains it.

use std::time::Duration;

use axum::body::Body;
use countersign::oauth::error::OAuthCode;
use countersign::problem::ErrorType;
use futures_util::stream;
use http::Method;
use serde_json::{Value, json};
use strum::IntoEnumIterator;

use crate::gateway;
use crate::gateway::recorder::Answer::{Nothing, Silence};
use crate::support::answer::{API_KEYS, Answer, OAUTH_KEYS, sorted_keys};
use crate::support::caller::JSON;
use crate::support::observed_store::Fault;
use crate::support::{PUBLIC_URL, TestApp, fixtures, token_request};

async fn create(app: &TestApp, body: Value) -> Answer {
    app.backend().post("/v1/m2m/clients", body).await
}

async fn operand(app: &TestApp, operand: Value) -> Answer {
    let query = json!({ "operator": "AND", "operands": [operand] });
    app.backend()
        .post("/v1/m2m/clients/search", json!({ "query": query }))
        .await
}

async fn twice(app: &TestApp, path: &str, body: Value) -> Answer {
    let caller = if path.starts_with("/admin") {
        app.admin()
    } else {
        app.backend()
    };
    caller.post(path, body.clone()).await.ok();
    caller.post(path, body).await
}

async fn with_fault(app: &TestApp, fault: Fault) -> Answer {
    app.store.fail("insert_client", fault);
    create(app, json!({})).await
}

async fn timed_out() -> Answer {
    let app = TestApp::with(|config| config.server.request_timeout = Duration::from_millis(5)).await;
    let body = Body::from_stream(stream::pending::<Result<&str, std::io::Error>>());
    app.backend()
        .send(Method::POST, "/v1/m2m/clients", Some(JSON), body)
        .await
}

async fn too_often() -> Answer {
    let app = TestApp::with(|config| config.limits.refusals_per_source_per_minute = 1).await;
    let guesser = app.anonymous().basic(&app.project.id, "wrong");
    guesser.get("/v1/debug/whoami").await;
    guesser.get("/v1/debug/whoami").await;
    guesser.get("/v1/debug/whoami").await
}

async fn stale_for_ever(app: &TestApp) -> Answer {
    create(app, json!({ "client_id": "contended" })).await.ok();
    (0..8).for_each(|_| app.store.fail("update_client", Fault::Stale));
    app.backend().put("/v1/m2m/clients/contended", json!({})).await
}

async fn as_reader(app: &TestApp) -> Answer {
    let reader = app.create_operator(json!({ "name": "reader" })).await;
    app.anonymous()
        .bearer(&reader.key)
        .post("/admin/v1/projects", json!({ "name": "x" }))
        .await
}

/// Its status, and how it comes about. A new type does not compile before it is provoked here.
async fn provoke(app: &TestApp, error_type: ErrorType) -> (u16, Answer) {
    use ErrorType as E;
    let (backend, admin) = (app.backend(), app.admin());
    let project = format!("/admin/v1/projects/{}", app.project.id);
    create(app, json!({ "client_id": "worker" })).await;
    let rotate = "/v1/m2m/clients/worker/secrets/rotate";
    let many = |count: usize| (0..count).map(|number| number.to_string()).collect::<Vec<_>>();
    let keys = |count: usize| {
        many(count)
            .into_iter()
            .map(|key| (key, json!(1)))
            .collect::<serde_json::Map<_, _>>()
    };
    match error_type {
        E::BadRequest => (
            400,
            backend
                .send(Method::POST, "/v1/m2m/clients", Some(JSON), "{")
                .await,
        ),
        E::ClientSecretTooLong => (
            400,
            create(app, json!({ "client_secret": "aB3$".repeat(64) })).await,
        ),
        E::DuplicateM2mClientId => (400, create(app, json!({ "client_id": "worker" })).await),
        E::DuplicateProjectId => {
            let body = json!({ "name": "x", "project_id": app.project.id });
            (400, admin.post("/admin/v1/projects", body).await)
        }
        E::DuplicateProviderName => {
            fixtures::make_provider(app).await;
            let body = json!({ "name": "acme", "document": fixtures::acme_document().to_string() });
            (400, admin.post(&format!("{project}/providers"), body).await)
        }
        E::InsecureM2mClientSecret => (400, create(app, json!({ "client_secret": "password1" })).await),
        E::InsufficientPermissions => (403, as_reader(app).await),
        E::InternalServerError => (500, with_fault(app, Fault::Inconsistent).await),
        E::InvalidAuthorizationHeader => (401, app.anonymous().get("/v1/debug/whoami").await),
        E::InvalidCursor => (
            400,
            backend
                .post("/v1/m2m/clients/search", json!({ "cursor": "x" }))
                .await,
        ),
        E::InvalidM2mClientScope => (400, create(app, json!({ "scopes": [""] })).await),
        E::InvalidProvider => {
            fixtures::make_provider(app).await;
            let acme = format!("{project}/providers/acme");
            (400, admin.put(&acme, json!({ "base_url": "x" })).await)
        }
        E::InvalidProviderCredential => {
            fixtures::make_provider(app).await;
            let value = json!({ "value": { "kind": "bearer" } });
            let credential = format!("{project}/providers/acme/credentials/c");
            (400, admin.put(&credential, value).await)
        }
        E::InvalidProviderDocument => {
            let body = json!({ "name": "acme", "document": "{" });
            (400, admin.post(&format!("{project}/providers"), body).await)
        }
        E::InvalidRequestValue => (400, create(app, json!({ "client_name": 7 })).await),
        E::KeyAlreadyAnnounced => (
            400,
            twice(app, &format!("{project}/keys/rotate"), json!({})).await,
        ),
        E::M2mClientAlreadyRotatingSecret => (400, twice(app, &format!("{rotate}/start"), json!({})).await),
        E::M2mClientInvalidClientDescription => {
            (400, create(app, json!({ "client_description": "\0" })).await)
        }
        E::M2mClientInvalidClientId => (400, create(app, json!({ "client_id": "a b" })).await),
        E::M2mClientInvalidClientName => (400, create(app, json!({ "client_name": "\0" })).await),
        E::M2mClientInvalidClientSecret => (400, create(app, json!({ "client_secret": "x" })).await),
        E::M2mClientInvalidStatus => (
            400,
            backend
                .put("/v1/m2m/clients/worker", json!({ "status": "x" }))
                .await,
        ),
        E::M2mClientNotFound => (404, backend.get("/v1/m2m/clients/nobody").await),
        E::M2mClientNotRotatingSecret => (400, backend.post(rotate, json!({})).await),
        E::M2mSearchExpectedArrayOfStrings => (
            400,
            operand(app, json!({ "filter_name": "scopes", "filter_value": [1] })).await,
        ),
        E::M2mSearchFilterNameMustBeString => (400, operand(app, json!({ "filter_name": 1 })).await),
        E::M2mSearchFilterNameNotRecognized => (400, operand(app, json!({ "filter_name": "x" })).await),
        E::M2mSearchInvalidOperator => (
            400,
            backend
                .post("/v1/m2m/clients/search", json!({ "query": {} }))
                .await,
        ),
        E::M2mSearchMissingFilterName => (400, operand(app, json!({})).await),
        E::M2mSearchMissingFilterValue => (400, operand(app, json!({ "filter_name": "scopes" })).await),
        E::MetadataInvalidFormat => (400, create(app, json!({ "trusted_metadata": 1 })).await),
        E::MetadataTooLarge => (
            400,
            create(app, json!({ "trusted_metadata": { "k": "x".repeat(5000) } })).await,
        ),
        E::MetadataTooManyKeys => (400, create(app, json!({ "trusted_metadata": keys(21) })).await),
        E::MethodNotAllowed => (
            405,
            backend.send(Method::PATCH, "/v1/m2m/clients", None, "").await,
        ),
        E::OperatorNotFound => (404, admin.delete("/admin/v1/operators/operator-x").await),
        E::ProjectNotFound => (404, app.anonymous().get("/v1/sessions/jwks/project-test-x").await),
        E::ProjectSecretNotFound => (404, admin.delete(&format!("{project}/secrets/x")).await),
        E::ProviderCredentialNotFound => {
            fixtures::make_provider(app).await;
            let credential = format!("{project}/providers/acme/credentials/c");
            (404, admin.delete(&credential).await)
        }
        E::ProviderFailed => (502, gateway::answer_of(app, Nothing).await),
        E::ProviderNotFound => (404, admin.get(&format!("{project}/providers/x")).await),
        E::ProviderOperationNotFound => {
            fixtures::make_provider(app).await;
            let operation = format!("{project}/providers/acme/operations/x");
            (404, admin.get(&operation).await)
        }
        E::ProviderTimedOut => (504, gateway::answer_of(app, Silence).await),
        E::RequestTimeout => (408, timed_out().await),
        E::RequestTooLarge => (
            413,
            create(app, json!({ "client_name": "x".repeat(300_000) })).await,
        ),
        E::RouteNotFound => (404, backend.get("/nothing").await),
        E::ServiceUnavailable => (503, with_fault(app, Fault::Unavailable).await),
        E::TooManyM2mClientScopes => (400, create(app, json!({ "scopes": many(257) })).await),
        E::TooManyRequests => (429, too_often().await),
        E::UnauthorizedCredentials => (401, app.anonymous().basic("x", "y").get("/v1/debug/whoami").await),
        E::UnsupportedMediaType => (
            415,
            backend
                .send(Method::POST, "/v1/m2m/clients", Some("text/plain"), "{}")
                .await,
        ),
        E::WriteConflict => (409, stale_for_ever(app).await),
    }
}

async fn provoke_oauth(app: &TestApp, code: OAuthCode) -> Answer {
    let client = app.create_client(json!({})).await;
    let more = match code {
        OAuthCode::InvalidClient => json!({ "client_secret": "wrong" }),
        OAuthCode::InvalidRequest => json!({ "grant_type": null }),
        OAuthCode::InvalidScope => json!({ "scope": "admin" }),
        OAuthCode::InvalidTarget => json!({ "resource": "https://elsewhere.example" }),
        OAuthCode::UnsupportedGrantType => json!({ "grant_type": "password" }),
    };
    let mut body = token_request(&client.id, &client.secret);
    body.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    app.anonymous().post(&app.token_path(), body).await
}

/// The page that an error leads to is served here, names the error and says something about it.
async fn assert_page_explains(app: &TestApp, address: &Value, name: &str) {
    let path = address.as_str().unwrap().strip_prefix(PUBLIC_URL).unwrap();
    let page = app.anonymous().get(path).await;
    assert_eq!(
        (page.status.as_u16(), page.header("content-type")),
        (200, Some("text/html; charset=utf-8")),
        "{name}"
    );
    assert!(page.text().contains(&format!(">{name}</h1>")), "{name}");
    let explanation = page.text().split("</h1>").nth(1).unwrap();
    assert!(
        explanation.len() > 120,
        "the page of {name} explains nothing: {explanation}"
    );
}

#[tokio::test]
async fn every_error_of_the_api_can_happen_and_is_explained() {
    for error_type in ErrorType::iter() {
        let app = TestApp::new().await;
        let name = error_type.name();
        let (status, answer) = provoke(&app, error_type).await;
        let body = answer.json();
        assert_eq!(
            (answer.status.as_u16(), body["error_type"].as_str()),
            (status, Some(name)),
            "{body}"
        );
        let mut keys = sorted_keys(&body);
        keys.retain(|key| *key != "reason");
        assert_eq!(keys, API_KEYS);
        let waits = [429, 503].contains(&status);
        assert_eq!(answer.header("retry-after").is_some(), waits, "{name}");
        assert_eq!(
            answer.header("www-authenticate").is_some(),
            status == 401,
            "{name}"
        );
        assert_page_explains(&app, &body["error_url"], name).await;
    }
}

#[tokio::test]
async fn every_error_of_oauth_can_happen_and_is_explained() {
    let app = TestApp::new().await;
    for code in OAuthCode::iter() {
        let answer = provoke_oauth(&app, code).await;
        let body = answer.oauth(400, code.name());
        assert_eq!(sorted_keys(&body), OAUTH_KEYS);
        assert_page_explains(&app, &body["error_uri"], code.name()).await;
    }
}
