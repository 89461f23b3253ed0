//! `/admin/v1/projects/{project_id}/providers/{provider}/credentials`: values go in and never come out.

use countersign::jobs;
use countersign_core::audit::Action;
use countersign_core::credential::StoredCredential;
use countersign_core::seal::OpenError;
use countersign_store::Store as _;
use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::fixtures::{CREDENTIAL, make_provider};

fn path(app: &TestApp) -> String {
    format!("/admin/v1/projects/{}/providers/acme/credentials", app.project.id)
}

fn bearer(token: &str) -> Value {
    json!({ "value": { "kind": "bearer", "token": token } })
}

async fn list(app: &TestApp) -> Vec<Value> {
    let answer = app.admin().get(&path(app)).await.ok();
    answer["credentials"].as_array().unwrap().clone()
}

async fn stored(app: &TestApp, name: &str) -> StoredCredential {
    let record = app.store.provider(&app.project.project_id(), "acme").await;
    let mut credentials = record.unwrap().unwrap().credentials.into_iter();
    credentials.find(|credential| credential.name == name).unwrap()
}

#[tokio::test]
async fn what_is_known_of_a_credential_is_everything_but_its_value() {
    let app = TestApp::new().await;
    make_provider(&app).await;
    let credential = list(&app).await.remove(0);
    assert_eq!(credential["name"], "default");
    assert_eq!(credential["kind"], "bearer");
    assert_eq!(credential["hosts"], json!(["api.acme.example"]));
    assert_eq!(
        (&credential["version"], &credential["fits"]),
        (&json!(1), &json!(true))
    );
    assert_eq!(credential["last_used_at"], Value::Null);
    let operator = format!("operator {}", app.operator.id);
    assert_eq!(credential["created_by"], operator);
    let event = app.newest_event(Action::CredentialSet).await;
    assert_eq!((event.object.as_str(), &event.before), ("acme/default", &None));
    assert_eq!(event.after.unwrap()["fingerprint"], credential["fingerprint"]);
    let said = format!("{credential} {}", app.dump().await);
    assert!(!said.contains(CREDENTIAL), "{said}");
    // It is there all the same, for whoever holds the master key.
    let opened = stored(&app, "default").await.open(&app.app.master_keys).unwrap();
    assert!(std::str::from_utf8(&opened).unwrap().contains(CREDENTIAL));
}

#[tokio::test]
async fn a_new_value_is_a_new_version_and_the_old_one_is_gone() {
    let app = TestApp::new().await;
    make_provider(&app).await;
    let before = stored(&app, "default").await;
    app.app.usage.credential_used(&before.id, app.app.now());
    jobs::flush_usage(&app.app).await;
    let put = format!("{}/default", path(&app));
    let answer = app.admin().put(&put, bearer("another")).await.ok();
    let set = &answer["credential"];
    assert_eq!(
        (&set["version"], &set["credential_id"]),
        (&json!(2), &json!(before.id))
    );
    assert_ne!(set["fingerprint"], before.fingerprint);
    let after = stored(&app, "default").await;
    assert_ne!(after.sealed, before.sealed);
    assert!(after.last_used_at.is_some(), "it was used, whatever its value");
    let texts = app.store.sealed_values().await.unwrap();
    assert!(texts.iter().all(|value| value.sealed != before.sealed));
    let event = app.newest_event(Action::CredentialSet).await;
    assert_eq!(event.before.unwrap()["version"], 1);
    // The same value again is known by its fingerprint.
    let again = app.admin().put(&put, bearer("another")).await.ok();
    assert_eq!(again["credential"]["fingerprint"], set["fingerprint"]);
}

#[tokio::test]
async fn a_credential_goes_to_the_hosts_that_it_was_set_for() {
    let app = TestApp::new().await;
    make_provider(&app).await;
    let files = format!("{}/files", path(&app));
    let answer = app.admin().put(&files, bearer("f")).await.ok();
    assert_eq!(answer["credential"]["hosts"], json!(["files.acme.example"]));
    // The base URL moves: what was set for the old place does not go to the new one.
    let provider = format!("/admin/v1/projects/{}/providers/acme", app.project.id);
    app.admin()
        .put(&provider, json!({ "base_url": "https://other.example" }))
        .await
        .ok();
    let fits: Vec<_> = list(&app)
        .await
        .iter()
        .map(|credential| credential["fits"].clone())
        .collect();
    assert_eq!(fits, [json!(false), json!(true)]);
    assert_eq!(stored(&app, "default").await.hosts, ["api.acme.example"]);
    let set = app
        .admin()
        .put(&format!("{}/default", path(&app)), bearer("new"))
        .await;
    assert_eq!(set.ok()["credential"]["hosts"], json!(["other.example"]));
}

/// The attack: to write to the database and lack the master key.
#[tokio::test]
async fn a_row_that_was_pointed_elsewhere_does_not_open() {
    let app = TestApp::new().await;
    make_provider(&app).await;
    let forged = StoredCredential {
        hosts: vec!["evil.example".to_owned()],
        ..stored(&app, "default").await
    };
    let refused = forged.open(&app.app.master_keys).unwrap_err();
    assert_eq!(refused.source, OpenError::Altered);
    let words = refused.to_string();
    assert!(
        words.contains("acme") && words.contains("provider credential set"),
        "{words}"
    );
}

#[tokio::test]
async fn what_cannot_be_injected_is_refused_and_repeats_nothing() {
    let app = TestApp::new().await;
    make_provider(&app).await;
    let before = app.dump().await;
    let put = format!("{}/default", path(&app));
    for value in [
        json!({}),
        json!("canary"),
        json!({ "kind": "canary" }),
        json!({ "kind": "bearer" }),
        json!({ "kind": "bearer", "token": "" }),
        json!({ "kind": "bearer", "token": "can\nary" }),
        json!({ "kind": "bearer", "token": "canary", "canary": 1 }),
        json!({ "kind": "header", "name": "Host", "value": "canary" }),
        json!({ "kind": "basic", "username": "can:ary", "password": "canary" }),
    ] {
        let answer = app.admin().put(&put, json!({ "value": value })).await;
        let problem = answer.problem(400, "invalid_provider_credential");
        assert!(!problem.to_string().contains("canary"), "{problem}");
    }
    let bad_name = format!("{}/a%20b", path(&app));
    app.admin()
        .put(&bad_name, bearer("t"))
        .await
        .problem(400, "invalid_provider_credential");
    assert_eq!(app.dump().await, before);
}

#[tokio::test]
async fn a_value_decided_on_an_old_version_is_refused() {
    let app = TestApp::new().await;
    make_provider(&app).await;
    let put = async |name: &str, version: i64| {
        let mut body = bearer("t");
        body["version"] = json!(version);
        app.admin().put(&format!("{}/{name}", path(&app)), body).await
    };
    put("default", 0).await.problem(409, "write_conflict");
    put("other", 1).await.problem(409, "write_conflict");
    put("other", 0).await.ok();
    put("default", 1).await.ok();
    put("default", 1).await.problem(409, "write_conflict");
    assert_eq!(stored(&app, "default").await.version, 2);
}

#[tokio::test]
async fn a_deleted_credential_is_gone_and_memory_knows() {
    let app = TestApp::new().await;
    make_provider(&app).await;
    let project_id = app.project.project_id();
    let held = app.app.provider(&project_id, "acme").await.unwrap().unwrap();
    assert_eq!(held.credentials.len(), 1);
    let delete = format!("{}/default", path(&app));
    let answer = app.admin().delete(&delete).await.ok();
    assert_eq!(
        (&answer["provider"], &answer["credential"]),
        (&json!("acme"), &json!("default"))
    );
    let now = app.app.provider(&project_id, "acme").await.unwrap().unwrap();
    assert_eq!(now.credentials, []);
    app.admin()
        .delete(&delete)
        .await
        .problem(404, "provider_credential_not_found");
    let unknown = delete.replace("/acme/", "/unknown/");
    for answer in [
        app.admin().delete(&unknown).await,
        app.admin().put(&unknown, bearer("t")).await,
    ] {
        answer.problem(404, "provider_not_found");
    }
    // Made again it is another one.
    let first = held.credentials[0].id.clone();
    let again = app.admin().put(&delete, bearer("t")).await.ok();
    assert_ne!(again["credential"]["credential_id"], json!(first));
    assert_eq!(again["credential"]["version"], 1);
}
