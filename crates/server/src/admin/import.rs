//! Importing a client that another system made, with what is known of its secret.

use axum::Json as Answer;
use axum::extract::State;
use countersign_core::client::{Client, ClientDraft, ClientError, ClientStatus, ImportedSecret};
use countersign_core::ids::ProjectId;
use countersign_core::old_service::OldServiceName;
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::clients::{ClientDetailAnswer, detail};
use crate::app::App;
use crate::callers::{ProjectAdmin, busy};
use crate::chance::chance;
use crate::http::json::Json;
use crate::m2m::change::insert_client;
use crate::m2m::wire::SecretField;
use crate::openapi::wire::{Failures, Forbidden, NotFound};
use crate::problem::{ErrorType, Problem};

/// A client as another system knows it, with exactly one of `client_secret`, `client_secret_digest` and
/// `client_secret_dual_run`.
#[derive(Debug, Deserialize, ToSchema)]
pub struct ImportClient {
    /// Its id, as in creating a client. Generated when absent.
    #[schema(min_length = 1, max_length = 128, example = "billing")]
    client_id: Option<String>,
    /// The secret itself, where the other system keeps it in clear: 8 to 255 characters, hard to guess.
    #[schema(value_type = Option<String>, min_length = 8, max_length = 255)]
    client_secret: Option<SecretField>,
    /// What the other system kept of the secret: a bcrypt digest (`$2b$…`, cost 4 to 14),
    /// `$argon2id$v=19$m=…,t=…,p=…$salt$hash`, `$pbkdf2-sha256$i=…,l=…$salt$hash` or `sha256$hex`.
    #[schema(value_type = Option<String>, example = "$2b$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy")]
    client_secret_digest: Option<SecretField>,
    /// The name in `dual_run.services` of the old service that alone knows the secret. It is asked when the client logs in,
    /// until the first time that it accepts.
    #[schema(max_length = 32, example = "stytch")]
    client_secret_dual_run: Option<String>,
    /// The secret's last four characters, where they are known. Otherwise they are shown from the first login on.
    #[schema(max_length = 4, example = "x7Qz")]
    client_secret_last_four: Option<String>,
    /// For people.
    #[schema(max_length = 256, example = "billing-worker")]
    client_name: Option<String>,
    /// For people.
    #[schema(max_length = 1024)]
    client_description: Option<String>,
    /// `active`, as when absent, or `inactive`.
    #[schema(example = "active")]
    status: Option<String>,
    /// What the client may ask for, with the limits of creating a client.
    #[schema(max_items = 256, example = json!(["read:usage"]))]
    scopes: Option<Vec<String>>,
    /// Your own facts: at most 20 keys and 4,096 bytes.
    #[schema(value_type = Option<Object>)]
    trusted_metadata: Option<Map<String, Value>>,
}

/// What is known of the secret.
enum Known {
    /// All of it; it is in the draft.
    InClear,
    /// What another system kept of it, or who keeps it.
    Elsewhere(ImportedSecret),
}

impl ImportClient {
    fn parts(self, app: &App) -> Result<(ClientDraft, Known), Problem> {
        let last_four = self.client_secret_last_four;
        let (client_secret, known) = match (
            self.client_secret,
            self.client_secret_digest,
            self.client_secret_dual_run,
        ) {
            (Some(secret), None, None) => (Some(secret.into_secret()), Known::InClear),
            (None, Some(digest), None) => {
                let secret = ImportedSecret::from_digest(digest.expose_secret(), last_four)?;
                (None, Known::Elsewhere(secret))
            }
            (None, None, Some(service)) => {
                let secret = ImportedSecret::known_to(old_service(&service, app)?, last_four)?;
                (None, Known::Elsewhere(secret))
            }
            _ => {
                return Err(ErrorType::InvalidRequestValue.because(
                    "Send exactly one of client_secret, client_secret_digest and client_secret_dual_run.",
                ));
            }
        };
        let status = self.status.as_deref().map(str::parse::<ClientStatus>);
        let draft = ClientDraft {
            client_id: self.client_id,
            client_secret,
            name: self.client_name.unwrap_or_default(),
            description: self.client_description.unwrap_or_default(),
            scopes: self.scopes.unwrap_or_default(),
            metadata: self.trusted_metadata.unwrap_or_default(),
            status: status
                .transpose()
                .map_err(|_| ClientError::Status)?
                .unwrap_or_default(),
        };
        Ok((draft, known))
    }
}

/// An old service that can be asked. Nobody could log in with a secret that an unknown one keeps.
fn old_service(name: &str, app: &App) -> Result<OldServiceName, Problem> {
    let known = name.parse().ok().filter(|name| app.dual_run.knows(name));
    known.ok_or_else(|| {
        ErrorType::M2mClientInvalidClientSecret.because(
            "client_secret_dual_run is not a name in dual_run.services of the server's configuration.",
        )
    })
}

/// Import a client
///
/// Makes a client that keeps the secret it has elsewhere: by the secret itself, by the digest that the other system kept of
/// it, or by asking the old service at the first login. At that login the secret gets a digest of Countersign's own. Scopes,
/// metadata and the rest are as in creating one.
#[utoipa::path(
    post,
    path = "/admin/v1/projects/{project_id}/clients",
    operation_id = "import_client",
    tag = "clients",
    params(("project_id" = String, Path, description = "The project.")),
    request_body = ImportClient,
    responses((status = 200, description = "The client.", body = ClientDetailAnswer), Failures, Forbidden, NotFound)
)]
pub async fn import_client(
    State(app): State<App>,
    caller: ProjectAdmin,
    Json(body): Json<ImportClient>,
) -> Result<Answer<ClientDetailAnswer>, Problem> {
    let (draft, known) = body.parts(&app)?;
    let project_id = caller.project_id();
    let client = match known {
        Known::InClear => create(&app, draft, project_id).await?,
        Known::Elsewhere(secret) => Client::import(&draft, secret, project_id, app.now(), &mut chance())?,
    };
    insert_client(&app, &caller.origin, &client).await?;
    detail(&app, client, caller.request_id).await
}

/// A secret in clear is judged, and perhaps digested slowly: off the I/O threads. Whoever brought it has it.
async fn create(app: &App, draft: ClientDraft, project_id: &ProjectId) -> Result<Client, Problem> {
    let (now, peppers, project_id) = (app.now(), app.peppers.clone(), project_id.clone());
    let create = move || Client::create(draft, &project_id, now, &peppers, &mut chance());
    let (client, _) = app.secrets.slowly(create).await.map_err(|_| busy())??;
    Ok(client)
}
