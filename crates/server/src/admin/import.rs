//! Importing a client whose secret is known only by a digest that another system made.

use axum::Json as Answer;
use axum::extract::State;
use countersign_core::client::{Client, ClientDraft, ClientError, ImportedDigest};
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::clients::{ClientDetailAnswer, detail};
use crate::app::App;
use crate::callers::ProjectAdmin;
use crate::chance::chance;
use crate::http::json::Json;
use crate::m2m::change::insert_client;
use crate::m2m::wire::SecretField;
use crate::openapi::wire::{Failures, Forbidden, NotFound};
use crate::problem::Problem;

/// A client as another system knows it.
#[derive(Debug, Deserialize, ToSchema)]
pub struct ImportClient {
    /// Its id, as in creating a client. Generated when absent.
    #[schema(min_length = 1, max_length = 128, example = "billing")]
    client_id: Option<String>,
    /// What the other system kept of the secret: a bcrypt digest (`$2b$…`, cost 4 to 14),
    /// `$argon2id$v=19$m=…,t=…,p=…$salt$hash`, `$pbkdf2-sha256$i=…,l=…$salt$hash` or `sha256$hex`.
    #[schema(value_type = String, example = "$2b$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy")]
    client_secret_digest: SecretField,
    /// The secret's last four characters, where they are known. Otherwise they are shown from the first login on.
    #[schema(max_length = 4, example = "x7Qz")]
    client_secret_last_four: Option<String>,
    /// For people.
    #[schema(max_length = 256, example = "billing-worker")]
    client_name: Option<String>,
    /// For people.
    #[schema(max_length = 1024)]
    client_description: Option<String>,
    /// What the client may ask for, with the limits of creating a client.
    #[schema(max_items = 256, example = json!(["read:usage"]))]
    scopes: Option<Vec<String>>,
    /// Your own facts: at most 20 keys and 4,096 bytes.
    #[schema(value_type = Option<Object>)]
    trusted_metadata: Option<Map<String, Value>>,
}

impl ImportClient {
    fn parts(self) -> Result<(ClientDraft, ImportedDigest), ClientError> {
        let digest = self.client_secret_digest.expose_secret();
        let secret = ImportedDigest::new(digest, self.client_secret_last_four)?;
        let draft = ClientDraft {
            client_id: self.client_id,
            client_secret: None,
            name: self.client_name.unwrap_or_default(),
            description: self.client_description.unwrap_or_default(),
            scopes: self.scopes.unwrap_or_default(),
            metadata: self.trusted_metadata.unwrap_or_default(),
        };
        Ok((draft, secret))
    }
}

/// Import a client
///
/// Makes a client that keeps the secret it has elsewhere, by the digest that the other system kept of it. When the client
/// first logs in, the digest is replaced by one of Countersign's own. Scopes, metadata and the rest are as in creating one.
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
    let (draft, secret) = body.parts()?;
    let client = Client::import(&draft, secret, caller.project_id(), app.now(), &mut chance())?;
    insert_client(&app, &caller.origin, &client).await?;
    detail(&app, client, caller.request_id).await
}
