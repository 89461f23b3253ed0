//! Sealing: how signing keys, peppers and credentials rest in the database.
//!
//! AES-256-GCM under the installation's master key. The associated data names the row, so that a sealed value
//! copied to another row does not open (the attack: someone who can write to the database but does not hold the master
//! key); where a table has versions, neither does an old one put back.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

use crate::Chance;

/// Bytes of a master key.
pub const MASTER_KEY_BYTES: usize = 32;

/// The key that seals everything private at rest. Never stored beside what it seals.
pub struct MasterKey {
    id: String,
    bytes: Zeroizing<[u8; MASTER_KEY_BYTES]>,
}

/// A text is not a master key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a master key is 32 bytes, written as base64 (44 characters) or hex (64 characters)")]
pub struct InvalidMasterKey;

/// Why a sealed value did not open.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// Sealed with another master key.
    #[error("sealed with master key {sealed_with}, not with {held}")]
    OtherKey {
        /// The id of the key that sealed it.
        sealed_with: String,
        /// The id of the key that was tried.
        held: String,
    },
    /// Not of the sealed form, altered, or moved from another row.
    #[error("altered, or moved from another row")]
    Altered,
}

/// A sealed value in its stored form, `v1.<key id>.<base64url of nonce and ciphertext>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed(String);

/// Which row a sealed value belongs to; it opens for no other.
#[derive(Debug, Clone, Copy)]
pub struct SealedRow<'a> {
    /// The table's name.
    pub table: &'static str,
    /// The row's identity.
    pub id: &'a str,
    /// The row's version, where the table has one; else 0.
    pub version: i64,
}

impl MasterKey {
    /// A new random key.
    pub fn generate(chance: Chance<'_>) -> Self {
        let mut bytes = Zeroizing::new([0; MASTER_KEY_BYTES]);
        chance.fill_bytes(bytes.as_mut_slice());
        Self::from_bytes(bytes)
    }

    pub(crate) fn from_bytes(bytes: Zeroizing<[u8; MASTER_KEY_BYTES]>) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, bytes.as_slice());
        let tag = hmac::sign(&key, b"countersign master key id");
        let id = tag
            .as_ref()
            .iter()
            .take(6)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        Self { id, bytes }
    }

    /// Names the key without revealing it; stored with everything it seals.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The key as text, for the one file it is written to.
    pub fn to_text(&self) -> Zeroizing<String> {
        Zeroizing::new(STANDARD.encode(self.bytes.as_slice()))
    }

    /// Seals `plaintext` for one row.
    pub fn seal(&self, row: SealedRow<'_>, plaintext: &[u8], chance: Chance<'_>) -> Sealed {
        let mut nonce = [0; NONCE_LEN];
        chance.fill_bytes(&mut nonce);
        let mut sealed = nonce.to_vec();
        let mut ciphertext = plaintext.to_vec();
        let result = self.cipher().seal_in_place_append_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(self.associated_data(row)),
            &mut ciphertext,
        );
        // AES-GCM refuses only inputs of 64 GiB.
        debug_assert!(result.is_ok());
        sealed.extend_from_slice(&ciphertext);
        Sealed(format!("v1.{}.{}", self.id, URL_SAFE_NO_PAD.encode(sealed)))
    }

    /// Opens what was sealed for this row with this key.
    pub fn open(&self, row: SealedRow<'_>, sealed: &Sealed) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        let (key_id, body) = sealed.parts().ok_or(OpenError::Altered)?;
        if key_id != self.id {
            return Err(OpenError::OtherKey {
                sealed_with: key_id.to_owned(),
                held: self.id.clone(),
            });
        }
        let mut bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(body).map_err(|_| OpenError::Altered)?);
        let (nonce, ciphertext) = bytes.split_at_mut_checked(NONCE_LEN).ok_or(OpenError::Altered)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| OpenError::Altered)?;
        let plaintext = self
            .cipher()
            .open_in_place(nonce, Aad::from(self.associated_data(row)), ciphertext)
            .map_err(|_| OpenError::Altered)?;
        Ok(Zeroizing::new(plaintext.to_vec()))
    }

    #[expect(
        clippy::expect_used,
        reason = "a key of exactly 32 bytes is always a key for AES-256"
    )]
    fn cipher(&self) -> LessSafeKey {
        LessSafeKey::new(UnboundKey::new(&AES_256_GCM, self.bytes.as_slice()).expect("32 bytes"))
    }

    fn associated_data(&self, row: SealedRow<'_>) -> Vec<u8> {
        // NUL separates: it occurs in no table name, id or key id.
        format!(
            "countersign\0v1\0{}\0{}\0{}\0{}",
            self.id, row.table, row.id, row.version
        )
        .into_bytes()
    }
}

impl FromStr for MasterKey {
    type Err = InvalidMasterKey;

    fn from_str(text: &str) -> Result<Self, InvalidMasterKey> {
        let text = text.trim();
        let decoded = Zeroizing::new(if text.len() == 2 * MASTER_KEY_BYTES {
            decode_hex(text).ok_or(InvalidMasterKey)?
        } else {
            STANDARD.decode(text).map_err(|_| InvalidMasterKey)?
        });
        let mut bytes = Zeroizing::new([0; MASTER_KEY_BYTES]);
        if decoded.len() != MASTER_KEY_BYTES {
            return Err(InvalidMasterKey);
        }
        bytes.copy_from_slice(&decoded);
        Ok(Self::from_bytes(bytes))
    }
}

/// Bytes of a hexadecimal text; `None` when it is none.
pub(crate) fn decode_hex(text: &str) -> Option<Vec<u8>> {
    if !text.bytes().all(|byte| byte.is_ascii_hexdigit()) || !text.len().is_multiple_of(2) {
        return None;
    }
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok())
        .collect()
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MasterKey")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl Sealed {
    /// A sealed value as it was stored; whether it opens is another matter.
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The stored form.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The id of the master key that sealed it, if it has the sealed form.
    pub fn key_id(&self) -> Option<&str> {
        self.parts().map(|(key_id, _)| key_id)
    }

    /// How the stored form begins, up to and with the key's id: the same in everything that one master key sealed.
    pub fn beginning(&self) -> &str {
        let body = self.parts().map_or(0, |(_, body)| body.len());
        &self.0[..self.0.len() - body]
    }

    fn parts(&self) -> Option<(&str, &str)> {
        self.0.strip_prefix("v1.")?.split_once('.')
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;

    const ROW: SealedRow<'static> = SealedRow {
        table: "signing_key",
        id: "jwk-test-1",
        version: 0,
    };

    #[test]
    fn a_value_opens_for_its_own_row_only() {
        let mut chance = StdRng::seed_from_u64(1);
        let key = MasterKey::generate(&mut chance);
        let sealed = key.seal(ROW, b"private", &mut chance);
        assert_eq!(key.open(ROW, &sealed).unwrap().as_slice(), b"private");
        for other in [
            SealedRow {
                table: "pepper",
                ..ROW
            },
            SealedRow {
                id: "jwk-test-2",
                ..ROW
            },
            SealedRow { version: 1, ..ROW },
        ] {
            assert_eq!(key.open(other, &sealed).unwrap_err(), OpenError::Altered);
        }
    }

    #[test]
    fn another_key_is_named_not_guessed_at() {
        let mut chance = StdRng::seed_from_u64(2);
        let (one, two) = (MasterKey::generate(&mut chance), MasterKey::generate(&mut chance));
        let sealed = one.seal(ROW, b"private", &mut chance);
        assert_eq!(
            two.open(ROW, &sealed).unwrap_err(),
            OpenError::OtherKey {
                sealed_with: one.id().into(),
                held: two.id().into()
            }
        );
        // Claiming the other key's id does not help: the id is part of what is authenticated.
        let forged = Sealed::from_stored(sealed.as_str().replace(one.id(), two.id()));
        assert_eq!(two.open(ROW, &forged).unwrap_err(), OpenError::Altered);
    }

    #[test]
    fn any_flipped_character_is_noticed() {
        let mut chance = StdRng::seed_from_u64(3);
        let key = MasterKey::generate(&mut chance);
        let sealed = key.seal(ROW, b"private", &mut chance);
        for at in 0..sealed.as_str().len() {
            let mut text = sealed.as_str().as_bytes().to_vec();
            text[at] = if text[at] == b'A' { b'B' } else { b'A' };
            let altered = Sealed::from_stored(String::from_utf8(text).unwrap());
            assert!(key.open(ROW, &altered).is_err(), "position {at}");
        }
    }

    #[test]
    fn a_key_survives_its_text_forms_and_debug_hides_it() {
        let key = MasterKey::generate(&mut StdRng::seed_from_u64(4));
        let text = key.to_text();
        assert_eq!(text.parse::<MasterKey>().unwrap().id(), key.id());
        let hex: String = key.bytes.iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(hex.parse::<MasterKey>().unwrap().id(), key.id());
        assert!(!format!("{key:?}").contains(text.as_str()));
        for bad in ["", "short", &"g".repeat(64), &"ä".repeat(32)] {
            assert!(bad.parse::<MasterKey>().is_err(), "{bad:?}");
        }
    }
}
