//! The OpenAPI document of a provider, to the byte as it was given.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use sha2::{Digest as _, Sha256};

/// Largest document, in bytes.
pub const DOCUMENT_MAX_BYTES: usize = 32 * 1024 * 1024;

/// What tells documents apart without reading them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DocumentInfo {
    /// The SHA-256 of its bytes, in hex.
    pub sha256: String,
    /// `application/json` or `application/yaml`.
    pub media_type: String,
    /// How many bytes it has.
    pub bytes: i64,
}

/// A document.
#[derive(Clone, PartialEq, Eq)]
pub struct ProviderDocument {
    info: DocumentInfo,
    content: Arc<[u8]>,
}

/// A document with more than [`DOCUMENT_MAX_BYTES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a document has at most {DOCUMENT_MAX_BYTES} bytes")]
pub struct DocumentTooLarge;

impl ProviderDocument {
    /// A document of these bytes. Whether they are one is judged by whoever reads it.
    pub fn new(media_type: &str, content: impl Into<Arc<[u8]>>) -> Result<Self, DocumentTooLarge> {
        let content = content.into();
        if content.len() > DOCUMENT_MAX_BYTES {
            return Err(DocumentTooLarge);
        }
        let sha256 = Sha256::digest(&content);
        let info = DocumentInfo {
            sha256: sha256.iter().map(|byte| format!("{byte:02x}")).collect(),
            media_type: media_type.to_owned(),
            bytes: i64::try_from(content.len()).unwrap_or(i64::MAX),
        };
        Ok(Self { info, content })
    }

    /// What it is known by.
    pub fn info(&self) -> &DocumentInfo {
        &self.info
    }

    /// Its bytes.
    pub fn content(&self) -> &Arc<[u8]> {
        &self.content
    }
}

impl fmt::Debug for ProviderDocument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ProviderDocument").field(&self.info).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_known_by_the_hash_of_its_bytes() {
        let document = ProviderDocument::new("application/json", b"abc".as_slice()).unwrap();
        // FIPS 180-2, appendix B.1.
        let sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let info = document.info();
        assert_eq!((info.sha256.as_str(), info.bytes), (sha256, 3));
    }

    #[test]
    fn one_byte_too_many_is_refused() {
        let longest = vec![b' '; DOCUMENT_MAX_BYTES];
        assert!(ProviderDocument::new("application/yaml", longest).is_ok());
        let longer = vec![b' '; DOCUMENT_MAX_BYTES + 1];
        assert_eq!(
            ProviderDocument::new("application/yaml", longer),
            Err(DocumentTooLarge)
        );
    }
}
