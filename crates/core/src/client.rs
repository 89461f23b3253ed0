//! Clients: what one is, how one is made, and how one changes.

use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use strum::{Display, EnumString, IntoStaticStr};

use crate::digest::Digest;
use crate::ids::{ClientId, ProjectId};
use crate::metadata::{Metadata, MetadataError};
use crate::old_service::OldServiceName;
use crate::pepper::Peppers;
use crate::project::TokenProfile;
use crate::scope::{ScopeError, Scopes};
use crate::secret::{NewSecret, SecretError, StoredSecret};
use crate::text::{InvalidText, check_description, check_name};
use crate::{Chance, Timestamp};

/// Whether a client gets tokens.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, Display, EnumString, IntoStaticStr,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum ClientStatus {
    /// It gets tokens.
    #[default]
    Active,
    /// It gets none; tokens already out stay valid until they expire.
    Inactive,
}

/// An M2M client.
#[derive(Debug, Clone, PartialEq)]
pub struct Client {
    /// Its project.
    pub project_id: ProjectId,
    /// Identity within the project.
    pub client_id: ClientId,
    /// Counts changes, from 1.
    pub version: i64,
    /// For people; may be empty.
    pub name: String,
    /// For people; may be empty.
    pub description: String,
    /// Whether it gets tokens.
    pub status: ClientStatus,
    /// What it may ask for.
    pub scopes: Scopes,
    /// The owner's own facts about it.
    pub metadata: Metadata,
    /// The secret it has.
    pub secret: StoredSecret,
    /// The secret it is moving to, while a rotation is open. Both work.
    pub next_secret: Option<StoredSecret>,
    /// Another token profile than the project's.
    pub token_profile: Option<TokenProfile>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// What a caller gives to make a client.
#[derive(Debug, Default)]
pub struct ClientDraft {
    /// The caller's own id, or a generated one.
    pub client_id: Option<String>,
    /// The caller's own secret, or a generated one.
    pub client_secret: Option<SecretString>,
    /// Empty when not given.
    pub name: String,
    /// Empty when not given.
    pub description: String,
    /// None when not given.
    pub scopes: Vec<String>,
    /// Empty when not given.
    pub metadata: Map<String, Value>,
    /// Active when not given.
    pub status: ClientStatus,
}

/// What a caller gives to change a client; absent fields stay.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ClientPatch {
    /// A new name; empty clears it.
    pub name: Option<String>,
    /// A new description; empty clears it.
    pub description: Option<String>,
    /// A new status, still as text.
    pub status: Option<String>,
    /// The whole new list.
    pub scopes: Option<Vec<String>>,
    /// Merged key by key.
    pub metadata: Option<Map<String, Value>>,
}

/// Why a client cannot be made or changed so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClientError {
    /// The client id has a character or a length that is not allowed.
    #[error("client_id has 1 to 128 characters of A-Z a-z 0-9 . _ ~ : @ - and is none of ., .. and search")]
    Id,
    /// The name cannot be kept.
    #[error("client_name {0}")]
    Name(InvalidText),
    /// The description cannot be kept.
    #[error("client_description {0}")]
    Description(InvalidText),
    /// Neither `active` nor `inactive`.
    #[error("status is active or inactive")]
    Status,
    /// A scope, or the list, is not allowed.
    #[error(transparent)]
    Scopes(#[from] ScopeError),
    /// The metadata is over a limit.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    /// The imported secret is not good enough.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The imported digest is none that Countersign understands, or would take too long to check.
    #[error(
        "client_secret_digest is a bcrypt digest, or $argon2id$…, $pbkdf2-sha256$i=…,l=…$salt$hash or sha256$hex, of at most \
         cost 14, 256 MiB and 16 passes, or 2,000,000 rounds"
    )]
    Digest,
    /// More than four characters.
    #[error("client_secret_last_four has at most {LAST_CHARS} characters")]
    LastFour,
}

/// Characters of a secret that may be shown beside its name.
const LAST_CHARS: usize = 4;

/// What is left of a draft beside its secret, once it was found good.
struct Facts {
    client_id: ClientId,
    name: String,
    description: String,
    scopes: Scopes,
    metadata: Metadata,
    status: ClientStatus,
}

/// What is known of a secret that another system made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportedSecret {
    digest: Digest,
    last_four: String,
}

impl ImportedSecret {
    /// A foreign digest in its usual text form, and the secret's last four characters where they are known; until the
    /// first login the others are shown as nothing.
    pub fn from_digest(digest: &str, last_four: Option<String>) -> Result<Self, ClientError> {
        let digest = Digest::foreign(digest).map_err(|_| ClientError::Digest)?;
        Self::keeping(digest, last_four)
    }

    /// A secret that only an old service knows, until the first login that it accepts.
    pub fn known_to(service: OldServiceName, last_four: Option<String>) -> Result<Self, ClientError> {
        Self::keeping(Digest::DualRun(service), last_four)
    }

    fn keeping(digest: Digest, last_four: Option<String>) -> Result<Self, ClientError> {
        let last_four = last_four.unwrap_or_default();
        if last_four.chars().count() > LAST_CHARS || last_four.chars().any(char::is_control) {
            return Err(ClientError::LastFour);
        }
        Ok(Self { digest, last_four })
    }
}

impl ClientDraft {
    /// Judges what it says beside its secret, as making the client would.
    pub fn check(&self, project_id: &ProjectId, chance: Chance<'_>) -> Result<(), ClientError> {
        self.facts(project_id, chance).map(drop)
    }

    fn facts(&self, project_id: &ProjectId, chance: Chance<'_>) -> Result<Facts, ClientError> {
        check_name(&self.name).map_err(ClientError::Name)?;
        check_description(&self.description).map_err(ClientError::Description)?;
        Ok(Facts {
            scopes: Scopes::parse(&self.scopes)?,
            metadata: Metadata::default().merged(self.metadata.clone())?,
            client_id: match &self.client_id {
                Some(id) => id.parse().map_err(|_| ClientError::Id)?,
                None => ClientId::generate(project_id.environment(), chance),
            },
            name: self.name.clone(),
            description: self.description.clone(),
            status: self.status,
        })
    }
}

impl Client {
    /// A new client and the secret to show once. Slow when the draft brings a guessable secret.
    pub fn create(
        draft: ClientDraft,
        project_id: &ProjectId,
        now: Timestamp,
        peppers: &Peppers,
        chance: Chance<'_>,
    ) -> Result<(Self, SecretString), ClientError> {
        let facts = draft.facts(project_id, chance)?;
        let secret = match draft.client_secret {
            Some(secret) => NewSecret::imported(secret, 1, now, peppers, chance)?,
            None => NewSecret::for_client(1, now, peppers, chance),
        };
        let client = Self::keeping(secret.stored, facts, project_id);
        Ok((client, secret.plaintext))
    }

    /// A new client that keeps the secret it has elsewhere, which is not known here.
    pub fn import(
        draft: &ClientDraft,
        secret: ImportedSecret,
        project_id: &ProjectId,
        now: Timestamp,
        chance: Chance<'_>,
    ) -> Result<Self, ClientError> {
        let facts = draft.facts(project_id, chance)?;
        let stored = StoredSecret {
            number: 1,
            digest: secret.digest,
            last_four: secret.last_four,
            created_at: now,
        };
        Ok(Self::keeping(stored, facts, project_id))
    }

    fn keeping(secret: StoredSecret, facts: Facts, project_id: &ProjectId) -> Self {
        let now = secret.created_at;
        Self {
            project_id: project_id.clone(),
            client_id: facts.client_id,
            version: 1,
            name: facts.name,
            description: facts.description,
            status: facts.status,
            scopes: facts.scopes,
            metadata: facts.metadata,
            secret,
            next_secret: None,
            token_profile: None,
            created_at: now,
            updated_at: now,
        }
    }

    /// This client with the patch applied; its version grows by one.
    pub fn patched(&self, patch: ClientPatch, now: Timestamp) -> Result<Self, ClientError> {
        let mut client = Self {
            version: self.version + 1,
            updated_at: now,
            ..self.clone()
        };
        if let Some(name) = patch.name {
            check_name(&name).map_err(ClientError::Name)?;
            client.name = name;
        }
        if let Some(description) = patch.description {
            check_description(&description).map_err(ClientError::Description)?;
            client.description = description;
        }
        if let Some(status) = patch.status {
            client.status = status.parse().map_err(|_| ClientError::Status)?;
        }
        if let Some(scopes) = patch.scopes {
            client.scopes = Scopes::parse(&scopes)?;
        }
        if let Some(metadata) = patch.metadata {
            client.metadata = self.metadata.merged(metadata)?;
        }
        Ok(client)
    }

    /// This client with its own token profile, or with the project's when `None`.
    pub fn with_token_profile(&self, token_profile: Option<TokenProfile>, now: Timestamp) -> Self {
        Self {
            version: self.version + 1,
            updated_at: now,
            token_profile,
            ..self.clone()
        }
    }

    /// Its secret that only an old service knows, and that service.
    pub fn known_elsewhere(&self) -> Option<(&StoredSecret, &OldServiceName)> {
        self.secrets()
            .find_map(|secret| Some((secret, secret.digest.old_service()?)))
    }

    /// Whether it gets tokens.
    pub fn is_active(&self) -> bool {
        self.status == ClientStatus::Active
    }

    /// The secrets that work, the current one first.
    pub fn secrets(&self) -> impl Iterator<Item = &StoredSecret> {
        std::iter::once(&self.secret).chain(self.next_secret.as_ref())
    }

    /// This client with the digest of its numbered secret replaced: an old scheme or pepper is upgraded once the plaintext
    /// has been seen. `None` when it has no such secret any more.
    pub fn with_upgraded_digest(&self, secret: &StoredSecret) -> Option<Self> {
        let mut client = Self {
            version: self.version + 1,
            ..self.clone()
        };
        if client.secret.number == secret.number {
            client.secret = secret.clone();
        } else if client
            .next_secret
            .as_ref()
            .is_some_and(|next| next.number == secret.number)
        {
            client.next_secret = Some(secret.clone());
        } else {
            return None;
        }
        Some(client)
    }

    /// The client as an audit event shows it: everything but digests.
    pub fn for_audit(&self) -> Value {
        json!({
            "client_name": self.name,
            "client_description": self.description,
            "status": self.status,
            "scopes": self.scopes,
            "trusted_metadata": self.metadata,
            "client_secret_last_four": self.secret.last_four,
            "next_client_secret_last_four": self.next_secret.as_ref().map(|next| &next.last_four),
            "token_profile": self.token_profile,
        })
    }
}

impl ClientPatch {
    /// Drops an empty scope list that its sender does not mean.
    ///
    /// The Java SDK sends `scopes: []` and `trusted_metadata: {}` with every update, whatever its caller set (wire contract
    /// 3.3). Taken at its word it would strip a client of its scopes when only the name was to change. So an empty
    /// list counts as absent from that SDK, and beside an equally empty metadata object, which nobody writes by hand.
    #[must_use]
    pub fn as_meant(mut self, sent_by_java_sdk: bool) -> Self {
        let nothing_to_merge = self.metadata.as_ref().is_some_and(Map::is_empty);
        if self.scopes.as_ref().is_some_and(Vec::is_empty) && (sent_by_java_sdk || nothing_to_merge) {
            self.scopes = None;
        }
        self
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use rand::SeedableRng;
    use rand::rngs::StdRng;
    use secrecy::ExposeSecret;

    use super::*;
    use crate::pepper::PepperId;

    pub(crate) fn peppers() -> Peppers {
        Peppers::new(PepperId::from_stored("p"), &[7; 32])
    }

    pub(crate) fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    pub(crate) fn client(draft: ClientDraft) -> (Client, SecretString) {
        let project = "project-test-1".parse().unwrap();
        Client::create(draft, &project, at(1), &peppers(), &mut StdRng::seed_from_u64(1)).unwrap()
    }

    fn refused(draft: ClientDraft) -> ClientError {
        let project = "project-test-1".parse().unwrap();
        Client::create(draft, &project, at(1), &peppers(), &mut StdRng::seed_from_u64(1)).unwrap_err()
    }

    #[test]
    fn a_client_made_of_nothing_is_active_and_has_a_secret_that_matches() {
        let (client, secret) = client(ClientDraft::default());
        assert!(client.client_id.as_str().starts_with("m2m-client-test-"));
        assert!(client.is_active() && client.name.is_empty() && client.scopes.is_empty());
        assert!(client.secret.digest.matches(&secret, &peppers()));
        assert!(!client.for_audit().to_string().contains(secret.expose_secret()));
        assert!(!format!("{client:?}").contains(secret.expose_secret()));
    }

    #[test]
    fn each_bad_field_is_refused_by_name() {
        let text = |length| "x".repeat(length);
        assert_eq!(
            refused(ClientDraft {
                client_id: Some("a b".into()),
                ..Default::default()
            }),
            ClientError::Id
        );
        assert_eq!(
            refused(ClientDraft {
                name: text(257),
                ..Default::default()
            }),
            ClientError::Name(InvalidText::TooLong { max: 256 })
        );
        assert_eq!(
            refused(ClientDraft {
                description: text(1025),
                ..Default::default()
            }),
            ClientError::Description(InvalidText::TooLong { max: 1024 })
        );
        assert_eq!(
            refused(ClientDraft {
                scopes: vec!["a b".into()],
                ..Default::default()
            }),
            ClientError::Scopes(ScopeError::Invalid)
        );
        assert_eq!(
            refused(ClientDraft {
                client_secret: Some("password".into()),
                ..Default::default()
            }),
            ClientError::Secret(SecretError::Insecure)
        );
    }

    #[test]
    fn a_patch_changes_what_it_names_and_nothing_else() {
        let (before, _) = client(ClientDraft {
            name: "a".into(),
            scopes: vec!["read:x".into()],
            ..Default::default()
        });
        let patch = ClientPatch {
            description: Some("new".into()),
            ..Default::default()
        };
        let after = before.patched(patch, at(2)).unwrap();
        assert_eq!((after.version, after.updated_at), (2, at(2)));
        assert_eq!(
            Client {
                description: String::new(),
                version: 1,
                updated_at: at(1),
                ..after
            },
            before
        );
    }

    #[test]
    fn an_empty_scope_list_clears_unless_its_sender_does_not_mean_it() {
        let empty = ClientPatch {
            scopes: Some(vec![]),
            ..Default::default()
        };
        assert_eq!(empty.clone().as_meant(false).scopes, Some(vec![]));
        assert_eq!(empty.clone().as_meant(true).scopes, None);
        let beside_empty_metadata = ClientPatch {
            metadata: Some(Map::new()),
            ..empty
        };
        assert_eq!(beside_empty_metadata.as_meant(false).scopes, None);
        let full = ClientPatch {
            scopes: Some(vec!["a".into()]),
            ..Default::default()
        };
        assert_eq!(full.clone().as_meant(true), full);
    }

    #[test]
    fn status_is_one_of_two_words() {
        let (client, _) = client(ClientDraft::default());
        for bad in ["", "Active", "disabled"] {
            let patch = ClientPatch {
                status: Some(bad.into()),
                ..Default::default()
            };
            assert_eq!(client.patched(patch, at(2)), Err(ClientError::Status), "{bad}");
        }
    }
}
