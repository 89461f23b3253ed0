//! A service that lets callers see reports if their token allows it.
//!
//! Wants `COUNTERSIGN_URL` and `COUNTERSIGN_PROJECT_ID`, and takes `LISTEN` (`127.0.0.1:0`: a free port). It prints where it
//! listens.

use axum::routing::get;
use axum::{Json, Router};
use countersign_client::{Authenticated, Verifier, required_scopes};
use serde_json::{Value, json};
use tokio::net::TcpListener;

required_scopes! {
    ReadReports = ["read:reports"];
}

async fn reports(caller: Authenticated<ReadReports>) -> Json<Value> {
    Json(json!({
        "caller": caller.client_id(),
        "scopes": caller.scopes().collect::<Vec<_>>(),
    }))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let service = Router::new()
        .route("/reports", get(reports))
        .with_state(Verifier::from_env()?);
    let listen = std::env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:0".to_owned());
    let listener = TcpListener::bind(listen).await?;
    #[expect(
        clippy::print_stdout,
        reason = "what a program says when it is started by hand"
    )]
    {
        println!("listening on http://{}", listener.local_addr()?);
    }
    axum::serve(listener, service).await?;
    Ok(())
}
