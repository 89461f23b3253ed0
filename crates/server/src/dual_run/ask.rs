//! Asking an old service whether a secret is the client's: by asking it for a token, as the client itself would.
//!
//! What it answers comes from outside and is believed in two cases only: a token is a yes, and a refusal in the words of
//! RFC 6749 or of an API is a no. Everything else, redirects and pages of some proxy included, says nothing.

use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use http::StatusCode;
use reqwest::redirect::Policy;
use reqwest::{Certificate, Response};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};

use super::service::OldService;

/// Longest wait for an old service's answer: a login that takes longer had better be tried again.
const ANSWER_WITHIN: Duration = Duration::from_secs(3);
/// Most bytes of an answer that are read; a token has a few thousand.
const ANSWER_MAX_BYTES: usize = 64 * 1024;

/// What says that the secret, or the client itself, is refused: RFC 6749 section 5.2, and an API's words for it. Anything else is
/// about how the service was asked, or about its own state, and would keep out clients whose secret is right.
const REFUSALS: &[&str] = &[
    "invalid_client",
    "invalid_grant",
    "unauthorized_client",
    "invalid_client_id",
    "invalid_client_secret",
    "m2m_client_not_found",
    "unauthorized_credentials",
];

/// What an old service says of a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is the client's.
    Accepted,
    /// It is not, or the client may not log in there any more.
    Refused,
}

/// An old service said nothing that could be believed.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoVerdict {
    /// No answer came.
    #[error("it cannot be reached: {0}")]
    Unreachable(String),
    /// It answered neither with a token nor with a refusal.
    #[error("it answered {0}, which is neither a token nor a refusal of the secret")]
    Unexpected(StatusCode),
}

impl From<reqwest::Error> for NoVerdict {
    /// Of what the HTTP library says, the innermost cause is what a person can do something about. It does not name the
    /// secret, which is in the body.
    fn from(error: reqwest::Error) -> Self {
        let error = anyhow::Error::new(error.without_url());
        Self::Unreachable(error.root_cause().to_string())
    }
}

/// An HTTP client for old services. Redirects are not followed and no proxy of the environment is asked: either would get
/// to see secrets.
pub(super) fn http_client(services: &[OldService], ca_file: &Path) -> anyhow::Result<reqwest::Client> {
    crate::tls::install_provider();
    let builder = reqwest::Client::builder()
        .no_proxy()
        .redirect(Policy::none())
        .timeout(ANSWER_WITHIN)
        .user_agent(concat!("countersign/", env!("CARGO_PKG_VERSION")));
    let encrypted = services
        .iter()
        .any(|service| service.token_url.scheme() == "https");
    let builder = if !encrypted {
        // The system's authorities need not be there; a small container may have none.
        builder.tls_certs_only([])
    } else if ca_file.as_os_str().is_empty() {
        builder
    } else {
        builder.tls_certs_only(certificates(ca_file)?)
    };
    builder.build().context("an HTTP client for dual_run")
}

fn certificates(file: &Path) -> anyhow::Result<Vec<Certificate>> {
    let pem = std::fs::read(file).with_context(|| format!("dual_run.ca_file {}", file.display()))?;
    Certificate::from_pem_bundle(&pem).with_context(|| format!("dual_run.ca_file {}", file.display()))
}

/// Asks for a token with the client's credentials (RFC 6749 section 4.4.2), in the body, where they stand in no log.
pub(super) async fn ask(
    http: &reqwest::Client,
    service: &OldService,
    client_id: &str,
    secret: &SecretString,
) -> Result<Verdict, NoVerdict> {
    let body = form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", "client_credentials")
        .append_pair("client_id", client_id)
        .append_pair("client_secret", secret.expose_secret())
        .finish();
    let request = http
        .post(service.token_url.clone())
        .header(http::header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(http::header::ACCEPT, "application/json")
        .body(body);
    let response = request.send().await?;
    let status = response.status();
    let members = read(response).await?;
    verdict(status, &members.unwrap_or_default()).ok_or(NoVerdict::Unexpected(status))
}

/// The members of an answer, when it is an object of sensible size.
async fn read(mut response: Response) -> Result<Option<Map<String, Value>>, NoVerdict> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > ANSWER_MAX_BYTES {
            return Ok(None);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(serde_json::from_slice(&body).ok())
}

fn verdict(status: StatusCode, members: &Map<String, Value>) -> Option<Verdict> {
    let text = |name: &str| {
        let member = members.get(name).and_then(Value::as_str);
        member.filter(|text| !text.is_empty())
    };
    match status {
        StatusCode::OK => text("access_token").map(|_| Verdict::Accepted),
        StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED => {
            let error = text("error").or_else(|| text("error_type"))?;
            REFUSALS.contains(&error).then_some(Verdict::Refused)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn judged(status: u16, body: Value) -> Option<Verdict> {
        let members = body.as_object().cloned().unwrap_or_default();
        verdict(StatusCode::from_u16(status).unwrap(), &members)
    }

    #[test]
    fn a_token_is_a_yes_and_a_refusal_a_no() {
        let yes = Some(Verdict::Accepted);
        let no = Some(Verdict::Refused);
        assert_eq!(judged(200, json!({"access_token": "t", "expires_in": 1})), yes);
        assert_eq!(judged(400, json!({"error": "invalid_client"})), no);
        assert_eq!(judged(401, json!({"error": "invalid_client"})), no);
        assert_eq!(judged(401, json!({"error": "unauthorized_client"})), no);
        assert_eq!(judged(401, json!({"error_type": "unauthorized_credentials"})), no);
    }

    #[test]
    fn everything_else_says_nothing() {
        for (status, body) in [
            (200, json!({})),
            (200, json!({"access_token": ""})),
            (200, json!({"access_token": 1})),
            (201, json!({"access_token": "t"})),
            (302, json!({"access_token": "t"})),
            (400, json!({"error": "invalid_scope"})),
            (400, json!({"error": "temporarily_unavailable"})),
            (400, json!({"error_type": "project_not_found"})),
            (401, json!({"error": "Gateway says no"})),
            (400, json!({})),
            (401, json!("<html>")),
            (403, json!({"error": "invalid_client"})),
            (404, json!({"error": "invalid_client"})),
            (429, json!({"error_type": "too_many_requests"})),
            (500, json!({"error": "invalid_client"})),
        ] {
            assert_eq!(judged(status, body.clone()), None, "{status} {body}");
        }
    }
}
