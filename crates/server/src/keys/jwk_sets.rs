//! Published keys: the wire's two paths, and the standard one.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use countersign_token::{JwkSet, StytchJwk};
use http::HeaderValue;
use http::header::CACHE_CONTROL;
use serde::Serialize;
use utoipa::ToSchema;

use super::LiveProject;
use crate::app::App;
use crate::http::params::Path;
use crate::http::request::RequestContext;
use crate::openapi::wire::{ProblemBody, PublicFailures};
use crate::problem::Problem;

/// Longest time a verifier may keep a key set: what the wire's service says, and the Java SDK honours (wire contract 5).
const MAX_AGE_SECONDS: u64 = 900;

/// A key set of the wire. RSA keys alone: one of another kind makes the Rust SDK refuse the whole set.
#[derive(Debug, Serialize, ToSchema)]
pub struct StytchJwkSetAnswer {
    /// The keys.
    #[schema(value_type = Vec<Object>)]
    pub keys: Vec<StytchJwk>,
    /// Names this request in logs.
    pub request_id: String,
    /// Always 200.
    #[schema(example = 200)]
    pub status_code: u16,
}

/// Get the project's keys
///
/// Public: whoever verifies tokens offline reads it; credentials sent along are not looked at.
#[utoipa::path(
    get,
    path = "/v1/sessions/jwks/{project_id}",
    operation_id = "api_session_v1_GetJWKS",
    tag = "keys",
    params(("project_id" = String, Path, description = "The project.")),
    security(()),
    responses(
        (status = 200, description = "The RSA keys that sign and have signed tokens.", body = StytchJwkSetAnswer),
        (status = 404, description = "`project_not_found`.", body = ProblemBody),
        PublicFailures,
    )
)]
pub async fn stytch_jwk_set(
    State(app): State<App>,
    Path(project_id): Path<String>,
    context: RequestContext,
) -> Result<Response, Problem> {
    let project = find_project(&app, &project_id).await?;
    let published = project.published_keys(app.now());
    let keys = published
        .filter_map(|key| {
            StytchJwk::from_rsa(&key.public, key.stored.certificate.as_deref().unwrap_or_default())
        })
        .collect();
    let answer = StytchJwkSetAnswer {
        keys,
        request_id: context.request_id,
        status_code: 200,
    };
    Ok(cacheable(&app, Json(answer)))
}

/// Get the project's keys (B2B)
///
/// The same set under the path that the B2B clients of the SDKs read.
#[utoipa::path(
    get,
    path = "/v1/b2b/sessions/jwks/{project_id}",
    operation_id = "api_b2b_session_v1_GetJWKS",
    tag = "keys",
    params(("project_id" = String, Path, description = "The project.")),
    security(()),
    responses(
        (status = 200, description = "The RSA keys that sign and have signed tokens.", body = StytchJwkSetAnswer),
        (status = 404, description = "`project_not_found`.", body = ProblemBody),
        PublicFailures,
    )
)]
pub async fn b2b_jwk_set(
    app: State<App>,
    project_id: Path<String>,
    context: RequestContext,
) -> Result<Response, Problem> {
    stytch_jwk_set(app, project_id, context).await
}

/// Get the issuer's keys
///
/// A plain RFC 7517 set with keys of all algorithms: `jwks_uri` of the issuer's metadata.
#[utoipa::path(
    get,
    path = "/v1/public/{project_id}/jwks.json",
    operation_id = "get_jwk_set",
    tag = "keys",
    params(("project_id" = String, Path, description = "The project.")),
    security(()),
    responses(
        (status = 200, description = "The keys that sign and have signed tokens.", body = Object),
        (status = 404, description = "`project_not_found`.", body = ProblemBody),
        PublicFailures,
    )
)]
pub async fn jwk_set(State(app): State<App>, Path(project_id): Path<String>) -> Result<Response, Problem> {
    let project = find_project(&app, &project_id).await?;
    let keys = project
        .published_keys(app.now())
        .map(|key| key.public.clone())
        .collect();
    Ok(cacheable(&app, Json(JwkSet { keys })))
}

/// The project that a public path names.
pub(super) async fn find_project(app: &App, project_id: &str) -> Result<Arc<LiveProject>, Problem> {
    let id = project_id.parse().map_err(|_| Problem::project_not_found())?;
    app.live_project(&id)
        .await?
        .ok_or_else(Problem::project_not_found)
}

/// Half of the announcement at most, so that a cached set is renewed before a new key signs.
fn cacheable(app: &App, answer: impl IntoResponse) -> Response {
    let seconds = MAX_AGE_SECONDS.min(app.config.keys.announce.as_secs() / 2);
    let mut response = answer.into_response();
    if let Ok(value) = HeaderValue::from_str(&format!("public, max-age={seconds}")) {
        response.headers_mut().insert(CACHE_CONTROL, value);
    }
    response
}
