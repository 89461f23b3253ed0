//! Which project do these credentials belong to?

use axum::Json as Answer;

use super::wire::WhoamiAnswer;
use crate::callers::ProjectCaller;
use crate::openapi::wire::Failures;

/// Who am I?
///
/// Names the project whose credentials were sent: the quickest way to see whether they are right.
#[utoipa::path(
    get,
    path = "/v1/debug/whoami",
    operation_id = "api_debug_v1_Whoami",
    tag = "debug",
    responses((status = 200, description = "The project.", body = WhoamiAnswer), Failures)
)]
pub async fn whoami(caller: ProjectCaller) -> Answer<WhoamiAnswer> {
    Answer(WhoamiAnswer {
        request_id: caller.request_id,
        project_id: caller.project.project.id.to_string(),
        name: caller.project.project.name.clone(),
        status_code: 200,
    })
}
