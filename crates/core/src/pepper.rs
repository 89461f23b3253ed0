//! Peppers: the keys under which random secrets are digested.
//!
//! A pepper is random and rests sealed with the master key, so a stolen database cannot be used to try
//! secrets offline, and rotating the master key re-wraps peppers without touching one digest.

use std::collections::BTreeMap;
use std::fmt;

use aws_lc_rs::hmac;

use crate::{Chance, ids};

/// Bytes of a pepper: as long as the output of SHA-256.
pub const PEPPER_BYTES: usize = 32;

/// Names a pepper in the digests made with it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PepperId(String);

impl PepperId {
    /// A fresh id.
    pub fn generate(chance: Chance<'_>) -> Self {
        let uuid = ids::random_uuid(chance).simple().to_string();
        Self(uuid.chars().take(12).collect())
    }

    /// An id as it was stored.
    pub fn from_stored(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// All peppers of an installation: the newest makes digests, the others still check theirs.
pub struct Peppers {
    newest: PepperId,
    keys: BTreeMap<PepperId, hmac::Key>,
}

impl Peppers {
    /// Peppers around the one that makes new digests.
    pub fn new(newest: PepperId, bytes: &[u8]) -> Self {
        let keys = BTreeMap::from([(newest.clone(), hmac::Key::new(hmac::HMAC_SHA256, bytes))]);
        Self { newest, keys }
    }

    /// Adds one that only checks.
    #[must_use]
    pub fn with_older(mut self, id: PepperId, bytes: &[u8]) -> Self {
        self.keys.insert(id, hmac::Key::new(hmac::HMAC_SHA256, bytes));
        self
    }

    /// The id of the pepper for new digests.
    pub fn newest(&self) -> &PepperId {
        &self.newest
    }

    /// The MAC of `message` for `purpose` under the named pepper; `None` when this installation has no such pepper.
    pub(crate) fn mac(&self, id: &PepperId, purpose: Purpose, message: &[u8]) -> Option<hmac::Tag> {
        let mut context = hmac::Context::with_key(self.keys.get(id)?);
        context.update(purpose.label());
        context.update(message);
        Some(context.sign())
    }

    /// Ids of all peppers.
    pub fn ids(&self) -> impl Iterator<Item = &PepperId> {
        self.keys.keys()
    }
}

/// What a MAC is for: one key, separated uses, so that a cursor can never pass for a digest.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Purpose {
    SecretDigest,
    Cursor,
    CredentialFingerprint,
}

impl Purpose {
    fn label(self) -> &'static [u8] {
        match self {
            Purpose::SecretDigest => b"secret digest\0",
            Purpose::Cursor => b"cursor\0",
            Purpose::CredentialFingerprint => b"credential fingerprint\0",
        }
    }
}

impl fmt::Debug for Peppers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Peppers")
            .field("newest", &self.newest)
            .finish_non_exhaustive()
    }
}
