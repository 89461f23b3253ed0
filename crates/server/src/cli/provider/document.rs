//! An OpenAPI document on its way in. A URL is fetched here and not by the server: what a person may reach, the server need not.

use std::convert::Infallible;
use std::io::Read;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, bail};
use countersign_core::provider::DOCUMENT_MAX_BYTES;
use serde_json::{Map, Value, json};
use url::Url;

use crate::cli::exit::Exit;

/// Longest wait for the whole document.
const FETCH_TIMEOUT: Duration = Duration::from_secs(60);

/// Where a document is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum DocumentArg {
    /// On the network.
    Url(Url),
    /// In a file, `-` being standard input.
    File(PathBuf),
}

/// A document, and where it came from.
pub(super) struct FoundDocument {
    text: String,
    url: Option<Url>,
}

impl FromStr for DocumentArg {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        let url = Url::parse(text).ok();
        let url = url.filter(|url| matches!(url.scheme(), "http" | "https"));
        Ok(url.map_or_else(|| Self::File(text.into()), Self::Url))
    }
}

impl DocumentArg {
    /// Reads it.
    pub(super) async fn read(&self) -> anyhow::Result<FoundDocument> {
        let (bytes, url) = match self {
            Self::Url(url) => {
                let (bytes, url) = fetch(url).await?;
                (bytes, Some(url))
            }
            Self::File(file) => (read_file(file)?, None),
        };
        if bytes.len() > DOCUMENT_MAX_BYTES {
            bail!("the document is longer than {DOCUMENT_MAX_BYTES} bytes");
        }
        let text = String::from_utf8(bytes).context("the document is not UTF-8")?;
        Ok(FoundDocument { text, url })
    }
}

impl FoundDocument {
    /// Adds it to the body of a call.
    pub(super) fn add_to(self, body: &mut Map<String, Value>) {
        body.insert("document".to_owned(), json!(self.text));
        if let Some(url) = self.url {
            body.insert("document_url".to_owned(), json!(url.as_str()));
        }
    }
}

fn read_file(file: &PathBuf) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let most = DOCUMENT_MAX_BYTES as u64 + 1;
    let shown = file.to_string_lossy();
    let read = if shown == "-" {
        std::io::stdin().take(most).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(file).and_then(|file| file.take(most).read_to_end(&mut bytes))
    };
    read.with_context(|| format!("cannot read {shown}"))?;
    Ok(bytes)
}

/// What is at the URL, and where it was in the end. Nothing secret is sent, so redirects may be followed.
async fn fetch(url: &Url) -> anyhow::Result<(Vec<u8>, Url)> {
    crate::tls::install_provider();
    let client = reqwest::Client::builder()
        .timeout(FETCH_TIMEOUT)
        .user_agent(concat!("countersign-cli/", env!("CARGO_PKG_VERSION")))
        .build()
        .context("cannot make an HTTP client")?;
    let unreachable = |error: reqwest::Error| {
        let error = anyhow::Error::new(error.without_url());
        Exit::Unavailable.because(format!("cannot fetch the document: {}", error.root_cause()))
    };
    let mut answer = client.get(url.clone()).send().await.map_err(unreachable)?;
    if !answer.status().is_success() {
        bail!("cannot fetch the document: the answer is {}", answer.status());
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(unreachable)? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > DOCUMENT_MAX_BYTES {
            break;
        }
    }
    Ok((bytes, answer.url().clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_one_and_everything_else_is_a_file() {
        let parse = |text: &str| text.parse::<DocumentArg>().unwrap();
        assert!(matches!(parse("https://a.example/x.json"), DocumentArg::Url(_)));
        for file in ["-", "a.yaml", "./https:/x", "file:///etc/x", "c:\\x.json"] {
            assert_eq!(parse(file), DocumentArg::File(file.into()));
        }
    }
}
