//! When a certificate begins and ends, in the words of the library that judges it in every handshake.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use countersign_core::Timestamp;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, Error, RootCertStore};

/// The end of the year 9998: after the end of every certificate that has one.
const LATEST: Duration = Duration::from_secs(253_370_764_799);

/// The time in which a certificate is valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Validity {
    pub(super) begins: Timestamp,
    pub(super) ends: Timestamp,
}

/// Reads a certificate's validity. Nothing in the TLS library tells the two times but its refusals, so it is asked about the
/// beginning of time and about its end; validity is the first thing it looks at.
pub(super) fn validity(der: &[u8]) -> anyhow::Result<Validity> {
    let certificate = CertificateDer::from(der);
    let mut roots = RootCertStore::empty();
    roots
        .add(certificate.clone())
        .context("the certificate cannot be read")?;
    let verifier = WebPkiServerVerifier::builder(Arc::new(roots))
        .build()
        .context("the certificate cannot be read")?;
    let refusal = |at: Duration| {
        let name = ServerName::from(std::net::Ipv4Addr::LOCALHOST);
        verifier.verify_server_cert(&certificate, &[], &name, &[], UnixTime::since_unix_epoch(at))
    };
    let begins = match refusal(Duration::ZERO) {
        Err(Error::InvalidCertificate(CertificateError::NotValidYetContext { not_before, .. })) => {
            timestamp(not_before)
        }
        _ => Timestamp::UNIX_EPOCH,
    };
    let ends = match refusal(LATEST) {
        Err(Error::InvalidCertificate(CertificateError::ExpiredContext { not_after, .. })) => {
            timestamp(not_after)
        }
        _ => Timestamp::MAX,
    };
    Ok(Validity { begins, ends })
}

fn timestamp(time: UnixTime) -> Timestamp {
    let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::*;

    #[test]
    fn both_ends_are_read() {
        crate::tls::install_provider();
        let mut params = CertificateParams::new(vec!["id.example".to_owned()]).unwrap();
        params.not_before = date_time_ymd(2026, 11, 1);
        params.not_after = date_time_ymd(2027, 1, 30);
        let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        let read = validity(certificate.der()).unwrap();
        assert_eq!(read.begins.to_string(), "2026-11-01T00:00:00Z");
        assert_eq!(read.ends.to_string(), "2027-01-30T00:00:00Z");
        assert!(validity(b"no certificate").is_err());
    }
}
