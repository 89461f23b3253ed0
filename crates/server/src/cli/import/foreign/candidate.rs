//! A client of another service, as it would be here.

use std::borrow::Cow;

use countersign_core::client::{ClientDraft, ClientError, ClientStatus, ImportedSecret};
use countersign_core::ids::ProjectId;
use countersign_core::old_service::OldServiceName;
use countersign_core::secret::judge_imported;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::chance::chance;

/// What a source says of one of its clients.
#[derive(Debug)]
pub(super) struct Entry {
    /// Its id there, or what else names it.
    pub(super) id: String,
    /// What is to become of it.
    pub(super) found: Found,
}

/// What is to become of a client.
#[derive(Debug)]
pub(super) enum Found {
    /// It comes along.
    Candidate {
        /// As it would be here.
        candidate: Box<Candidate>,
        /// What has no place here.
        not_carried: Vec<NotCarried>,
    },
    /// It is no machine's client: nothing is missing without it.
    PassedOver(String),
    /// It should come along and cannot.
    LeftOut(String),
}

/// A field that does not come along.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) struct NotCarried {
    /// Its name there.
    pub(super) field: String,
    /// Why not, or what holds instead.
    pub(super) reason: Cow<'static, str>,
}

/// A client as it would be here.
#[derive(Debug, Default)]
pub(super) struct Candidate {
    pub(super) client_id: String,
    pub(super) name: String,
    pub(super) description: String,
    pub(super) scopes: Vec<String>,
    pub(super) metadata: Map<String, Value>,
    pub(super) status: ClientStatus,
    pub(super) secret: OldSecret,
    pub(super) last_four: Option<String>,
}

/// What is known of its secret. None of it is shown by `Debug`.
#[derive(Debug)]
pub(super) enum OldSecret {
    /// All.
    InClear(SecretString),
    /// What the other service kept of it.
    Digest(SecretString),
    /// Who knows it.
    KnownTo(OldServiceName),
}

impl Default for OldSecret {
    fn default() -> Self {
        Self::InClear(SecretString::default())
    }
}

impl NotCarried {
    pub(super) fn new(field: impl Into<String>, reason: impl Into<Cow<'static, str>>) -> Self {
        Self {
            field: field.into(),
            reason: reason.into(),
        }
    }
}

impl Candidate {
    /// Judges it by the rules that the server has, without asking it.
    pub(super) fn check(&self, project_id: &ProjectId) -> Result<(), ClientError> {
        let draft = ClientDraft {
            client_id: Some(self.client_id.clone()),
            client_secret: None,
            name: self.name.clone(),
            description: self.description.clone(),
            scopes: self.scopes.clone(),
            metadata: self.metadata.clone(),
            status: self.status,
        };
        draft.check(project_id, &mut chance())?;
        let last_four = self.last_four.clone();
        match &self.secret {
            OldSecret::InClear(secret) => judge_imported(secret).map(drop).map_err(ClientError::from),
            OldSecret::Digest(digest) => {
                ImportedSecret::from_digest(digest.expose_secret(), last_four).map(drop)
            }
            OldSecret::KnownTo(service) => ImportedSecret::known_to(service.clone(), last_four).map(drop),
        }
    }

    /// The body of the call that imports it.
    pub(super) fn body(&self) -> Value {
        let mut body = json!({
            "client_id": self.client_id,
            "client_name": self.name,
            "client_description": self.description,
            "scopes": self.scopes,
            "trusted_metadata": self.metadata,
            "status": self.status,
            "client_secret_last_four": self.last_four,
        });
        let (name, value) = match &self.secret {
            OldSecret::InClear(secret) => ("client_secret", secret.expose_secret()),
            OldSecret::Digest(digest) => ("client_secret_digest", digest.expose_secret()),
            OldSecret::KnownTo(service) => ("client_secret_dual_run", service.as_str()),
        };
        body[name] = json!(value);
        body
    }
}
