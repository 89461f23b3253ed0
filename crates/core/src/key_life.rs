//! The life of a signing key: announced → active → retired → dropped, driven by the clock.
//!
//! A key is published before it signs, because verifiers cache key sets (two of the SDKs do not look again for an unknown
//! key until their cache is old, wire contract 5), and published after it stops, until the last token it signed has
//! expired. The state is not stored: it follows from four times and `now`, so no job has to run on time for a key to
//! change state, and nodes cannot disagree by more than their clocks do.

use jiff::SignedDuration;
use serde::Serialize;
use serde_json::{Value, json};
use strum::Display;

use crate::ids::ProjectId;
use crate::seal::Sealed;
use crate::{Algorithm, Timestamp};

/// How long a key stays published after the last token it may have signed has expired: verifiers' caches and clocks.
pub const PUBLISHED_AFTER_LAST_EXPIRY: SignedDuration = SignedDuration::from_hours(1);

/// A signing key as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredKey {
    /// Key id, `jwk-<env>-<uuid>`.
    pub kid: String,
    /// Its project.
    pub project_id: ProjectId,
    /// What it signs.
    pub algorithm: Algorithm,
    /// When it was first published.
    pub announced_at: Timestamp,
    /// When it starts to sign.
    pub activate_at: Timestamp,
    /// When it stops to sign; none while no successor exists.
    pub retire_at: Option<Timestamp>,
    /// When it is no longer published.
    pub drop_at: Option<Timestamp>,
    /// The private key, PKCS#8, sealed for the row (`signing_key`, `kid`, 0).
    pub sealed: Sealed,
    /// The self-signed certificate that `x5c` shows, DER; RSA keys only.
    pub certificate: Option<Vec<u8>>,
}

/// Where a key is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Display)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum KeyState {
    /// Published, not signing yet.
    Announced,
    /// Signing.
    Active,
    /// Published, not signing any more.
    Retired,
    /// Gone from the key set.
    Dropped,
}

/// When a key stops to sign and when it is no longer published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retirement {
    /// Which key.
    pub kid: String,
    /// When it stops to sign.
    pub retire_at: Timestamp,
    /// When it leaves the key set.
    pub drop_at: Timestamp,
}

/// What a rotation does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RotationPlan {
    /// When the new key starts to sign.
    pub activate_at: Timestamp,
    /// What becomes of the keys before it.
    pub retirements: Vec<Retirement>,
}

/// A rotation is already under way: a key of this algorithm is announced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a new key is already announced for this algorithm; it starts to sign at {activate_at}")]
pub struct AlreadyAnnounced {
    /// When the announced key starts to sign.
    pub activate_at: Timestamp,
}

impl StoredKey {
    /// Its state at `now`.
    pub fn state(&self, now: Timestamp) -> KeyState {
        if self.drop_at.is_some_and(|at| at <= now) {
            KeyState::Dropped
        } else if self.retire_at.is_some_and(|at| at <= now) {
            KeyState::Retired
        } else if self.activate_at <= now {
            KeyState::Active
        } else {
            KeyState::Announced
        }
    }

    /// Whether the key set shows it.
    pub fn is_published(&self, now: Timestamp) -> bool {
        self.state(now) != KeyState::Dropped
    }

    /// The key as an audit event shows it.
    pub fn for_audit(&self) -> Value {
        json!({
            "algorithm": self.algorithm.name(),
            "announced_at": self.announced_at,
            "activate_at": self.activate_at,
            "retire_at": self.retire_at,
            "drop_at": self.drop_at,
        })
    }
}

/// The position of the key that signs for `algorithm` at `now`: the active one that started last.
pub fn signing_position<'k>(
    keys: impl IntoIterator<Item = &'k StoredKey>,
    algorithm: Algorithm,
    now: Timestamp,
) -> Option<usize> {
    keys.into_iter()
        .enumerate()
        .filter(|(_, key)| key.algorithm == algorithm && key.state(now) == KeyState::Active)
        .max_by(|(_, a), (_, b)| (a.activate_at, &a.kid).cmp(&(b.activate_at, &b.kid)))
        .map(|(position, _)| position)
}

/// Plans the change to a new key: announced for `announce`, while the old one goes on signing; tokens live at most
/// `lifetime`.
pub fn plan_rotation(
    keys: &[StoredKey],
    algorithm: Algorithm,
    now: Timestamp,
    announce: SignedDuration,
    lifetime: SignedDuration,
) -> Result<RotationPlan, AlreadyAnnounced> {
    let own = || keys.iter().filter(|key| key.algorithm == algorithm);
    if let Some(key) = own().find(|key| key.state(now) == KeyState::Announced) {
        return Err(AlreadyAnnounced {
            activate_at: key.activate_at,
        });
    }
    let Some(_signing) = own().find(|key| key.state(now) == KeyState::Active) else {
        // Nothing signs, so nobody has a token to check and there is nothing to wait for.
        return Ok(RotationPlan {
            activate_at: now,
            retirements: Vec::new(),
        });
    };
    let activate_at = later(now, announce);
    let drop_at = later(later(activate_at, lifetime), PUBLISHED_AFTER_LAST_EXPIRY);
    let retirements = own()
        .filter(|key| key.state(now) == KeyState::Active && key.retire_at.is_none())
        .map(|key| Retirement {
            kid: key.kid.clone(),
            retire_at: activate_at,
            drop_at,
        })
        .collect();
    Ok(RotationPlan {
        activate_at,
        retirements,
    })
}

/// Plans the change when a key is compromised: the new one signs at once, and every key before it leaves the key set
/// at once, because a token signed by whoever has it must not be believed for another minute.
pub fn plan_emergency(keys: &[StoredKey], algorithm: Algorithm, now: Timestamp) -> RotationPlan {
    let retirements = keys
        .iter()
        .filter(|key| key.algorithm == algorithm && key.is_published(now))
        .map(|key| Retirement {
            kid: key.kid.clone(),
            retire_at: now,
            drop_at: now,
        })
        .collect();
    RotationPlan {
        activate_at: now,
        retirements,
    }
}

/// Whether the signing key of `algorithm` has signed for longer than `rotate_every` and no successor is announced.
pub fn is_rotation_due(
    keys: &[StoredKey],
    algorithm: Algorithm,
    now: Timestamp,
    rotate_every: SignedDuration,
) -> bool {
    let announced = keys
        .iter()
        .any(|key| key.algorithm == algorithm && key.state(now) == KeyState::Announced);
    let signing = signing_position(keys, algorithm, now).and_then(|position| keys.get(position));
    !announced && signing.is_some_and(|key| later(key.activate_at, rotate_every) <= now)
}

/// Saturates at the end of time instead of failing.
fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::tests::at;

    const HOUR: SignedDuration = SignedDuration::from_hours(1);

    fn key(kid: &str, activate_at: i64) -> StoredKey {
        StoredKey {
            kid: kid.into(),
            project_id: "project-test-1".parse().unwrap(),
            algorithm: Algorithm::Rs256,
            announced_at: at(activate_at),
            activate_at: at(activate_at),
            retire_at: None,
            drop_at: None,
            sealed: Sealed::from_stored(String::new()),
            certificate: None,
        }
    }

    fn apply(keys: &mut Vec<StoredKey>, plan: &RotationPlan, new_kid: &str, now: i64) {
        for retirement in &plan.retirements {
            let old = keys.iter_mut().find(|key| key.kid == retirement.kid).unwrap();
            old.retire_at = Some(retirement.retire_at);
            old.drop_at = Some(retirement.drop_at);
        }
        keys.push(StoredKey {
            announced_at: at(now),
            activate_at: plan.activate_at,
            ..key(new_kid, now)
        });
    }

    fn signing(keys: &[StoredKey], now: i64) -> Option<&str> {
        signing_position(keys, Algorithm::Rs256, at(now)).map(|position| keys[position].kid.as_str())
    }

    #[test]
    fn exactly_one_key_signs_through_a_rotation_and_both_are_published_around_it() {
        let mut keys = vec![key("old", 0)];
        let plan = plan_rotation(&keys, Algorithm::Rs256, at(1000), HOUR, HOUR).unwrap();
        apply(&mut keys, &plan, "new", 1000);
        let states = |now| keys.iter().map(|key| key.state(at(now))).collect::<Vec<_>>();
        assert_eq!(states(1000), [KeyState::Active, KeyState::Announced]);
        assert_eq!(signing(&keys, 4599), Some("old"));
        assert_eq!(signing(&keys, 4600), Some("new"));
        assert_eq!(states(4600), [KeyState::Retired, KeyState::Active]);
        // The last old token, signed just before 4600, expires at 8200; an hour later the key goes.
        assert_eq!(states(11_799), [KeyState::Retired, KeyState::Active]);
        assert_eq!(states(11_800), [KeyState::Dropped, KeyState::Active]);
    }

    #[test]
    fn a_second_rotation_waits_for_the_first() {
        let mut keys = vec![key("old", 0)];
        let plan = plan_rotation(&keys, Algorithm::Rs256, at(0), HOUR, HOUR).unwrap();
        apply(&mut keys, &plan, "new", 0);
        let again = plan_rotation(&keys, Algorithm::Rs256, at(10), HOUR, HOUR);
        assert_eq!(
            again,
            Err(AlreadyAnnounced {
                activate_at: at(3600)
            })
        );
        assert!(plan_rotation(&keys, Algorithm::Rs256, at(3600), HOUR, HOUR).is_ok());
    }

    #[test]
    fn the_first_key_of_an_algorithm_signs_at_once() {
        let plan = plan_rotation(&[key("rsa", 0)], Algorithm::Es256, at(50), HOUR, HOUR).unwrap();
        assert_eq!(
            plan,
            RotationPlan {
                activate_at: at(50),
                retirements: vec![]
            }
        );
    }

    #[test]
    fn an_emergency_unpublishes_every_key_before_it_at_once() {
        let mut keys = vec![key("old", 0)];
        let plan = plan_rotation(&keys, Algorithm::Rs256, at(0), HOUR, HOUR).unwrap();
        apply(&mut keys, &plan, "announced", 0);
        let plan = plan_emergency(&keys, Algorithm::Rs256, at(10));
        apply(&mut keys, &plan, "fresh", 10);
        assert_eq!(signing(&keys, 10), Some("fresh"));
        let published: Vec<_> = keys
            .iter()
            .filter(|key| key.is_published(at(10)))
            .map(|key| &key.kid)
            .collect();
        assert_eq!(published, ["fresh"]);
    }

    #[test]
    fn a_rotation_is_due_by_the_age_of_the_signing_key_and_not_while_one_is_announced() {
        let mut keys = vec![key("old", 0)];
        assert!(!is_rotation_due(&keys, Algorithm::Rs256, at(3599), HOUR));
        assert!(is_rotation_due(&keys, Algorithm::Rs256, at(3600), HOUR));
        let plan = plan_rotation(&keys, Algorithm::Rs256, at(3600), HOUR, HOUR).unwrap();
        apply(&mut keys, &plan, "new", 3600);
        assert!(!is_rotation_due(&keys, Algorithm::Rs256, at(3600), HOUR));
        assert!(
            !is_rotation_due(&keys, Algorithm::Es256, at(99_999), HOUR),
            "no key, nothing to rotate"
        );
    }
}
