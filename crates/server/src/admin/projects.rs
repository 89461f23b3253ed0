//! Projects.

use axum::Json as Answer;
use axum::extract::State;
use countersign_core::Timestamp;
use countersign_core::audit::Action;
use countersign_core::cursor::ListIdentity;
use countersign_core::ids::{Environment, ProjectId};
use countersign_core::operator::Reach;
use countersign_core::project::{Project, ProjectPatch, ProjectSecret, TokenProfile};
use countersign_core::secret::{NewSecret, generate_secret_id};
use countersign_store::{Change, StoreError};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::lists::{ListMetadata, ListQuery};
use super::secrets::NewProjectSecretView;
use crate::app::App;
use crate::callers::{AnyOperator, InstallationAdmin, ProjectAdmin, ProjectReader};
use crate::chance::chance;
use crate::http::json::Json;
use crate::http::params::Query;
use crate::keys::making;
use crate::openapi::wire::{Failures, Forbidden, NotFound};
use crate::problem::{ErrorType, Problem};

/// A project.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProjectView {
    /// Names it; states the environment.
    #[schema(value_type = String, example = "project-test-d0c1e7a2-30a5-4d1c-8a55-7c5a3c3c6b1e")]
    pub project_id: ProjectId,
    /// For people.
    pub name: String,
    /// `test` or `live`.
    #[schema(value_type = String, example = "test")]
    pub environment: Environment,
    /// How its tokens look: `stytch`, `standard-rs256`, `standard-es256` or `standard-eddsa`.
    #[schema(value_type = String, example = "stytch")]
    pub token_profile: TokenProfile,
    /// `iss` of the standard profiles' tokens.
    pub issuer: String,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it last changed.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
}

impl From<Project> for ProjectView {
    fn from(project: Project) -> Self {
        Self {
            environment: project.environment(),
            project_id: project.id,
            name: project.name,
            token_profile: project.token_profile,
            issuer: project.issuer,
            created_at: project.created_at,
            updated_at: project.updated_at,
        }
    }
}

/// What makes a project.
#[derive(Debug, Deserialize, ToSchema)]
pub struct CreateProject {
    /// For people.
    #[schema(max_length = 256, example = "payments")]
    name: String,
    /// `test` (when absent) or `live`; part of the id.
    #[schema(value_type = Option<String>, example = "live")]
    environment: Option<Environment>,
    /// Your own id, `project-test-…` or `project-live-…`, when moving from elsewhere. Generated when absent.
    project_id: Option<String>,
    /// How its tokens look; `stytch` when absent.
    #[schema(value_type = Option<String>, example = "standard-es256")]
    token_profile: Option<TokenProfile>,
}

/// What changes a project. What is absent stays.
#[derive(Debug, Deserialize, ToSchema)]
pub struct UpdateProject {
    /// A new name.
    #[schema(max_length = 256)]
    name: Option<String>,
    /// How its tokens look from now on. Keys of every algorithm are published from the start, so the change is safe at any time.
    #[schema(value_type = Option<String>)]
    token_profile: Option<TokenProfile>,
}

/// A project.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProjectAnswer {
    /// Names this request in logs and in the audit.
    request_id: String,
    /// The project.
    project: ProjectView,
    /// Always 200.
    status_code: u16,
}

/// A project just made.
#[derive(Debug, Serialize, ToSchema)]
pub struct CreatedProjectAnswer {
    /// Names this request in logs and in the audit.
    request_id: String,
    /// The project.
    project: ProjectView,
    /// Its first secret, shown this once.
    project_secret: NewProjectSecretView,
    /// Always 200.
    status_code: u16,
}

/// A page of projects.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProjectsAnswer {
    /// Names this request in logs.
    request_id: String,
    /// The projects that this operator sees, in the order of their making.
    projects: Vec<ProjectView>,
    /// Where to go on.
    results_metadata: ListMetadata,
    /// Always 200.
    status_code: u16,
}

/// List projects
///
/// Those within the operator's reach.
#[utoipa::path(
    get,
    path = "/admin/v1/projects",
    operation_id = "list_projects",
    tag = "projects",
    params(ListQuery),
    responses((status = 200, description = "A page of projects.", body = ProjectsAnswer), Failures)
)]
pub async fn list_projects(
    State(app): State<App>,
    caller: AnyOperator,
    Query(query): Query<ListQuery>,
) -> Result<Answer<ProjectsAnswer>, Problem> {
    let page = query.page(
        &app,
        ListIdentity {
            owner: &caller.operator.id,
            list: "projects",
            query: b"",
        },
    )?;
    let only = match &caller.operator.reach {
        Reach::All => None,
        Reach::Projects(projects) => Some(projects.as_slice()),
    };
    let rows = app.store.list_projects(only, page.of_store()).await?;
    let (projects, results_metadata) = page.answer(rows);
    Ok(Answer(ProjectsAnswer {
        request_id: caller.request_id,
        projects,
        results_metadata,
        status_code: 200,
    }))
}

/// Create a project
///
/// With its first secret, which is in this answer and never again, and its signing keys.
#[utoipa::path(
    post,
    path = "/admin/v1/projects",
    operation_id = "create_project",
    tag = "projects",
    request_body = CreateProject,
    responses((status = 200, description = "The project with its secret.", body = CreatedProjectAnswer), Failures, Forbidden)
)]
pub async fn create_project(
    State(app): State<App>,
    caller: InstallationAdmin,
    Json(body): Json<CreateProject>,
) -> Result<Answer<CreatedProjectAnswer>, Problem> {
    let now = app.now();
    let id = body.id()?;
    let profile = body.token_profile.unwrap_or_default();
    let project =
        Project::new(id.clone(), &body.name, profile, &app.public_url, now).map_err(invalid_name)?;
    let keys = {
        let (id, master_key) = (id.clone(), making::sealing_key(&app).await?);
        let made = tokio::task::spawn_blocking(move || making::first_keys(&id, &master_key, now));
        made.await
            .map_err(|error| Problem::internal(&error))?
            .map_err(|error| Problem::internal(&error))?
    };
    let secret = NewSecret::for_project(project.environment(), now, &app.peppers, &mut chance());
    let project_secret = ProjectSecret {
        id: generate_secret_id(&mut chance()),
        project_id: id.clone(),
        name: "first".to_owned(),
        secret: secret.stored,
        last_used_at: None,
        revoked_at: None,
    };
    let event = caller
        .origin
        .event(Action::ProjectCreated, Some(&id), id.as_str(), now, &mut chance())
        .to(project.for_audit());
    app.store
        .insert_project(&project, &project_secret, &keys, &event)
        .await
        .map_err(|error| match error {
            StoreError::Duplicate => ErrorType::DuplicateProjectId.because("A project with this id exists."),
            error => error.into(),
        })?;
    app.memory.forget(&Change::Project(id));
    Ok(Answer(CreatedProjectAnswer {
        request_id: caller.request_id,
        project: project.into(),
        project_secret: NewProjectSecretView::new(project_secret, secret.plaintext),
        status_code: 200,
    }))
}

/// Get a project
#[utoipa::path(
    get,
    path = "/admin/v1/projects/{project_id}",
    operation_id = "get_project",
    tag = "projects",
    params(("project_id" = String, Path, description = "The project.")),
    responses((status = 200, description = "The project.", body = ProjectAnswer), Failures, NotFound)
)]
pub async fn get_project(caller: ProjectReader) -> Answer<ProjectAnswer> {
    let project = caller.project.project.clone().into();
    Answer(ProjectAnswer {
        request_id: caller.request_id,
        project,
        status_code: 200,
    })
}

/// Update a project
///
/// Its name, or how its tokens look from now on.
#[utoipa::path(
    put,
    path = "/admin/v1/projects/{project_id}",
    operation_id = "update_project",
    tag = "projects",
    params(("project_id" = String, Path, description = "The project.")),
    request_body = UpdateProject,
    responses((status = 200, description = "The project as it is now.", body = ProjectAnswer), Failures, Forbidden, NotFound)
)]
pub async fn update_project(
    State(app): State<App>,
    caller: ProjectAdmin,
    Json(body): Json<UpdateProject>,
) -> Result<Answer<ProjectAnswer>, Problem> {
    let id = caller.project_id().clone();
    let before = app
        .store
        .project(&id)
        .await?
        .ok_or_else(Problem::project_not_found)?
        .project;
    let patch = ProjectPatch {
        name: body.name,
        token_profile: body.token_profile,
    };
    let after = before.patched(patch, app.now()).map_err(invalid_name)?;
    let event = caller
        .origin
        .event(
            Action::ProjectUpdated,
            Some(&id),
            id.as_str(),
            app.now(),
            &mut chance(),
        )
        .from(before.for_audit())
        .to(after.for_audit());
    app.store.update_project(&after, &event).await?;
    app.memory.forget(&Change::Project(id));
    Ok(Answer(ProjectAnswer {
        request_id: caller.request_id,
        project: after.into(),
        status_code: 200,
    }))
}

impl CreateProject {
    fn id(&self) -> Result<ProjectId, Problem> {
        let environment = self.environment.unwrap_or(Environment::Test);
        let Some(text) = &self.project_id else {
            return Ok(ProjectId::generate(environment, &mut chance()));
        };
        let id: ProjectId = text.parse().map_err(|_| {
            ErrorType::InvalidRequestValue
                .because("project_id is project-test-… or project-live-…, letters, digits and -.")
        })?;
        if self
            .environment
            .is_some_and(|environment| environment != id.environment())
        {
            return Err(
                ErrorType::InvalidRequestValue.because("project_id and environment contradict each other.")
            );
        }
        Ok(id)
    }
}

/// A name that cannot be kept.
pub(super) fn invalid_name(error: countersign_core::text::InvalidText) -> Problem {
    ErrorType::InvalidRequestValue.because(format!("name {error}."))
}
