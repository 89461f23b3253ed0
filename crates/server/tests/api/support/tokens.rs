//! Looking at tokens as a resource server would: with nothing but the published keys.

use countersign_token::unverified::{UnverifiedToken, decode};
use countersign_token::{Claims, Expected, JwkSet, Refusal, TokenType, VerifyingKeys, verify};
use serde_json::Value;

use super::TestApp;

/// Header and claims, not believed.
#[track_caller]
pub(crate) fn look_into(token: &str) -> UnverifiedToken {
    decode(token).unwrap_or_else(|refusal| panic!("{refusal}: {token}"))
}

/// The key that signed it.
#[track_caller]
pub(crate) fn kid_of(token: &str) -> String {
    look_into(token).header["kid"].as_str().unwrap().to_owned()
}

pub(crate) fn stytch_jwks_path(project_id: &str) -> String {
    format!("/v1/sessions/jwks/{project_id}")
}

pub(crate) fn standard_jwks_path(project_id: &str) -> String {
    format!("/v1/public/{project_id}/jwks.json")
}

impl TestApp {
    /// The kids of a published key set, in its order.
    pub(crate) async fn published_kids(&self, path: &str) -> Vec<String> {
        let set = self.anonymous().get(path).await.ok();
        let keys = set["keys"].as_array().unwrap().iter();
        keys.map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
    }

    /// Verifies a token of the `stytch` profile as the SDKs do: with the key set of their path and no leeway.
    pub(crate) async fn verify_stytch(&self, token: &str) -> Result<Claims, Refusal> {
        let keys = self.keys_at(&stytch_jwks_path(&self.project.id)).await;
        let expected = Expected {
            issuers: &[&format!("stytch.com/{}", self.project.id)],
            audience: &self.project.id,
            types: &[TokenType::Jwt],
            leeway_seconds: 0,
            max_age_seconds: None,
        };
        verify(token, &keys, &expected, self.clock.second())
    }

    /// Verifies an RFC 9068 token of any project, starting from nothing but its issuer's metadata.
    pub(crate) async fn verify_standard(&self, token: &str, project_id: &str) -> Result<Claims, Refusal> {
        let well_known = format!("/.well-known/oauth-authorization-server/v1/public/{project_id}");
        let metadata: Value = self.anonymous().get(&well_known).await.ok();
        let issuer = metadata["issuer"].as_str().unwrap();
        let jwks_uri = metadata["jwks_uri"].as_str().unwrap();
        let keys = self
            .keys_at(jwks_uri.strip_prefix(super::PUBLIC_URL).unwrap())
            .await;
        let expected = Expected {
            issuers: &[issuer],
            audience: project_id,
            types: &[TokenType::AtJwt],
            leeway_seconds: 0,
            max_age_seconds: None,
        };
        verify(token, &keys, &expected, self.clock.second())
    }

    pub(crate) async fn keys_at(&self, path: &str) -> VerifyingKeys {
        let answer = self.anonymous().get(path).await;
        answer.ok();
        VerifyingKeys::from_set(&JwkSet::from_json(&answer.body).unwrap())
    }
}
