//! Base64url without padding (RFC 7515 section 2), strictly: no padding, no white space, no stray bits at the
//! end. One token has one spelling, so that a list of seen tokens cannot be passed by respelling one.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::Refusal;

pub(crate) fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

#[cfg(feature = "issue")]
pub(crate) fn encode_onto(text: &mut String, bytes: &[u8]) {
    URL_SAFE_NO_PAD.encode_string(bytes, text);
}

pub(crate) fn decode(text: &str) -> Result<Vec<u8>, Refusal> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| Refusal::Malformed)
}

/// The length of `bytes` bytes in this encoding.
#[cfg(feature = "issue")]
pub(crate) const fn encoded_len(bytes: usize) -> usize {
    (bytes * 4).div_ceil(3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_value_has_one_spelling() {
        assert_eq!(decode("_-8").unwrap(), [0xff, 0xef]);
        for other in ["_-8=", "_-9", "/+8", "_-8\n", " _-8", "_-8_A=="] {
            assert_eq!(decode(other), Err(Refusal::Malformed), "{other:?}");
        }
    }

    #[cfg(feature = "issue")]
    #[test]
    fn the_length_is_known_before() {
        for length in 0..70 {
            assert_eq!(encode(&vec![7; length]).len(), encoded_len(length));
        }
    }
}
