//! The gateway inside `serve`, under `/gateway`: what callers may do with a short-lived token instead of a credential.
//!
//! Every way in walks through `admission.rs`: who calls, which provider, whether a rule allows it. Then the provider sends the call.
//! Each way out before that is a [`GatewayRefusal`].

mod admission;
mod call_line;
mod callers;
mod cross_origin;
mod explain;
mod in_process;
mod mcp;
mod operation_call;
mod operations;
mod pass_through;
mod placing;
mod provider;
mod providers;
mod ranking;
mod refusal;
mod search;
mod stored;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::{any, get, post};
use countersign_gateway::policy::ProviderName;

pub use self::call_line::write_waiting;
pub use self::in_process::Admitted;
use self::provider::Provider;
use self::providers::Providers;
pub use self::refusal::GatewayRefusal;
use crate::app::App;

/// Everything that calls through the gateway share; cheap to clone.
#[derive(Clone)]
struct Gateway(Arc<Inner>);

struct Inner {
    app: App,
    /// The provider that is there from the first start: this installation's own wire API.
    countersign: Arc<Provider>,
    /// Those that operators added.
    providers: Providers,
}

impl Gateway {
    /// The provider of this name in the project.
    async fn provider(
        &self,
        project_id: &str,
        name: &ProviderName,
    ) -> Result<Option<Arc<Provider>>, GatewayRefusal> {
        if name.as_str() == in_process::NAME {
            return Ok(Some(self.0.countersign.clone()));
        }
        self.0.providers.one(&self.0.app, project_id, name).await
    }
}

/// The routes of the gateway.
pub fn routes(app: App) -> Router {
    let gateway = Gateway(Arc::new(Inner {
        countersign: Arc::new(in_process::provider(app.clone())),
        providers: Providers::new(),
        app,
    }));
    let mcp = mcp::service(&gateway);
    let cross_origin = cross_origin::layer(&gateway.0.app.config.gateway);
    Router::new()
        .route("/gateway/p/{*path}", any(pass_through::pass_through))
        .route("/gateway/tools", get(search::search))
        .route(
            "/gateway/tools/{provider}/{operation}",
            post(operation_call::call_operation),
        )
        .route("/gateway/explain", post(explain::explain))
        .route(
            "/gateway/mcp",
            post(move |State(gateway), context, request| mcp::answer(gateway, mcp, context, request)),
        )
        .with_state(gateway)
        .layer(cross_origin)
}
