//! TLS from files that are read again when they change, and a private CA for development.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::{Context, bail};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::sync::watch;

use crate::config::Config;
use crate::start::data_dir::{create_private_dir, write_private};

/// How often the files are looked at.
const RELOAD_EVERY: Duration = Duration::from_secs(5);

/// The configuration for the next handshake.
pub type CurrentConfig = watch::Receiver<Arc<ServerConfig>>;

/// Where certificate and key are.
#[derive(Debug, Clone)]
pub struct Files {
    certificate: PathBuf,
    key: PathBuf,
    /// The CA to trust, when it was made here.
    pub ca: Option<PathBuf>,
}

/// Makes aws-lc-rs the one TLS provider of the process.
pub fn install_provider() {
    // Fails only when one is installed already, which then is this one: no other is compiled in.
    let _already = rustls::crypto::aws_lc_rs::default_provider().install_default();
}

/// The files to serve with; `None` for plain HTTP.
pub fn files(config: &Config) -> anyhow::Result<Option<Files>> {
    let tls = &config.server.tls;
    if tls.self_signed {
        return make_self_signed(&config.server.data_dir.join("tls"), &config.server.public_url).map(Some);
    }
    Ok(files_of(config))
}

/// The files that are set.
fn files_of(config: &Config) -> Option<Files> {
    let tls = &config.server.tls;
    (!tls.cert_file.as_os_str().is_empty()).then(|| Files {
        certificate: tls.cert_file.clone(),
        key: tls.key_file.clone(),
        ca: None,
    })
}

/// Whether the files that are set can be served with.
pub fn check(config: &Config) -> anyhow::Result<()> {
    install_provider();
    match files_of(config) {
        Some(files) => load(&files).map(drop),
        None => Ok(()),
    }
}

/// Loads the files, and goes on to look whether they change.
pub fn serve_with(files: Files) -> anyhow::Result<CurrentConfig> {
    let (sender, current) = watch::channel(load(&files)?);
    tokio::spawn(reload_forever(files, sender));
    Ok(current)
}

fn load(files: &Files) -> anyhow::Result<Arc<ServerConfig>> {
    let certificates = CertificateDer::pem_file_iter(&files.certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .with_context(|| format!("cannot read certificates from {}", files.certificate.display()))?;
    if certificates.is_empty() {
        bail!("{} holds no certificate", files.certificate.display());
    }
    let key = PrivateKeyDer::from_pem_file(&files.key)
        .with_context(|| format!("cannot read a private key from {}", files.key.display()))?;
    let mut config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(certificates, key)
        .context("certificate and key do not fit")?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// A changed pair that does not load is reported and the old one kept: a half-copied file must not end the service.
async fn reload_forever(files: Files, current: watch::Sender<Arc<ServerConfig>>) {
    let mut seen = modified(&files);
    let mut refused = seen;
    loop {
        tokio::time::sleep(RELOAD_EVERY).await;
        let now = modified(&files);
        if now == seen {
            continue;
        }
        match load(&files) {
            Ok(loaded) => {
                current.send_replace(loaded);
                seen = now;
                tracing::info!("loaded a new certificate");
            }
            // Said once a change; tried again all the same, for the other file may come.
            Err(error) if now != refused => {
                tracing::error!(error = format!("{error:#}"), "keeping the old certificate");
                refused = now;
            }
            Err(_said) => {}
        }
    }
}

fn modified(files: &Files) -> [Option<SystemTime>; 2] {
    [&files.certificate, &files.key].map(|file| std::fs::metadata(file).and_then(|data| data.modified()).ok())
}

/// A CA and a certificate for localhost and the public host, made once and kept.
fn make_self_signed(dir: &Path, public_url: &str) -> anyhow::Result<Files> {
    let files = Files {
        certificate: dir.join("cert.pem"),
        key: dir.join("key.pem"),
        ca: Some(dir.join("ca.pem")),
    };
    if files.certificate.exists() {
        return Ok(files);
    }
    create_private_dir(dir)?;
    let ca_key = KeyPair::generate()?;
    let mut ca = CertificateParams::default();
    ca.distinguished_name
        .push(DnType::CommonName, "Countersign development CA");
    ca.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
    let ca_certificate = ca.self_signed(&ca_key)?;

    let mut names = vec!["localhost".to_owned()];
    names.extend(
        [IpAddr::from([127, 0, 0, 1]), std::net::Ipv6Addr::LOCALHOST.into()].map(|ip| ip.to_string()),
    );
    let host = url::Url::parse(public_url)
        .ok()
        .and_then(|url| url.host_str().map(str::to_owned));
    names.extend(host.filter(|host| !names.contains(host)));
    let key = KeyPair::generate()?;
    let mut leaf = CertificateParams::new(names)?;
    leaf.distinguished_name
        .push(DnType::CommonName, "Countersign development");
    leaf.use_authority_key_identifier_extension = true;
    let certificate = leaf.signed_by(&key, &Issuer::new(ca, ca_key))?;

    write_private(&dir.join("ca.pem"), ca_certificate.pem().as_bytes())?;
    write_private(&files.key, key.serialize_pem().as_bytes())?;
    // Last, because its presence says that all are there.
    write_private(&files.certificate, certificate.pem().as_bytes())?;
    Ok(files)
}
