//! A project's secrets: several live at once, each with a name and its last use.

use axum::Json as Answer;
use axum::extract::State;
use countersign_core::Timestamp;
use countersign_core::audit::Action;
use countersign_core::project::ProjectSecret;
use countersign_core::secret::{NewSecret, generate_secret_id};
use countersign_core::text::check_name;
use countersign_store::{Change, StoreError};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::projects::invalid_name;
use crate::app::App;
use crate::callers::{ProjectAdmin, ProjectReader};
use crate::chance::chance;
use crate::http::json::Json;
use crate::http::params::Path;
use crate::m2m::wire::Shown;
use crate::openapi::wire::{Failures, Forbidden, NotFound};
use crate::problem::{ErrorType, Problem};

/// A project secret, without the secret.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProjectSecretView {
    /// Names it.
    pub secret_id: String,
    /// For people: where it is used.
    pub name: String,
    /// Its last four characters.
    pub last_four: String,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it last authenticated a request, to within ten seconds.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_used_at: Option<Timestamp>,
    /// When it stopped working.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub revoked_at: Option<Timestamp>,
}

/// A project secret just made.
#[derive(Debug, Serialize, ToSchema)]
pub struct NewProjectSecretView {
    /// What is known of it later too.
    #[serde(flatten)]
    view: ProjectSecretView,
    /// The secret. This is the only time it is shown.
    #[schema(value_type = String, example = "secret-test-…")]
    secret: Shown,
}

/// What makes a secret.
#[derive(Debug, Deserialize, ToSchema)]
pub struct CreateProjectSecret {
    /// For people: where it is used.
    #[schema(max_length = 256, example = "deploy pipeline")]
    name: String,
}

/// A secret just made.
#[derive(Debug, Serialize, ToSchema)]
pub struct CreatedProjectSecretAnswer {
    /// Names this request in logs and in the audit.
    request_id: String,
    /// The secret.
    project_secret: NewProjectSecretView,
    /// Always 200.
    status_code: u16,
}

/// A project's secrets.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProjectSecretsAnswer {
    /// Names this request in logs.
    request_id: String,
    /// The secrets in the order of their making, revoked ones too.
    project_secrets: Vec<ProjectSecretView>,
    /// Always 200.
    status_code: u16,
}

/// What was revoked.
#[derive(Debug, Serialize, ToSchema)]
pub struct RevokedProjectSecretAnswer {
    /// Names this request in logs and in the audit.
    request_id: String,
    /// The secret that works no more.
    secret_id: String,
    /// Always 200.
    status_code: u16,
}

impl From<ProjectSecret> for ProjectSecretView {
    fn from(secret: ProjectSecret) -> Self {
        Self {
            secret_id: secret.id,
            name: secret.name,
            last_four: secret.secret.last_four,
            created_at: secret.secret.created_at,
            last_used_at: secret.last_used_at,
            revoked_at: secret.revoked_at,
        }
    }
}

impl NewProjectSecretView {
    /// A secret with its plaintext, for its one answer.
    pub fn new(secret: ProjectSecret, plaintext: SecretString) -> Self {
        Self {
            view: secret.into(),
            secret: Shown(plaintext),
        }
    }
}

/// List a project's secrets
#[utoipa::path(
    get,
    path = "/admin/v1/projects/{project_id}/secrets",
    operation_id = "list_project_secrets",
    tag = "project secrets",
    params(("project_id" = String, Path, description = "The project.")),
    responses((status = 200, description = "Its secrets.", body = ProjectSecretsAnswer), Failures, NotFound)
)]
pub async fn list_project_secrets(
    State(app): State<App>,
    caller: ProjectReader,
) -> Result<Answer<ProjectSecretsAnswer>, Problem> {
    let record = app
        .store
        .project(caller.project_id())
        .await?
        .ok_or_else(Problem::project_not_found)?;
    let project_secrets = record.secrets.into_iter().map(Into::into).collect();
    Ok(Answer(ProjectSecretsAnswer {
        request_id: caller.request_id,
        project_secrets,
        status_code: 200,
    }))
}

/// Create a project secret
///
/// It works beside the others at once: hand it out, then revoke the old one.
#[utoipa::path(
    post,
    path = "/admin/v1/projects/{project_id}/secrets",
    operation_id = "create_project_secret",
    tag = "project secrets",
    params(("project_id" = String, Path, description = "The project.")),
    request_body = CreateProjectSecret,
    responses((status = 200, description = "The secret.", body = CreatedProjectSecretAnswer), Failures, Forbidden, NotFound)
)]
pub async fn create_project_secret(
    State(app): State<App>,
    caller: ProjectAdmin,
    Json(body): Json<CreateProjectSecret>,
) -> Result<Answer<CreatedProjectSecretAnswer>, Problem> {
    check_name(&body.name).map_err(invalid_name)?;
    let (now, id) = (app.now(), caller.project_id().clone());
    let secret = NewSecret::for_project(id.environment(), now, &app.peppers, &mut chance());
    let project_secret = ProjectSecret {
        id: generate_secret_id(&mut chance()),
        project_id: id.clone(),
        name: body.name,
        secret: secret.stored,
        last_used_at: None,
        revoked_at: None,
    };
    let event = caller
        .origin
        .event(
            Action::ProjectSecretCreated,
            Some(&id),
            &project_secret.id,
            now,
            &mut chance(),
        )
        .to(project_secret.for_audit());
    app.store.insert_project_secret(&project_secret, &event).await?;
    app.memory.forget(&Change::Project(id));
    Ok(Answer(CreatedProjectSecretAnswer {
        request_id: caller.request_id,
        project_secret: NewProjectSecretView::new(project_secret, secret.plaintext),
        status_code: 200,
    }))
}

/// Revoke a project secret
///
/// It stops working within a second on every node.
#[utoipa::path(
    delete,
    path = "/admin/v1/projects/{project_id}/secrets/{secret_id}",
    operation_id = "revoke_project_secret",
    tag = "project secrets",
    params(
        ("project_id" = String, Path, description = "The project."),
        ("secret_id" = String, Path, description = "The secret.")
    ),
    responses((status = 200, description = "What was revoked.", body = RevokedProjectSecretAnswer), Failures, Forbidden, NotFound)
)]
pub async fn revoke_project_secret(
    State(app): State<App>,
    caller: ProjectAdmin,
    Path((_project_id, secret_id)): Path<(String, String)>,
) -> Result<Answer<RevokedProjectSecretAnswer>, Problem> {
    let (now, id) = (app.now(), caller.project_id().clone());
    let event = caller.origin.event(
        Action::ProjectSecretRevoked,
        Some(&id),
        &secret_id,
        now,
        &mut chance(),
    );
    app.store
        .revoke_project_secret(&id, &secret_id, now, &event)
        .await
        .map_err(|error| match error {
            StoreError::Stale => {
                ErrorType::ProjectSecretNotFound.because("The project has no such secret that still works.")
            }
            error => error.into(),
        })?;
    app.memory.forget(&Change::Project(id));
    Ok(Answer(RevokedProjectSecretAnswer {
        request_id: caller.request_id,
        secret_id,
        status_code: 200,
    }))
}
