//! Argon2id: what guessable secrets are kept as, ours and foreign ones.

use std::fmt;

use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use super::InvalidDigest;
use super::parts::{FOREIGN_SALT_MAX, decode_b64, decode_hash, numbers};
use crate::Chance;

/// Argon2id parameters for secrets that may be guessable: 19 MiB, 2 passes, 1 lane (OWASP's first recommendation).
const ARGON2_MEMORY_KIB: u32 = 19 * 1024;
const ARGON2_PASSES: u32 = 2;
const ARGON2_LANES: u32 = 1;
const ARGON2_SALT_BYTES: usize = 16;
const ARGON2_HASH_BYTES: usize = 32;

/// Upper bounds for foreign parameters: an import must not be able to book a gigabyte per login.
const FOREIGN_MEMORY_MAX_KIB: u32 = 256 * 1024;
const FOREIGN_PASSES_MAX: u32 = 16;
const FOREIGN_LANES_MAX: u32 = 8;

/// The parts of an Argon2id digest.
#[derive(Clone, PartialEq, Eq)]
pub struct Argon2idDigest {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
    salt: Vec<u8>,
    pub(super) hash: Vec<u8>,
}

impl Argon2idDigest {
    /// Digests a secret with our own parameters.
    pub(super) fn make(secret: &[u8], chance: Chance<'_>) -> Self {
        let mut salt = vec![0; ARGON2_SALT_BYTES];
        chance.fill_bytes(&mut salt);
        let blank = Self {
            memory_kib: ARGON2_MEMORY_KIB,
            passes: ARGON2_PASSES,
            lanes: ARGON2_LANES,
            salt,
            hash: vec![0; ARGON2_HASH_BYTES],
        };
        let hash = blank.compute(secret);
        Self {
            hash: hash.unwrap_or_default(),
            ..blank
        }
    }

    /// The hash that this secret would have.
    pub(super) fn compute(&self, secret: &[u8]) -> Option<Vec<u8>> {
        let params = Params::new(self.memory_kib, self.passes, self.lanes, Some(self.hash.len())).ok()?;
        let mut hash = vec![0; self.hash.len()];
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(secret, &self.salt, &mut hash)
            .ok()?;
        Some(hash)
    }

    /// Whether its parameters are those of new digests. Stronger ones are not: each check of an imported 256 MiB would be
    /// paid by us.
    pub(super) fn has_our_parameters(&self) -> bool {
        (self.memory_kib, self.passes, self.lanes) == (ARGON2_MEMORY_KIB, ARGON2_PASSES, ARGON2_LANES)
    }

    /// Reads the fields after `$argon2id$v=19$`.
    pub(super) fn parse(parameters: &str, salt: &str, hash: &str) -> Result<Self, InvalidDigest> {
        let [memory_kib, passes, lanes] = numbers(parameters, ["m", "t", "p"])?;
        let digest = Self {
            memory_kib,
            passes,
            lanes,
            salt: decode_b64(salt)?,
            hash: decode_hash(hash)?,
        };
        let bounded = digest.memory_kib <= FOREIGN_MEMORY_MAX_KIB
            && digest.passes <= FOREIGN_PASSES_MAX
            && digest.lanes <= FOREIGN_LANES_MAX
            && (argon2::MIN_SALT_LEN..=FOREIGN_SALT_MAX).contains(&digest.salt.len())
            && Params::new(
                digest.memory_kib,
                digest.passes,
                digest.lanes,
                Some(digest.hash.len()),
            )
            .is_ok();
        if bounded { Ok(digest) } else { Err(InvalidDigest) }
    }
}

impl fmt::Display for Argon2idDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "$argon2id$v=19$m={},t={},p={}${}${}",
            self.memory_kib,
            self.passes,
            self.lanes,
            STANDARD_NO_PAD.encode(&self.salt),
            STANDARD_NO_PAD.encode(&self.hash)
        )
    }
}
