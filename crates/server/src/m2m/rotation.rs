//! Rotate a client's secret: start, complete, cancel.

use axum::Json as Answer;
use axum::extract::State;
use countersign_core::audit::Action;
use countersign_core::client::Client;

use super::change::change_client;
use super::clients::client_answer;
use super::wire::{ClientAnswer, M2MClientWithNextSecret, RotationStartedAnswer, Shown};
use crate::app::App;
use crate::callers::ProjectCaller;
use crate::chance::chance;
use crate::http::params::Path;
use crate::openapi::wire::{Failures, NotFound};
use crate::problem::Problem;

/// Start a secret rotation
///
/// Makes the next secret. From now on both secrets get tokens, until the rotation is completed or cancelled. The next
/// secret is in this answer and never again.
#[utoipa::path(
    post,
    path = "/v1/m2m/clients/{client_id}/secrets/rotate/start",
    operation_id = "api_m2m_v1_m2m_clients_secrets_RotateStart",
    tag = "secrets",
    params(("client_id" = String, Path, description = "The client.")),
    responses((status = 200, description = "The client with its next secret.", body = RotationStartedAnswer), Failures, NotFound)
)]
pub async fn start_rotation(
    State(app): State<App>,
    caller: ProjectCaller,
    Path(client_id): Path<String>,
) -> Result<Answer<RotationStartedAnswer>, Problem> {
    let decide = |client: &Client| {
        // Whoever gets the next secret gets tokens with all of the client's scopes.
        caller.may_hand_on(client.scopes.iter())?;
        Ok(client.start_rotation(app.now(), &app.peppers, &mut chance())?)
    };
    let (client, next) = change_client(
        &app,
        &caller.origin,
        caller.project_id(),
        &client_id,
        Action::RotationStarted,
        decide,
    )
    .await?;
    let m2m_client = M2MClientWithNextSecret {
        client: client.into(),
        next_client_secret: Shown(next),
    };
    Ok(Answer(RotationStartedAnswer {
        request_id: caller.request_id,
        m2m_client,
        status_code: 200,
    }))
}

/// Complete a secret rotation
///
/// The next secret becomes the current one; the old one stops working at once.
#[utoipa::path(
    post,
    path = "/v1/m2m/clients/{client_id}/secrets/rotate",
    operation_id = "api_m2m_v1_m2m_clients_secrets_Rotate",
    tag = "secrets",
    params(("client_id" = String, Path, description = "The client.")),
    responses((status = 200, description = "The client with its new secret in force.", body = ClientAnswer), Failures, NotFound)
)]
pub async fn complete_rotation(
    State(app): State<App>,
    caller: ProjectCaller,
    Path(client_id): Path<String>,
) -> Result<Answer<ClientAnswer>, Problem> {
    let decide = |client: &Client| Ok((client.complete_rotation(app.now())?, ()));
    let (client, ()) = change_client(
        &app,
        &caller.origin,
        caller.project_id(),
        &client_id,
        Action::RotationCompleted,
        decide,
    )
    .await?;
    Ok(client_answer(caller, client))
}

/// Cancel a secret rotation
///
/// The next secret is discarded; the current one stays.
#[utoipa::path(
    post,
    path = "/v1/m2m/clients/{client_id}/secrets/rotate/cancel",
    operation_id = "api_m2m_v1_m2m_clients_secrets_RotateCancel",
    tag = "secrets",
    params(("client_id" = String, Path, description = "The client.")),
    responses((status = 200, description = "The client with its secret unchanged.", body = ClientAnswer), Failures, NotFound)
)]
pub async fn cancel_rotation(
    State(app): State<App>,
    caller: ProjectCaller,
    Path(client_id): Path<String>,
) -> Result<Answer<ClientAnswer>, Problem> {
    let decide = |client: &Client| Ok((client.cancel_rotation(app.now())?, ()));
    let (client, ()) = change_client(
        &app,
        &caller.origin,
        caller.project_id(),
        &client_id,
        Action::RotationCancelled,
        decide,
    )
    .await?;
    Ok(client_answer(caller, client))
}
