//! What can be wrong with a private key.

use crate::Algorithm;

/// What can be wrong with a private key. No text holds anything of the key.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The cryptographic library could not make a key.
    #[error("no {0} key could be made")]
    Generation(Algorithm),
    /// The bytes are no PKCS#8 private key for the algorithm, or one whose parts contradict each other, or
    /// RSA of fewer than 2048 bits.
    #[error("not a usable {0} private key in PKCS#8")]
    Rejected(Algorithm),
    /// The key id is empty or longer than [`crate::MAX_KEY_ID_BYTES`].
    #[error("a key id has 1 to 256 bytes")]
    KeyId,
    /// The certificate's first second is outside the years 1970 to 9988, or the certificate could not be
    /// signed.
    #[error("no certificate could be made")]
    Certificate,
}
