//! The parts that digests are written of: `name=number` lists and base64.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use super::InvalidDigest;

/// Longest salt; nobody makes a longer one.
pub(super) const FOREIGN_SALT_MAX: usize = 64;

/// The numbers of exactly these parameters in this order. One more may change what the hash means.
pub(super) fn numbers<const N: usize>(parameters: &str, names: [&str; N]) -> Result<[u32; N], InvalidDigest> {
    let mut parts = parameters.split(',');
    let mut numbers = [0; N];
    for (number, name) in numbers.iter_mut().zip(names) {
        let (found, digits) = parts
            .next()
            .and_then(|part| part.split_once('='))
            .ok_or(InvalidDigest)?;
        let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        if found != name || !is_number {
            return Err(InvalidDigest);
        }
        *number = digits.parse().map_err(|_| InvalidDigest)?;
    }
    parts.next().map_or(Ok(numbers), |_| Err(InvalidDigest))
}

pub(super) fn decode_b64(text: &str) -> Result<Vec<u8>, InvalidDigest> {
    STANDARD_NO_PAD
        .decode(text.trim_end_matches('='))
        .map_err(|_| InvalidDigest)
}

/// A hash of under 16 bytes would match by luck; one of over 64 no scheme makes.
pub(super) fn decode_hash(text: &str) -> Result<Vec<u8>, InvalidDigest> {
    let hash = decode_b64(text)?;
    if (16..=64).contains(&hash.len()) {
        Ok(hash)
    } else {
        Err(InvalidDigest)
    }
}
