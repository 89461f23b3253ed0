//! What a project's token endpoint did, minute by minute.

use axum::Json as Answer;
use axum::extract::State;
use countersign_core::Timestamp;
use countersign_core::usage::MinuteCount;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::app::App;
use crate::callers::ProjectReader;
use crate::http::params::Query;
use crate::openapi::wire::{Failures, NotFound};
use crate::problem::Problem;

/// Most minutes in one answer: a day.
const MINUTES_MAX: u32 = 24 * 60;

/// Which minutes.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct UsageQuery {
    /// From this time on; an hour ago when absent.
    #[param(value_type = Option<String>, format = DateTime)]
    since: Option<Timestamp>,
}

/// One minute.
#[derive(Debug, Serialize, ToSchema)]
pub struct MinuteView {
    /// Its beginning.
    #[schema(value_type = String, format = DateTime)]
    minute: Timestamp,
    /// Tokens issued.
    issued: i64,
    /// Token requests refused.
    refused: i64,
}

/// A project's usage.
#[derive(Debug, Serialize, ToSchema)]
pub struct UsageAnswer {
    /// Names this request in logs.
    request_id: String,
    /// Minutes in which something happened, at most 1,440, oldest first. The last ten seconds may be missing.
    minutes: Vec<MinuteView>,
    /// Always 200.
    status_code: u16,
}

impl From<MinuteCount> for MinuteView {
    fn from(count: MinuteCount) -> Self {
        let minute = Timestamp::from_second(count.minute.saturating_mul(60)).unwrap_or(Timestamp::MIN);
        Self {
            minute,
            issued: count.issued,
            refused: count.refused,
        }
    }
}

/// Get a project's usage
///
/// Tokens issued and refused per minute.
#[utoipa::path(
    get,
    path = "/admin/v1/projects/{project_id}/usage",
    operation_id = "get_project_usage",
    tag = "usage",
    params(("project_id" = String, Path, description = "The project."), UsageQuery),
    responses((status = 200, description = "Its usage.", body = UsageAnswer), Failures, NotFound)
)]
pub async fn get_project_usage(
    State(app): State<App>,
    caller: ProjectReader,
    Query(query): Query<UsageQuery>,
) -> Result<Answer<UsageAnswer>, Problem> {
    let since = query
        .since
        .map_or_else(|| app.now().as_second() - 3600, Timestamp::as_second);
    let counts = app
        .store
        .minute_counts(caller.project_id(), since.div_euclid(60), MINUTES_MAX)
        .await?;
    let minutes = counts.into_iter().map(Into::into).collect();
    Ok(Answer(UsageAnswer {
        request_id: caller.request_id,
        minutes,
        status_code: 200,
    }))
}
