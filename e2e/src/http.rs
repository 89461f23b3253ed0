//! The HTTP client of these tests.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;

/// A client that does as it is told: no proxy from the environment, no redirect followed, no authority trusted but the given
/// one.
pub fn client(ca_file: Option<&Path>) -> anyhow::Result<reqwest::Client> {
    // Fails only when it is installed already, which is as good.
    let _already = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let mut authorities = Vec::new();
    if let Some(file) = ca_file {
        let pem = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
        authorities.push(reqwest::Certificate::from_pem(&pem)?);
    }
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .tls_certs_only(authorities)
        .timeout(Duration::from_secs(60))
        .build()
        .context("cannot make an HTTP client")
}
