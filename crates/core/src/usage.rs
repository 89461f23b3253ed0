//! Usage: when, from where and how often a secret was used. Kept in memory and written in batches, never per token.

use std::net::IpAddr;

use crate::Timestamp;
use crate::ids::{ClientId, ProjectId};

/// Longest user agent kept, in characters: enough to tell SDKs apart.
pub const USER_AGENT_MAX_CHARS: usize = 200;

/// The use of one secret of a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretUse {
    /// The client's project.
    pub project_id: ProjectId,
    /// The client.
    pub client_id: ClientId,
    /// Which of its secrets.
    pub secret_number: i64,
    /// The last token.
    pub last_used_at: Timestamp,
    /// From where.
    pub address: IpAddr,
    /// With what; may be empty.
    pub user_agent: String,
    /// Tokens issued on this secret: since the last batch when it goes in, in all when it comes out.
    pub tokens: i64,
}

/// What a project's token endpoint did in one minute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MinuteCount {
    /// The project.
    pub project_id: ProjectId,
    /// The minute, as Unix time divided by 60.
    pub minute: i64,
    /// Tokens issued.
    pub issued: i64,
    /// Requests refused.
    pub refused: i64,
}

/// One batch on its way to the store.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UsageBatch {
    /// Uses of client secrets.
    pub secrets: Vec<SecretUse>,
    /// Counts of projects.
    pub minutes: Vec<MinuteCount>,
    /// (project secret id, last use).
    pub project_secrets: Vec<(String, Timestamp)>,
    /// (operator id, last use).
    pub operators: Vec<(String, Timestamp)>,
    /// (credential id, last use).
    pub credentials: Vec<(String, Timestamp)>,
}

impl UsageBatch {
    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.secrets.is_empty()
            && self.minutes.is_empty()
            && self.project_secrets.is_empty()
            && self.operators.is_empty()
            && self.credentials.is_empty()
    }
}
