//! The issuer's keys, wherever they come from.

use std::sync::Arc;

use countersign_token::{JwkSet, VerifyingKeys};
use tokio::time::Instant;

use super::remote_keys::RemoteKeys;
use crate::Refusal;

/// Where keys come from.
pub(super) enum Keys {
    /// Given once and for all.
    Fixed(Arc<Held>),
    /// Fetched from the issuer.
    Remote(Arc<RemoteKeys>),
}

/// A set of keys at hand.
pub(super) struct Held {
    /// Parsed, once for all sets that are equal.
    pub(super) keys: Arc<VerifyingKeys>,
    /// As it came, to tell whether the next one is another.
    pub(super) set: Arc<JwkSet>,
    /// Moves on whenever the set changes. What was verified with another set is not known to be good with this one.
    pub(super) serial: u64,
    /// When it was asked for.
    pub(super) fetched_at: Instant,
}

impl Held {
    /// The first set.
    pub(super) fn first(set: JwkSet, fetched_at: Instant) -> Self {
        Self {
            keys: Arc::new(VerifyingKeys::from_set(&set)),
            set: Arc::new(set),
            serial: 1,
            fetched_at,
        }
    }

    /// The set after this one. An equal one keeps its parsed keys and its serial.
    pub(super) fn followed_by(&self, set: JwkSet, fetched_at: Instant) -> Self {
        if *self.set == set {
            return Self {
                keys: self.keys.clone(),
                set: self.set.clone(),
                serial: self.serial,
                fetched_at,
            };
        }
        Self {
            serial: self.serial + 1,
            ..Self::first(set, fetched_at)
        }
    }
}

impl Keys {
    /// Whether the keys at hand are of this serial and may be used now.
    pub(super) fn are_still(&self, serial: u64, now: Instant) -> bool {
        match self {
            Self::Fixed(_) => true,
            Self::Remote(remote) => remote.are_still(serial, now),
        }
    }

    /// Keys that may be used now without waiting.
    pub(super) fn at_hand(&self) -> Option<Arc<Held>> {
        match self {
            Self::Fixed(held) => Some(held.clone()),
            Self::Remote(remote) => remote.at_hand(),
        }
    }

    /// Keys that may be used now, fetched if there are none.
    pub(super) async fn get(&self) -> Result<Arc<Held>, Refusal> {
        match self {
            Self::Fixed(held) => Ok(held.clone()),
            Self::Remote(remote) => remote.get().await,
        }
    }

    /// Keys newer than these, if there are any or if it is time to ask: a token that came at `since` names a key that is not
    /// among these.
    pub(super) async fn newer_than(&self, held: &Held, since: Instant) -> Result<Option<Arc<Held>>, Refusal> {
        match self {
            Self::Fixed(_) => Ok(None),
            Self::Remote(remote) => remote.newer_than(held, since).await,
        }
    }
}
