//! The signature algorithms.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A signature algorithm for tokens, by its RFC 7518 name.
///
/// There is no symmetric algorithm and no `none`: whoever can check a token must not be able to make one.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256 (RFC 7518 section 3.3). Keys we make have 2048 bits.
    #[serde(rename = "RS256")]
    Rs256,
    /// ECDSA on P-256 with SHA-256; the signature is `r || s`, 64 bytes (RFC 7518 section 3.4).
    #[serde(rename = "ES256")]
    Es256,
    /// Ed25519 under its name of RFC 8037 section 3.1. The newer name `Ed25519` (RFC 9864) is understood in
    /// tokens and key sets, and not written, because few libraries read it yet.
    #[serde(rename = "EdDSA")]
    EdDsa,
}

impl Algorithm {
    /// Every algorithm, in the order of declaration.
    pub const ALL: [Algorithm; 3] = [Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa];

    /// The name in headers, key sets and configuration.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
        }
    }

    /// Reads `alg` of a token header or a key that others wrote: our names, and `Ed25519` (RFC 9864 section
    /// 2.2).
    pub(crate) fn from_jose_name(name: &str) -> Option<Self> {
        match name {
            "Ed25519" => Some(Self::EdDsa),
            name => name.parse().ok(),
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The name is none of `RS256`, `ES256` and `EdDSA`. Names are case-sensitive (RFC 7515 section 4.1.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("unknown algorithm; there are RS256, ES256 and EdDSA")]
pub struct UnknownAlgorithm;

impl FromStr for Algorithm {
    type Err = UnknownAlgorithm;

    fn from_str(name: &str) -> Result<Self, UnknownAlgorithm> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.name() == name)
            .ok_or(UnknownAlgorithm)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_reads_back_and_serialises_as_itself() {
        for algorithm in Algorithm::ALL {
            assert_eq!(algorithm.name().parse(), Ok(algorithm));
            assert_eq!(serde_json::to_value(algorithm).unwrap(), algorithm.name());
            assert_eq!(
                serde_json::from_value::<Algorithm>(algorithm.name().into()).unwrap(),
                algorithm
            );
        }
    }

    #[test]
    fn other_names_and_other_cases_are_unknown() {
        for name in ["none", "HS256", "RS512", "PS256", "rs256", "eddsa", ""] {
            assert_eq!(name.parse::<Algorithm>(), Err(UnknownAlgorithm), "{name}");
            assert_eq!(Algorithm::from_jose_name(name), None, "{name}");
        }
    }

    #[test]
    fn the_name_of_rfc_9864_is_understood_from_others_only() {
        assert_eq!(Algorithm::from_jose_name("Ed25519"), Some(Algorithm::EdDsa));
        assert_eq!("Ed25519".parse::<Algorithm>(), Err(UnknownAlgorithm));
    }
}
