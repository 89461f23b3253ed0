//! A project's signing keys.

use axum::Json as Answer;
use axum::extract::State;
use countersign_core::key_life::{KeyState, StoredKey};
use countersign_core::{Algorithm, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::App;
use crate::callers::{ProjectAdmin, ProjectReader};
use crate::http::json::Json;
use crate::keys::making::{self, Rotation};
use crate::openapi::wire::{Failures, Forbidden, NotFound};
use crate::problem::Problem;

/// A signing key, without its private half.
#[derive(Debug, Serialize, ToSchema)]
pub struct KeyView {
    /// Names it in token headers.
    pub kid: String,
    /// `RS256`, `ES256` or `EdDSA`.
    #[schema(value_type = String, example = "RS256")]
    pub algorithm: Algorithm,
    /// `announced`: published, not signing yet. `active`: signing. `retired`: published, not signing any more.
    /// `dropped`: gone.
    #[schema(value_type = String, example = "active")]
    pub state: KeyState,
    /// When it was first published.
    #[schema(value_type = String, format = DateTime)]
    pub announced_at: Timestamp,
    /// When it starts to sign.
    #[schema(value_type = String, format = DateTime)]
    pub activate_at: Timestamp,
    /// When it stops to sign.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub retire_at: Option<Timestamp>,
    /// When it is no longer published.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub drop_at: Option<Timestamp>,
}

/// A project's keys.
#[derive(Debug, Serialize, ToSchema)]
pub struct KeysAnswer {
    /// Names this request in logs.
    request_id: String,
    /// The keys in the order of their announcement.
    keys: Vec<KeyView>,
    /// Always 200.
    status_code: u16,
}

/// A key just made.
#[derive(Debug, Serialize, ToSchema)]
pub struct KeyAnswer {
    /// Names this request in logs and in the audit.
    request_id: String,
    /// The key.
    key: KeyView,
    /// What to keep in mind.
    note: &'static str,
    /// Always 200.
    status_code: u16,
}

/// How to rotate.
#[derive(Debug, Deserialize, ToSchema)]
pub struct RotateKey {
    /// `RS256` (when absent), `ES256` or `EdDSA`.
    #[schema(value_type = Option<String>, example = "RS256")]
    algorithm: Option<Algorithm>,
    /// The present key is compromised: the new one signs at once, and every earlier one leaves the key set at once.
    emergency: Option<bool>,
}

const ANNOUNCED: &str = "Verifiers learn the new key before it signs; nothing needs to be done.";
const EMERGENCY: &str = "Tokens signed by earlier keys are refused as soon as verifiers read the key set again. SDKs \
    that do not look again for an unknown key lag behind and refuse new tokens meanwhile: .NET for up to 15 minutes, \
    Rust and Ruby for up to 5 minutes, Go for up to 5 minutes, Java until its reprieve of 5 minutes ends, Python and \
    Node for 30 seconds. Until a verifier reads the key set again it also still believes tokens that somebody signed with \
    an earlier key: Go for up to an hour, .NET and Java for 15 minutes, Node for 10, Python and Rust for 5, Ruby until \
    it meets an unknown key. Restart those services to end both at once.";

fn view(key: StoredKey, now: Timestamp) -> KeyView {
    KeyView {
        state: key.state(now),
        kid: key.kid,
        algorithm: key.algorithm,
        announced_at: key.announced_at,
        activate_at: key.activate_at,
        retire_at: key.retire_at,
        drop_at: key.drop_at,
    }
}

/// List a project's keys
#[utoipa::path(
    get,
    path = "/admin/v1/projects/{project_id}/keys",
    operation_id = "list_keys",
    tag = "keys",
    params(("project_id" = String, Path, description = "The project.")),
    responses((status = 200, description = "Its keys.", body = KeysAnswer), Failures, NotFound)
)]
pub async fn list_keys(State(app): State<App>, caller: ProjectReader) -> Result<Answer<KeysAnswer>, Problem> {
    let record = app
        .store
        .project(caller.project_id())
        .await?
        .ok_or_else(Problem::project_not_found)?;
    let now = app.now();
    let keys = record.keys.into_iter().map(|key| view(key, now)).collect();
    Ok(Answer(KeysAnswer {
        request_id: caller.request_id,
        keys,
        status_code: 200,
    }))
}

/// Rotate a key
///
/// Makes a new key. It is announced before it signs, unless the present one is compromised.
#[utoipa::path(
    post,
    path = "/admin/v1/projects/{project_id}/keys/rotate",
    operation_id = "rotate_key",
    tag = "keys",
    params(("project_id" = String, Path, description = "The project.")),
    request_body = RotateKey,
    responses((status = 200, description = "The new key.", body = KeyAnswer), Failures, Forbidden, NotFound)
)]
pub async fn rotate_key(
    State(app): State<App>,
    caller: ProjectAdmin,
    Json(body): Json<RotateKey>,
) -> Result<Answer<KeyAnswer>, Problem> {
    let algorithm = body.algorithm.unwrap_or(Algorithm::Rs256);
    let emergency = body.emergency.unwrap_or(false);
    let rotation = if emergency {
        Rotation::Emergency
    } else {
        Rotation::Announced
    };
    let key = making::rotate(&app, caller.project_id(), algorithm, rotation, &caller.origin).await?;
    let note = if emergency { EMERGENCY } else { ANNOUNCED };
    let key = view(key, app.now());
    Ok(Answer(KeyAnswer {
        request_id: caller.request_id,
        key,
        note,
        status_code: 200,
    }))
}
