//! `/admin/v1/projects/{project_id}/providers`: made, changed, deleted, each with its document.

use countersign_core::audit::Action;
use countersign_store::Store as _;
use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::fixtures::{acme_document, make_provider};
use crate::support::observed_store::Fault;

fn path(app: &TestApp) -> String {
    format!("/admin/v1/projects/{}/providers", app.project.id)
}

fn acme(app: &TestApp) -> String {
    format!("{}/acme", path(app))
}

async fn get(app: &TestApp) -> Value {
    app.admin().get(&acme(app)).await.ok()["provider"].take()
}

#[tokio::test]
async fn a_provider_is_where_its_document_says_until_it_is_told_otherwise() {
    let app = TestApp::new().await;
    make_provider(&app).await;
    let made = get(&app).await;
    assert_eq!(made["base_url"], "https://api.acme.example/v1");
    assert_eq!(
        (&made["version"], &made["keep_cookies"]),
        (&json!(1), &json!(false))
    );
    assert_eq!(made["document"]["media_type"], "application/json");
    let body = json!({
        "version": 1,
        "base_url": "http://10.1.2.3:8080",
        "allowed_cidrs": ["10.1.0.0/16"],
        "limits": { "concurrency": 5 },
        "keep_cookies": true,
    });
    let changed = app.admin().put(&acme(&app), body).await.ok()["provider"].take();
    assert_eq!(changed, get(&app).await);
    assert_eq!(
        (
            &changed["version"],
            &changed["base_url"],
            &changed["allowed_cidrs"]
        ),
        (&json!(2), &json!("http://10.1.2.3:8080"), &json!(["10.1.0.0/16"]))
    );
    assert_eq!(changed["limits"]["concurrency"], 5);
    // What was not named stays.
    for member in [
        "rules",
        "further_hosts",
        "document",
        "path_parameters",
        "created_at",
    ] {
        assert_eq!(changed[member], made[member], "{member}");
    }
    let event = app.newest_event(Action::ProviderUpdated).await;
    assert_eq!(event.object, "acme");
    let settings = |value: Option<Value>| value.unwrap()["settings"]["base_url"].take();
    assert_eq!(settings(event.before), "https://api.acme.example/v1");
    assert_eq!(settings(event.after), "http://10.1.2.3:8080");
}

#[tokio::test]
async fn the_document_comes_back_to_the_byte() {
    let app = TestApp::new().await;
    make_provider(&app).await;
    let document = format!("{}/document", acme(&app));
    let answer = app.admin().get(&document).await.ok();
    assert_eq!(answer["content"], acme_document().to_string());
    let yaml = "# ü\nopenapi: '3.0.3'\ninfo: {title: A, version: '2'}\npaths: {}\n";
    let body = json!({ "document": yaml, "rules": [] });
    app.admin().put(&acme(&app), body).await.ok();
    let answer = app.admin().get(&document).await.ok();
    assert_eq!(answer["content"], yaml);
    assert_eq!(answer["document"], get(&app).await["document"]);
    assert_eq!(answer["document"]["media_type"], "application/yaml");
    assert_eq!(answer["document"]["bytes"], yaml.len());
}

#[tokio::test]
async fn operations_are_listed_in_pages_and_shown_whole() {
    let app = TestApp::new().await;
    make_provider(&app).await;
    let list = format!("{}/operations", acme(&app));
    let first = app.admin().get(&format!("{list}?limit=2")).await.ok();
    let cursor = first["results_metadata"]["next_cursor"].as_str().unwrap();
    let rest = app
        .admin()
        .get(&format!("{list}?limit=2&cursor={cursor}"))
        .await
        .ok();
    assert_eq!(rest["results_metadata"]["next_cursor"], Value::Null);
    let pages = [&first, &rest].map(|page| page["operations"].as_array().unwrap().clone());
    let names: Vec<Value> = pages.concat().iter().map(|one| one["name"].clone()).collect();
    assert_eq!(names.len(), 3);
    for name in ["usersList", "usersCreate", "filesList"] {
        assert!(names.contains(&json!(name)), "{names:?}");
    }
    let whole = app.admin().get(&format!("{list}/usersCreate")).await.ok()["operation"].take();
    assert_eq!(
        (&whole["method"], &whole["path"], &whole["deprecated"]),
        (&json!("POST"), &json!("/users"), &json!(true))
    );
    assert_eq!(whole["operation_id"], "users_Create");
    assert_eq!(whole["arguments_schema"]["required"], json!(["name"]));
    let elsewhere = app.admin().get(&format!("{list}/filesList")).await.ok()["operation"].take();
    assert_eq!(elsewhere["server"], "https://files.acme.example");
    app.admin()
        .get(&format!("{list}/usersDelete"))
        .await
        .problem(404, "provider_operation_not_found");
    // A place in this document means nothing in another one.
    let body = json!({ "document": acme_document().to_string() + "\n" });
    app.admin().put(&acme(&app), body).await.ok();
    app.admin()
        .get(&format!("{list}?limit=2&cursor={cursor}"))
        .await
        .problem(400, "invalid_cursor");
}

#[tokio::test]
async fn what_cannot_be_carried_out_is_refused_and_changes_nothing() {
    let app = TestApp::new().await;
    make_provider(&app).await;
    let before = app.dump().await;
    let rule = |rule: Value| {
        let mut whole = json!({ "name": "r", "scope": "gateway:acme" });
        whole
            .as_object_mut()
            .unwrap()
            .extend(rule.as_object().unwrap().clone());
        json!({ "rules": [whole] })
    };
    let host = |base_url: &str| json!({ "further_hosts": [{ "base_url": base_url, "credential": "c" }] });
    for (body, words) in [
        (json!({ "base_url": "http://api.acme.example" }), "--allow-cidr"),
        (
            json!({ "base_url": "https://u:secret@acme.example" }),
            "credential",
        ),
        (json!({ "base_url": "https://169.254.169.254" }), "address"),
        (json!({ "base_url": "https://localhost" }), "local"),
        (json!({ "allowed_cidrs": ["10.0.0.0"] }), "ranges such as"),
        (json!({ "allowed_cidrs": ["0.0.0.0/0"] }), "too wide"),
        (host("https://api.acme.example/x"), "base_url"),
        (host("ftp://x"), "further_hosts"),
        (rule(json!({ "scope": "gateway:other" })), "gateway:acme"),
        (rule(json!({ "methods": ["get"] })), "capitals"),
        (rule(json!({ "methods": ["TRACE"] })), "TRACE"),
        (rule(json!({ "paths": ["users"] })), "path pattern"),
        (rule(json!({ "operations": ["usersLost"] })), "has not"),
        (rule(json!({ "credential": "a b" })), "credential's name"),
        (json!({ "limits": { "concurrency": 0 } }), "concurrency"),
    ] {
        let problem = app.admin().put(&acme(&app), body.clone()).await;
        let problem = problem.problem(400, "invalid_provider");
        let message = problem["error_message"].as_str().unwrap();
        assert!(message.contains(words), "{body}: {message}");
        assert!(!message.contains("secret@"), "{message}");
    }
    assert_eq!(app.dump().await, before);
}

#[tokio::test]
async fn a_document_that_is_none_is_refused_with_the_place_of_the_fault() {
    let app = TestApp::new().await;
    let before = app.dump().await;
    let mut external = acme_document();
    external["paths"]["/users"]["post"]["requestBody"] = json!({ "$ref": "https://evil.example/x.json" });
    let mut twice = acme_document();
    twice["servers"] = json!([]);
    for (document, error_type, words) in [
        (
            "{".to_owned(),
            "invalid_provider_document",
            "neither JSON nor YAML",
        ),
        ("{}".to_owned(), "invalid_provider_document", "OpenAPI"),
        (
            "swagger: '2.0'".to_owned(),
            "invalid_provider_document",
            "OpenAPI",
        ),
        (
            external.to_string(),
            "invalid_provider_document",
            "/paths/~1users/post",
        ),
        (twice.to_string(), "invalid_provider", "base_url"),
    ] {
        let body = json!({ "name": "acme", "document": document });
        let problem = app.admin().post(&path(&app), body).await.problem(400, error_type);
        let message = problem["error_message"].as_str().unwrap();
        assert!(message.contains(words), "{message}");
        assert!(!message.contains("evil.example"), "{message}");
    }
    assert_eq!(app.dump().await, before);
}

#[tokio::test]
async fn a_relative_server_is_relative_to_where_the_document_came_from() {
    let app = TestApp::new().await;
    let mut document = acme_document();
    document["servers"] = json!([{ "url": "../v2" }]);
    let body = json!({
        "name": "acme",
        "document": document.to_string(),
        "document_url": "https://docs.acme.example/api/openapi.json",
    });
    app.admin().post(&path(&app), body).await.ok();
    assert_eq!(get(&app).await["base_url"], "https://docs.acme.example/v2");
}

#[tokio::test]
async fn names_are_plain_and_taken_once_and_one_is_not_for_taking() {
    let app = TestApp::new().await;
    make_provider(&app).await;
    let create = async |name: &str| {
        let body = json!({ "name": name, "document": acme_document().to_string() });
        app.admin().post(&path(&app), body).await
    };
    create("acme").await.problem(400, "duplicate_provider_name");
    for name in ["countersign", "Acme", "", "a/b", "a-"] {
        create(name).await.problem(400, "invalid_provider");
    }
    create("beta").await.ok();
    let list = app.admin().get(&format!("{}?limit=1", path(&app))).await.ok();
    assert_eq!(list["providers"][0]["name"], "acme");
    let cursor = list["results_metadata"]["next_cursor"].as_str().unwrap();
    let rest = app
        .admin()
        .get(&format!("{}?limit=1&cursor={cursor}", path(&app)))
        .await
        .ok();
    assert_eq!(rest["providers"][0]["name"], "beta");
    assert_eq!(rest["results_metadata"]["next_cursor"], Value::Null);
}

#[tokio::test]
async fn a_change_decided_on_an_old_version_is_refused() {
    let app = TestApp::new().await;
    make_provider(&app).await;
    app.admin()
        .put(&acme(&app), json!({ "keep_cookies": true }))
        .await
        .ok();
    app.admin()
        .put(&acme(&app), json!({ "version": 1, "keep_cookies": false }))
        .await
        .problem(409, "write_conflict");
    app.store.fail("update_provider", Fault::Stale);
    app.admin()
        .put(&acme(&app), json!({ "keep_cookies": false }))
        .await
        .problem(409, "write_conflict");
    let provider = get(&app).await;
    assert_eq!(
        (&provider["version"], &provider["keep_cookies"]),
        (&json!(2), &json!(true))
    );
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let app = TestApp::new().await;
    make_provider(&app).await;
    let unknown = format!("{}/unknown", path(&app));
    let operation = format!("{unknown}/operations/usersList");
    for path in [
        unknown.clone(),
        format!("{unknown}/document"),
        format!("{unknown}/operations"),
        operation,
    ] {
        app.admin().get(&path).await.problem(404, "provider_not_found");
    }
    app.admin()
        .put(&unknown, json!({}))
        .await
        .problem(404, "provider_not_found");
    app.admin()
        .delete(&unknown)
        .await
        .problem(404, "provider_not_found");
    // One project's provider is none of another's.
    let elsewhere = format!("/admin/v1/projects/{}/providers/acme", app.other.id);
    app.admin()
        .get(&elsewhere)
        .await
        .problem(404, "provider_not_found");
}

#[tokio::test]
async fn a_deleted_provider_is_gone_and_memory_knows() {
    let app = TestApp::new().await;
    make_provider(&app).await;
    let project_id = app.project.project_id();
    assert!(app.app.provider(&project_id, "acme").await.unwrap().is_some());
    let answer = app.admin().delete(&acme(&app)).await.ok();
    assert_eq!(answer["provider"], "acme");
    assert!(app.app.provider(&project_id, "acme").await.unwrap().is_none());
    app.admin()
        .get(&acme(&app))
        .await
        .problem(404, "provider_not_found");
    let event = app.newest_event(Action::ProviderDeleted).await;
    assert_eq!((event.object.as_str(), event.after), ("acme", None));
}

/// What another node changed is dropped by the feed, and nothing else with it.
#[tokio::test]
async fn memory_forgets_a_provider_that_changed_elsewhere() {
    let app = TestApp::new().await;
    make_provider(&app).await;
    let project_id = app.project.project_id();
    let held = app.app.provider(&project_id, "acme").await.unwrap().unwrap();
    let (_, asked) = app
        .store
        .asked_during(app.app.provider(&project_id, "acme"))
        .await;
    assert_eq!(asked, Vec::<&str>::new());
    let changed = held
        .provider
        .changed(held.provider.settings.clone(), None, app.app.now())
        .unwrap();
    let event = countersign_core::audit::Origin::system().event(
        Action::ProviderUpdated,
        Some(&project_id),
        "acme",
        app.app.now(),
        &mut countersign::chance::chance(),
    );
    let position = app.store.changes(None).await.unwrap().position;
    app.store.update_provider(&changed, None, &event).await.unwrap();
    let told = app.store.changes(Some(&position)).await.unwrap().changed.unwrap();
    told.iter().for_each(|change| app.app.memory.forget(change));
    let (client, asked) = app.store.asked_during(app.app.live_project(&project_id)).await;
    assert!(client.unwrap().is_some());
    assert_eq!(asked, Vec::<&str>::new(), "the project is still held");
    let now = app.app.provider(&project_id, "acme").await.unwrap().unwrap();
    assert_eq!(now.provider, changed);
}

/// A document of any real size is taken, though other bodies are short.
#[tokio::test]
async fn a_long_document_is_taken_and_too_long_a_one_is_not() {
    let app = TestApp::new().await;
    let mut document = acme_document();
    document["info"]["description"] = json!("x".repeat(3_000_000));
    let body = json!({ "name": "long", "document": document.to_string() });
    app.admin().post(&path(&app), body).await.ok();
    let stored = app
        .admin()
        .get(&format!("{}/long/document", path(&app)))
        .await
        .ok();
    assert_eq!(stored["content"], document.to_string());
    document["info"]["description"] = json!("x".repeat(33 * 1024 * 1024));
    let body = json!({ "name": "longer", "document": document.to_string() });
    app.admin()
        .post(&path(&app), body)
        .await
        .problem(400, "invalid_provider_document");
}
