//! Credentials: what the gateway shows to providers in the place of its callers.
//!
//! A value goes in and never comes out: it rests sealed, is opened for the length of a call, and is told apart by a fingerprint.
//! What it is sealed for is not the row alone but also where it may be sent. Whoever can write to the database and lacks the
//! master key can so neither move it to another row nor point it at a host of his own.

use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::audit::Actor;
use crate::ids::{self, ProjectId};
use crate::master_keys::MasterKeys;
use crate::pepper::{Peppers, Purpose};
use crate::seal::{MasterKey, OpenError, Sealed, SealedRow};
use crate::{Chance, Timestamp};

/// The table in which credentials rest, and for which they are sealed.
pub const TABLE: &str = "credential";

/// The name of the credential that a provider's rules mean when they name none.
pub const DEFAULT_NAME: &str = "default";

/// Longest name, in characters.
const NAME_MAX_CHARS: usize = 64;
/// Largest value, in bytes: a chain of certificates with its key, with room.
const VALUE_MAX_BYTES: usize = 64 * 1024;
/// Bytes of a fingerprint: enough to tell any two apart, and no help to whoever would guess.
const FINGERPRINT_BYTES: usize = 12;

/// Which credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CredentialPlace<'a> {
    /// Its project.
    pub project_id: &'a ProjectId,
    /// The name of its provider.
    pub provider: &'a str,
    /// Its name there.
    pub name: &'a str,
}

/// What is kept of a credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredCredential {
    /// Its project.
    pub project_id: ProjectId,
    /// The name of its provider.
    pub provider: String,
    /// Its name there.
    pub name: String,
    /// Identity, `credential-<env>-<uuid>`. One that was deleted and made again has another.
    pub id: String,
    /// Counts values, from 1.
    pub version: i64,
    /// How it is injected; the word is the gateway's.
    pub kind: String,
    /// Where it may be sent: `api.example.com`, `api.example.com:8443`, or `http://10.0.0.1` if in the clear.
    pub hosts: Vec<String>,
    /// Tells values apart: `<pepper id>:<hex>`, keyed, so that nobody can check a guess by it.
    pub fingerprint: String,
    /// The value.
    pub sealed: Sealed,
    /// When it was first set.
    pub created_at: Timestamp,
    /// By whom: the kind of actor and its id.
    pub created_by: String,
    /// When it was last set.
    pub updated_at: Timestamp,
    /// When it was last injected; within ten seconds (usage is written in batches).
    pub last_used_at: Option<Timestamp>,
}

/// A value to be kept.
pub struct NewCredential<'a> {
    /// How it is injected.
    pub kind: &'a str,
    /// Where it may be sent.
    pub hosts: Vec<String>,
    /// The value, as the gateway reads it.
    pub value: &'a [u8],
}

/// What a credential is sealed and told apart with.
pub struct Keeping<'a> {
    /// The master key that the installation is sealed with.
    pub master_key: &'a MasterKey,
    /// For the fingerprint.
    pub peppers: &'a Peppers,
}

/// Why a credential was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCredential {
    /// The name.
    #[error("a credential's name has 1 to {NAME_MAX_CHARS} characters a-z, A-Z, 0-9, - and _")]
    Name,
    /// The value is too long.
    #[error("a credential has at most {VALUE_MAX_BYTES} bytes")]
    TooLong,
    /// It could be sent nowhere.
    #[error("a credential needs a host that it may be sent to")]
    NoHost,
}

/// A credential that does not open. Nothing is sent then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "credential {name} of provider {provider} ({id}) does not open: {source}; if nobody restored or edited the database, find out \
     who did, then set the value again with \"countersign provider credential set\""
)]
pub struct Unopened {
    /// Its provider.
    pub provider: String,
    /// Its name.
    pub name: String,
    /// Its id.
    pub id: String,
    /// What the seal says.
    pub source: OpenError,
}

impl StoredCredential {
    /// A value in a place where `before` was, if anything.
    pub fn set(
        place: CredentialPlace<'_>,
        before: Option<&Self>,
        new: NewCredential<'_>,
        keeping: &Keeping<'_>,
        actor: &Actor,
        now: Timestamp,
        chance: Chance<'_>,
    ) -> Result<Self, InvalidCredential> {
        check_name(place.name)?;
        if new.value.len() > VALUE_MAX_BYTES {
            return Err(InvalidCredential::TooLong);
        }
        if new.hosts.is_empty() {
            return Err(InvalidCredential::NoHost);
        }
        let environment = place.project_id.environment();
        let id = before.map_or_else(
            || format!("credential-{environment}-{}", ids::random_uuid(chance)),
            |before| before.id.clone(),
        );
        let version = before.map_or(1, |before| before.version + 1);
        let bound_to = bound_to(
            place.project_id.as_str(),
            place.provider,
            place.name,
            &id,
            &new.hosts,
        );
        Ok(Self {
            project_id: place.project_id.clone(),
            provider: place.provider.to_owned(),
            name: place.name.to_owned(),
            version,
            kind: new.kind.to_owned(),
            fingerprint: fingerprint(place.project_id, new.value, keeping.peppers),
            sealed: keeping
                .master_key
                .seal(row(&bound_to, version), new.value, chance),
            created_at: before.map_or(now, |before| before.created_at),
            created_by: before.map_or_else(
                || format!("{} {}", actor.kind, actor.id).trim_end().to_owned(),
                |before| before.created_by.clone(),
            ),
            updated_at: now,
            last_used_at: before.and_then(|before| before.last_used_at),
            hosts: new.hosts,
            id,
        })
    }

    /// The value, if the row is as it was when it was sealed. Whether it may be sent somewhere is for `hosts` to say, which a
    /// value that opens was sealed with.
    pub fn open(&self, keys: &MasterKeys) -> Result<Zeroizing<Vec<u8>>, Unopened> {
        keys.open(row(&self.bound_to(), self.version), &self.sealed)
            .map_err(|source| Unopened {
                provider: self.provider.clone(),
                name: self.name.clone(),
                id: self.id.clone(),
                source,
            })
    }

    /// What it is sealed for, beside its table and version.
    pub fn bound_to(&self) -> String {
        let project_id = self.project_id.as_str();
        bound_to(project_id, &self.provider, &self.name, &self.id, &self.hosts)
    }

    /// The credential as an audit event shows it.
    pub fn for_audit(&self) -> Value {
        json!({
            "provider": self.provider,
            "name": self.name,
            "id": self.id,
            "version": self.version,
            "kind": self.kind,
            "hosts": self.hosts,
            "fingerprint": self.fingerprint,
        })
    }
}

/// Checks a credential's name.
pub fn check_name(name: &str) -> Result<(), InvalidCredential> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let sound = (1..=NAME_MAX_CHARS).contains(&name.len()) && name.bytes().all(is_plain);
    sound.then_some(()).ok_or(InvalidCredential::Name)
}

/// What a credential is sealed for, beside its table and version: as JSON, so that no two different places, ids and hosts are
/// written alike.
pub fn bound_to(project_id: &str, provider: &str, name: &str, id: &str, hosts: &[String]) -> String {
    json!([project_id, provider, name, id, hosts]).to_string()
}

fn row(bound_to: &str, version: i64) -> SealedRow<'_> {
    SealedRow {
        table: TABLE,
        id: bound_to,
        version,
    }
}

/// Equal values of one project have equal fingerprints, those of two projects have not: who sees one learns nothing of another.
fn fingerprint(project_id: &ProjectId, value: &[u8], peppers: &Peppers) -> String {
    let pepper = peppers.newest();
    // NUL separates: it occurs in no project id.
    let message = Zeroizing::new([project_id.as_str().as_bytes(), b"\0", value].concat());
    let mac = peppers.mac(pepper, Purpose::CredentialFingerprint, &message);
    let bytes = mac.as_ref().map_or(&[][..], |mac| mac.as_ref());
    let hex: String = bytes
        .iter()
        .take(FINGERPRINT_BYTES)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("{}:{hex}", pepper.as_str())
}

#[cfg(test)]
mod tests;
