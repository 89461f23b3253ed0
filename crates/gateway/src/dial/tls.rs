//! TLS to upstreams: whose certificates count, and which protocols are offered.

use std::sync::Arc;

use rustls::client::ResolvesClientCert;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, crypto};
use rustls_platform_verifier::Verifier;

/// What is offered to an upstream by ALPN.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Protocols {
    /// HTTP/2, or else HTTP/1.1.
    Any,
    /// HTTP/1.1 alone: WebSockets begin there.
    Http1,
}

/// The authorities whose certificates are accepted: those of the platform, as for every other program on the machine,
/// and perhaps more for one provider. It reads the platform's list once, so that it is kept and shared.
#[derive(Clone, Debug)]
pub struct Trust {
    provider: Arc<CryptoProvider>,
    verifier: Arc<dyn ServerCertVerifier>,
}

impl Trust {
    /// The platform's authorities and these.
    ///
    /// # Errors
    /// When one of these is no certificate of an authority, or there is none at all.
    pub fn new(more: Vec<CertificateDer<'static>>) -> Result<Self, TrustError> {
        let provider = Arc::new(crypto::aws_lc_rs::default_provider());
        let verifier = Verifier::new_with_extra_roots(more, provider.clone()).map_err(TrustError)?;
        Ok(Self {
            provider,
            verifier: Arc::new(verifier),
        })
    }

    /// The configuration for connections to one upstream, perhaps with a client certificate.
    ///
    /// It remembers sessions, which stand for the client certificate they were begun with: each version of a
    /// credential has one of its own.
    ///
    /// # Errors
    /// When the provider of cryptography lacks what TLS needs.
    pub fn client_config(
        &self,
        client_certificate: Option<Arc<dyn ResolvesClientCert>>,
        protocols: Protocols,
    ) -> Result<Arc<ClientConfig>, TrustError> {
        let builder = ClientConfig::builder_with_provider(self.provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(TrustError)?
            // Dangerous in general; this one is the platform's.
            .dangerous()
            .with_custom_certificate_verifier(self.verifier.clone());
        let mut config = match client_certificate {
            Some(resolver) => builder.with_client_cert_resolver(resolver),
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = match protocols {
            Protocols::Any => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
            Protocols::Http1 => vec![b"http/1.1".to_vec()],
        };
        Ok(Arc::new(config))
    }
}

/// Why nobody's certificate can be judged.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
#[error("the trusted authorities cannot be used: {0}")]
pub struct TrustError(rustls::Error);

impl TrustError {
    /// A stable word for callers that decide by it.
    #[must_use]
    pub fn code(&self) -> &'static str {
        "trusted_authorities"
    }
}
