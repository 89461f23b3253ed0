//! The two OpenAPI documents, written from the handlers.

pub mod wire;

use axum::Json;
use axum::extract::State;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Info, OpenApi, SecurityRequirement};
use utoipa::{Modify, OpenApi as _};

use crate::app::App;

/// What the wire document says beside its paths.
#[derive(utoipa::OpenApi)]
#[openapi(
    components(schemas(wire::ProblemBody, wire::OAuthErrorBody, crate::m2m::search::SearchOperand)),
    modifiers(&WireSecurity),
    tags(
        (name = "clients", description = "Make, find, change and delete M2M clients."),
        (name = "secrets", description = "Rotate a client's secret without downtime."),
        (name = "tokens", description = "Get access tokens."),
        (name = "keys", description = "Verify access tokens."),
        (name = "debug", description = "See who you are."),
    )
)]
struct WireFrame;

/// What the admin document says beside its paths.
#[derive(utoipa::OpenApi)]
#[openapi(components(schemas(wire::ProblemBody)), modifiers(&AdminSecurity))]
struct AdminFrame;

struct WireSecurity;
struct AdminSecurity;

impl Modify for WireSecurity {
    fn modify(&self, document: &mut OpenApi) {
        let basic = |what: &str| {
            SecurityScheme::Http(
                HttpBuilder::new()
                    .scheme(HttpAuthScheme::Basic)
                    .description(Some(what))
                    .build(),
            )
        };
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("project", basic("`project_id:project_secret`"));
        components.add_security_scheme("client", basic("`client_id:client_secret`"));
        document.security = Some(vec![SecurityRequirement::new("project", [""; 0])]);
    }
}

impl Modify for AdminSecurity {
    fn modify(&self, document: &mut OpenApi) {
        let bearer = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("An operator key, `cso_…`"));
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("operator", SecurityScheme::Http(bearer.build()));
        document.security = Some(vec![SecurityRequirement::new("operator", [""; 0])]);
    }
}

/// The document of the wire: what SDKs call.
pub fn wire_document() -> OpenApi {
    let mut document = WireFrame::openapi();
    document.info = info(
        "Countersign",
        "M2M clients, their secrets, and access tokens. The wire of Stytch's M2M API.",
    );
    document.merge(crate::router::wire_routes().split_for_parts().1);
    document
}

/// The document of the provider `countersign` at the gateway.
pub fn management_document() -> OpenApi {
    let mut document = WireFrame::openapi();
    document.info = info("Countersign", "M2M clients and their secrets.");
    document.merge(crate::router::management_routes().split_for_parts().1);
    document
}

/// The document of the admin API: what operators call.
pub fn admin_document() -> OpenApi {
    let mut document = AdminFrame::openapi();
    document.info = info(
        "Countersign admin",
        "Projects, keys, operators, usage and the audit.",
    );
    document.merge(crate::router::admin_routes().split_for_parts().1);
    document
}

fn info(title: &str, description: &str) -> Info {
    let mut info = Info::new(title, env!("CARGO_PKG_VERSION"));
    info.description = Some(description.to_owned());
    info.license = Some(utoipa::openapi::License::new("Apache-2.0"));
    info
}

/// `GET /openapi.json`
pub async fn serve_wire_document(State(app): State<App>) -> Json<OpenApi> {
    Json(at(wire_document(), &app.public_url))
}

/// `GET /admin/openapi.json`
pub async fn serve_admin_document(State(app): State<App>) -> Json<OpenApi> {
    Json(at(admin_document(), &app.public_url))
}

/// The served document names this installation; the committed one names none.
fn at(mut document: OpenApi, public_url: &str) -> OpenApi {
    document.servers = Some(vec![utoipa::openapi::Server::new(public_url)]);
    document
}
