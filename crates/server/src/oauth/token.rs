//! `POST /v1/public/{project_id}/oauth2/token`: client credentials in, access token out.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use countersign_core::Timestamp;
use countersign_core::client::Client;
use countersign_core::client_auth::Presented;
use countersign_core::digest::Cost;
use countersign_core::grant::{self, Grant};
use countersign_core::ids;
use countersign_core::secret::StoredSecret;
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use serde::Serialize;
use utoipa::ToSchema;

use super::error::{OAuthError, TokenRefusal};
use super::presented::PresentedRequest;
use super::upgrade;
use crate::app::App;
use crate::callers::busy;
use crate::chance::chance;
use crate::http::params::Path;
use crate::http::request::{RequestContext, read_body, user_agent};
use crate::keys::LiveProject;
use crate::openapi::wire::{OAuthErrorBody, ProblemBody, PublicFailures, TokenRequestBody};
use crate::problem::Problem;
use crate::signer::SignerError;
use crate::usage::Use;

/// Bytes of an answer beside its token.
const USUAL_ANSWER_BYTES: usize = 256;
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// An access token.
#[derive(Debug, Serialize, ToSchema)]
pub struct TokenAnswer {
    /// Always 200.
    #[schema(example = 200)]
    pub status_code: u16,
    /// Names this request in logs.
    #[schema(example = "request-id-test-6c04db11-6a3a-4a2f-9e5e-0f4d0c7c3a55")]
    pub request_id: String,
    /// A signed JWT.
    pub access_token: String,
    /// Always `bearer`.
    #[schema(example = "bearer")]
    pub token_type: &'static str,
    /// Seconds until the token expires.
    #[schema(example = 3600)]
    pub expires_in: i64,
}

/// Get an access token
///
/// The client credentials grant of RFC 6749 section 4.4. The body is JSON or a form. A client authenticates with its id
/// and secret in the body, or by HTTP Basic when the body has no secret. Without `scope` the token carries all scopes of
/// the client. The answer must not be cached.
#[utoipa::path(
    post,
    path = "/v1/public/{project_id}/oauth2/token",
    operation_id = "api_m2m_v1_m2m_oauth2_Token",
    tag = "tokens",
    params(("project_id" = String, Path, description = "The project of the client.", example = "project-test-d0c1e7a2-30a5-4d1c-8a55-7c5a3c3c6b1e")),
    request_body(
        content((TokenRequestBody = "application/json"), (TokenRequestBody = "application/x-www-form-urlencoded")),
        description = "What is asked for, and who asks."
    ),
    security((), ("client" = [])),
    responses(
        (status = 200, description = "A token.", body = TokenAnswer),
        (status = 400, description = "`invalid_client`, `invalid_request`, `invalid_scope`, `invalid_target` or `unsupported_grant_type`.", body = OAuthErrorBody),
        (status = 401, description = "`invalid_client` of a client that used HTTP Basic.", body = OAuthErrorBody),
        (status = 429, description = "`too_many_requests`.", body = ProblemBody),
        PublicFailures,
    )
)]
pub async fn issue_token(
    State(app): State<App>,
    project_id: Result<Path<String>, Problem>,
    context: RequestContext,
    request: Request,
) -> Result<TokenAnswer, TokenRefusal> {
    // A path that does not decode names no project, and an unknown project is not told from an unknown client.
    let project_id = project_id.map_or_else(|_| String::new(), |Path(id)| id);
    app.limits.admit(context.address)?;
    let (head, body) = request.into_parts();
    let body = read_body(body, &app).await?;
    let presented = PresentedRequest::read(&head.headers, &body)?;
    let (project, client, secret) = authenticate(&app, &project_id, &presented, &context).await?;
    let now = app.now();
    let grant = decide(&app, &project, &client, &presented, now)?;
    app.limits.token(context.address, &client.project_id)?;
    let expires_in = grant.claims.exp - grant.claims.iat;
    let access_token = sign(&app, &project, grant, now).await?;
    let used = Use {
        project_id: &client.project_id,
        client_id: &client.client_id,
        secret_number: secret.number,
        address: context.address,
        user_agent: user_agent(&head.headers),
    };
    app.usage.token_issued(&used, now);
    upgrade::if_outdated(&app, &client, secret, presented.credentials.secret(), &context).await;
    Ok(TokenAnswer {
        status_code: 200,
        request_id: context.request_id,
        access_token,
        token_type: "bearer",
        expires_in,
    })
}

impl IntoResponse for TokenAnswer {
    fn into_response(self) -> Response {
        // Written into a buffer that need not grow. What is made of texts and numbers cannot fail to be written.
        let mut body = Vec::with_capacity(self.access_token.len() + USUAL_ANSWER_BYTES);
        match serde_json::to_writer(&mut body, &self) {
            Ok(()) => ([(CONTENT_TYPE, JSON)], body).into_response(),
            Err(error) => Problem::internal(&error).into_response(),
        }
    }
}

/// The client that presented these credentials. Unknown project, unknown client, another project's client, wrong secret
/// and inactive client get one answer.
async fn authenticate(
    app: &App,
    project_id: &str,
    presented: &PresentedRequest,
    context: &RequestContext,
) -> Result<(Arc<LiveProject>, Arc<Client>, StoredSecret), TokenRefusal> {
    let mut found = find_client(app, project_id, &presented.credentials).await?;
    let attempt = app.limits.attempt(context.address);
    if found.is_none() {
        app.secrets.check_nobody(presented.credentials.secret());
    }
    while let Some((project, client)) = found {
        let checked = match check(app, &presented.credentials, &client).await {
            Ok(checked) => checked,
            Err(undecided) => {
                attempt.passed();
                return Err(undecided.into());
            }
        };
        let Some(secret) = checked.filter(|_| client.is_active()) else {
            app.usage.token_refused(&client.project_id, app.now());
            break;
        };
        if !is_waited_for(&secret) {
            attempt.passed();
            return Ok((project, client, secret));
        }
        // Others may have changed the client in the meantime, and what they were told holds from then on.
        found = find_client(app, project_id, &presented.credentials).await?;
        if let Some((project, present)) = found.take_if(|(_, present)| is_same(present, &client)) {
            attempt.passed();
            return Ok((project, present, secret));
        }
    }
    drop(attempt);
    Err(OAuthError::invalid_client(presented.by_basic()).into())
}

/// Whether the check of this secret may have waited for its turn, or for an old service.
fn is_waited_for(secret: &StoredSecret) -> bool {
    secret.digest.cost() == Cost::Slow || secret.digest.old_service().is_some()
}

/// Whether nobody has changed a client between two looks.
fn is_same(one: &Client, other: &Client) -> bool {
    (one.version, one.created_at) == (other.version, other.created_at)
}

/// Which of the client's secrets was presented. An old service is asked last, and about nobody who would be refused anyhow.
async fn check(app: &App, credentials: &Presented, client: &Client) -> Result<Option<StoredSecret>, Problem> {
    let checked = app.secrets.check_client(credentials, client).await;
    match checked.map_err(|_| busy())? {
        None if client.is_active() => app.dual_run.check(credentials, client).await,
        checked => Ok(checked),
    }
}

async fn find_client(
    app: &App,
    project_id: &str,
    credentials: &Presented,
) -> Result<Option<(Arc<LiveProject>, Arc<Client>)>, Problem> {
    let (Ok(project_id), Ok(client_id)) = (project_id.parse(), credentials.client_id().parse()) else {
        return Ok(None);
    };
    let Some(project) = app.live_project(&project_id).await? else {
        return Ok(None);
    };
    let client = app.client(&project_id, &client_id).await?;
    Ok(client.map(|client| (project, client)))
}

fn decide(
    app: &App,
    project: &LiveProject,
    client: &Client,
    presented: &PresentedRequest,
    now: Timestamp,
) -> Result<Grant, TokenRefusal> {
    let token_id = || ids::random_uuid(&mut chance()).to_string();
    let decided = grant::decide(
        client,
        &project.project,
        &presented.request,
        &app.token_policy,
        now,
        token_id,
    );
    decided.map_err(|error| {
        app.usage.token_refused(&client.project_id, now);
        error.into()
    })
}

async fn sign(app: &App, project: &LiveProject, grant: Grant, now: Timestamp) -> Result<String, Problem> {
    let Some(key) = project.signing_key(grant.algorithm, now) else {
        let (id, algorithm) = (&project.project.id, grant.algorithm);
        return Err(Problem::failed(format!("{id} has no active {algorithm} key")));
    };
    app.signer.sign(key, grant).await.map_err(|error| match error {
        SignerError::Full => {
            Problem::unavailable("More tokens are asked for than can be signed at the moment.", 1)
        }
        SignerError::Stopped | SignerError::Sign(_) => Problem::internal(&error),
    })
}
