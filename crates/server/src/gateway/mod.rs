//! The gateway inside `serve`, under `/gateway`: what callers may do with a short-lived token instead of a credential.
//!
//! A call walks through `pass_through.rs`: framing, who calls, which provider and operation, whether a rule allows it, and on. Each
//! way out before that is a [`GatewayRefusal`].

mod callers;
mod in_process;
mod pass_through;
mod refusal;

use std::sync::Arc;

use axum::Router;
use axum::routing::any;

pub use self::in_process::Admitted;
use self::in_process::InProcess;
pub use self::refusal::GatewayRefusal;
use crate::app::App;

/// Everything that calls through the gateway share; cheap to clone.
#[derive(Clone)]
struct Gateway(Arc<Inner>);

struct Inner {
    app: App,
    /// The provider that is there from the first start: this installation's own wire API.
    countersign: InProcess,
}

/// The routes of the gateway.
pub fn routes(app: App) -> Router {
    let gateway = Gateway(Arc::new(Inner {
        countersign: InProcess::new(app.clone()),
        app,
    }));
    Router::new()
        .route("/gateway/p/{*path}", any(pass_through::pass_through))
        .with_state(gateway)
}
