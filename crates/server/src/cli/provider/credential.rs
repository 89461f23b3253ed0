//! `countersign provider credential …`. A value goes in by a file or standard input and never comes out.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args, Subcommand};
use countersign_core::credential::DEFAULT_NAME;
use secrecy::ExposeSecret;
use serde_json::{Map, Value, json};

use super::Providers;
use crate::cli::calling::Call;
use crate::cli::connection::id;
use crate::cli::exit::Exit;
use crate::cli::printing::{Columns, Output};
use crate::cli::project::add;
use crate::cli::secret_input;

/// What is shown of a credential.
const COLUMNS: &Columns = &[
    ("credential", "/name"),
    ("kind", "/kind"),
    ("hosts", "/hosts"),
    ("fits", "/fits"),
    ("version", "/version"),
    ("fingerprint", "/fingerprint"),
    ("set", "/updated_at"),
    ("last used", "/last_used_at"),
];

/// Each kind, and its member that is secret: what standard input or the file holds.
const KINDS: [(&str, &str); 9] = [
    ("basic", "password"),
    ("bearer", "token"),
    ("header", "value"),
    ("query", "value"),
    ("cookie", "value"),
    ("oauth-client-credentials", "client_secret"),
    ("aws-sigv4", "secret_access_key"),
    ("hmac", "key"),
    ("client-certificate", "private_key"),
];

/// What the gateway shows to a provider in the place of its callers.
#[derive(Debug, Args)]
pub(super) struct CredentialArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Set a credential, or put a new value in the place of the old one. The value comes from standard input or a file.
    #[command(after_help = "Examples:
  countersign provider credential set acme --kind bearer < token.txt
  countersign provider credential set acme --kind basic --username svc --from-file password.txt
  countersign provider credential set acme --kind header --name X-API-Key --from-file key.txt
  countersign provider credential set acme --kind oauth-client-credentials --as reports \\
    --token-url https://id.acme.example/token --client-id svc --from-file secret.txt
  countersign provider credential set acme --kind client-certificate \\
    --certificate tls.crt --from-file tls.key

What is read: the password, token, value, client secret, secret access key, HMAC key or
private key of the kind, without the end of its last line.")]
    Set(Box<SetArgs>),
    /// List a provider's credentials: kind, hosts, last use. Nothing shows a value.
    #[command(after_help = "Example:\n  countersign provider credential list acme")]
    List {
        /// The provider.
        #[arg(value_parser = id)]
        provider: String,
    },
    /// Remove a credential. Calls that need it are refused within a second.
    #[command(after_help = "Example:\n  countersign provider credential remove acme --as reports")]
    Remove {
        /// The provider.
        #[arg(value_parser = id)]
        provider: String,
        /// The credential.
        #[arg(long = "as", value_name = "CREDENTIAL", default_value = DEFAULT_NAME, value_parser = id)]
        name: String,
    },
}

#[derive(Debug, Args)]
struct SetArgs {
    /// The provider.
    #[arg(value_parser = id)]
    provider: String,
    /// How it is injected.
    #[arg(long, value_parser = KINDS.map(|(kind, _)| kind))]
    kind: String,
    /// Its name at the provider, which rules choose it by.
    #[arg(long = "as", value_name = "CREDENTIAL", default_value = DEFAULT_NAME, value_parser = id)]
    credential: String,
    /// File with the value; standard input without.
    #[arg(long, value_name = "FILE")]
    from_file: Option<PathBuf>,
    #[command(flatten)]
    members: Members,
}

/// What belongs to a kind and is no secret. The server refuses what does not belong to the kind.
#[derive(Debug, Args)]
struct Members {
    /// header, query, cookie: the name that the value stands under. hmac: the header of the signature.
    #[arg(long)]
    name: Option<String>,
    /// header, hmac: what stands before the value, with its space.
    #[arg(long)]
    prefix: Option<String>,
    /// basic: the user's name.
    #[arg(long)]
    username: Option<String>,
    /// oauth-client-credentials: the token endpoint.
    #[arg(long, value_name = "URL")]
    token_url: Option<String>,
    /// oauth-client-credentials: the client's id.
    #[arg(long)]
    client_id: Option<String>,
    /// oauth-client-credentials: how the client shows its secret, basic or body.
    #[arg(long, value_name = "WAY")]
    authentication: Option<String>,
    /// oauth-client-credentials: scopes, with spaces between.
    #[arg(long)]
    scope: Option<String>,
    /// oauth-client-credentials: the audience.
    #[arg(long)]
    audience: Option<String>,
    /// oauth-client-credentials: a resource (RFC 8707); may be repeated.
    #[arg(long = "resource", value_name = "URL")]
    resources: Vec<String>,
    /// aws-sigv4: the access key id.
    #[arg(long, value_name = "ID")]
    access_key_id: Option<String>,
    /// aws-sigv4: file with the token of a temporary key.
    #[arg(long, value_name = "FILE")]
    session_token_file: Option<PathBuf>,
    /// aws-sigv4: the region.
    #[arg(long)]
    region: Option<String>,
    /// aws-sigv4: the service's signing name.
    #[arg(long)]
    service: Option<String>,
    /// hmac: what is signed, with {timestamp}, {method}, {path}, {query}, {host} and {body} in it.
    #[arg(long)]
    template: Option<String>,
    /// hmac: the hash, such as sha256.
    #[arg(long)]
    hash: Option<String>,
    /// hmac: how the signature is written, such as hex or base64.
    #[arg(long)]
    encoding: Option<String>,
    /// hmac: how the key is written: text, hex or base64.
    #[arg(long)]
    key_encoding: Option<String>,
    /// hmac: the header that takes the timestamp.
    #[arg(long, value_name = "HEADER")]
    timestamp_header: Option<String>,
    /// client-certificate: PEM file with the certificates, the client's own first.
    #[arg(long, value_name = "FILE")]
    certificate: Option<PathBuf>,
}

impl CredentialArgs {
    pub(super) async fn run(&self, providers: &Providers, output: Output) -> anyhow::Result<()> {
        let connected = &providers.connected;
        match &self.verb {
            Verb::Set(set) => {
                let path = providers.path(&[&set.provider, "credentials", &set.credential]);
                let call = Call::put(&path).json(json!({ "value": set.value()? }));
                output.object(&connected.send(call).await?, "/credential", COLUMNS)
            }
            Verb::List { provider } => {
                let call = Call::get(&providers.path(&[provider, "credentials"]));
                output.list(&connected.send(call).await?, "/credentials", COLUMNS)
            }
            Verb::Remove { provider, name } => {
                let call = Call::delete(&providers.path(&[provider, "credentials", name]));
                output.object(&connected.send(call).await?, "", &[("removed", "/credential")])
            }
        }
    }
}

impl SetArgs {
    /// The value whole, with its secret.
    fn value(&self) -> anyhow::Result<Value> {
        let mut value = self.members.of(&self.kind)?;
        let secret = KINDS.iter().find(|(kind, _)| *kind == self.kind);
        let (kind, member) = secret.ok_or_else(|| Exit::Usage.because("--kind: no kind has this name"))?;
        let file = self.from_file.as_deref().unwrap_or(Path::new("-"));
        let secret = secret_input::read(file).context("the credential's value")?;
        value.insert("kind".to_owned(), json!(kind));
        value.insert((*member).to_owned(), json!(secret.expose_secret()));
        Ok(Value::Object(value))
    }
}

impl Members {
    fn of(&self, kind: &str) -> anyhow::Result<Map<String, Value>> {
        let mut members = Map::new();
        let name = if kind == "hmac" { "header" } else { "name" };
        for (member, text) in [
            (name, &self.name),
            ("prefix", &self.prefix),
            ("username", &self.username),
            ("token_url", &self.token_url),
            ("client_id", &self.client_id),
            ("authentication", &self.authentication),
            ("scope", &self.scope),
            ("audience", &self.audience),
            ("access_key_id", &self.access_key_id),
            ("region", &self.region),
            ("service", &self.service),
            ("template", &self.template),
            ("hash", &self.hash),
            ("encoding", &self.encoding),
            ("key_encoding", &self.key_encoding),
            ("timestamp_header", &self.timestamp_header),
        ] {
            add(&mut members, member, text.clone());
        }
        let resources = (!self.resources.is_empty()).then(|| self.resources.clone());
        add(&mut members, "resource", resources);
        if let Some(file) = &self.session_token_file {
            let token = secret_input::read(file).context("--session-token-file")?;
            members.insert("session_token".to_owned(), json!(token.expose_secret()));
        }
        if let Some(file) = &self.certificate {
            let pem =
                std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
            members.insert("certificate".to_owned(), json!(pem));
        }
        Ok(members)
    }
}
