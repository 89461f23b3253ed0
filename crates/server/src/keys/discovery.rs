//! RFC 8414 metadata of a project's issuer.

use axum::Json;
use axum::extract::State;
use countersign_core::Algorithm;
use serde::Serialize;
use utoipa::ToSchema;

use super::jwk_sets::find_project;
use crate::app::App;
use crate::http::params::Path;
use crate::openapi::wire::{ProblemBody, PublicFailures};
use crate::problem::Problem;

/// Metadata of an authorization server (RFC 8414 section 2).
#[derive(Debug, Serialize, ToSchema)]
pub struct ServerMetadata {
    /// `iss` of the standard profiles' tokens.
    issuer: String,
    /// Where tokens are had.
    token_endpoint: String,
    /// Where keys are had.
    jwks_uri: String,
    /// Client credentials alone.
    #[schema(value_type = Vec<String>)]
    grant_types_supported: [&'static str; 1],
    /// None: there is no authorization endpoint.
    #[schema(value_type = Vec<String>)]
    response_types_supported: [&'static str; 0],
    /// How a client authenticates.
    #[schema(value_type = Vec<String>)]
    token_endpoint_auth_methods_supported: [&'static str; 2],
    /// Algorithms that sign this project's tokens now.
    access_token_signing_alg_values_supported: Vec<&'static str>,
    /// The error catalogue.
    service_documentation: String,
}

/// Get the issuer's metadata
///
/// At the path that RFC 8414 section 3.1 makes of the issuer `{public_url}/v1/public/{project_id}`.
#[utoipa::path(
    get,
    path = "/.well-known/oauth-authorization-server/v1/public/{project_id}",
    operation_id = "get_authorization_server_metadata",
    tag = "keys",
    params(("project_id" = String, Path, description = "The project.")),
    security(()),
    responses(
        (status = 200, description = "The metadata.", body = ServerMetadata),
        (status = 404, description = "`project_not_found`.", body = ProblemBody),
        PublicFailures,
    )
)]
pub async fn server_metadata(
    State(app): State<App>,
    Path(project_id): Path<String>,
) -> Result<Json<ServerMetadata>, Problem> {
    let project = find_project(&app, &project_id).await?;
    let issuer = project.project.issuer.clone();
    let now = app.now();
    let algorithms = Algorithm::ALL
        .into_iter()
        .filter(|algorithm| project.signing_key(*algorithm, now).is_some());
    Ok(Json(ServerMetadata {
        token_endpoint: format!("{issuer}/oauth2/token"),
        jwks_uri: format!("{issuer}/jwks.json"),
        issuer,
        grant_types_supported: ["client_credentials"],
        response_types_supported: [],
        token_endpoint_auth_methods_supported: ["client_secret_basic", "client_secret_post"],
        access_token_signing_alg_values_supported: algorithms.map(Algorithm::name).collect(),
        service_documentation: format!("{}/errors", app.public_url),
    }))
}
