//! `/healthz`: the process runs. `/readyz`: it can do its work.

use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use crate::app::App;
use crate::problem::Problem;

/// The process runs and answers. Nothing else is looked at, so a database's failure does not get it restarted.
pub async fn healthz() -> Json<Value> {
    Json(json!({ "status": "ok" }))
}

/// The service is not about to stop, the database can be read and written and is sealed with a master key that is held, and
/// memory is up to date. Says beside it what whoever watches many nodes compares, and warns of what does not stop this one.
pub async fn readyz(State(app): State<App>) -> Result<Json<Value>, Problem> {
    if app.stopping.has_begun() {
        return Err(Problem::unavailable("The service is about to stop.", 1));
    }
    let asked = Instant::now();
    app.store.ping().await?;
    let answered = asked.elapsed();
    let sealed = app.store.installation().await?;
    if sealed.is_none_or(|sealed| app.master_keys.that_sealed(&sealed.check).is_err()) {
        return Err(Problem::unavailable(
            "The database is sealed with a master key that this node was not given.",
            5,
        ));
    }
    if !app.memory.is_fresh() {
        return Err(Problem::unavailable(
            "The change feed has not been read within the last second.",
            1,
        ));
    }
    let oldest_key = app.oldest_key.age(app.now());
    let ahead_ms = app.memory.clock.ahead_ms();
    Ok(Json(json!({
        "status": "ready",
        "database": { "answered_in_ms": millis(answered) },
        "changes": { "read_ms_ago": app.memory.age().map(millis) },
        "signing_keys": { "oldest_signs_for_seconds": oldest_key.map(|age| age.as_secs()) },
        "clock": ahead_ms.map(|ahead| json!({ "ahead_of_database_ms": ahead })),
        "warnings": warnings(&app),
    })))
}

fn warnings(app: &App) -> Vec<String> {
    let mut warnings = Vec::new();
    if let Some(ahead) = app.memory.clock.ahead_ms().filter(|_| app.memory.clock.is_off()) {
        let side = if ahead > 0 { "ahead of" } else { "behind" };
        let apart = Duration::from_millis(ahead.unsigned_abs()).as_secs();
        warnings.push(format!(
            "This machine's clock is {apart} s {side} the database's; its tokens are dated by it."
        ));
    }
    warnings
}

/// Whole milliseconds.
fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
