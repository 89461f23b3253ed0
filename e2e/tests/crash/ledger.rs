//! What a caller knows about a client from the answers it had.

use serde_json::{Value, json};

/// One client's history.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) id: String,
    /// What all answers say it is; none before it was made and after it was deleted.
    pub(super) state: Option<State>,
    /// A change that was sent and not answered: it happened or it did not.
    pub(super) unanswered: Option<Change>,
    /// Request ids of the answered changes, with the words of the audit for them.
    pub(super) answered: Vec<(String, &'static str)>,
    /// Every secret that an answer showed.
    pub(super) secrets: Vec<String>,
}

/// What a client is.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct State {
    scopes: Vec<String>,
    step: u64,
    secret: Secret,
    next_secret: Option<Secret>,
}

/// A secret; one that was made by an unanswered request is known to nobody.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Secret {
    Shown(String),
    Unknown,
}

/// What a caller can do to a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    Create,
    Metadata,
    Scopes,
    Start,
    Complete,
    Cancel,
    Delete,
}

impl Entry {
    pub(super) fn new(id: String) -> Self {
        Self {
            id,
            state: None,
            unanswered: None,
            answered: Vec::new(),
            secrets: Vec::new(),
        }
    }

    /// What the client is once this change happened; `secret` is the one that the change made.
    pub(super) fn after(&self, change: Change, secret: Secret) -> Option<State> {
        let Some(state) = self.state.clone() else {
            let scopes = scopes(&self.id, 0);
            return Some(State {
                scopes,
                step: 0,
                secret,
                next_secret: None,
            });
        };
        let step = state.step + 1;
        match change {
            Change::Create => Some(state),
            Change::Metadata => Some(State { step, ..state }),
            Change::Scopes => Some(State {
                scopes: scopes(&self.id, step),
                step,
                ..state
            }),
            Change::Start => Some(State {
                next_secret: Some(secret),
                ..state
            }),
            Change::Complete => Some(State {
                secret: state.next_secret?,
                next_secret: None,
                ..state
            }),
            Change::Cancel => Some(State {
                next_secret: None,
                ..state
            }),
            Change::Delete => None,
        }
    }

    /// The request's body. Scopes and step change together, so that half of an update could be told from all of it.
    pub(super) fn body(&self, change: Change) -> Value {
        let step = self.state.as_ref().map_or(0, |state| state.step + 1);
        let metadata = json!({ "step": step });
        match change {
            Change::Create => json!({
                "client_id": self.id, "client_name": self.id, "scopes": scopes(&self.id, 0), "trusted_metadata": metadata
            }),
            Change::Scopes => json!({ "scopes": scopes(&self.id, step), "trusted_metadata": metadata }),
            _ => json!({ "trusted_metadata": metadata }),
        }
    }
}

/// Now many, now few, and never the same as before.
fn scopes(id: &str, step: u64) -> Vec<String> {
    (0..1 + (step * 7 + 5) % 12)
        .map(|number| format!("read:{id}-{step}-{number}"))
        .collect()
}

impl State {
    /// Whether this is the client that the server shows.
    pub(super) fn is_shown_by(&self, client: &Value) -> bool {
        let next_last_four = &client["next_client_secret_last_four"];
        client["scopes"] == json!(self.scopes)
            && client["trusted_metadata"] == json!({ "step": self.step })
            && self.secret.ends_with(&client["client_secret_last_four"])
            && match &self.next_secret {
                Some(secret) => secret.ends_with(next_last_four),
                None => next_last_four.is_null(),
            }
    }

    /// Whether a token can be had for this secret.
    pub(super) fn accepts(&self, secret: &str) -> bool {
        let shown = Secret::Shown(secret.to_owned());
        self.secret == shown || self.next_secret == Some(shown)
    }

    /// What a token of the client grants.
    pub(super) fn scope(&self) -> String {
        self.scopes.join(" ")
    }
}

impl Secret {
    fn ends_with(&self, last_four: &Value) -> bool {
        match (self, last_four.as_str()) {
            (Self::Shown(secret), Some(last_four)) => secret.ends_with(last_four),
            (Self::Unknown, Some(_)) => true,
            (_, None) => false,
        }
    }
}

impl Change {
    /// The audit's word.
    pub(super) fn action(self) -> &'static str {
        match self {
            Self::Create => "client_created",
            Self::Metadata | Self::Scopes => "client_updated",
            Self::Start => "rotation_started",
            Self::Complete => "rotation_completed",
            Self::Cancel => "rotation_cancelled",
            Self::Delete => "client_deleted",
        }
    }
}
