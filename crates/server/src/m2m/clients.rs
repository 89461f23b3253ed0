//! Create, get, update and delete a client.

use axum::Json as Answer;
use axum::extract::State;
use countersign_core::audit::Action;
use countersign_core::client::{Client, ClientDraft, ClientPatch};
use countersign_core::ids::ProjectId;
use countersign_store::Change;
use http::HeaderMap;
use secrecy::SecretString;

use super::change::{change_client, find_client, insert_client};
use super::wire::{
    ClientAnswer, CreateClient, CreatedClientAnswer, DeletedClientAnswer, M2MClientWithSecret, Shown,
    UpdateClient,
};
use crate::app::App;
use crate::callers::{ProjectCaller, busy};
use crate::chance::chance;
use crate::http::json::Json;
use crate::http::params::Path;
use crate::http::request::user_agent;
use crate::openapi::wire::{Failures, NotFound};
use crate::problem::Problem;

/// Create a client
///
/// Makes an M2M client with a generated or an imported id and secret. The secret is in this answer and never again.
#[utoipa::path(
    post,
    path = "/v1/m2m/clients",
    operation_id = "api_m2m_v1_m2m_clients_Create",
    tag = "clients",
    request_body = CreateClient,
    responses((status = 200, description = "The client with its secret.", body = CreatedClientAnswer), Failures)
)]
pub async fn create_client(
    State(app): State<App>,
    caller: ProjectCaller,
    Json(body): Json<CreateClient>,
) -> Result<Answer<CreatedClientAnswer>, Problem> {
    let (client, secret) = make(&app, caller.project_id(), body).await?;
    caller.may_hand_on(client.scopes.iter())?;
    insert_client(&app, &caller.origin, &client).await?;
    let m2m_client = M2MClientWithSecret {
        client: client.into(),
        client_secret: Shown(secret),
    };
    Ok(Answer(CreatedClientAnswer {
        request_id: caller.request_id,
        m2m_client,
        status_code: 200,
    }))
}

/// An imported secret is judged, and perhaps digested slowly: off the I/O threads.
async fn make(
    app: &App,
    project_id: &ProjectId,
    body: CreateClient,
) -> Result<(Client, SecretString), Problem> {
    let (now, peppers, project_id) = (app.now(), app.peppers.clone(), project_id.clone());
    let slow = body.imports_secret();
    let draft = ClientDraft::try_from(body)?;
    let create = move || Client::create(draft, &project_id, now, &peppers, &mut chance());
    let created = if slow {
        app.secrets.slowly(create).await.map_err(|_| busy())?
    } else {
        create()
    };
    Ok(created?)
}

/// Get a client
#[utoipa::path(
    get,
    path = "/v1/m2m/clients/{client_id}",
    operation_id = "api_m2m_v1_m2m_clients_Get",
    tag = "clients",
    params(("client_id" = String, Path, description = "The client.")),
    responses((status = 200, description = "The client.", body = ClientAnswer), Failures, NotFound)
)]
pub async fn get_client(
    State(app): State<App>,
    caller: ProjectCaller,
    Path(client_id): Path<String>,
) -> Result<Answer<ClientAnswer>, Problem> {
    let client = find_client(&app, caller.project_id(), &client_id).await?;
    Ok(client_answer(caller, client))
}

/// Update a client
///
/// Changes what the body names; everything else stays. Scopes and status hold for tokens issued from now on.
#[utoipa::path(
    put,
    path = "/v1/m2m/clients/{client_id}",
    operation_id = "api_m2m_v1_m2m_clients_Update",
    tag = "clients",
    params(("client_id" = String, Path, description = "The client.")),
    request_body = UpdateClient,
    responses((status = 200, description = "The client as it is now.", body = ClientAnswer), Failures, NotFound)
)]
pub async fn update_client(
    State(app): State<App>,
    caller: ProjectCaller,
    Path(client_id): Path<String>,
    headers: HeaderMap,
    Json(body): Json<UpdateClient>,
) -> Result<Answer<ClientAnswer>, Problem> {
    let patch = ClientPatch::try_from(body)?.as_meant(user_agent(&headers).starts_with("Stytch Java"));
    let decide = |client: &Client| {
        let patched = client.patched(patch.clone(), app.now())?;
        let added = patched
            .scopes
            .iter()
            .filter(|scope| !client.scopes.contains(scope));
        caller.may_hand_on(added)?;
        Ok((patched, ()))
    };
    let (client, ()) = change_client(
        &app,
        &caller.origin,
        caller.project_id(),
        &client_id,
        Action::ClientUpdated,
        decide,
    )
    .await?;
    Ok(client_answer(caller, client))
}

/// Delete a client
///
/// The client gets no more tokens; those already out stay valid until they expire. Its id may be used again.
#[utoipa::path(
    delete,
    path = "/v1/m2m/clients/{client_id}",
    operation_id = "api_m2m_v1_m2m_clients_Delete",
    tag = "clients",
    params(("client_id" = String, Path, description = "The client.")),
    responses((status = 200, description = "What was deleted.", body = DeletedClientAnswer), Failures, NotFound)
)]
pub async fn delete_client(
    State(app): State<App>,
    caller: ProjectCaller,
    Path(client_id): Path<String>,
) -> Result<Answer<DeletedClientAnswer>, Problem> {
    let client = find_client(&app, caller.project_id(), &client_id).await?;
    let (project_id, client_id) = (client.project_id.clone(), client.client_id.clone());
    let event = caller
        .origin
        .event(
            Action::ClientDeleted,
            Some(&project_id),
            client_id.as_str(),
            app.now(),
            &mut chance(),
        )
        .from(client.for_audit());
    app.store.delete_client(&client, &event).await?;
    app.memory.forget(&Change::Client(project_id, client_id.clone()));
    let answer = DeletedClientAnswer {
        request_id: caller.request_id,
        client_id: client_id.into(),
        status_code: 200,
    };
    Ok(Answer(answer))
}

/// The answer with one client.
pub(super) fn client_answer(caller: ProjectCaller, client: Client) -> Answer<ClientAnswer> {
    Answer(ClientAnswer {
        request_id: caller.request_id,
        m2m_client: client.into(),
        status_code: 200,
    })
}
