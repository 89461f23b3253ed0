//! A token in its compact form (RFC 7515 section 7.1), taken apart.

use crate::{MAX_TOKEN_BYTES, Refusal, base64url};

/// The three parts, still encoded.
pub(crate) struct Compact<'a> {
    pub(crate) header: &'a str,
    claims: &'a str,
    signature: &'a str,
    /// Header, dot, claims: what is signed.
    pub(crate) signing_input: &'a [u8],
}

impl<'a> Compact<'a> {
    pub(crate) fn split(token: &'a str) -> Result<Self, Refusal> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(Refusal::Oversize);
        }
        let (header, rest) = token.split_once('.').ok_or(Refusal::Malformed)?;
        let (claims, signature) = rest.split_once('.').ok_or(Refusal::Malformed)?;
        if signature.contains('.') {
            return Err(Refusal::Malformed); // A JWE has five parts (RFC 7516 section 9).
        }
        let signing_input = &token.as_bytes()[..header.len() + 1 + claims.len()];
        Ok(Self {
            header,
            claims,
            signature,
            signing_input,
        })
    }

    pub(crate) fn header_json(&self) -> Result<Vec<u8>, Refusal> {
        base64url::decode(self.header)
    }

    pub(crate) fn claims_json(&self) -> Result<Vec<u8>, Refusal> {
        base64url::decode(self.claims)
    }

    pub(crate) fn signature(&self) -> Result<Vec<u8>, Refusal> {
        base64url::decode(self.signature)
    }
}
