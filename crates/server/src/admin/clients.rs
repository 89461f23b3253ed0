//! Clients as operators see them: by part of their name, with their secrets' usage.

use axum::Json as Answer;
use axum::extract::State;
use countersign_core::Timestamp;
use countersign_core::audit::Action;
use countersign_core::client::{Client, ClientStatus};
use countersign_core::cursor::ListIdentity;
use countersign_core::project::TokenProfile;
use countersign_core::secret::StoredSecret;
use countersign_core::usage::SecretUse;
use countersign_store::ClientListing;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::lists::{ListMetadata, ListQuery};
use crate::app::App;
use crate::callers::{ProjectAdmin, ProjectReader};
use crate::http::json::Json;
use crate::http::params::{Path, Query};
use crate::m2m::change::{change_client, find_client};
use crate::m2m::wire::M2MClient;
use crate::openapi::wire::{Failures, Forbidden, NotFound};
use crate::problem::{ErrorType, Problem};

/// A client as operators see it.
#[derive(Debug, Serialize, ToSchema)]
pub struct ClientView {
    /// What the wire shows of it.
    #[serde(flatten)]
    client: M2MClient,
    /// Another token profile than the project's, if it has one.
    #[schema(value_type = Option<String>)]
    token_profile: Option<TokenProfile>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When it last changed.
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

/// A secret of a client and its use.
#[derive(Debug, Serialize, ToSchema)]
pub struct ClientSecretView {
    /// `current` or `next`.
    #[schema(example = "current")]
    slot: &'static str,
    /// Its last four characters.
    last_four: String,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When it last got a token, to within ten seconds; null when it never did.
    #[schema(value_type = Option<String>, format = DateTime)]
    last_used_at: Option<Timestamp>,
    /// From which address.
    last_used_address: Option<String>,
    /// With which user agent.
    last_used_user_agent: Option<String>,
    /// Tokens it got so far.
    tokens: i64,
    /// The old service that will be asked at the first login, while no digest is kept here; null otherwise.
    dual_run: Option<String>,
}

/// A client and the use of its secrets.
#[derive(Debug, Serialize, ToSchema)]
pub struct ClientDetailAnswer {
    /// Names this request in logs.
    request_id: String,
    /// The client.
    client: ClientView,
    /// Its secrets. While a rotation is open, the use of the current one says who still has to move.
    secrets: Vec<ClientSecretView>,
    /// Always 200.
    status_code: u16,
}

/// A page of clients.
#[derive(Debug, Serialize, ToSchema)]
pub struct ClientsAnswer {
    /// Names this request in logs.
    request_id: String,
    /// The clients, in the order of their making.
    clients: Vec<ClientView>,
    /// Where to go on.
    results_metadata: ListMetadata,
    /// Always 200.
    status_code: u16,
}

/// Which clients.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ClientQuery {
    /// Name or id contains this, whatever the case.
    contains: Option<String>,
    /// `active` or `inactive`.
    #[param(value_type = Option<String>)]
    status: Option<ClientStatus>,
}

/// What operators change of a client.
#[derive(Debug, Deserialize, ToSchema)]
pub struct UpdateClientProfile {
    /// Another token profile than the project's; null goes back to the project's.
    #[schema(value_type = Option<String>)]
    #[serde(default, deserialize_with = "present")]
    token_profile: Option<Option<TokenProfile>>,
}

/// Null means something here, and absence something else.
fn present<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Option<TokenProfile>>, D::Error> {
    Option::deserialize(from).map(Some)
}

impl From<Client> for ClientView {
    fn from(client: Client) -> Self {
        Self {
            token_profile: client.token_profile,
            created_at: client.created_at,
            updated_at: client.updated_at,
            client: client.into(),
        }
    }
}

impl ClientSecretView {
    fn new(slot: &'static str, secret: &StoredSecret, uses: &[SecretUse]) -> Self {
        let used = uses.iter().find(|used| used.secret_number == secret.number);
        Self {
            slot,
            last_four: secret.last_four.clone(),
            created_at: secret.created_at,
            last_used_at: used.map(|used| used.last_used_at),
            last_used_address: used.map(|used| used.address.to_string()),
            last_used_user_agent: used.map(|used| used.user_agent.clone()),
            tokens: used.map_or(0, |used| used.tokens),
            dual_run: secret.digest.old_service().map(ToString::to_string),
        }
    }
}

/// List clients
///
/// By part of their name or id, and by status. The search of the wire is exact; this one is for people.
#[utoipa::path(
    get,
    path = "/admin/v1/projects/{project_id}/clients",
    operation_id = "list_clients",
    tag = "clients",
    params(("project_id" = String, Path, description = "The project."), ClientQuery, ListQuery),
    responses((status = 200, description = "A page of clients.", body = ClientsAnswer), Failures, NotFound)
)]
pub async fn list_clients(
    State(app): State<App>,
    caller: ProjectReader,
    Query(filter): Query<ClientQuery>,
    Query(query): Query<ListQuery>,
) -> Result<Answer<ClientsAnswer>, Problem> {
    let fingerprint = format!("{filter:?}");
    let owner = caller.project_id().as_str();
    let page = query.page(
        &app,
        ListIdentity {
            owner,
            list: "admin clients",
            query: fingerprint.as_bytes(),
        },
    )?;
    let listing = ClientListing {
        contains: filter.contains.filter(|text| !text.is_empty()),
        status: filter.status,
    };
    let rows = app
        .store
        .list_clients(caller.project_id(), &listing, page.of_store())
        .await?;
    let (clients, results_metadata) = page.answer(rows);
    Ok(Answer(ClientsAnswer {
        request_id: caller.request_id,
        clients,
        results_metadata,
        status_code: 200,
    }))
}

/// Get a client with its usage
#[utoipa::path(
    get,
    path = "/admin/v1/projects/{project_id}/clients/{client_id}",
    operation_id = "get_client_detail",
    tag = "clients",
    params(
        ("project_id" = String, Path, description = "The project."),
        ("client_id" = String, Path, description = "The client.")
    ),
    responses((status = 200, description = "The client and the use of its secrets.", body = ClientDetailAnswer), Failures, NotFound)
)]
pub async fn get_client(
    State(app): State<App>,
    caller: ProjectReader,
    Path((_project_id, client_id)): Path<(String, String)>,
) -> Result<Answer<ClientDetailAnswer>, Problem> {
    let client = find_client(&app, caller.project_id(), &client_id).await?;
    detail(&app, client, caller.request_id).await
}

/// Set a client's token profile
#[utoipa::path(
    put,
    path = "/admin/v1/projects/{project_id}/clients/{client_id}",
    operation_id = "update_client_profile",
    tag = "clients",
    params(
        ("project_id" = String, Path, description = "The project."),
        ("client_id" = String, Path, description = "The client.")
    ),
    request_body = UpdateClientProfile,
    responses((status = 200, description = "The client as it is now.", body = ClientDetailAnswer), Failures, Forbidden, NotFound)
)]
pub async fn update_client(
    State(app): State<App>,
    caller: ProjectAdmin,
    Path((_project_id, client_id)): Path<(String, String)>,
    Json(body): Json<UpdateClientProfile>,
) -> Result<Answer<ClientDetailAnswer>, Problem> {
    let project_id = caller.project_id();
    let token_profile = body.token_profile.ok_or_else(|| {
        ErrorType::InvalidRequestValue.because("token_profile is missing; null goes back to the project's.")
    })?;
    let decide = |client: &Client| Ok((client.with_token_profile(token_profile, app.now()), ()));
    let (client, ()) = change_client(
        &app,
        &caller.origin,
        project_id,
        &client_id,
        Action::ClientUpdated,
        decide,
    )
    .await?;
    detail(&app, client, caller.request_id).await
}

/// A client as it is answered, with the use of its secrets.
pub(super) async fn detail(
    app: &App,
    client: Client,
    request_id: String,
) -> Result<Answer<ClientDetailAnswer>, Problem> {
    let uses = app
        .store
        .client_usage(&client.project_id, &client.client_id)
        .await?;
    let current = ClientSecretView::new("current", &client.secret, &uses);
    let next = client
        .next_secret
        .as_ref()
        .map(|next| ClientSecretView::new("next", next, &uses));
    let secrets = std::iter::once(current).chain(next).collect();
    Ok(Answer(ClientDetailAnswer {
        request_id,
        client: client.into(),
        secrets,
        status_code: 200,
    }))
}
