//! Digests that only other systems make: PBKDF2 and bcrypt.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use super::InvalidDigest;
use super::parts::{FOREIGN_SALT_MAX, decode_b64, decode_hash, numbers};

/// Upper bounds for foreign parameters: an import must not be able to book seconds per login.
const FOREIGN_ROUNDS_MAX: u32 = 2_000_000;
const FOREIGN_BCRYPT_COSTS: std::ops::RangeInclusive<u32> = 4..=14;
/// bcrypt passes over what comes after so many bytes.
pub(super) const BCRYPT_BYTES: usize = 72;

/// The parts of a PBKDF2-HMAC-SHA-256 digest.
#[derive(Clone, PartialEq, Eq)]
pub struct Pbkdf2Digest {
    rounds: u32,
    salt: Vec<u8>,
    pub(super) hash: Vec<u8>,
}

impl Pbkdf2Digest {
    /// The hash that this secret would have.
    pub(super) fn compute(&self, secret: &[u8]) -> Vec<u8> {
        let mut hash = vec![0; self.hash.len()];
        pbkdf2::pbkdf2_hmac::<sha2::Sha256>(secret, &self.salt, self.rounds, &mut hash);
        hash
    }

    /// Reads the fields after `$pbkdf2-sha256$`.
    pub(super) fn parse(parameters: &str, salt: &str, hash: &str) -> Result<Self, InvalidDigest> {
        let [rounds, length] = numbers(parameters, ["i", "l"])?;
        let digest = Self {
            rounds,
            salt: decode_b64(salt)?,
            hash: decode_hash(hash)?,
        };
        let sound = (1..=FOREIGN_ROUNDS_MAX).contains(&rounds)
            && usize::try_from(length) == Ok(digest.hash.len())
            && (1..=FOREIGN_SALT_MAX).contains(&digest.salt.len());
        if sound { Ok(digest) } else { Err(InvalidDigest) }
    }
}

impl fmt::Display for Pbkdf2Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "$pbkdf2-sha256$i={},l={}${}${}",
            self.rounds,
            self.hash.len(),
            STANDARD_NO_PAD.encode(&self.salt),
            STANDARD_NO_PAD.encode(&self.hash)
        )
    }
}

/// A bcrypt digest of a cost that we are ready to pay.
pub(super) fn parse_bcrypt(text: &str, cost: &str) -> Result<String, InvalidDigest> {
    let number: u32 = cost.parse().map_err(|_| InvalidDigest)?;
    let two_digits = cost.len() == 2 && cost.bytes().all(|byte| byte.is_ascii_digit());
    let sound =
        two_digits && FOREIGN_BCRYPT_COSTS.contains(&number) && text.parse::<bcrypt::HashParts>().is_ok();
    if sound {
        Ok(text.to_owned())
    } else {
        Err(InvalidDigest)
    }
}

/// The bcrypt crate compares in constant time itself. Some implementations stop at NUL, so that what follows would not
/// matter.
pub(super) fn bcrypt_matches(text: &str, secret: &[u8]) -> bool {
    !secret.contains(&0) && bcrypt::verify(secret, text).unwrap_or(false)
}
