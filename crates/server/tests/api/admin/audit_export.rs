//! The audit as JSON lines.

use serde_json::Value;
use serde_json::json;

use crate::support::TestApp;
use crate::support::observed_store::Fault;

const JSON_LINES: &str = "application/x-ndjson";

async fn export(app: &TestApp, path: &str) -> Vec<Value> {
    let answer = app.admin().header("accept", JSON_LINES).get(path).await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("content-type")),
        (200, Some(JSON_LINES))
    );
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert!(answer.text().is_empty() || answer.text().ends_with('\n'));
    answer
        .text()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[tokio::test]
async fn an_export_holds_every_event_a_line_each_over_all_pages() {
    let app = TestApp::new().await;
    for number in 0..4 {
        app.create_client(json!({ "client_id": format!("c{number}"), "client_description": "two\nlines" }))
            .await;
    }
    // More than the export reads at a time.
    for _ in 0..125 {
        let updates = (0..4).map(|number| {
            let (caller, path) = (app.backend(), format!("/v1/m2m/clients/c{number}"));
            async move { caller.put(&path, json!({})).await.ok() }
        });
        futures_util::future::join_all(updates).await;
    }
    let lines = export(&app, "/admin/v1/audit").await;
    assert_eq!(lines.len(), app.events().await.len());
    assert!(lines.len() > 500);
    let ids: std::collections::HashSet<_> = lines
        .iter()
        .map(|line| line["event_id"].as_str().unwrap())
        .collect();
    assert_eq!(ids.len(), lines.len());
    let page = app.admin().get("/admin/v1/audit?limit=1000").await.ok();
    assert_eq!(page["events"], json!(lines), "the same events in the same order");
}

#[tokio::test]
async fn whoever_also_takes_other_types_gets_lines_too() {
    let app = TestApp::new().await;
    for accept in ["application/x-ndjson, */*", "application/x-ndjson;q=1.0"] {
        let answer = app.admin().header("accept", accept).get("/admin/v1/audit").await;
        assert_eq!(answer.header("content-type"), Some(JSON_LINES), "{accept}");
    }
    let answer = app.admin().header("accept", "*/*").get("/admin/v1/audit").await;
    assert_eq!(answer.header("content-type"), Some("application/json"));
}

#[tokio::test]
async fn filters_and_reach_hold_for_an_export() {
    let app = TestApp::new().await;
    app.create_client(json!({ "client_id": "own" })).await;
    app.create_other_client(json!({ "client_id": "others" })).await;
    assert_eq!(export(&app, "/admin/v1/audit?object=own").await.len(), 1);
    assert!(export(&app, "/admin/v1/audit?object=nobody").await.is_empty());
    let lines = export(&app, &format!("/admin/v1/projects/{}/audit", app.other.id)).await;
    assert!(lines.len() == 2 && lines.iter().all(|line| line["project_id"] == json!(app.other.id)));
    let narrow = app
        .create_operator(json!({ "name": "n", "project_ids": [app.other.id] }))
        .await;
    let caller = app.anonymous().bearer(&narrow.key).header("accept", JSON_LINES);
    caller
        .get("/admin/v1/audit")
        .await
        .problem(403, "insufficient_permissions");
    caller
        .get(&format!("/admin/v1/projects/{}/audit", app.project.id))
        .await
        .problem(404, "project_not_found");
}

#[tokio::test]
async fn an_export_that_breaks_off_does_not_look_whole() {
    use axum::body::Body;
    use http::Request;
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    let app = TestApp::new().await;
    app.store.fail("audit", Fault::Unavailable);
    let request = Request::get("/admin/v1/audit")
        .header("authorization", format!("Bearer {}", app.operator.key))
        .header("accept", JSON_LINES)
        .body(Body::empty())
        .unwrap();
    let response = countersign::router::router::<Body>(app.app.clone())
        .oneshot(request)
        .await
        .unwrap();
    assert!(
        response.into_body().collect().await.is_err(),
        "the connection ends without its last chunk"
    );
}
