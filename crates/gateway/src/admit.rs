//! Who calls, and with which scopes: by a token that was issued for this gateway, of a client that still stands.

use std::sync::Arc;

use async_trait::async_trait;
use countersign_client::{Identity, Refusal, TokenRefusal, Verifier, bearer_token};
use countersign_token::unverified;
use http::{HeaderMap, StatusCode};

/// What the gateway asks of whoever knows projects and clients.
#[async_trait]
pub trait Callers: Send + Sync {
    /// What checks this project's tokens for the gateway's audience and no other; `None` where there is no such project.
    async fn verifier(&self, project_id: &str) -> Result<Option<Verifier>, Unavailable>;

    /// The client as it is now, no older than a second; `None` where there is none.
    async fn client(&self, project_id: &str, client_id: &str) -> Result<Option<ClientNow>, Unavailable>;
}

/// A client as it is now, whatever its token says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClientNow {
    /// Whether it may do anything.
    pub is_active: bool,
    /// Its scopes.
    pub scopes: Vec<String>,
    /// When it was made, in seconds since 1970-01-01T00:00:00Z.
    pub created_at: i64,
}

/// Nothing is known at the moment. The caller may try again.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("what is known of projects and clients cannot be had")]
pub struct Unavailable;

/// Who calls.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The project.
    pub project_id: String,
    /// The client.
    pub client_id: String,
    /// The scopes that the token has and the client still holds, separated by spaces.
    pub scopes: String,
    /// What the token says.
    pub identity: Arc<Identity>,
}

/// Why nobody is let in, before it is asked what for.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NotAdmitted {
    /// There is no token, or it is no good here.
    #[error(transparent)]
    Token(#[from] Refusal),
    /// The client was deactivated or deleted after the token was issued.
    #[error("the client is inactive or deleted")]
    InactiveClient,
    /// Nothing could be found out.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl NotAdmitted {
    /// A stable word for callers, logs and metrics: the SDKs' words for tokens, and two of our own.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Token(refusal) => refusal.code(),
            Self::InactiveClient => "inactive_client",
            Self::Unavailable(_) => "unavailable",
        }
    }

    /// 401 for what a new token may mend, 503 for what is not the caller's fault.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Token(Refusal::KeysUnavailable { .. }) | Self::Unavailable(_) => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::Token(_) | Self::InactiveClient => StatusCode::UNAUTHORIZED,
        }
    }
}

/// Finds out who calls.
///
/// # Errors
///
/// [`NotAdmitted`]. An issuer that nobody here knows is told like a wrong one.
pub async fn admit(callers: &dyn Callers, headers: &HeaderMap) -> Result<Caller, NotAdmitted> {
    let token = bearer_token(headers)?;
    let project_id = claimed_project(token)?;
    let verifier = callers.verifier(&project_id).await?;
    let verifier = verifier.ok_or(Refusal::Token(TokenRefusal::WrongIssuer))?;
    let identity = verifier.verify(token).await?;
    let client = callers.client(&project_id, identity.client_id()).await?;
    let client = client
        .filter(|client| client.is_active && !is_newer(client, &identity))
        .ok_or(NotAdmitted::InactiveClient)?;
    let is_held = |scope: &&str| client.scopes.iter().any(|held| held == scope);
    let scopes: Vec<_> = identity.scopes().filter(is_held).collect();
    Ok(Caller {
        project_id,
        client_id: identity.client_id().to_owned(),
        scopes: scopes.join(" "),
        identity,
    })
}

/// Whether a client was made anew under the id of the one that the token was issued to.
fn is_newer(client: &ClientNow, identity: &Identity) -> bool {
    client.created_at > identity.issued_at()
}

/// The project that a token claims to be of. Nothing is believed: it only says whose keys to check the token with, and those decide.
fn claimed_project(token: &str) -> Result<String, Refusal> {
    let claims = unverified::decode(token)?.claims;
    let issuer = claims["iss"].as_str().unwrap_or_default();
    // `stytch.com/{project}` and `{server}/v1/public/{project}`.
    match issuer.rsplit_once('/') {
        Some((_, project_id)) if !project_id.is_empty() => Ok(project_id.to_owned()),
        _ => Err(TokenRefusal::WrongIssuer.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use countersign_client::{Algorithm, Claims, ClockFn, JwkSet, TokenType};
    use countersign_token::issue::{SigningKey, sign};
    use countersign_token::test_keys;
    use http::header::AUTHORIZATION;

    use super::*;

    const NOW: i64 = 1_800_000_000;
    const GATEWAY: &str = "https://id.example/gateway";
    const ISSUER: &str = "stytch.com/project-test-1";

    struct World {
        key: SigningKey,
        client: Mutex<Result<Option<ClientNow>, Unavailable>>,
    }

    impl World {
        fn new() -> Self {
            let pkcs8 = test_keys::pkcs8(Algorithm::EdDsa);
            let client = ClientNow {
                is_active: true,
                scopes: vec!["gateway:stytch".into(), "gateway-read:acme".into()],
                created_at: NOW - 1_000,
            };
            Self {
                key: SigningKey::from_pkcs8("k", Algorithm::EdDsa, pkcs8).unwrap(),
                client: Mutex::new(Ok(Some(client))),
            }
        }

        fn change(&self, change: impl FnOnce(&mut ClientNow)) {
            let mut client = self.client.lock().unwrap();
            change(client.as_mut().unwrap().as_mut().unwrap());
        }

        async fn admit(&self, claims: Claims) -> Result<Caller, NotAdmitted> {
            let token = sign(&self.key, TokenType::Jwt, &claims).unwrap();
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, format!("Bearer {token}").parse().unwrap());
            admit(self, &headers).await
        }

        async fn code(&self, claims: Claims) -> (&'static str, u16) {
            let refusal = self.admit(claims).await.unwrap_err();
            (refusal.code(), refusal.status().as_u16())
        }
    }

    #[async_trait]
    impl Callers for World {
        async fn verifier(&self, project_id: &str) -> Result<Option<Verifier>, Unavailable> {
            let verifier = Verifier::builder()
                .issuer(ISSUER)
                .audience(GATEWAY)
                .keys(JwkSet {
                    keys: vec![self.key.public_jwk()],
                })
                .clock(ClockFn(|| NOW));
            Ok((project_id == "project-test-1").then(|| verifier.build().unwrap()))
        }

        async fn client(&self, project_id: &str, client_id: &str) -> Result<Option<ClientNow>, Unavailable> {
            assert_eq!((project_id, client_id), ("project-test-1", "m2m-client-1"));
            self.client.lock().unwrap().clone()
        }
    }

    fn claims() -> Claims {
        Claims {
            iss: ISSUER.into(),
            sub: "m2m-client-1".into(),
            aud: vec![GATEWAY.into()],
            scope: "gateway:stytch gateway:lost".into(),
            iat: NOW - 60,
            nbf: NOW - 60,
            exp: NOW + 60,
            ..Claims::default()
        }
    }

    #[tokio::test]
    async fn a_caller_has_the_scopes_that_token_and_client_both_have() {
        let caller = World::new().admit(claims()).await.unwrap();
        assert_eq!(caller.project_id, "project-test-1");
        assert_eq!(caller.client_id, "m2m-client-1");
        assert_eq!(
            caller.scopes, "gateway:stytch",
            "one was taken away, the other was not asked for"
        );
    }

    #[tokio::test]
    async fn a_token_for_another_audience_is_refused_whatever_its_scopes() {
        let elsewhere = Claims {
            aud: vec!["project-test-1".into()],
            ..claims()
        };
        assert_eq!(World::new().code(elsewhere).await, ("wrong_audience", 401));
    }

    #[tokio::test]
    async fn strangers_are_refused_alike() {
        for iss in [
            "stytch.com/project-test-2",
            "elsewhere/project-test-1",
            "nonsense",
            "a/",
            "",
        ] {
            let stranger = Claims {
                iss: iss.into(),
                ..claims()
            };
            assert_eq!(
                World::new().code(stranger).await,
                ("wrong_issuer", 401),
                "{iss:?}"
            );
        }
    }

    #[tokio::test]
    async fn changes_of_the_client_count_at_once() {
        let world = World::new();
        assert!(world.admit(claims()).await.is_ok());
        world.change(|client| client.scopes.clear());
        assert_eq!(world.admit(claims()).await.unwrap().scopes, "");
        world.change(|client| client.is_active = false);
        assert_eq!(world.code(claims()).await, ("inactive_client", 401));
        *world.client.lock().unwrap() = Ok(None);
        assert_eq!(world.code(claims()).await, ("inactive_client", 401));
        *world.client.lock().unwrap() = Err(Unavailable);
        assert_eq!(world.code(claims()).await, ("unavailable", 503));
    }

    #[tokio::test]
    async fn a_client_made_anew_under_an_old_id_is_another() {
        let world = World::new();
        world.change(|client| client.created_at = NOW - 60);
        assert!(
            world.admit(claims()).await.is_ok(),
            "made in the second of its first token"
        );
        world.change(|client| client.created_at = NOW - 59);
        assert_eq!(world.code(claims()).await, ("inactive_client", 401));
    }

    #[tokio::test]
    async fn without_a_bearer_token_nobody_is_asked() {
        struct Nobody;
        #[async_trait]
        impl Callers for Nobody {
            async fn verifier(&self, _: &str) -> Result<Option<Verifier>, Unavailable> {
                panic!("asked")
            }
            async fn client(&self, _: &str, _: &str) -> Result<Option<ClientNow>, Unavailable> {
                panic!("asked")
            }
        }
        let mut headers = HeaderMap::new();
        assert_eq!(
            admit(&Nobody, &headers).await.unwrap_err().code(),
            "missing_token"
        );
        for value in ["Basic dTpw", "Bearer a.b", "Bearer a.b.c"] {
            headers.insert(AUTHORIZATION, value.parse().unwrap());
            assert_eq!(
                admit(&Nobody, &headers).await.unwrap_err().status(),
                401,
                "{value}"
            );
        }
    }
}
