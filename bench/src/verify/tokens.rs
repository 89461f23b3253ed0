//! What is checked: many tokens of one key, as a Countersign server would sign them.

use anyhow::Context as _;
use countersign_token::issue::{SigningKey, sign};
use countersign_token::{Algorithm, Claims, JwkSet, TokenType};

/// When all of them are judged, in seconds since 1970-01-01T00:00:00Z.
pub(super) const NOW: i64 = 1_800_000_000;
/// The project they are for.
pub(super) const PROJECT: &str = "project-live-11111111-1111-4111-8111-111111111111";
/// How many: so many signatures take RS256 less than two seconds.
const COUNT: usize = 2_000;

/// The tokens and the key set that vouches for them.
pub(super) struct Tokens {
    pub(super) jwks: JwkSet,
    pub(super) tokens: Vec<String>,
}

impl Tokens {
    /// Makes a key and signs with it. Each token is for another client, as at a service with many callers.
    pub(super) fn sign(algorithm: Algorithm) -> anyhow::Result<Self> {
        let kid = "jwk-live-33333333-3333-4333-8333-333333333333";
        let pkcs8 = SigningKey::generate(algorithm)?;
        let key = SigningKey::from_pkcs8(kid, algorithm, pkcs8.as_bytes())?;
        let tokens = (0..COUNT)
            .map(|client| sign(&key, TokenType::Jwt, &claims(client)))
            .collect::<Result<_, _>>()
            .context("sign")?;
        Ok(Self {
            jwks: JwkSet {
                keys: vec![key.public_jwk()],
            },
            tokens,
        })
    }
}

fn claims(client: usize) -> Claims {
    Claims {
        iss: issuer(),
        sub: format!("m2m-client-live-22222222-2222-4222-8222-{client:012}"),
        aud: vec![PROJECT.to_owned()],
        scope: "read:users write:users".to_owned(),
        iat: NOW - 60,
        nbf: NOW - 60,
        exp: NOW + 3_540,
        ..Claims::default()
    }
}

/// Who signs them.
pub(super) fn issuer() -> String {
    format!("stytch.com/{PROJECT}")
}
