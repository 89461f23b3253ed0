//! Audit events: who changed what, when, and from what to what. Written in the same transaction as the change.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use strum::{Display, EnumString};

use crate::ids::ProjectId;
use crate::{Chance, Timestamp, ids};

/// Who did it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// What kind of caller.
    pub kind: ActorKind,
    /// Its id; empty for the system.
    pub id: String,
}

/// What kind of caller changed something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Display, EnumString)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum ActorKind {
    /// A backend with a project secret; the id is the secret's.
    ProjectSecret,
    /// An operator.
    Operator,
    /// An M2M client, as when its first login upgrades a digest.
    Client,
    /// Countersign itself: first start, key life, retention; or a person at the machine with an offline command.
    System,
}

/// What was done; the words are stable, for queries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Display, EnumString)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[expect(missing_docs, reason = "each name is its meaning")]
pub enum Action {
    ProjectCreated,
    ProjectUpdated,
    ProjectSecretCreated,
    ProjectSecretRevoked,
    ClientCreated,
    ClientUpdated,
    ClientDeleted,
    RotationStarted,
    RotationCompleted,
    RotationCancelled,
    DigestUpgraded,
    KeyAnnounced,
    KeyReplacedInEmergency,
    OperatorCreated,
    OperatorRevoked,
    MasterKeyRotated,
    MasterKeyAbandoned,
    PepperCreated,
    AuditPruned,
    InstallationImported,
    ProviderCreated,
    ProviderUpdated,
    ProviderDeleted,
    CredentialSet,
    CredentialDeleted,
}

/// One event.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditEvent {
    /// Identity, `event-<uuid v7>`; also answers whether a commit of unknown outcome happened.
    pub id: String,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: Actor,
    /// What.
    pub action: Action,
    /// In which project; none for the installation's own affairs.
    pub project_id: Option<ProjectId>,
    /// To what: the id of a client, key, secret, operator or project; the name of a provider; of a credential both, `provider/name`.
    pub object: String,
    /// The object before, without secrets.
    pub before: Option<Value>,
    /// The object after, without secrets.
    pub after: Option<Value>,
    /// The request that caused it; empty for the system.
    pub request_id: String,
    /// The caller's address, when there was one.
    pub address: Option<String>,
}

/// Where a change comes from: the part of an event that a request knows before anything is decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Who.
    pub actor: Actor,
    /// In which request; empty for the system.
    pub request_id: String,
    /// From which address.
    pub address: Option<String>,
}

impl Origin {
    /// Countersign itself.
    pub fn system() -> Self {
        let actor = Actor {
            kind: ActorKind::System,
            id: String::new(),
        };
        Self {
            actor,
            request_id: String::new(),
            address: None,
        }
    }

    /// The event for a change of `object`.
    pub fn event(
        &self,
        action: Action,
        project_id: Option<&ProjectId>,
        object: &str,
        now: Timestamp,
        chance: Chance<'_>,
    ) -> AuditEvent {
        AuditEvent {
            id: ids::generate_ordered_id("event", now, chance),
            at: now,
            actor: self.actor.clone(),
            action,
            project_id: project_id.cloned(),
            object: object.to_owned(),
            before: None,
            after: None,
            request_id: self.request_id.clone(),
            address: self.address.clone(),
        }
    }
}

impl AuditEvent {
    /// With the object as it was.
    #[must_use]
    pub fn from(self, before: Value) -> Self {
        Self {
            before: Some(before),
            ..self
        }
    }

    /// With the object as it is now.
    #[must_use]
    pub fn to(self, after: Value) -> Self {
        Self {
            after: Some(after),
            ..self
        }
    }

    /// With one thing more about the object as it is now: what only the transaction can tell.
    #[must_use]
    pub fn telling(self, name: &str, value: Value) -> Self {
        let mut after = match self.after {
            Some(Value::Object(after)) => after,
            _ => serde_json::Map::new(),
        };
        after.insert(name.to_owned(), value);
        Self {
            after: Some(Value::Object(after)),
            ..self
        }
    }
}

/// Which events a reader wants.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AuditFilter {
    /// Of this project alone.
    pub project_id: Option<ProjectId>,
    /// By this actor alone.
    pub actor_id: Option<String>,
    /// Of this kind alone.
    pub action: Option<Action>,
    /// About this object alone.
    pub object: Option<String>,
    /// From this time on.
    pub since: Option<Timestamp>,
    /// Before this time.
    pub until: Option<Timestamp>,
}
