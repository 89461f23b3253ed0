//! Rotation of a client's secret without downtime.
//!
//! | state | start | complete | cancel |
//! |---|---|---|---|
//! | stable | makes the next secret | refused | refused |
//! | rotating: both secrets work | refused | the next becomes current | the next is discarded |

use secrecy::SecretString;

use crate::client::Client;
use crate::pepper::Peppers;
use crate::secret::NewSecret;
use crate::{Chance, Timestamp};

/// Why a step of the rotation is not possible now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RotationError {
    /// Start while a rotation is open.
    #[error("the client's secret is already being rotated; complete or cancel that rotation first")]
    AlreadyRotating,
    /// Complete or cancel while none is open.
    #[error("the client's secret is not being rotated; start a rotation first")]
    NotRotating,
}

impl Client {
    /// Opens a rotation: from now on both secrets work. Returns the next secret, to be shown once.
    pub fn start_rotation(
        &self,
        now: Timestamp,
        peppers: &Peppers,
        chance: Chance<'_>,
    ) -> Result<(Self, SecretString), RotationError> {
        if self.next_secret.is_some() {
            return Err(RotationError::AlreadyRotating);
        }
        let next = NewSecret::for_client(self.secret_count() + 1, now, peppers, chance);
        let client = Self {
            next_secret: Some(next.stored),
            ..self.touched(now)
        };
        Ok((client, next.plaintext))
    }

    /// Makes the next secret the current one; the old one stops working at once.
    pub fn complete_rotation(&self, now: Timestamp) -> Result<Self, RotationError> {
        let next = self.next_secret.clone().ok_or(RotationError::NotRotating)?;
        Ok(Self {
            secret: next,
            next_secret: None,
            ..self.touched(now)
        })
    }

    /// Discards the next secret; the current one stays.
    pub fn cancel_rotation(&self, now: Timestamp) -> Result<Self, RotationError> {
        if self.next_secret.is_none() {
            return Err(RotationError::NotRotating);
        }
        Ok(Self {
            next_secret: None,
            ..self.touched(now)
        })
    }

    fn touched(&self, now: Timestamp) -> Self {
        Self {
            version: self.version + 1,
            updated_at: now,
            ..self.clone()
        }
    }

    /// A number no earlier secret of this client had: a cancelled one is counted through the version, which grew by two.
    fn secret_count(&self) -> i64 {
        self.secret.number.max(self.version)
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;
    use crate::client::ClientDraft;
    use crate::client::tests::{at, client, peppers};

    #[test]
    fn both_secrets_work_while_a_rotation_is_open_and_one_after() {
        let (stable, old) = client(ClientDraft::default());
        let (rotating, new) = stable
            .start_rotation(at(2), &peppers(), &mut StdRng::seed_from_u64(2))
            .unwrap();
        let works = |client: &Client, secret| client.secrets().any(|s| s.digest.matches(secret, &peppers()));
        assert!(works(&rotating, &old) && works(&rotating, &new));

        let completed = rotating.complete_rotation(at(3)).unwrap();
        assert!(!works(&completed, &old) && works(&completed, &new));
        assert_eq!(completed.secret, rotating.next_secret.clone().unwrap());

        let cancelled = rotating.cancel_rotation(at(3)).unwrap();
        assert!(works(&cancelled, &old) && !works(&cancelled, &new));
        assert_eq!(cancelled.secret, stable.secret);
    }

    #[test]
    fn steps_out_of_turn_are_refused() {
        let mut chance = StdRng::seed_from_u64(3);
        let (stable, _) = client(ClientDraft::default());
        assert_eq!(stable.complete_rotation(at(2)), Err(RotationError::NotRotating));
        assert_eq!(stable.cancel_rotation(at(2)), Err(RotationError::NotRotating));
        let (rotating, _) = stable.start_rotation(at(2), &peppers(), &mut chance).unwrap();
        let again = rotating.start_rotation(at(3), &peppers(), &mut chance);
        assert_eq!(again.unwrap_err(), RotationError::AlreadyRotating);
    }

    #[test]
    fn no_two_secrets_of_a_client_share_a_number() {
        let mut chance = StdRng::seed_from_u64(4);
        let (mut client, _) = client(ClientDraft::default());
        let mut numbers = vec![client.secret.number];
        for round in 0..6 {
            let (rotating, _) = client.start_rotation(at(round), &peppers(), &mut chance).unwrap();
            numbers.push(rotating.next_secret.as_ref().unwrap().number);
            let ended = if round % 2 == 0 {
                rotating.cancel_rotation(at(round))
            } else {
                rotating.complete_rotation(at(round))
            };
            client = ended.unwrap();
        }
        assert!(
            numbers.is_sorted_by(|earlier, later| earlier < later),
            "{numbers:?}"
        );
    }
}
