//! Bodies and answers that many operations share.

use serde::{Deserialize, Serialize};
use utoipa::{IntoResponses, ToSchema};

/// An error.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ProblemBody {
    /// The HTTP status.
    #[schema(example = 400)]
    status_code: u16,
    /// Names this request in logs.
    #[schema(example = "request-id-test-6c04db11-6a3a-4a2f-9e5e-0f4d0c7c3a55")]
    request_id: String,
    /// What is wrong, for programs.
    #[schema(example = "m2m_client_not_found")]
    error_type: String,
    /// What is wrong, for people. The words may improve.
    error_message: String,
    /// A page that explains it.
    error_url: String,
}

/// An error of the token endpoint (RFC 6749 section 5.2).
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct OAuthErrorBody {
    /// The HTTP status.
    #[schema(example = 400)]
    status_code: u16,
    /// Names this request in logs.
    #[schema(example = "request-id-test-6c04db11-6a3a-4a2f-9e5e-0f4d0c7c3a55")]
    request_id: String,
    /// What is wrong, for programs.
    #[schema(example = "invalid_client")]
    error: String,
    /// What is wrong, for people. The words may improve.
    error_description: String,
    /// A page that explains it.
    error_uri: String,
}

/// A token request (RFC 6749 section 4.4.2).
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct TokenRequestBody {
    /// `client_credentials`
    #[schema(example = "client_credentials")]
    grant_type: String,
    /// The client; may be sent by HTTP Basic instead.
    client_id: Option<String>,
    /// Its secret; may be sent by HTTP Basic instead.
    client_secret: Option<String>,
    /// Scopes parted by spaces, all of them held by the client; all that it holds when absent.
    #[schema(example = "read:usage")]
    scope: Option<String>,
    /// The same as a list.
    scopes: Option<Vec<String>>,
    /// Whom the token is for (RFC 8707): the gateway's address, or this project.
    resource: Option<String>,
}

/// Errors that every authenticated operation of the API may answer.
#[derive(IntoResponses)]
pub enum Failures {
    /// A field or the body is not as it should be; `error_type` says which.
    #[response(status = 400)]
    BadRequest(ProblemBody),
    /// `unauthorized_credentials` or `invalid_authorization_header`.
    #[response(status = 401)]
    Unauthorized(ProblemBody),
    /// `request_timeout`: the request did not arrive whole in time.
    #[response(status = 408)]
    Timeout(ProblemBody),
    /// `write_conflict`: the object was changed at the same time.
    #[response(status = 409)]
    Conflict(ProblemBody),
    /// `request_too_large`.
    #[response(status = 413)]
    TooLarge(ProblemBody),
    /// `unsupported_media_type`.
    #[response(status = 415)]
    MediaType(ProblemBody),
    /// `too_many_requests`; `Retry-After` says how long to wait.
    #[response(status = 429)]
    TooManyRequests(ProblemBody),
    /// `internal_server_error`; the request id finds it in the log.
    #[response(status = 500)]
    Internal(ProblemBody),
    /// `service_unavailable`; nothing was changed, `Retry-After` says when to try again.
    #[response(status = 503)]
    Unavailable(ProblemBody),
}

/// Errors that every public operation may answer.
#[derive(IntoResponses)]
pub enum PublicFailures {
    /// `request_timeout`: the request did not arrive whole in time.
    #[response(status = 408)]
    Timeout(ProblemBody),
    /// `internal_server_error`; the request id finds it in the log.
    #[response(status = 500)]
    Internal(ProblemBody),
    /// `service_unavailable`: the database does not answer, or more is asked for than can be done at the moment;
    /// `Retry-After` says when to try again.
    #[response(status = 503)]
    Unavailable(ProblemBody),
}

/// The object that the path names does not exist, or not for this caller.
#[derive(IntoResponses)]
#[response(status = 404)]
#[expect(dead_code, reason = "describes an answer; http/edge.rs writes it")]
pub struct NotFound(ProblemBody);

/// `insufficient_permissions`: the operator's role or reach does not allow it.
#[derive(IntoResponses)]
#[response(status = 403)]
#[expect(dead_code, reason = "describes an answer; http/edge.rs writes it")]
pub struct Forbidden(ProblemBody);
