//! Providers that are told of in stories: rows in the store, and an upstream that writes down what it is sent.

use countersign::providers::Places;
use countersign_core::audit::{Action, AuditEvent, Origin};
use countersign_core::credential::{CredentialPlace, Keeping, NewCredential, StoredCredential};
use countersign_core::ids::ProjectId;
use countersign_core::provider::{Provider, ProviderDocument, ProviderSettings};
use countersign_store::{Change, ProviderRecord, Store as _};
use serde_json::{Value, json};

use super::recorder::Recorder;
use crate::support::TestApp;

/// Where a provider's operations are in these stories.
pub(crate) fn document() -> Value {
    json!({
        "openapi": "3.1.0",
        "info": { "title": "Acme", "version": "1" },
        "servers": [{ "url": "https://api.acme.example/v1" }],
        "components": { "securitySchemes": { "tokens": { "type": "oauth2", "flows": { "clientCredentials": {
            "tokenUrl": "https://api.acme.example/v1/token", "scopes": {}
        } } } } },
        "paths": {
            "/things": {
                "get": { "operationId": "listThings", "summary": "Lists things", "responses": {} },
                "post": { "operationId": "createThing", "responses": {}, "requestBody": { "required": true, "content": { "application/json": {
                    "schema": { "type": "object", "required": ["name"], "properties": {
                        "name": { "type": "string", "maxLength": 8 }, "tags": { "type": "array", "items": { "type": "string" } }
                    } }
                } } } }
            },
            "/things/{id}": { "delete": { "operationId": "deleteThing", "responses": {},
                "parameters": [{ "name": "id", "in": "path", "required": true, "schema": { "type": "string" } }] } },
            "/files": { "post": { "operationId": "uploadFile", "responses": {},
                "servers": [{ "url": "https://files.acme.example" }] } }
        }
    })
}

/// The settings of a provider that is this recorder.
pub(crate) fn at(recorder: &Recorder) -> ProviderSettings {
    ProviderSettings {
        base_url: format!("http://{}/v1", recorder.address),
        allowed_cidrs: vec!["127.0.0.0/8".into()],
        ..ProviderSettings::default()
    }
}

/// Adds a provider to the project of the story.
pub(crate) async fn add(app: &TestApp, name: &str, settings: ProviderSettings) {
    let document = document().to_string().into_bytes();
    let document = ProviderDocument::new("application/json", document).unwrap();
    let project_id = project_id(app);
    let info = document.info().clone();
    let provider = Provider::new(project_id.clone(), name, settings, info, app.app.now()).unwrap();
    let event = event(Action::ProviderCreated, app, name);
    app.store
        .insert_provider(&provider, &document, &event)
        .await
        .unwrap();
    forget(app, name);
}

/// Changes its settings.
pub(crate) async fn change(app: &TestApp, name: &str, change: impl FnOnce(&mut ProviderSettings)) {
    let before = record(app, name).await.provider;
    let mut settings = before.settings.clone();
    change(&mut settings);
    let provider = before.changed(settings, None, app.app.now()).unwrap();
    let event = event(Action::ProviderUpdated, app, name);
    app.store.update_provider(&provider, None, &event).await.unwrap();
    forget(app, name);
}

/// Sets a credential for the hosts that the settings want it for.
pub(crate) async fn set(app: &TestApp, provider: &str, name: &str, value: Value) {
    let record = record(app, provider).await;
    let project_id = project_id(app);
    let place = CredentialPlace {
        project_id: &project_id,
        provider,
        name,
    };
    let settings = &record.provider.settings;
    let hosts = Places::of(settings).unwrap().hosts_of(name, &settings.rules);
    let text = value.to_string();
    let new = NewCredential {
        kind: value["kind"].as_str().unwrap(),
        hosts,
        value: text.as_bytes(),
    };
    let keeping = Keeping {
        master_key: app.app.master_keys.present(),
        peppers: &app.app.peppers,
    };
    let before = record
        .credentials
        .iter()
        .find(|credential| credential.name == name);
    let mut chance = countersign::chance::chance();
    let credential = StoredCredential::set(
        place,
        before,
        new,
        &keeping,
        &Origin::system().actor,
        app.app.now(),
        &mut chance,
    );
    keep(app, &credential.unwrap()).await;
}

/// Writes a credential as it is.
pub(crate) async fn keep(app: &TestApp, credential: &StoredCredential) {
    let event = event(Action::CredentialSet, app, &credential.id);
    app.store.set_credential(credential, &event).await.unwrap();
    forget(app, &credential.provider);
}

pub(crate) async fn record(app: &TestApp, name: &str) -> ProviderRecord {
    app.store.provider(&project_id(app), name).await.unwrap().unwrap()
}

pub(crate) fn project_id(app: &TestApp) -> ProjectId {
    app.project.id.parse().unwrap()
}

fn event(action: Action, app: &TestApp, object: &str) -> AuditEvent {
    let mut chance = countersign::chance::chance();
    Origin::system().event(action, Some(&project_id(app)), object, app.app.now(), &mut chance)
}

fn forget(app: &TestApp, name: &str) {
    app.app
        .memory
        .forget(&Change::Provider(project_id(app), name.to_owned()));
}
