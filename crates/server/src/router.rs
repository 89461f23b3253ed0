//! Every route on one screen.

use axum::Router;
use axum::routing::get;
use http::Request;
use tower::util::MapRequest;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::admin::{
    audit, clients as admin_clients, credentials, import, keys as admin_keys, operators, projects,
    provider_operations, providers, secrets, usage,
};
use crate::app::App;
use crate::http::{edge, path};
use crate::keys::{discovery, jwk_sets};
use crate::m2m::{clients, rotation, search, whoami};
use crate::oauth::token;
use crate::problem::{ErrorType, Problem};
use crate::{documents, gateway, health, openapi};

/// What SDKs call: `api/openapi.json`.
pub fn wire_routes() -> OpenApiRouter<App> {
    management_routes()
        .routes(routes!(token::issue_token))
        .routes(routes!(jwk_sets::stytch_jwk_set))
        .routes(routes!(jwk_sets::b2b_jwk_set))
        .routes(routes!(jwk_sets::jwk_set))
        .routes(routes!(discovery::server_metadata))
        .routes(routes!(whoami::whoami))
}

/// What a backend manages clients with, which the gateway offers as the provider `countersign`.
pub fn management_routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(clients::create_client))
        .routes(routes!(
            clients::get_client,
            clients::update_client,
            clients::delete_client
        ))
        .routes(routes!(search::search_clients))
        .routes(routes!(rotation::start_rotation))
        .routes(routes!(rotation::complete_rotation))
        .routes(routes!(rotation::cancel_rotation))
}

/// What operators call: `api/admin.openapi.json`.
pub fn admin_routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(projects::list_projects, projects::create_project))
        .routes(routes!(projects::get_project, projects::update_project))
        .routes(routes!(
            secrets::list_project_secrets,
            secrets::create_project_secret
        ))
        .routes(routes!(secrets::revoke_project_secret))
        .routes(routes!(admin_keys::list_keys))
        .routes(routes!(admin_keys::rotate_key))
        .routes(routes!(admin_clients::list_clients, import::import_client))
        .routes(routes!(admin_clients::get_client, admin_clients::update_client))
        .routes(routes!(providers::list_providers, providers::create_provider))
        .routes(routes!(
            providers::get_provider,
            providers::update_provider,
            providers::delete_provider
        ))
        .routes(routes!(provider_operations::get_provider_document))
        .routes(routes!(provider_operations::list_provider_operations))
        .routes(routes!(provider_operations::get_provider_operation))
        .routes(routes!(credentials::list_provider_credentials))
        .routes(routes!(
            credentials::set_provider_credential,
            credentials::delete_provider_credential
        ))
        .routes(routes!(usage::get_project_usage))
        .routes(routes!(audit::list_project_audit))
        .routes(routes!(audit::list_audit))
        .routes(routes!(operators::list_operators, operators::create_operator))
        .routes(routes!(operators::revoke_operator))
}

/// What load balancers look at.
fn probe_routes() -> Router<App> {
    Router::new()
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
}

/// What people look at.
fn page_routes() -> Router<App> {
    Router::new()
        .route("/openapi.json", get(openapi::serve_wire_document))
        .route("/admin/openapi.json", get(openapi::serve_admin_document))
        .route("/errors", get(documents::error_index))
        .route("/errors/{name}", get(documents::error_page))
        .route("/guide", get(documents::guide_index))
        .route("/guide/{page}", get(documents::guide_page))
        .route("/", get(documents::front_page))
}

/// The whole HTTP API behind its edge, for requests with a kind of body.
pub type Routes<B> = MapRequest<Router, fn(Request<B>) -> Request<B>>;

/// Makes the whole HTTP API.
pub fn router<B>(app: App) -> Routes<B> {
    let gateway = gateway::routes(app.clone());
    behind_edge(service_routes(&app).merge(gateway), app)
}

/// Makes it without the gateway, which has a port of its own.
pub fn service_router<B>(app: App) -> Routes<B> {
    behind_edge(service_routes(&app), app)
}

/// Makes what is at the gateway's own port.
pub fn gateway_router<B>(app: App) -> Routes<B> {
    let probes = probe_routes().with_state(app.clone());
    behind_edge(probes.merge(gateway::routes(app.clone())), app)
}

fn service_routes(app: &App) -> Router {
    Router::new()
        .merge(Router::from(wire_routes()))
        .merge(Router::from(admin_routes()))
        .merge(page_routes())
        .merge(probe_routes())
        .with_state(app.clone())
}

fn behind_edge<B>(routes: Router, app: App) -> Routes<B> {
    let routes = routes
        .fallback(route_not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(edge::layer(app));
    // Before routing, which would not find an untidy path.
    MapRequest::new(routes, tidy_path)
}

fn tidy_path<B>(mut request: Request<B>) -> Request<B> {
    if let Some(uri) = path::tidy(request.uri()) {
        *request.uri_mut() = uri;
    }
    request
}

/// Answers a path that no operation has.
pub async fn route_not_found() -> Problem {
    ErrorType::RouteNotFound.because("No operation has this path.")
}

/// Answers a path that exists with other methods.
pub async fn method_not_allowed() -> Problem {
    ErrorType::MethodNotAllowed.because("The path exists, but not with this method.")
}
