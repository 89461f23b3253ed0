//! Calling a Countersign server over HTTP, and its refusals as exit codes.

mod reply;

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};
use http::Method;
use reqwest::redirect::Policy;
use reqwest::tls::TlsInfo;
use reqwest::{Certificate, Response};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use url::Url;

use super::exit::Exit;
pub(crate) use reply::{Answer, Reply};

/// Longest wait for a connection: an address that nobody has should be told from a slow server soon.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest wait for a whole answer; the server itself gives up after 30 seconds.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);
/// Longest answer that is read whole; a page of the largest clients has a tenth of it.
const ANSWER_MAX_BYTES: usize = 64 * 1024 * 1024;
/// Longest silence in an answer that has no end in sight.
const SILENCE_TIMEOUT: Duration = Duration::from_secs(60);

/// A server to call.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    http: reqwest::Client,
    base: Url,
}

/// Who calls.
#[derive(Debug, Clone)]
pub(crate) enum Caller {
    /// Anyone.
    Nobody,
    /// A project's backend.
    Project {
        /// The project.
        id: String,
        /// One of its secrets.
        secret: SecretString,
    },
    /// An operator.
    Operator(SecretString),
}

/// A server, and who calls it.
#[derive(Debug, Clone)]
pub(crate) struct Connected {
    /// The server.
    pub(crate) server: Server,
    /// The caller.
    pub(crate) caller: Caller,
}

/// A call to make. Like answers it cannot be printed for debugging: bodies hold secrets.
pub(crate) struct Call {
    method: Method,
    path: Vec<String>,
    query: Vec<(&'static str, String)>,
    body: Option<Value>,
    accept: &'static str,
}

impl Server {
    /// The server at `url`. Redirects are not followed and no proxy of the environment is asked: either would get to see
    /// the caller's secret.
    pub(crate) fn at(url: &str, ca_file: Option<&Path>) -> anyhow::Result<Self> {
        let base = parse_url(url)?;
        crate::tls::install_provider();
        let builder = reqwest::Client::builder()
            .no_proxy()
            .redirect(Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(SILENCE_TIMEOUT)
            .tls_info(true)
            .user_agent(concat!("countersign-cli/", env!("CARGO_PKG_VERSION")));
        let builder = match ca_file {
            // This authority and no other: whoever names one does not mean the public ones as well.
            Some(file) => builder.tls_certs_only(read_certificates(file)?),
            // Without https the system's authorities need not be there; a small container may have none.
            None if base.scheme() == "http" => builder.tls_certs_only([]),
            None => builder,
        };
        let http = builder.build().context("cannot make an HTTP client")?;
        Ok(Self { http, base })
    }

    /// Where it is, without a trailing slash.
    pub(crate) fn url(&self) -> &str {
        self.base.as_str().trim_end_matches('/')
    }

    /// Whether the way to it is encrypted.
    pub(crate) fn is_https(&self) -> bool {
        self.base.scheme() == "https"
    }

    /// Makes a call; any answer will do.
    pub(crate) async fn ask(&self, call: Call, caller: &Caller) -> anyhow::Result<Reply> {
        let request = self.request(call, caller)?.timeout(ANSWER_TIMEOUT);
        let response = request.send().await.map_err(|error| self.unreachable(error))?;
        let (status, headers) = (response.status(), response.headers().clone());
        let certificate = response
            .extensions()
            .get::<TlsInfo>()
            .and_then(|info| info.peer_certificate().map(<[u8]>::to_vec));
        let text = self.text(response).await?;
        Ok(Reply {
            status,
            headers,
            text,
            certificate,
        })
    }

    /// Makes a call whose answer may go on and on. It is not read yet, but known to be a good one.
    pub(crate) async fn stream(&self, call: Call, caller: &Caller) -> anyhow::Result<Response> {
        let response = self.request(call, caller)?.send().await;
        let response = response.map_err(|error| self.unreachable(error))?;
        if response.status().is_success() {
            return Ok(response);
        }
        let (status, headers) = (response.status(), response.headers().clone());
        let text = self.text(response).await?;
        let reply = Reply {
            status,
            headers,
            text,
            certificate: None,
        };
        Err(reply.refusal())
    }

    /// What the answer says. Who answers without end, by mistake or on purpose, does not get all of this machine's memory.
    async fn text(&self, mut response: Response) -> anyhow::Result<String> {
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.unreachable(error))? {
            if body.len() + chunk.len() > ANSWER_MAX_BYTES {
                bail!("the answer is longer than {ANSWER_MAX_BYTES} bytes: is this a Countersign server?");
            }
            body.extend_from_slice(&chunk);
        }
        Ok(String::from_utf8_lossy(&body).into_owned())
    }

    fn request(&self, call: Call, caller: &Caller) -> anyhow::Result<reqwest::RequestBuilder> {
        let mut url = self.base.clone();
        match url.path_segments_mut() {
            Ok(mut segments) => segments.pop_if_empty().extend(&call.path),
            Err(()) => bail!("{} cannot have a path", self.base),
        };
        if !call.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&call.query);
        }
        let request = self.http.request(call.method, url);
        let request = request.header(http::header::ACCEPT, call.accept);
        let request = match call.body {
            Some(body) => request.json(&body),
            None => request,
        };
        Ok(match caller {
            Caller::Nobody => request,
            Caller::Project { id, secret } => request.basic_auth(id, Some(secret.expose_secret())),
            Caller::Operator(key) => request.bearer_auth(key.expose_secret()),
        })
    }

    /// Of what the HTTP library says, the innermost cause is what a person can do something about.
    fn unreachable(&self, error: reqwest::Error) -> anyhow::Error {
        let error = anyhow::Error::new(error.without_url());
        let mut reason = error.root_cause().to_string();
        if reason.contains("UnknownIssuer") {
            reason.push_str("; is its authority private? Name its PEM file in COUNTERSIGN_CA_FILE");
        }
        Exit::Unavailable.because(format!("cannot reach {}: {reason}", self.url()))
    }
}

impl Connected {
    /// Makes a call that must succeed.
    pub(crate) async fn send(&self, call: Call) -> anyhow::Result<Answer> {
        self.server.ask(call, &self.caller).await?.good()
    }
}

impl Call {
    /// A call of `path`, whose parts are encoded.
    pub(crate) fn new(method: Method, path: &[&str]) -> Self {
        Self {
            method,
            path: path.iter().map(|part| (*part).to_owned()).collect(),
            query: Vec::new(),
            body: None,
            accept: "application/json",
        }
    }

    /// Reads.
    pub(crate) fn get(path: &[&str]) -> Self {
        Self::new(Method::GET, path)
    }

    /// Makes or does.
    pub(crate) fn post(path: &[&str]) -> Self {
        Self::new(Method::POST, path)
    }

    /// Changes.
    pub(crate) fn put(path: &[&str]) -> Self {
        Self::new(Method::PUT, path)
    }

    /// Ends.
    pub(crate) fn delete(path: &[&str]) -> Self {
        Self::new(Method::DELETE, path)
    }

    /// With a parameter, when there is one.
    pub(crate) fn query(mut self, name: &'static str, value: Option<impl ToString>) -> Self {
        self.query.extend(value.map(|value| (name, value.to_string())));
        self
    }

    /// With a body.
    pub(crate) fn json(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }

    /// For an answer of another kind.
    pub(crate) fn accept(mut self, media_type: &'static str) -> Self {
        self.accept = media_type;
        self
    }
}

fn parse_url(text: &str) -> anyhow::Result<Url> {
    let usage = |why: &str| Exit::Usage.because(format!("COUNTERSIGN_URL or --url: {why}"));
    let url = Url::parse(text).map_err(|_| usage("not a URL"))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(usage("must be http://… or https://…"));
    }
    // It is printed in errors and written to files.
    if !url.username().is_empty() || url.password().is_some() {
        return Err(usage("must not hold credentials"));
    }
    Ok(url)
}

fn read_certificates(file: &Path) -> anyhow::Result<Vec<Certificate>> {
    let pem = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let certificates = Certificate::from_pem_bundle(&pem);
    let certificates = certificates.with_context(|| format!("{} is not PEM", file.display()))?;
    if certificates.is_empty() {
        bail!("{} holds no certificate", file.display());
    }
    Ok(certificates)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(path: &[&str], query: Option<&str>) -> String {
        let server = Server::at("http://h:1/prefix/", None).unwrap();
        let call = Call::get(path).query("q", query);
        let request = server.request(call, &Caller::Nobody).unwrap().build().unwrap();
        request.url().to_string()
    }

    #[test]
    fn paths_and_parameters_are_encoded() {
        assert_eq!(
            request(&["a", "b/../c?d"], None),
            "http://h:1/prefix/a/b%2F..%2Fc%3Fd"
        );
        assert_eq!(request(&["a"], Some("x&y=z")), "http://h:1/prefix/a?q=x%26y%3Dz");
    }

    #[test]
    fn addresses_that_cannot_work_are_usage_errors() {
        for url in ["", "127.0.0.1:4000", "ftp://h", "http://user:pw@h"] {
            let error = Server::at(url, None).unwrap_err().to_string();
            assert!(!error.contains("pw"), "{error}");
        }
    }
}
