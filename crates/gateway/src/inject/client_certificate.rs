//! A certificate that the connection shows to the upstream.

use std::sync::Arc;

use rustls::crypto::aws_lc_rs::default_provider;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{InconsistentKeys, client::ResolvesClientCert};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use super::CredentialError;

/// The longest PEM, in bytes. A chain of four RSA certificates has 8 KiB.
const MAX_PEM_BYTES: usize = 64 * 1024;
/// The most certificates of a chain: more than any verifier follows.
const MAX_CHAIN: usize = 10;

/// A chain and its key.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientCertificateFields {
    /// The certificates in PEM, the client's own first.
    pub certificate: String,
    /// The private key in PEM: PKCS #8, PKCS #1 or SEC 1, not encrypted.
    pub private_key: SecretString,
}

/// A chain and its key that belong together.
#[derive(Clone)]
pub struct ClientCertificate {
    certified_key: Arc<CertifiedKey>,
}

impl ClientCertificate {
    /// Reads both and holds them against each other.
    ///
    /// # Errors
    ///
    /// When one of them cannot be read, or the key is not that of the first certificate. Whether the certificate is still valid is not
    /// asked: that is the upstream's to say, by its own clock.
    pub fn new(fields: ClientCertificateFields) -> Result<Self, CredentialError> {
        let key = fields.private_key.expose_secret();
        for (member, pem) in [("certificate", fields.certificate.as_str()), ("private_key", key)] {
            if pem.len() > MAX_PEM_BYTES {
                return Err(CredentialError::TooLong { member });
            }
        }
        let chain: Vec<_> = CertificateDer::pem_slice_iter(fields.certificate.as_bytes())
            .collect::<Result<_, _>>()
            .map_err(|_| CredentialError::Certificate)?;
        if chain.is_empty() || chain.len() > MAX_CHAIN {
            return Err(CredentialError::Certificate);
        }
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(|_| CredentialError::PrivateKey)?;
        let key = default_provider()
            .key_provider
            .load_private_key(key)
            .map_err(|_| CredentialError::PrivateKey)?;
        let certified_key = CertifiedKey::new(chain, key);
        match certified_key.keys_match() {
            Ok(()) => Ok(Self {
                certified_key: Arc::new(certified_key),
            }),
            Err(rustls::Error::InconsistentKeys(
                InconsistentKeys::KeyMismatch | InconsistentKeys::Unknown,
            )) => Err(CredentialError::KeyOfAnotherCertificate),
            Err(_) => Err(CredentialError::Certificate),
        }
    }

    /// What a rustls client configuration takes, with `with_client_cert_resolver`.
    #[must_use]
    pub fn resolver(&self) -> Arc<dyn ResolvesClientCert> {
        Arc::new(SingleCertAndKey::from(self.certified_key.clone()))
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertifiedKey as Generated, generate_simple_self_signed};

    use super::*;

    fn generated() -> (String, String) {
        let Generated { cert, signing_key } =
            generate_simple_self_signed(["client.test".to_owned()]).unwrap();
        (cert.pem(), signing_key.serialize_pem())
    }

    fn read(certificate: &str, private_key: &str) -> Result<ClientCertificate, CredentialError> {
        ClientCertificate::new(ClientCertificateFields {
            certificate: certificate.into(),
            private_key: private_key.into(),
        })
    }

    #[test]
    fn a_certificate_and_its_key_can_be_shown() {
        let (certificate, key) = generated();
        let both = read(&format!("{certificate}{certificate}"), &key).unwrap();
        assert_eq!(both.certified_key.cert.len(), 2);
        assert!(both.resolver().has_certs());
    }

    #[test]
    fn the_key_of_another_certificate_is_refused() {
        let (certificate, _) = generated();
        let (_, key) = generated();
        assert_eq!(
            read(&certificate, &key).err(),
            Some(CredentialError::KeyOfAnotherCertificate)
        );
    }

    #[test]
    fn what_cannot_be_read_is_refused_by_its_name() {
        let (certificate, key) = generated();
        assert_eq!(read("", &key).err(), Some(CredentialError::Certificate));
        assert_eq!(read(&key, &key).err(), Some(CredentialError::Certificate));
        assert_eq!(
            read(&certificate.repeat(11), &key).err(),
            Some(CredentialError::Certificate)
        );
        assert_eq!(
            read(&certificate, &certificate).err(),
            Some(CredentialError::PrivateKey)
        );
        let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAA=\n-----END ENCRYPTED PRIVATE KEY-----\n";
        assert_eq!(
            read(&certificate, encrypted).err(),
            Some(CredentialError::PrivateKey)
        );
        let long = " ".repeat(MAX_PEM_BYTES + 1);
        assert_eq!(
            read(&certificate, &long).err(),
            Some(CredentialError::TooLong {
                member: "private_key"
            })
        );
    }
}
