//! Fixed private keys for tests, as unencrypted PKCS#8 DER (RFC 5208). They are in the sources for everyone
//! to read and must never sign anything that matters. They save a test the second that making an RSA key may
//! take.

use crate::Algorithm;

/// An RSA key of 2048 bits.
pub const RS256_PKCS8: &[u8] = include_bytes!("../tests/keys/rs256.pkcs8.der");
/// Another RSA key of 2048 bits, for tests of rotation and of wrong keys.
pub const RS256_OTHER_PKCS8: &[u8] = include_bytes!("../tests/keys/rs256-other.pkcs8.der");
/// A P-256 key.
pub const ES256_PKCS8: &[u8] = include_bytes!("../tests/keys/es256.pkcs8.der");
/// An Ed25519 key.
pub const EDDSA_PKCS8: &[u8] = include_bytes!("../tests/keys/eddsa.pkcs8.der");

/// The key of an algorithm.
#[must_use]
pub fn pkcs8(algorithm: Algorithm) -> &'static [u8] {
    match algorithm {
        Algorithm::Rs256 => RS256_PKCS8,
        Algorithm::Es256 => ES256_PKCS8,
        Algorithm::EdDsa => EDDSA_PKCS8,
    }
}
