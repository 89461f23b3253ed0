//! Digests: what is kept of a secret.
//!
//! A random secret of 128 bits or more cannot be guessed however fast the check is, so it gets one HMAC under a
//! pepper (about 0.3 µs). A secret that a person may have chosen gets Argon2id (about 20 ms). Digests made by other
//! systems are understood and replaced by ours when the secret is next presented.

mod argon2id;
mod foreign;
mod parts;

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};

use crate::Chance;
use crate::old_service::OldServiceName;
use crate::pepper::{PepperId, Peppers, Purpose};
use crate::seal::decode_hex;
use crate::secret::SecretStrength;

pub use argon2id::Argon2idDigest;
pub use foreign::Pbkdf2Digest;
use foreign::{BCRYPT_BYTES, bcrypt_matches, parse_bcrypt};

/// A stored digest. Its text form names scheme, parameters and pepper, so old and new ones live side by side.
#[derive(Clone, PartialEq, Eq)]
pub enum Digest {
    /// HMAC-SHA-256 under a pepper: `hmac-sha256$<pepper>$<base64url>`.
    Keyed {
        /// The pepper that made it.
        pepper: PepperId,
        /// The MAC.
        mac: [u8; 32],
    },
    /// Argon2id with its parameters and salt: `$argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash>`.
    Argon2id(Argon2idDigest),
    /// A foreign bcrypt digest, `$2b$…`.
    Bcrypt(String),
    /// A foreign PBKDF2-HMAC-SHA-256 digest: `$pbkdf2-sha256$i=25000,l=32$<salt>$<hash>`.
    Pbkdf2(Pbkdf2Digest),
    /// A foreign unsalted SHA-256 digest: `sha256$<hex>`.
    Sha256([u8; 32]),
    /// Only an old service can say which secret it is, at the first login: `dual-run$<name>`. By itself it matches nothing.
    DualRun(OldServiceName),
    /// Nothing matches it: the pepper was lost with an abandoned master key. `abandoned`.
    Abandoned,
}

/// What checking a secret against a digest costs: the caller runs slow ones in a bounded pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cost {
    /// Microseconds; run it in place.
    Fast,
    /// Milliseconds by design.
    Slow,
}

/// A text is not a digest that Countersign understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a digest of a supported form")]
pub struct InvalidDigest;

impl Digest {
    /// The digest to keep for a new secret of the given strength. For [`SecretStrength::Guessable`] this is slow.
    pub fn make(
        secret: &SecretString,
        strength: SecretStrength,
        peppers: &Peppers,
        chance: Chance<'_>,
    ) -> Self {
        match strength {
            SecretStrength::Random => Self::keyed(secret, peppers),
            SecretStrength::Guessable => {
                Self::Argon2id(Argon2idDigest::make(secret.expose_secret().as_bytes(), chance))
            }
        }
    }

    /// A digest that another system made. One under a pepper is ours alone and cannot come from elsewhere.
    pub fn foreign(text: &str) -> Result<Self, InvalidDigest> {
        match text.parse()? {
            foreign @ (Self::Argon2id(_) | Self::Bcrypt(_) | Self::Pbkdf2(_) | Self::Sha256(_)) => {
                Ok(foreign)
            }
            Self::Keyed { .. } | Self::DualRun(_) | Self::Abandoned => Err(InvalidDigest),
        }
    }

    /// The old service that has to be asked, while there is no digest yet.
    pub fn old_service(&self) -> Option<&OldServiceName> {
        match self {
            Self::DualRun(service) => Some(service),
            Self::Keyed { .. }
            | Self::Argon2id(_)
            | Self::Bcrypt(_)
            | Self::Pbkdf2(_)
            | Self::Sha256(_)
            | Self::Abandoned => None,
        }
    }

    fn keyed(secret: &SecretString, peppers: &Peppers) -> Self {
        Self::keyed_under(secret, peppers.newest(), peppers).unwrap_or(Self::Abandoned)
    }

    fn keyed_under(secret: &SecretString, pepper: &PepperId, peppers: &Peppers) -> Option<Self> {
        mac_of(secret, pepper, peppers).map(|mac| Self::Keyed {
            pepper: pepper.clone(),
            mac,
        })
    }

    /// The keyed digests that a random secret may be kept under, one per pepper: how an operator's key is looked up.
    pub fn keyed_under_each(secret: &SecretString, peppers: &Peppers) -> Vec<Self> {
        peppers
            .ids()
            .filter_map(|pepper| Self::keyed_under(secret, pepper, peppers))
            .collect()
    }

    /// Whether `secret` is the one this digest was made of, compared in constant time.
    pub fn matches(&self, secret: &SecretString, peppers: &Peppers) -> bool {
        let bytes = secret.expose_secret().as_bytes();
        let (expected, computed): (&[u8], Option<Vec<u8>>) = match self {
            Self::Keyed { pepper, mac } => (mac, mac_of(secret, pepper, peppers).map(Vec::from)),
            Self::Argon2id(parts) => (&parts.hash, parts.compute(bytes)),
            Self::Pbkdf2(parts) => (&parts.hash, Some(parts.compute(bytes))),
            Self::Sha256(hash) => (hash, Some(digest(&SHA256, bytes).as_ref().to_vec())),
            Self::Bcrypt(text) => return bcrypt_matches(text, bytes),
            Self::DualRun(_) | Self::Abandoned => return false,
        };
        computed.is_some_and(|computed| verify_slices_are_equal(expected, &computed).is_ok())
    }

    /// Whether the digest says anything about the whole of `secret`. bcrypt reads 72 bytes: what was presented beyond them may
    /// be anything, and is not what the client knows as its secret.
    pub fn reads_all_of(&self, secret: &SecretString) -> bool {
        !matches!(self, Self::Bcrypt(_)) || secret.expose_secret().len() <= BCRYPT_BYTES
    }

    /// What [`Digest::matches`] will cost.
    pub fn cost(&self) -> Cost {
        match self {
            Self::Keyed { .. } | Self::Sha256(_) | Self::DualRun(_) | Self::Abandoned => Cost::Fast,
            Self::Argon2id(_) | Self::Bcrypt(_) | Self::Pbkdf2(_) => Cost::Slow,
        }
    }

    /// Whether a secret that just matched should be digested anew: the scheme is foreign, its parameters are other than
    /// ours, or the pepper is not the newest.
    pub fn is_outdated(&self, peppers: &Peppers) -> bool {
        match self {
            Self::Keyed { pepper, .. } => pepper != peppers.newest(),
            Self::Argon2id(parts) => !parts.has_our_parameters(),
            Self::Bcrypt(_) | Self::Pbkdf2(_) | Self::Sha256(_) | Self::DualRun(_) => true,
            Self::Abandoned => false,
        }
    }
}

fn mac_of(secret: &SecretString, pepper: &PepperId, peppers: &Peppers) -> Option<[u8; 32]> {
    let tag = peppers.mac(pepper, Purpose::SecretDigest, secret.expose_secret().as_bytes())?;
    tag.as_ref().try_into().ok()
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Keyed { pepper, mac } => {
                write!(
                    f,
                    "hmac-sha256${}${}",
                    pepper.as_str(),
                    URL_SAFE_NO_PAD.encode(mac)
                )
            }
            Self::Argon2id(parts) => parts.fmt(f),
            Self::Bcrypt(text) => f.write_str(text),
            Self::Pbkdf2(parts) => parts.fmt(f),
            Self::Sha256(hash) => {
                f.write_str("sha256$")?;
                hash.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
            Self::DualRun(service) => write!(f, "dual-run${service}"),
            Self::Abandoned => f.write_str("abandoned"),
        }
    }
}

impl fmt::Debug for Digest {
    /// The scheme alone: a digest is not a secret, but a foreign one may be guessable offline.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Keyed { .. } => "Digest(hmac-sha256)",
            Self::Argon2id(_) => "Digest(argon2id)",
            Self::Bcrypt(_) => "Digest(bcrypt)",
            Self::Pbkdf2(_) => "Digest(pbkdf2)",
            Self::Sha256(_) => "Digest(sha256)",
            Self::DualRun(_) => "Digest(dual-run)",
            Self::Abandoned => "Digest(abandoned)",
        })
    }
}

impl FromStr for Digest {
    type Err = InvalidDigest;

    fn from_str(text: &str) -> Result<Self, InvalidDigest> {
        let fields: Vec<&str> = text.split('$').collect();
        match fields.as_slice() {
            ["abandoned"] => Ok(Self::Abandoned),
            ["dual-run", service] => service.parse().map(Self::DualRun).map_err(|_| InvalidDigest),
            ["hmac-sha256", pepper, mac] => Ok(Self::Keyed {
                pepper: PepperId::from_stored(*pepper),
                mac: to_array(&URL_SAFE_NO_PAD.decode(mac).map_err(|_| InvalidDigest)?)?,
            }),
            ["sha256", hex] => Ok(Self::Sha256(to_array(&decode_hex(hex).ok_or(InvalidDigest)?)?)),
            ["", "argon2id", "v=19", parameters, salt, hash] => {
                Argon2idDigest::parse(parameters, salt, hash).map(Self::Argon2id)
            }
            ["", "pbkdf2-sha256", parameters, salt, hash] => {
                Pbkdf2Digest::parse(parameters, salt, hash).map(Self::Pbkdf2)
            }
            ["", "2a" | "2b" | "2x" | "2y", cost, _] => parse_bcrypt(text, cost).map(Self::Bcrypt),
            _ => Err(InvalidDigest),
        }
    }
}

fn to_array(bytes: &[u8]) -> Result<[u8; 32], InvalidDigest> {
    bytes.try_into().map_err(|_| InvalidDigest)
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;

    fn peppers() -> Peppers {
        Peppers::new(PepperId::from_stored("p2"), &[2; 32]).with_older(PepperId::from_stored("p1"), &[1; 32])
    }

    fn secret(text: &str) -> SecretString {
        SecretString::from(text)
    }

    #[test]
    fn each_own_scheme_survives_its_text_form_and_matches_only_its_secret() {
        let mut chance = StdRng::seed_from_u64(1);
        for strength in [SecretStrength::Random, SecretStrength::Guessable] {
            let digest = Digest::make(&secret("the secret"), strength, &peppers(), &mut chance);
            let stored: Digest = digest.to_string().parse().unwrap();
            assert_eq!(stored, digest);
            assert!(stored.matches(&secret("the secret"), &peppers()));
            assert!(!stored.matches(&secret("the secreT"), &peppers()));
            assert!(!stored.matches(&secret(""), &peppers()));
            assert!(!stored.is_outdated(&peppers()));
            assert!(!stored.to_string().contains("the secret"));
        }
    }

    /// Vectors made outside: `python3 -c` with hashlib, RFC 7914 section 11, and bcrypt's own published vector.
    #[test]
    fn foreign_digests_match_and_ask_to_be_upgraded() {
        let foreign = [
            (
                "password",
                "sha256$5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8",
            ),
            (
                "password",
                "$pbkdf2-sha256$i=1000,l=32$c2FsdHNhbHQ$E196ZhRPzw+wA84EjzHwJO1cv/MFJdO6C/sxmUeTYqY",
            ),
            (
                "passwd",
                "$pbkdf2-sha256$i=1,l=64$c2FsdA$VawEblbjCJ/sFpHCJUS2BflBhSFt3gRl5oudV8INrLxJypzM8Xm2RZkWZLOdd+8xfHG4RbHjC9UJESBB06GXgw",
            ),
            (
                "Password",
                "$pbkdf2-sha256$i=80000,l=64$TmFDbA$TdzY9guYviGDDO5e8icB+WQaRBjQTAQUrv8Ih2s0q1ah1CWhIlgzVJrbhBtRybMXaicr3ruh0HhHj2Kzl/M8jQ",
            ),
            (
                "U*U*U",
                "$2a$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a",
            ),
        ];
        for (plain, text) in foreign {
            let digest: Digest = text.parse().unwrap();
            assert!(digest.matches(&secret(plain), &peppers()), "{text}");
            assert!(!digest.matches(&secret("other"), &peppers()), "{text}");
            assert!(digest.is_outdated(&peppers()), "{text}");
            assert_eq!(Digest::foreign(text).as_ref(), Ok(&digest), "{text}");
            assert_eq!(digest.to_string(), text);
        }
    }

    #[test]
    fn our_own_digests_do_not_come_from_elsewhere() {
        let keyed = format!("hmac-sha256$p1${}", URL_SAFE_NO_PAD.encode([0; 32]));
        for ours in [keyed.as_str(), "abandoned", "dual-run$stytch"] {
            assert!(ours.parse::<Digest>().is_ok(), "{ours}");
            assert_eq!(Digest::foreign(ours), Err(InvalidDigest), "{ours}");
        }
    }

    #[test]
    fn an_older_pepper_still_matches_and_asks_to_be_upgraded() {
        let old = Peppers::new(PepperId::from_stored("p1"), &[1; 32]);
        let digest = Digest::make(
            &secret("s"),
            SecretStrength::Random,
            &old,
            &mut StdRng::seed_from_u64(1),
        );
        assert!(digest.matches(&secret("s"), &peppers()));
        assert!(digest.is_outdated(&peppers()));
    }

    #[test]
    fn nothing_matches_an_abandoned_digest_or_an_unknown_pepper() {
        assert!(!Digest::Abandoned.matches(&secret(""), &peppers()));
        let unknown: Digest = format!("hmac-sha256$gone${}", URL_SAFE_NO_PAD.encode([0; 32]))
            .parse()
            .unwrap();
        assert!(!unknown.matches(&secret("s"), &peppers()));
    }

    #[test]
    fn a_secret_that_only_an_old_service_knows_matches_nothing_here() {
        let waiting: Digest = "dual-run$old-1".parse().unwrap();
        assert_eq!(waiting.old_service().unwrap().as_str(), "old-1");
        assert_eq!(waiting.to_string(), "dual-run$old-1");
        for text in ["", "old-1", "dual-run$old-1"] {
            assert!(!waiting.matches(&secret(text), &peppers()));
        }
        assert!(waiting.is_outdated(&peppers()) && waiting.reads_all_of(&secret(&"x".repeat(99))));
        for bad in ["dual-run$", "dual-run$a$b", "dual-run$https://x", "dual-run"] {
            assert_eq!(bad.parse::<Digest>(), Err(InvalidDigest), "{bad}");
        }
    }

    #[test]
    fn foreign_parameters_that_would_exhaust_the_server_are_refused() {
        let (salt, hash) = ("c2FsdHNhbHQ", "MmI+8i2p4iZ+ixVZhJ5nDrHcKtqlyEpJ1i3AJu9W1wk");
        for bad in [
            format!("$argon2id$v=19$m=4194304,t=2,p=1${salt}${hash}"),
            format!("$argon2id$v=19$m=19456,t=99,p=1${salt}${hash}"),
            format!("$pbkdf2-sha256$i=99000000,l=32${salt}${hash}"),
            format!("$pbkdf2-sha256$i=0,l=32${salt}${hash}"),
            format!("$pbkdf2-sha256$i=1000,l=3${salt}$YWJj"),
            "$2a$31$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a".into(),
            "sha256$00".into(),
            "plaintext".into(),
            String::new(),
        ] {
            assert_eq!(bad.parse::<Digest>(), Err(InvalidDigest), "{bad}");
        }
    }

    /// bcrypt reads 72 bytes, and some stop at a NUL: nobody shall be locked out by what the old digest passed over.
    #[test]
    fn what_bcrypt_does_not_read_is_no_part_of_a_secret() {
        let long = "x".repeat(90);
        let bcrypt: Digest = bcrypt::hash("x".repeat(72), 4).unwrap().parse().unwrap();
        assert!(bcrypt.matches(&secret(&long), &peppers()) && !bcrypt.reads_all_of(&secret(&long)));
        assert!(bcrypt.reads_all_of(&secret(&long[..72])));
        let short: Digest = bcrypt::hash("hunter22", 4).unwrap().parse().unwrap();
        assert!(short.matches(&secret("hunter22"), &peppers()));
        assert!(!short.matches(&secret("hunter22\0hunter22"), &peppers()));
    }

    #[test]
    fn a_digest_that_nothing_could_match_is_refused() {
        let (salt, hash) = ("c2FsdHNhbHRzYWx0", "E196ZhRPzw+wA84EjzHwJO1cv/MFJdO6C/sxmUeTYqY");
        assert!(
            format!("$argon2id$v=19$m=64,t=1,p=1${salt}${hash}")
                .parse::<Digest>()
                .is_ok()
        );
        assert!(
            format!("$pbkdf2-sha256$i=1000,l=32${salt}${hash}")
                .parse::<Digest>()
                .is_ok()
        );
        for text in [
            format!("$argon2id$v=19$m=64,t=1,p=1$${hash}"),
            format!("$argon2id$v=19$m=64,t=1,p=1$c2Fsdw${hash}"),
            format!("$argon2id$v=19$m=64,t=1,p=1,keyid=AAAA${salt}${hash}"),
            format!("$argon2id$v=19$t=1,m=64,p=1${salt}${hash}"),
            format!("$pbkdf2-sha256$i=1000${salt}${hash}"),
            format!("$pbkdf2-sha256$i=1000,l=64${salt}${hash}"),
            format!("$pbkdf2-sha256$i=1,i=99999999${salt}${hash}"),
            format!("$pbkdf2-sha256$i=1000,l=32$${hash}"),
            "$2b$+4$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy".to_owned(),
        ] {
            assert_eq!(text.parse::<Digest>(), Err(InvalidDigest), "{text}");
        }
    }

    #[test]
    fn debug_shows_the_scheme_alone() {
        let digest = Digest::make(
            &secret("s"),
            SecretStrength::Random,
            &peppers(),
            &mut StdRng::seed_from_u64(1),
        );
        assert_eq!(format!("{digest:?}"), "Digest(hmac-sha256)");
    }
}
