//! RFC 8414 metadata of a project's issuer.

use serde_json::json;

use crate::support::{TestApp, token_request};

fn path(project_id: &str) -> String {
    format!("/.well-known/oauth-authorization-server/v1/public/{project_id}")
}

#[tokio::test]
async fn metadata_says_where_everything_is() {
    let app = TestApp::new().await;
    let id = &app.project.id;
    let issuer = format!("https://id.example/v1/public/{id}");
    assert_eq!(
        app.anonymous().get(&path(id)).await.ok(),
        json!({
            "issuer": issuer,
            "token_endpoint": format!("{issuer}/oauth2/token"),
            "jwks_uri": format!("{issuer}/jwks.json"),
            "grant_types_supported": ["client_credentials"],
            "response_types_supported": [],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "access_token_signing_alg_values_supported": ["RS256", "ES256", "EdDSA"],
            "service_documentation": "https://id.example/errors",
        })
    );
}

/// RFC 8414 section 3.3: the issuer of the document is the one whose address was inserted into the path.
#[tokio::test]
async fn every_address_in_the_metadata_is_served() {
    let app = TestApp::new().await;
    let metadata = app.anonymous().get(&path(&app.project.id)).await.ok();
    let served = |name: &str| {
        metadata[name]
            .as_str()
            .unwrap()
            .strip_prefix("https://id.example")
            .unwrap()
            .to_owned()
    };
    app.anonymous().get(&served("jwks_uri")).await.ok();
    assert_eq!(
        app.anonymous().get(&served("service_documentation")).await.status,
        200
    );
    let client = app.create_client(json!({})).await;
    let body = token_request(&client.id, &client.secret);
    app.anonymous().post(&served("token_endpoint"), body).await.ok();
    let well_known = format!("/.well-known/oauth-authorization-server{}", served("issuer"));
    assert_eq!(app.anonymous().get(&well_known).await.ok(), metadata);
}

#[tokio::test]
async fn an_unknown_project_has_no_metadata() {
    let app = TestApp::new().await;
    for id in ["project-test-x", "nonsense"] {
        app.anonymous()
            .get(&path(id))
            .await
            .problem(404, "project_not_found");
    }
}
