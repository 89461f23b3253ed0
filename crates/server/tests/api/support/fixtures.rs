//! Projects and operators that stand in the database before a story begins, with keys that need not be made.

use countersign::chance::chance;
use countersign::keys::live_project::key_row;
use countersign::start::Opened;
use countersign_core::audit::{Action, Origin};
use countersign_core::ids::ProjectId;
use countersign_core::key_life::StoredKey;
use countersign_core::operator::{Operator, Reach, Role};
use countersign_core::project::{Project, ProjectSecret, TokenProfile};
use countersign_core::seal::MasterKey;
use countersign_core::secret::{NewSecret, generate_secret_id};
use countersign_core::{Algorithm, Timestamp};
use countersign_token::issue::self_signed_certificate;
use countersign_token::test_keys::{EDDSA_PKCS8, ES256_PKCS8, RS256_OTHER_PKCS8, RS256_PKCS8};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::{PUBLIC_URL, TestApp};

/// A project, and its RSA key.
pub(crate) struct Blueprint {
    id: &'static str,
    kid: &'static str,
    pkcs8: &'static [u8],
}

pub(crate) const PROJECT: Blueprint = Blueprint {
    id: "project-test-11111111-1111-4111-8111-111111111111",
    kid: "jwk-test-11111111-1111-4111-8111-111111111111",
    pkcs8: RS256_PKCS8,
};

pub(crate) const OTHER_PROJECT: Blueprint = Blueprint {
    id: "project-live-22222222-2222-4222-8222-222222222222",
    kid: "jwk-live-22222222-2222-4222-8222-222222222222",
    pkcs8: RS256_OTHER_PKCS8,
};

impl Blueprint {
    /// A key of each algorithm, as every new project has them.
    fn keys(&self, master_key: &MasterKey, now: Timestamp) -> Vec<StoredKey> {
        let keys = [
            (self.kid.to_owned(), Algorithm::Rs256, self.pkcs8),
            (format!("{}-es256", self.kid), Algorithm::Es256, ES256_PKCS8),
            (format!("{}-eddsa", self.kid), Algorithm::EdDsa, EDDSA_PKCS8),
        ];
        let certificate = |algorithm, pkcs8| {
            let made = self_signed_certificate(pkcs8, algorithm, now.as_second()).unwrap();
            (algorithm == Algorithm::Rs256).then_some(made)
        };
        let to_stored = |(kid, algorithm, pkcs8): (String, Algorithm, &'static [u8])| StoredKey {
            sealed: master_key.seal(key_row(&kid), pkcs8, &mut chance()),
            kid,
            project_id: self.id.parse().unwrap(),
            algorithm,
            announced_at: now,
            activate_at: now,
            retire_at: None,
            drop_at: None,
            certificate: certificate(algorithm, pkcs8),
        };
        keys.into_iter().map(to_stored).collect()
    }
}

/// A project that exists, and how to be its backend.
#[derive(Debug, Clone)]
pub(crate) struct TestProject {
    pub(crate) id: String,
    pub(crate) secret: String,
    pub(crate) secret_id: String,
    /// Of its RSA key.
    pub(crate) kid: String,
}

/// An operator that exists.
#[derive(Debug, Clone)]
pub(crate) struct TestOperator {
    pub(crate) id: String,
    pub(crate) key: String,
}

impl TestProject {
    pub(crate) fn project_id(&self) -> ProjectId {
        self.id.parse().unwrap()
    }
}

pub(super) async fn make_project(opened: &Opened, blueprint: Blueprint, now: Timestamp) -> TestProject {
    let id: ProjectId = blueprint.id.parse().unwrap();
    let project = Project::new(id.clone(), "a project", TokenProfile::Stytch, PUBLIC_URL, now).unwrap();
    let secret = NewSecret::for_project(id.environment(), now, &opened.peppers, &mut chance());
    let plaintext = secret.plaintext.expose_secret().to_owned();
    let project_secret = ProjectSecret {
        id: generate_secret_id(&mut chance()),
        project_id: id.clone(),
        name: "first".to_owned(),
        secret: secret.stored,
        last_used_at: None,
        revoked_at: None,
    };
    let keys = blueprint.keys(opened.master_keys.present(), now);
    let event = Origin::system()
        .event(Action::ProjectCreated, Some(&id), id.as_str(), now, &mut chance())
        .to(project.for_audit());
    opened
        .store
        .insert_project(&project, &project_secret, &keys, &event)
        .await
        .unwrap();
    TestProject {
        id: blueprint.id.to_owned(),
        secret: plaintext,
        secret_id: project_secret.id,
        kid: blueprint.kid.to_owned(),
    }
}

pub(super) async fn make_operator(opened: &Opened, now: Timestamp) -> TestOperator {
    let key = NewSecret::for_operator(now, &opened.peppers, &mut chance());
    let operator = Operator::new("first", Role::Admin, Reach::All, key.stored, now, &mut chance()).unwrap();
    let event = Origin::system().event(Action::OperatorCreated, None, &operator.id, now, &mut chance());
    opened.store.insert_operator(&operator, &event).await.unwrap();
    TestOperator {
        id: operator.id,
        key: key.plaintext.expose_secret().to_owned(),
    }
}

/// What the provider `acme` wants to be shown.
pub(crate) const CREDENTIAL: &str = "canary-9f3c1e77-acme-token";

/// The document of the provider `acme`.
pub(crate) fn acme_document() -> Value {
    let user =
        json!({ "type": "object", "required": ["name"], "properties": { "name": { "type": "string" } } });
    json!({
        "openapi": "3.1.0",
        "info": { "title": "Acme", "version": "1" },
        "servers": [{ "url": "https://api.acme.example/v1" }],
        "components": { "schemas": { "User": user } },
        "paths": {
            "/users": {
                "get": {
                    "operationId": "users_List", "tags": ["users"], "summary": "List users",
                    "parameters": [{ "name": "limit", "in": "query", "schema": { "type": "integer" } }],
                    "responses": { "200": { "description": "Users.", "content": { "application/json": {
                        "schema": { "type": "array", "items": { "$ref": "#/components/schemas/User" } }
                    } } } }
                },
                "post": {
                    "operationId": "users_Create", "deprecated": true,
                    "requestBody": { "required": true, "content": { "application/json": {
                        "schema": { "$ref": "#/components/schemas/User" }
                    } } },
                    "responses": { "204": { "description": "Made." } }
                }
            },
            "/files": {
                "servers": [{ "url": "https://files.acme.example" }],
                "get": { "operationId": "files_List", "responses": {} }
            }
        }
    })
}

/// The provider `acme` of the first project, with a credential.
pub(crate) async fn make_provider(app: &TestApp) {
    let path = format!("/admin/v1/projects/{}/providers", app.project.id);
    let rule = json!({ "name": "read", "scope": "gateway:acme/read", "operations": ["usersList"] });
    let host = json!({ "base_url": "https://files.acme.example", "credential": "files" });
    let body = json!({
        "name": "acme",
        "document": acme_document().to_string(),
        "rules": [rule],
        "further_hosts": [host],
    });
    app.admin().post(&path, body).await.ok();
    let value = json!({ "value": { "kind": "bearer", "token": CREDENTIAL } });
    app.admin()
        .put(&format!("{path}/acme/credentials/default"), value)
        .await
        .ok();
}
