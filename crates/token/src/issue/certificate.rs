//! The certificate that key sets show beside a key.

use std::time::Duration;

use rcgen::{
    CertificateParams, DistinguishedName, DnType, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256,
    PKCS_ED25519, PKCS_RSA_SHA256, SerialNumber, SignatureAlgorithm,
};
use rustls_pki_types::PrivatePkcs8KeyDer;
use zeroize::Zeroize as _;

use super::KeyError;
use crate::Algorithm;

/// Ten years of 365.2425 days.
const LIFETIME: Duration = Duration::from_secs(315_569_520);

/// The last second at which a certificate can begin and still end in the year 9999, where X.509 ends (RFC
/// 5280 section 4.1.2.5): 9989-01-01.
const LAST_START: i64 = 253_055_232_000;

/// A self-signed certificate for the key: O=Countersign, serial 1, ten years from `not_before_unix` (seconds
/// since 1970-01-01T00:00:00Z), KeyUsage digitalSignature; as DER.
///
/// It proves nothing; some SDKs want a key to have one (`x5c`). The same arguments give the same bytes for
/// RSA and Ed25519; an ECDSA signature is random.
///
/// # Errors
///
/// [`KeyError::Rejected`] when the key is not one of the algorithm, [`KeyError::Certificate`] when the time
/// is outside the years 1970 to 9988.
pub fn self_signed_certificate(
    key_pkcs8: &[u8],
    algorithm: Algorithm,
    not_before_unix: i64,
) -> Result<Vec<u8>, KeyError> {
    let params = params(not_before_unix)?;
    let mut key = KeyPair::from_pkcs8_der_and_sign_algo(
        &PrivatePkcs8KeyDer::from(key_pkcs8),
        signature_algorithm(algorithm),
    )
    .map_err(|_| KeyError::Rejected(algorithm))?;
    let certificate = params.self_signed(&key);
    key.zeroize(); // rcgen keeps a copy of the DER and does not wipe it by itself.
    certificate
        .map(|certificate| certificate.der().to_vec())
        .map_err(|_| KeyError::Certificate)
}

fn params(not_before_unix: i64) -> Result<CertificateParams, KeyError> {
    if not_before_unix > LAST_START {
        return Err(KeyError::Certificate);
    }
    let start = Duration::from_secs(u64::try_from(not_before_unix).map_err(|_| KeyError::Certificate)?);
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    let mut params = CertificateParams::default();
    params.not_before = epoch + start;
    params.not_after = epoch + start + LIFETIME;
    params.serial_number = Some(SerialNumber::from_slice(&[1]));
    params.distinguished_name = DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::OrganizationName, "Countersign");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    Ok(params)
}

fn signature_algorithm(algorithm: Algorithm) -> &'static SignatureAlgorithm {
    match algorithm {
        Algorithm::Rs256 => &PKCS_RSA_SHA256,
        Algorithm::Es256 => &PKCS_ECDSA_P256_SHA256,
        Algorithm::EdDsa => &PKCS_ED25519,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_keys;

    #[test]
    fn the_same_arguments_give_the_same_bytes() {
        for algorithm in [Algorithm::Rs256, Algorithm::EdDsa] {
            let make = || self_signed_certificate(test_keys::pkcs8(algorithm), algorithm, 1_800_000_000);
            assert_eq!(make().unwrap(), make().unwrap(), "{algorithm}");
        }
    }

    #[test]
    fn the_der_holds_what_was_asked() {
        for algorithm in Algorithm::ALL {
            // 2027-01-15T08:00:00Z
            let der = self_signed_certificate(test_keys::pkcs8(algorithm), algorithm, 1_800_000_000).unwrap();
            let holds = |part: &[u8]| der.windows(part.len()).any(|window| window == part);
            assert_eq!(der[0], 0x30, "a SEQUENCE");
            assert!(holds(&[0x02, 0x01, 0x01]), "serial 1");
            assert!(holds(b"Countersign"), "O");
            assert!(holds(b"270115080000Z"), "first second");
            assert!(holds(b"370114181200Z"), "last second");
            assert!(holds(&[0x55, 0x1d, 0x0f]), "KeyUsage");
            assert!(holds(&[0x03, 0x02, 0x07, 0x80]), "digitalSignature");
        }
    }

    #[test]
    fn keys_of_others_and_times_out_of_range_are_errors() {
        let rsa = test_keys::RS256_PKCS8;
        assert_eq!(
            self_signed_certificate(rsa, Algorithm::Es256, 0),
            Err(KeyError::Rejected(Algorithm::Es256))
        );
        for time in [i64::MIN, -1, LAST_START + 1, i64::MAX] {
            assert_eq!(
                self_signed_certificate(rsa, Algorithm::Rs256, time),
                Err(KeyError::Certificate)
            );
        }
        for time in [0, LAST_START] {
            assert!(self_signed_certificate(rsa, Algorithm::Rs256, time).is_ok());
        }
    }
}
