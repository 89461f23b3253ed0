//! `client_secret_basic` and `client_secret_post`: a secret both sides know.

use secrecy::SecretString;

use crate::digest::Cost;
use crate::pepper::Peppers;
use crate::secret::StoredSecret;

/// What could be said about a presented secret without a slow digest.
#[derive(Debug, PartialEq, Eq)]
pub enum SecretCheck {
    /// It is this one.
    Matches(StoredSecret),
    /// It is none of the quickly checked ones; these are left, to be checked in the bounded pool.
    Undecided(Vec<StoredSecret>),
    /// It is none of them.
    Differs,
}

/// Every quick digest is computed whether or not an earlier one matched, so that time does not tell which secret it was.
pub(super) fn check(secret: &SecretString, registered: &[&StoredSecret], peppers: &Peppers) -> SecretCheck {
    let (fast, slow): (Vec<&StoredSecret>, Vec<&StoredSecret>) = registered
        .iter()
        .copied()
        .partition(|stored| stored.digest.cost() == Cost::Fast);
    let matched: Vec<&StoredSecret> = fast
        .into_iter()
        .filter(|stored| stored.digest.matches(secret, peppers))
        .collect();
    match (matched.first(), slow.is_empty()) {
        (Some(stored), _) => SecretCheck::Matches((*stored).clone()),
        (None, true) => SecretCheck::Differs,
        (None, false) => SecretCheck::Undecided(slow.into_iter().cloned().collect()),
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::super::{Presented, SharedSecret};
    use super::*;
    use crate::client::ClientDraft;
    use crate::client::tests::{at, client, peppers};

    fn basic(secret: &SecretString) -> Presented {
        Presented::Basic(SharedSecret {
            client_id: "c".into(),
            secret: secret.clone(),
        })
    }

    fn post(secret: &SecretString) -> Presented {
        Presented::Post(SharedSecret {
            client_id: "c".into(),
            secret: secret.clone(),
        })
    }

    #[test]
    fn both_methods_reach_both_secrets_and_name_the_one_used() {
        let (stable, old) = client(ClientDraft::default());
        let (rotating, new) = stable
            .start_rotation(at(2), &peppers(), &mut StdRng::seed_from_u64(9))
            .unwrap();
        let number = |check| {
            if let SecretCheck::Matches(stored) = check {
                Some(stored.number)
            } else {
                None
            }
        };
        for presented in [basic, post] {
            assert_eq!(number(presented(&old).check(&rotating, &peppers())), Some(1));
            assert_eq!(number(presented(&new).check(&rotating, &peppers())), Some(2));
            assert_eq!(
                presented(&"other".into()).check(&rotating, &peppers()),
                SecretCheck::Differs
            );
        }
    }

    #[test]
    fn a_guessable_secret_is_left_to_the_slow_pool() {
        let weak = SecretString::from("ardent-Mulberry/Quilt.92");
        let (client, _) = client(ClientDraft {
            client_secret: Some(weak.clone()),
            ..Default::default()
        });
        let check = post(&weak).check(&client, &peppers());
        assert_eq!(check, SecretCheck::Undecided(vec![client.secret]));
    }
}
