//! Requests as bytes: no HTTP library sends what attackers send.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use rustls::ClientConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use url::Url;

use crate::cli::connection::environment;

/// Longest wait for more of an answer. A gateway that is still thinking then has not let the probe through.
const QUIET: Duration = Duration::from_secs(3);
/// Longest answer that is read.
const ANSWER_MAX_BYTES: u64 = 1024 * 1024;

/// The way to a gateway.
pub(super) struct Wire {
    host: String,
    port: u16,
    /// What a `Host` field should say.
    pub(super) authority: String,
    tls: Option<Arc<ClientConfig>>,
}

/// What came back.
#[derive(Debug)]
pub(super) struct Heard(String);

impl Wire {
    pub(super) fn to(url: &Url) -> anyhow::Result<Self> {
        let host = url.host_str().context("the gateway's URL has no host")?;
        let port = url
            .port_or_known_default()
            .context("the gateway's URL has no port")?;
        let tls = (url.scheme() == "https").then(client_config).transpose()?;
        Ok(Self {
            // An IPv6 address stands in brackets in a URL, and nowhere else.
            host: host.trim_matches(['[', ']']).to_owned(),
            port,
            authority: url.authority().to_owned(),
            tls,
        })
    }

    /// Sends these bytes on a connection of their own, and hears until the other side is done or quiet.
    pub(super) async fn say(&self, bytes: &[u8]) -> anyhow::Result<Heard> {
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await;
        let stream = stream.with_context(|| format!("cannot connect to {}", self.authority))?;
        match &self.tls {
            None => exchange(stream, bytes).await,
            Some(config) => {
                let name = ServerName::try_from(self.host.clone()).context("the gateway's name")?;
                let stream = TlsConnector::from(config.clone()).connect(name, stream).await?;
                exchange(stream, bytes).await
            }
        }
    }
}

/// The authority of the environment, or those of the system.
fn client_config() -> anyhow::Result<Arc<ClientConfig>> {
    let Some(file) = environment("COUNTERSIGN_CA_FILE") else {
        let trust = countersign_gateway::dial::Trust::new(Vec::new())?;
        return Ok(trust.client_config(None, countersign_gateway::dial::Protocols::Http1)?);
    };
    let mut roots = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(&file).with_context(|| format!("cannot read {file}"))? {
        roots.add(certificate?)?;
    }
    crate::tls::install_provider();
    let config = ClientConfig::builder().with_root_certificates(roots);
    Ok(Arc::new(config.with_no_client_auth()))
}

async fn exchange(mut stream: impl AsyncRead + AsyncWrite + Unpin, bytes: &[u8]) -> anyhow::Result<Heard> {
    // What the other side does not want to read any more is not an error.
    let _not_read_to_the_end = stream.write_all(bytes).await;
    let mut heard = Vec::new();
    let mut limited = stream.take(ANSWER_MAX_BYTES);
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(Ok(count @ 1..)) = timeout(QUIET, limited.read(&mut buffer)).await {
        heard.extend(buffer.iter().take(count));
    }
    Ok(Heard(String::from_utf8_lossy(&heard).into_owned()))
}

impl Heard {
    /// The status of each answer on the connection.
    pub(super) fn statuses(&self) -> Vec<u16> {
        let after = self.0.split("HTTP/1.1 ").skip(1);
        after.filter_map(|text| text.get(..3)?.parse().ok()).collect()
    }

    /// Whether some request was done.
    pub(super) fn succeeded(&self) -> bool {
        self.statuses().iter().any(|status| (200..300).contains(status))
    }

    /// Whether a field of this name came, at any place.
    pub(super) fn has_field(&self, name: &str) -> bool {
        self.field(name).is_some()
    }

    pub(super) fn field(&self, name: &str) -> Option<&str> {
        let fields = self.0.split("\r\n").filter_map(|line| line.split_once(':'));
        let mut named = fields.filter(|(found, _)| found.eq_ignore_ascii_case(name));
        named.next().map(|(_, value)| value.trim())
    }

    pub(super) fn contains(&self, text: &str) -> bool {
        self.0.contains(text)
    }

    /// The last answer's body, without what differs with every answer.
    pub(super) fn refusal(&self) -> String {
        let body = self.0.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        let mut body: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
        if let Some(members) = body.as_object_mut() {
            members.remove("request_id");
        }
        body.to_string()
    }
}

/// A request, for [`Wire::say`].
pub(super) struct Request<'a> {
    pub(super) method: &'a str,
    /// As it stands in the request line.
    pub(super) target: &'a str,
    /// The credential; empty for none.
    pub(super) token: &'a str,
    /// Further fields, each with its end of line.
    pub(super) fields: &'a str,
    pub(super) body: &'a str,
}

impl Request<'_> {
    /// The bytes. The connection ends with the answer.
    pub(super) fn bytes(&self, host: &str) -> Vec<u8> {
        let authorization = match self.token {
            "" => String::new(),
            token => format!("Authorization: Bearer {token}\r\n"),
        };
        let body = match self.body {
            "" => "\r\n".to_owned(),
            body => format!(
                "Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            ),
        };
        let (method, target, fields) = (self.method, self.target, self.fields);
        format!(
            "{method} {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{authorization}{fields}{body}"
        )
        .into_bytes()
    }
}
