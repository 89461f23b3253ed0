//! The client credentials grant (RFC 6749 section 4.4): which scopes, which audience, how long.

use jiff::SignedDuration;

use countersign_token::{Claims, TokenType};

use crate::client::Client;
use crate::project::Project;
use crate::scope::{Scope, Scopes};
use crate::{Algorithm, Timestamp};

/// The one grant type.
pub const CLIENT_CREDENTIALS: &str = "client_credentials";

/// What a client asks for, once it is known who it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TokenRequest {
    /// `grant_type` as sent.
    pub grant_type: Option<String>,
    /// The scopes asked for; `None` or none of them means all the client may have for the audience.
    pub scopes: Option<Vec<String>>,
    /// RFC 8707 resource indicators.
    pub resources: Vec<String>,
}

/// What an installation lays down for all tokens.
#[derive(Debug, Clone)]
pub struct TokenPolicy {
    /// How long a token lives.
    pub lifetime: SignedDuration,
    /// The audience of the gateway, `{public_url}/gateway`.
    pub gateway_audience: String,
}

/// A token about to be signed.
#[derive(Debug, Clone, PartialEq)]
pub struct Grant {
    /// What signs it.
    pub algorithm: Algorithm,
    /// Its `typ`.
    pub token_type: TokenType,
    /// What it says.
    pub claims: Claims,
}

/// Why there is no token; the words of RFC 6749 section 5.2 and RFC 8707 section 2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum GrantError {
    /// No `grant_type`.
    #[error("grant_type is missing; send grant_type=client_credentials")]
    MissingGrantType,
    /// Another grant type.
    #[error("grant_type must be client_credentials")]
    UnsupportedGrantType,
    /// A scope that is malformed or that the client does not hold.
    #[error("a requested scope is malformed or not granted to this client")]
    InvalidScope,
    /// An unknown resource, or scopes of the gateway mixed with others.
    #[error("the resource is unknown here, or the scopes belong to different audiences")]
    InvalidTarget,
}

/// Decides what an authenticated client gets. `token_id` becomes `jti` where the profile has one.
pub fn decide(
    client: &Client,
    project: &Project,
    request: &TokenRequest,
    policy: &TokenPolicy,
    now: Timestamp,
    token_id: impl FnOnce() -> String,
) -> Result<Grant, GrantError> {
    match request.grant_type.as_deref() {
        Some(CLIENT_CREDENTIALS) => {}
        Some(_) => return Err(GrantError::UnsupportedGrantType),
        None => return Err(GrantError::MissingGrantType),
    }
    let requested = requested_scopes(client, request)?;
    let for_gateway = is_for_gateway(requested.as_ref(), project, request, policy)?;
    let scope = granted(client, requested, for_gateway);
    let audience = if for_gateway {
        policy.gateway_audience.clone()
    } else {
        project.id.to_string()
    };
    let profile = client.token_profile.unwrap_or(project.token_profile);
    // Whole seconds, rounded down: four SDKs refuse a token whose iat lies in the future by even a second (wire contract 4.4).
    let issued_at = now.as_second();
    let claims = Claims {
        iss: project.issuer_of(profile),
        sub: client.client_id.to_string(),
        aud: vec![audience],
        scope: scope.joined(),
        iat: issued_at,
        nbf: issued_at,
        exp: issued_at + policy.lifetime.as_secs(),
        jti: profile.is_standard().then(token_id),
        client_id: profile.is_standard().then(|| client.client_id.to_string()),
        extra: serde_json::Map::new(),
    };
    let token_type = if profile.is_standard() {
        TokenType::AtJwt
    } else {
        TokenType::Jwt
    };
    Ok(Grant {
        algorithm: profile.algorithm(),
        token_type,
        claims,
    })
}

/// The scopes asked for, each held by the client, in the order of the client's list; `None` when nothing was asked for.
fn requested_scopes(client: &Client, request: &TokenRequest) -> Result<Option<Scopes>, GrantError> {
    let Some(texts) = request.scopes.as_deref().filter(|texts| !texts.is_empty()) else {
        return Ok(None);
    };
    let requested = Scopes::parse(texts).map_err(|_| GrantError::InvalidScope)?;
    if requested.iter().all(|scope| client.scopes.contains(scope)) {
        Ok(Some(client.scopes.intersection(&requested)))
    } else {
        Err(GrantError::InvalidScope)
    }
}

/// A token is for the gateway or for services, never for both: a service that receives a token must not be able to
/// replay it at the gateway (the attack that decides the rule).
fn is_for_gateway(
    requested: Option<&Scopes>,
    project: &Project,
    request: &TokenRequest,
    policy: &TokenPolicy,
) -> Result<bool, GrantError> {
    let is_known = |resource: &String| {
        *resource == policy.gateway_audience
            || *resource == project.id.as_str()
            || *resource == project.issuer
    };
    if !request.resources.iter().all(is_known) {
        return Err(GrantError::InvalidTarget);
    }
    let named = request
        .resources
        .iter()
        .map(|resource| *resource == policy.gateway_audience);
    let asked = requested.into_iter().flat_map(Scopes::iter).map(is_gateway_scope);
    let mut audiences = named.chain(asked);
    let Some(first) = audiences.next() else {
        return Ok(false);
    };
    if audiences.all(|audience| audience == first) {
        Ok(first)
    } else {
        Err(GrantError::InvalidTarget)
    }
}

fn granted(client: &Client, requested: Option<Scopes>, for_gateway: bool) -> Scopes {
    requested.unwrap_or_else(|| {
        client
            .scopes
            .filtered(|scope| is_gateway_scope(scope) == for_gateway)
    })
}

/// Whether a scope opens the gateway: `gateway:…` or `gateway-read:…`.
pub fn is_gateway_scope(scope: &Scope) -> bool {
    scope.as_str().starts_with("gateway:") || scope.as_str().starts_with("gateway-read:")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::ClientDraft;
    use crate::client::tests::{at, client};
    use crate::project::TokenProfile;

    const GATEWAY: &str = "https://id.example/gateway";

    fn decide_for(profile: TokenProfile, held: &[&str], request: TokenRequest) -> Result<Grant, GrantError> {
        let draft = ClientDraft {
            scopes: held.iter().map(ToString::to_string).collect(),
            ..Default::default()
        };
        let (client, _) = client(draft);
        let project = Project::new(
            client.project_id.clone(),
            "p",
            profile,
            "https://id.example/",
            at(0),
        )
        .unwrap();
        let policy = TokenPolicy {
            lifetime: SignedDuration::from_hours(1),
            gateway_audience: GATEWAY.into(),
        };
        let now = Timestamp::from_millisecond(1_700_000_000_999).unwrap();
        decide(&client, &project, &request, &policy, now, || "the-jti".into())
    }

    fn asking(scopes: &[&str], resources: &[&str]) -> TokenRequest {
        TokenRequest {
            grant_type: Some(CLIENT_CREDENTIALS.into()),
            scopes: (!scopes.is_empty()).then(|| scopes.iter().map(ToString::to_string).collect()),
            resources: resources.iter().map(ToString::to_string).collect(),
        }
    }

    #[test]
    fn the_stytch_profile_has_the_claims_the_sdks_need_and_no_others() {
        let grant = decide_for(TokenProfile::Stytch, &["read:a", "write:b"], asking(&[], &[])).unwrap();
        assert_eq!(
            (grant.algorithm, grant.token_type),
            (Algorithm::Rs256, TokenType::Jwt)
        );
        let claims = serde_json::to_value(&grant.claims).unwrap();
        assert_eq!(
            claims,
            serde_json::json!({
                "iss": "stytch.com/project-test-1", "sub": grant.claims.sub, "aud": ["project-test-1"],
                "scope": "read:a write:b", "iat": 1_700_000_000, "nbf": 1_700_000_000, "exp": 1_700_003_600
            })
        );
    }

    #[test]
    fn the_standard_profile_is_rfc_9068() {
        let grant = decide_for(TokenProfile::StandardEddsa, &["a"], asking(&[], &[])).unwrap();
        assert_eq!(
            (grant.algorithm, grant.token_type),
            (Algorithm::EdDsa, TokenType::AtJwt)
        );
        assert_eq!(grant.claims.iss, "https://id.example/v1/public/project-test-1");
        assert_eq!(grant.claims.jti.as_deref(), Some("the-jti"));
        assert_eq!(grant.claims.client_id.as_deref(), Some(grant.claims.sub.as_str()));
    }

    #[test]
    fn scopes_are_a_subset_in_the_clients_order() {
        let scope = |asked: &[&str]| {
            decide_for(TokenProfile::Stytch, &["c", "a:*", "b"], asking(asked, &[]))
                .map(|grant| grant.claims.scope)
        };
        assert_eq!(scope(&["b", "c"]), Ok("c b".into()));
        assert_eq!(scope(&[]), Ok("c a:* b".into()));
        assert_eq!(
            scope(&["a:x"]),
            Err(GrantError::InvalidScope),
            "wildcards are the resource server's matter"
        );
        assert_eq!(scope(&["c", "nope"]), Err(GrantError::InvalidScope));
        assert_eq!(scope(&["c\"d"]), Err(GrantError::InvalidScope));
    }

    #[test]
    fn a_client_without_scopes_gets_an_empty_scope_claim() {
        assert_eq!(
            decide_for(TokenProfile::Stytch, &[], asking(&[], &[]))
                .unwrap()
                .claims
                .scope,
            ""
        );
    }

    #[test]
    fn gateway_scopes_never_reach_another_audience() {
        let held = ["read:a", "gateway:stripe", "gateway-read:github"];
        let decided = |scopes: &[&str], resources: &[&str]| {
            decide_for(TokenProfile::Stytch, &held, asking(scopes, resources))
                .map(|grant| (grant.claims.aud.concat(), grant.claims.scope))
        };
        let services = |scope: &str| Ok(("project-test-1".to_owned(), scope.to_owned()));
        let gateway = |scope: &str| Ok((GATEWAY.to_owned(), scope.to_owned()));
        assert_eq!(decided(&[], &[]), services("read:a"));
        assert_eq!(decided(&["read:a"], &[]), services("read:a"));
        assert_eq!(decided(&["gateway:stripe"], &[]), gateway("gateway:stripe"));
        assert_eq!(
            decided(&[], &[GATEWAY]),
            gateway("gateway:stripe gateway-read:github")
        );
        assert_eq!(
            decided(&["read:a", "gateway:stripe"], &[]),
            Err(GrantError::InvalidTarget)
        );
        assert_eq!(decided(&["read:a"], &[GATEWAY]), Err(GrantError::InvalidTarget));
        assert_eq!(
            decided(&["gateway:stripe"], &["project-test-1"]),
            Err(GrantError::InvalidTarget)
        );
        assert_eq!(
            decided(&[], &["https://elsewhere.example"]),
            Err(GrantError::InvalidTarget)
        );
    }

    #[test]
    fn the_grant_type_is_demanded() {
        let with = |grant_type: Option<&str>| {
            let request = TokenRequest {
                grant_type: grant_type.map(Into::into),
                ..Default::default()
            };
            decide_for(TokenProfile::Stytch, &[], request).unwrap_err()
        };
        assert_eq!(with(None), GrantError::MissingGrantType);
        assert_eq!(with(Some("password")), GrantError::UnsupportedGrantType);
        assert_eq!(with(Some("")), GrantError::UnsupportedGrantType);
    }
}
