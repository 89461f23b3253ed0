//! What the gateway asks of this installation's memory.

use async_trait::async_trait;
use countersign_client::{ClockFn, JwkSet, TokenType, Verifier};
use countersign_core::ids::{ClientId, ProjectId};
use countersign_core::project::TokenProfile;
use countersign_gateway::admit::{Callers, ClientNow, Unavailable};

use crate::app::App;
use crate::keys::LiveProject;
use crate::problem::Problem;

/// How much the verified tokens of one project and profile may take. Most projects have a handful of callers.
const SEEN_TOKENS_BYTES: usize = 1024 * 1024;

/// An installation whose projects and clients call.
pub(super) struct Installation<'a>(pub(super) &'a App);

#[async_trait]
impl Callers for Installation<'_> {
    async fn verifier(&self, project_id: &str) -> Result<Option<Verifier>, Unavailable> {
        let Ok(id) = project_id.parse::<ProjectId>() else {
            return Ok(None);
        };
        let project = self.0.live_project(&id).await.map_err(unavailable)?;
        Ok(project.map(|project| project.gateway_verifier(|project| verifier(self.0, project))))
    }

    async fn client(&self, project_id: &str, client_id: &str) -> Result<Option<ClientNow>, Unavailable> {
        let (Ok(project_id), Ok(client_id)) = (project_id.parse(), client_id.parse::<ClientId>()) else {
            return Ok(None);
        };
        let client = self
            .0
            .client(&project_id, &client_id)
            .await
            .map_err(unavailable)?;
        Ok(client.map(|client| ClientNow {
            is_active: client.is_active(),
            scopes: client.scopes.iter().map(ToString::to_string).collect(),
            created_at: client.created_at.as_second(),
        }))
    }
}

/// Checks tokens that the project issued for the gateway, in both profiles. It is made anew with the project's keys.
fn verifier(app: &App, project: &LiveProject) -> Verifier {
    let jwks = JwkSet {
        keys: project.keys.iter().map(|key| key.public.clone()).collect(),
    };
    let of = |profile: TokenProfile, token_type: TokenType| {
        let clock = app.clock.clone();
        Verifier::builder()
            .issuer(project.project.issuer_of(profile))
            .token_types([token_type])
            .audience(&app.token_policy.gateway_audience)
            .keys(jwks.clone())
            .seen_tokens_bytes(SEEN_TOKENS_BYTES)
            .clock(ClockFn(move || clock.now().as_second()))
            .build()
    };
    let each = [
        of(TokenProfile::Stytch, TokenType::Jwt),
        of(TokenProfile::StandardRs256, TokenType::AtJwt),
    ];
    // What these builders are given cannot be refused; a verifier of none would accept nothing.
    Verifier::any_of(each.into_iter().filter_map(Result::ok))
}

/// The caller hears that it may try again, and the log why.
fn unavailable(problem: Problem) -> Unavailable {
    let cause = problem.cause.unwrap_or(problem.message);
    tracing::error!(cause, "the gateway cannot look up a project or client");
    Unavailable
}
