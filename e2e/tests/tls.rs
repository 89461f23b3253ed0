//! https: with an authority made for development, with files given, and with files replaced.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use countersign_e2e::{Options, Server, http};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use tempfile::TempDir;

/// The settings promise that changed files are read again within ten seconds; a busy machine gets some more.
const READ_AGAIN_WITHIN: Duration = Duration::from_secs(60);

#[tokio::test]
async fn self_signed_https_convinces_only_those_who_were_given_its_authority() -> anyhow::Result<()> {
    let server = Server::start(Options {
        name: "https",
        tls: true,
        ..Options::default()
    })
    .await?;
    assert!(server.url().starts_with("https://127.0.0.1:"), "{}", server.url());
    let by_name = server.url().replace("127.0.0.1", "localhost");
    assert!(trusts(&server.ca_file(), &by_name).await?);
    assert!(!stranger_trusts(server.url()).await?);
    server.stop().await
}

#[tokio::test]
async fn a_given_certificate_is_served() -> anyhow::Result<()> {
    let files = Files::make()?;
    let server = files.server("https-files").await?;
    assert!(trusts(&files.path("ca.pem"), server.url()).await?);
    assert!(!stranger_trusts(server.url()).await?);
    server.stop().await
}

#[tokio::test]
async fn a_certificate_without_its_key_is_refused_at_the_start() -> anyhow::Result<()> {
    let (files, others) = (Files::make()?, Files::make()?);
    std::fs::copy(others.path("key.pem"), files.path("key.pem"))?;
    let refused = files
        .server("https-unfit")
        .await
        .err()
        .context("it serves with another's key")?;
    let refusal = format!("{refused:#}");
    assert!(refusal.contains("certificate and key do not fit"), "{refusal}");
    Ok(())
}

#[tokio::test]
async fn replaced_files_are_served_and_unfit_ones_are_not() -> anyhow::Result<()> {
    let (files, new) = (Files::make()?, Files::make()?);
    let server = files.server("https-replaced").await?;
    let old_authority = files.dir.path().join("old-ca.pem");
    std::fs::copy(files.path("ca.pem"), &old_authority)?;

    // Half of a pair first, as when somebody copies one file after the other.
    std::fs::copy(new.path("cert.pem"), files.path("cert.pem"))?;
    until(async || Ok(said(&server, "keeping the old certificate")?)).await?;
    assert!(trusts(&old_authority, server.url()).await?);

    std::fs::copy(new.path("key.pem"), files.path("key.pem"))?;
    until(async || trusts(&new.path("ca.pem"), server.url()).await).await?;
    assert!(!trusts(&old_authority, server.url()).await?);
    server.stop().await
}

/// An authority, and a certificate with its key.
struct Files {
    dir: TempDir,
}

impl Files {
    fn make() -> anyhow::Result<Self> {
        let files = Self { dir: TempDir::new()? };
        let (ca_key, key) = (KeyPair::generate()?, KeyPair::generate()?);
        let mut ca = CertificateParams::default();
        ca.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        ca.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        std::fs::write(files.path("ca.pem"), ca.self_signed(&ca_key)?.pem())?;
        let mut leaf = CertificateParams::new(["127.0.0.1".to_owned()])?;
        leaf.use_authority_key_identifier_extension = true;
        let certificate = leaf.signed_by(&key, &Issuer::new(ca, ca_key))?;
        std::fs::write(files.path("cert.pem"), certificate.pem())?;
        std::fs::write(files.path("key.pem"), key.serialize_pem())?;
        Ok(files)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    async fn server(&self, name: &'static str) -> anyhow::Result<Server> {
        let file = |name| self.path(name).display().to_string();
        Server::start(Options {
            name,
            ca_file: Some(self.path("ca.pem")),
            environment: vec![
                ("COUNTERSIGN_SERVER_TLS_CERT_FILE", file("cert.pem")),
                ("COUNTERSIGN_SERVER_TLS_KEY_FILE", file("key.pem")),
            ],
            ..Options::default()
        })
        .await
    }
}

/// Whether somebody with this authority, who never called before, gets through.
async fn trusts(ca_file: &Path, url: &str) -> anyhow::Result<bool> {
    is_trusted(&http::client(Some(ca_file))?, url).await
}

async fn stranger_trusts(url: &str) -> anyhow::Result<bool> {
    is_trusted(&http::client(None)?, url).await
}

async fn is_trusted(client: &reqwest::Client, url: &str) -> anyhow::Result<bool> {
    match client.get(format!("{url}/healthz")).send().await {
        Ok(answer) => Ok(answer.error_for_status().is_ok()),
        Err(error) if error.is_connect() => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn said(server: &Server, words: &str) -> anyhow::Result<bool> {
    let [_, log] = server.log_files();
    Ok(std::fs::read_to_string(log)?.contains(words))
}

async fn until(is_so: impl AsyncFn() -> anyhow::Result<bool>) -> anyhow::Result<()> {
    let deadline = Instant::now() + READ_AGAIN_WITHIN;
    while !is_so().await? {
        anyhow::ensure!(Instant::now() < deadline, "not within a minute");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}
