//! Projects: the tenancy boundary, and how the tokens of a project look.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use strum::{Display, EnumString, IntoStaticStr};

use crate::ids::{Environment, ProjectId};
use crate::secret::StoredSecret;
use crate::text::{InvalidText, check_name};
use crate::{Algorithm, Timestamp};

/// How the tokens of a project, or of one client, look.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    Default,
    Serialize,
    Deserialize,
    Display,
    EnumString,
    IntoStaticStr,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum TokenProfile {
    /// What the eight SDKs of the wire verify: RS256, `typ: JWT`, `iss` = `stytch.com/<project_id>`.
    #[default]
    Stytch,
    /// RFC 9068 access tokens signed with RS256.
    #[serde(rename = "standard-rs256")]
    #[strum(serialize = "standard-rs256")]
    StandardRs256,
    /// RFC 9068 access tokens signed with ES256.
    #[serde(rename = "standard-es256")]
    #[strum(serialize = "standard-es256")]
    StandardEs256,
    /// RFC 9068 access tokens signed with Ed25519 (`EdDSA`).
    #[serde(rename = "standard-eddsa")]
    #[strum(serialize = "standard-eddsa")]
    StandardEddsa,
}

impl TokenProfile {
    /// The algorithm its tokens are signed with.
    pub fn algorithm(self) -> Algorithm {
        match self {
            Self::Stytch | Self::StandardRs256 => Algorithm::Rs256,
            Self::StandardEs256 => Algorithm::Es256,
            Self::StandardEddsa => Algorithm::EdDsa,
        }
    }

    /// Whether its tokens are RFC 9068 access tokens.
    pub fn is_standard(self) -> bool {
        self != Self::Stytch
    }
}

/// A project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// Identity; states the environment.
    pub id: ProjectId,
    /// Counts changes, from 1.
    pub version: i64,
    /// For people.
    pub name: String,
    /// How its tokens look unless a client says otherwise.
    pub token_profile: TokenProfile,
    /// `iss` of the standard profiles, fixed when the project is made: changing it would cut off every verifier.
    pub issuer: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// What may change of a project; absent fields stay.
#[derive(Debug, Clone, Default)]
pub struct ProjectPatch {
    /// A new name.
    pub name: Option<String>,
    /// Another token profile.
    pub token_profile: Option<TokenProfile>,
}

impl Project {
    /// A new project.
    pub fn new(
        id: ProjectId,
        name: &str,
        token_profile: TokenProfile,
        public_url: &str,
        now: Timestamp,
    ) -> Result<Self, InvalidText> {
        check_name(name)?;
        let issuer = format!("{}/v1/public/{id}", public_url.trim_end_matches('/'));
        Ok(Self {
            id,
            version: 1,
            name: name.to_owned(),
            token_profile,
            issuer,
            created_at: now,
            updated_at: now,
        })
    }

    /// This project with the patch applied.
    pub fn patched(&self, patch: ProjectPatch, now: Timestamp) -> Result<Self, InvalidText> {
        let name = patch.name.unwrap_or_else(|| self.name.clone());
        check_name(&name)?;
        Ok(Self {
            version: self.version + 1,
            name,
            token_profile: patch.token_profile.unwrap_or(self.token_profile),
            updated_at: now,
            ..self.clone()
        })
    }

    /// Test or live.
    pub fn environment(&self) -> Environment {
        self.id.environment()
    }

    /// `iss` of a profile's tokens. All eight SDKs accept this form of the first, two of them only this (wire contract 4.4).
    pub fn issuer_of(&self, profile: TokenProfile) -> String {
        if profile.is_standard() {
            self.issuer.clone()
        } else {
            format!("stytch.com/{}", self.id)
        }
    }

    /// The project as an audit event shows it.
    pub fn for_audit(&self) -> Value {
        json!({ "name": self.name, "token_profile": self.token_profile, "issuer": self.issuer })
    }
}

/// A secret with which a backend manages the clients of a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectSecret {
    /// Identity.
    pub id: String,
    /// Its project.
    pub project_id: ProjectId,
    /// For people: where it is used.
    pub name: String,
    /// What is kept of it.
    pub secret: StoredSecret,
    /// When it last authenticated a request; within ten seconds (usage is written in batches).
    pub last_used_at: Option<Timestamp>,
    /// When it stopped working.
    pub revoked_at: Option<Timestamp>,
}

impl ProjectSecret {
    /// The secret as an audit event shows it.
    pub fn for_audit(&self) -> Value {
        json!({ "name": self.name, "last_four": self.secret.last_four, "revoked_at": self.revoked_at })
    }
}
