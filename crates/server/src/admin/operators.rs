//! Operators: who administers this installation.

use axum::Json as Answer;
use axum::extract::State;
use countersign_core::Timestamp;
use countersign_core::audit::Action;
use countersign_core::cursor::ListIdentity;
use countersign_core::ids::ProjectId;
use countersign_core::operator::{Operator, Reach, Role};
use countersign_core::secret::NewSecret;
use countersign_store::{Change, StoreError};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::lists::{ListMetadata, ListQuery};
use super::projects::invalid_name;
use crate::app::App;
use crate::callers::{InstallationAdmin, InstallationReader};
use crate::chance::chance;
use crate::http::json::Json;
use crate::http::params::{Path, Query};
use crate::m2m::wire::Shown;
use crate::openapi::wire::{Failures, Forbidden, NotFound};
use crate::problem::{ErrorType, Problem};

/// An operator, without its key.
#[derive(Debug, Serialize, ToSchema)]
pub struct OperatorView {
    /// Names it.
    operator_id: String,
    /// For people: who or what this is.
    name: String,
    /// `admin` or `read-only`.
    #[schema(value_type = String, example = "admin")]
    role: Role,
    /// The projects it sees; null is all, and the installation itself.
    #[schema(value_type = Option<Vec<String>>)]
    project_ids: Option<Vec<ProjectId>>,
    /// Last four characters of its key.
    last_four: String,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When its key last authenticated a request, to within ten seconds.
    #[schema(value_type = Option<String>, format = DateTime)]
    last_used_at: Option<Timestamp>,
    /// When it stopped working.
    #[schema(value_type = Option<String>, format = DateTime)]
    revoked_at: Option<Timestamp>,
}

/// What makes an operator.
#[derive(Debug, Deserialize, ToSchema)]
pub struct CreateOperator {
    /// For people: who or what this is.
    #[schema(max_length = 256, example = "terraform")]
    name: String,
    /// `admin`, or `read-only` when absent: what a key may do should be said.
    #[schema(value_type = Option<String>, example = "admin")]
    role: Option<Role>,
    /// The projects it sees; all when absent.
    project_ids: Option<Vec<String>>,
}

/// An operator just made.
#[derive(Debug, Serialize, ToSchema)]
pub struct CreatedOperatorAnswer {
    /// Names this request in logs and in the audit.
    request_id: String,
    /// The operator.
    operator: OperatorView,
    /// Its key. This is the only time it is shown.
    #[schema(value_type = String, example = "cso_…")]
    operator_key: Shown,
    /// Always 200.
    status_code: u16,
}

/// A page of operators.
#[derive(Debug, Serialize, ToSchema)]
pub struct OperatorsAnswer {
    /// Names this request in logs.
    request_id: String,
    /// The operators in the order of their making, revoked ones too.
    operators: Vec<OperatorView>,
    /// Where to go on.
    results_metadata: ListMetadata,
    /// Always 200.
    status_code: u16,
}

/// Who was revoked.
#[derive(Debug, Serialize, ToSchema)]
pub struct RevokedOperatorAnswer {
    /// Names this request in logs and in the audit.
    request_id: String,
    /// The operator whose key works no more.
    operator_id: String,
    /// Always 200.
    status_code: u16,
}

impl From<Operator> for OperatorView {
    fn from(operator: Operator) -> Self {
        Self {
            operator_id: operator.id,
            name: operator.name,
            role: operator.role,
            project_ids: match operator.reach {
                Reach::All => None,
                Reach::Projects(projects) => Some(projects),
            },
            last_four: operator.key.last_four,
            created_at: operator.created_at,
            last_used_at: operator.last_used_at,
            revoked_at: operator.revoked_at,
        }
    }
}

/// List operators
#[utoipa::path(
    get,
    path = "/admin/v1/operators",
    operation_id = "list_operators",
    tag = "operators",
    params(ListQuery),
    responses((status = 200, description = "A page of operators.", body = OperatorsAnswer), Failures, Forbidden)
)]
pub async fn list_operators(
    State(app): State<App>,
    caller: InstallationReader,
    Query(query): Query<ListQuery>,
) -> Result<Answer<OperatorsAnswer>, Problem> {
    let page = query.page(
        &app,
        ListIdentity {
            owner: "installation",
            list: "operators",
            query: b"",
        },
    )?;
    let (operators, results_metadata) = page.answer(app.store.list_operators(page.of_store()).await?);
    Ok(Answer(OperatorsAnswer {
        request_id: caller.request_id,
        operators,
        results_metadata,
        status_code: 200,
    }))
}

/// Create an operator
///
/// Its key is in this answer and never again.
#[utoipa::path(
    post,
    path = "/admin/v1/operators",
    operation_id = "create_operator",
    tag = "operators",
    request_body = CreateOperator,
    responses((status = 200, description = "The operator with its key.", body = CreatedOperatorAnswer), Failures, Forbidden)
)]
pub async fn create_operator(
    State(app): State<App>,
    caller: InstallationAdmin,
    Json(body): Json<CreateOperator>,
) -> Result<Answer<CreatedOperatorAnswer>, Problem> {
    let now = app.now();
    let reach = reach(&app, body.project_ids).await?;
    let key = NewSecret::for_operator(now, &app.peppers, &mut chance());
    let role = body.role.unwrap_or(Role::ReadOnly);
    let operator =
        Operator::new(&body.name, role, reach, key.stored, now, &mut chance()).map_err(invalid_name)?;
    let event = caller
        .origin
        .event(Action::OperatorCreated, None, &operator.id, now, &mut chance())
        .to(operator.for_audit());
    app.store.insert_operator(&operator, &event).await?;
    app.memory.forget(&Change::Operators);
    Ok(Answer(CreatedOperatorAnswer {
        request_id: caller.request_id,
        operator: operator.into(),
        operator_key: Shown(key.plaintext),
        status_code: 200,
    }))
}

/// Projects that must exist: a mistyped one would make an operator that sees nothing.
async fn reach(app: &App, project_ids: Option<Vec<String>>) -> Result<Reach, Problem> {
    let Some(texts) = project_ids else {
        return Ok(Reach::All);
    };
    let mut projects = Vec::new();
    for text in texts {
        let id: ProjectId = text.parse().map_err(|_| Problem::project_not_found())?;
        app.live_project(&id)
            .await?
            .ok_or_else(Problem::project_not_found)?;
        if !projects.contains(&id) {
            projects.push(id);
        }
    }
    Ok(Reach::Projects(projects))
}

/// Revoke an operator
///
/// Its key stops working within a second on every node.
#[utoipa::path(
    delete,
    path = "/admin/v1/operators/{operator_id}",
    operation_id = "revoke_operator",
    tag = "operators",
    params(("operator_id" = String, Path, description = "The operator.")),
    responses((status = 200, description = "Who was revoked.", body = RevokedOperatorAnswer), Failures, Forbidden, NotFound)
)]
pub async fn revoke_operator(
    State(app): State<App>,
    caller: InstallationAdmin,
    Path(operator_id): Path<String>,
) -> Result<Answer<RevokedOperatorAnswer>, Problem> {
    let now = app.now();
    let event = caller
        .origin
        .event(Action::OperatorRevoked, None, &operator_id, now, &mut chance());
    app.store
        .revoke_operator(&operator_id, now, &event)
        .await
        .map_err(|error| match error {
            StoreError::Stale => {
                ErrorType::OperatorNotFound.because("There is no such operator whose key still works.")
            }
            error => error.into(),
        })?;
    app.memory.forget(&Change::Operators);
    Ok(Answer(RevokedOperatorAnswer {
        request_id: caller.request_id,
        operator_id,
        status_code: 200,
    }))
}
