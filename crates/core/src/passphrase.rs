//! Keys from a passphrase: what seals an export while it is between two installations.
//!
//! Whoever finds the file can try passphrases as fast as his machines allow. So each try costs Argon2id, and a passphrase
//! that is soon guessed is refused.

use std::fmt;

use argon2::{Algorithm, Argon2, Params, Version};
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::Chance;
use crate::seal::{MASTER_KEY_BYTES, MasterKey};

/// Shortest passphrase for something new, in characters.
pub const PASSPHRASE_MIN_CHARS: usize = 12;
/// Longest passphrase, in bytes: judging one takes time that grows with its length.
pub const PASSPHRASE_MAX_BYTES: usize = 255;

/// RFC 9106, section 4, the second recommendation: for where 2 GiB are too much.
const MEMORY_KIB: u32 = 64 * 1024;
const PASSES: u32 = 3;
const LANES: u32 = 4;
const SALT_BYTES: usize = 16;

/// Most that a file may ask for: whoever wrote it must not decide how much memory and time reading it takes.
const MAX_MEMORY_KIB: u32 = 128 * 1024;
const MAX_PASSES: u32 = 10;
const MAX_LANES: u32 = 16;
const MAX_SALT_CHARS: usize = 64;

const MAC_KEY_BYTES: usize = 32;

/// Why a passphrase is refused for something new.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the passphrase is too weak: take one of at least 12 characters that nobody guesses, such as six random words"
)]
pub struct WeakPassphrase;

/// How keys are derived, as it stands in the open beside what they seal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyDerivation {
    algorithm: DerivationAlgorithm,
    memory_kib: u32,
    passes: u32,
    lanes: u32,
    /// Base64url.
    salt: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum DerivationAlgorithm {
    /// Version 1.3 (RFC 9106).
    Argon2id,
}

/// Parameters that nobody may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the key derivation is not one that this program carries out")]
pub struct InvalidDerivation;

/// What a passphrase comes to: one key to seal with, another to authenticate with.
pub struct PassphraseKeys {
    /// Seals what is private.
    pub seal: MasterKey,
    /// Authenticates all of it.
    pub mac: hmac::Key,
}

impl KeyDerivation {
    /// A new one, with a salt of its own.
    pub fn generate(chance: Chance<'_>) -> Self {
        let mut salt = [0; SALT_BYTES];
        chance.fill_bytes(&mut salt);
        Self {
            algorithm: DerivationAlgorithm::Argon2id,
            memory_kib: MEMORY_KIB,
            passes: PASSES,
            lanes: LANES,
            salt: URL_SAFE_NO_PAD.encode(salt),
        }
    }

    /// The keys of a passphrase. Takes a good part of a second.
    pub fn derive(&self, passphrase: &SecretString) -> Result<PassphraseKeys, InvalidDerivation> {
        let bounded = self.memory_kib <= MAX_MEMORY_KIB
            && self.passes <= MAX_PASSES
            && self.lanes <= MAX_LANES
            && self.salt.len() <= MAX_SALT_CHARS;
        if !bounded {
            return Err(InvalidDerivation);
        }
        let salt = URL_SAFE_NO_PAD
            .decode(&self.salt)
            .map_err(|_| InvalidDerivation)?;
        let mut derived = Zeroizing::new([0; MASTER_KEY_BYTES + MAC_KEY_BYTES]);
        let params = Params::new(self.memory_kib, self.passes, self.lanes, Some(derived.len()));
        let params = params.map_err(|_| InvalidDerivation)?;
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(
                passphrase.expose_secret().as_bytes(),
                &salt,
                derived.as_mut_slice(),
            )
            .map_err(|_| InvalidDerivation)?;
        let (seal, mac) = derived.split_at(MASTER_KEY_BYTES);
        let mut bytes = Zeroizing::new([0; MASTER_KEY_BYTES]);
        bytes.copy_from_slice(seal);
        Ok(PassphraseKeys {
            seal: MasterKey::from_bytes(bytes),
            mac: hmac::Key::new(hmac::HMAC_SHA256, mac),
        })
    }
}

/// Judges a passphrase for something new.
pub fn judge(passphrase: &SecretString) -> Result<(), WeakPassphrase> {
    let text = passphrase.expose_secret();
    let fits = text.chars().count() >= PASSPHRASE_MIN_CHARS && text.len() <= PASSPHRASE_MAX_BYTES;
    if fits && zxcvbn::zxcvbn(text, &[]).score() >= zxcvbn::Score::Three {
        Ok(())
    } else {
        Err(WeakPassphrase)
    }
}

impl fmt::Debug for PassphraseKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PassphraseKeys").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;
    use crate::seal::SealedRow;

    const ROW: SealedRow<'static> = SealedRow {
        table: "export",
        id: "check",
        version: 0,
    };

    fn passphrase(text: &str) -> SecretString {
        SecretString::from(text)
    }

    #[test]
    fn the_same_passphrase_and_salt_give_the_same_keys_and_nothing_else_does() {
        let mut chance = StdRng::seed_from_u64(1);
        let derivation = KeyDerivation::generate(&mut chance);
        let keys = derivation.derive(&passphrase("one passphrase")).unwrap();
        let sealed = keys.seal.seal(ROW, b"private", &mut chance);
        let tag = hmac::sign(&keys.mac, b"file");

        let read: KeyDerivation = serde_json::from_str(&serde_json::to_string(&derivation).unwrap()).unwrap();
        let again = read.derive(&passphrase("one passphrase")).unwrap();
        assert_eq!(again.seal.open(ROW, &sealed).unwrap().as_slice(), b"private");
        assert!(hmac::verify(&again.mac, b"file", tag.as_ref()).is_ok());

        let other_salt = KeyDerivation::generate(&mut chance);
        for keys in [
            derivation.derive(&passphrase("one passphrasE")).unwrap(),
            other_salt.derive(&passphrase("one passphrase")).unwrap(),
        ] {
            assert!(keys.seal.open(ROW, &sealed).is_err());
            assert!(hmac::verify(&keys.mac, b"file", tag.as_ref()).is_err());
        }
    }

    #[test]
    fn a_file_cannot_ask_for_all_memory_or_all_time() {
        let fair = KeyDerivation {
            algorithm: DerivationAlgorithm::Argon2id,
            memory_kib: 64,
            passes: 1,
            lanes: 1,
            salt: "c2FsdHNhbHQ".to_owned(),
        };
        assert!(fair.derive(&passphrase("p")).is_ok());
        for unfair in [
            KeyDerivation {
                memory_kib: u32::MAX,
                ..fair.clone()
            },
            KeyDerivation {
                passes: 1_000_000,
                ..fair.clone()
            },
            KeyDerivation {
                lanes: 1 << 20,
                ..fair.clone()
            },
            KeyDerivation {
                passes: 0,
                ..fair.clone()
            },
            KeyDerivation {
                salt: "!".to_owned(),
                ..fair.clone()
            },
            KeyDerivation {
                salt: "A".repeat(100_000),
                ..fair.clone()
            },
        ] {
            assert_eq!(unfair.derive(&passphrase("p")).unwrap_err(), InvalidDerivation);
        }
    }

    #[test]
    fn what_is_soon_guessed_is_refused() {
        for weak in [
            "",
            "countersign",
            "password1234",
            "aaaaaaaaaaaaaaaa",
            &"x7".repeat(200),
        ] {
            assert_eq!(judge(&passphrase(weak)), Err(WeakPassphrase), "{weak}");
        }
        assert_eq!(judge(&passphrase("tundra-violin-harvest-moss")), Ok(()));
    }
}
