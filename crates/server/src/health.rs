//! `/healthz`: the process runs. `/readyz`: it can do its work.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use crate::app::App;
use crate::problem::Problem;

/// The process runs and answers. Nothing else is looked at, so a database's failure does not get it restarted.
pub async fn healthz() -> Json<Value> {
    Json(json!({ "status": "ok" }))
}

/// The service is not about to stop, the database can be read and written, and memory is up to date.
pub async fn readyz(State(app): State<App>) -> Result<Json<Value>, Problem> {
    if app.stopping.has_begun() {
        return Err(Problem::unavailable("The service is about to stop.", 1));
    }
    app.store.ping().await?;
    if app.memory.is_fresh() {
        Ok(Json(json!({ "status": "ready" })))
    } else {
        Err(Problem::unavailable(
            "The change feed has not been read within the last second.",
            1,
        ))
    }
}
