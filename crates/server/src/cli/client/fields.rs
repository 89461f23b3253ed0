//! A client's fields on the command line.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use secrecy::ExposeSecret;
use serde_json::{Map, Value, json};

use crate::cli::connection::id;
use crate::cli::exit::Exit;
use crate::cli::project::add;
use crate::cli::secret_input;

/// Of a client about to be made, beside its secret.
#[derive(Debug, Args)]
pub(super) struct Facts {
    /// For people.
    #[arg(long)]
    name: Option<String>,
    /// For people.
    #[arg(long)]
    description: Option<String>,
    /// What it may ask for, such as read:usage; may be repeated.
    #[arg(long = "scope", value_name = "SCOPE", value_delimiter = ' ')]
    scopes: Vec<String>,
    /// Your own facts about it: a JSON object.
    #[arg(long, value_name = "JSON", value_parser = object)]
    metadata: Option<Value>,
    /// Your own id, unique in the project, when moving from elsewhere.
    #[arg(long, value_name = "CLIENT_ID", value_parser = id)]
    id: Option<String>,
}

/// Of a client about to be made.
#[derive(Debug, Args)]
pub(super) struct NewFields {
    #[command(flatten)]
    facts: Facts,
    /// File with your own secret, - for standard input, when moving from elsewhere.
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
}

/// Of a client that comes along with a digest.
#[derive(Debug, Args)]
pub(super) struct ImportedFields {
    #[command(flatten)]
    facts: Facts,
    /// File with the digest of its secret, - for standard input: bcrypt, Argon2id, PBKDF2-SHA-256 or SHA-256.
    #[arg(long, value_name = "FILE")]
    digest_file: PathBuf,
    /// The secret's last four characters, where you know them.
    #[arg(long, value_name = "CHARACTERS")]
    last_four: Option<String>,
}

/// Of a client about to change.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub(super) struct ChangedFields {
    /// A new name; empty clears it.
    #[arg(long)]
    name: Option<String>,
    /// A new description; empty clears it.
    #[arg(long)]
    description: Option<String>,
    /// An inactive client gets no new token from the next second on.
    #[arg(long, value_parser = ["active", "inactive"])]
    status: Option<String>,
    /// The whole new list of scopes; may be repeated. It holds for tokens issued from now on.
    #[arg(long = "scope", value_name = "SCOPE", value_delimiter = ' ')]
    scopes: Vec<String>,
    /// Takes all scopes away.
    #[arg(long, conflicts_with = "scopes")]
    no_scopes: bool,
    /// A JSON object, merged into what is there; null deletes a key.
    #[arg(long, value_name = "JSON", value_parser = object)]
    metadata: Option<Value>,
}

impl NewFields {
    /// Whether the caller knows the secret already.
    pub(super) fn bring_their_secret(&self) -> bool {
        self.secret_file.is_some()
    }

    /// The body of the call.
    pub(super) fn body(&self) -> anyhow::Result<Value> {
        let mut body = self.facts.body();
        if let Some(file) = &self.secret_file {
            let secret = secret_input::read(file).context("--secret-file")?;
            body.insert("client_secret".to_owned(), json!(secret.expose_secret()));
        }
        Ok(Value::Object(body))
    }
}

impl ImportedFields {
    /// The body of the call.
    pub(super) fn body(&self) -> anyhow::Result<Value> {
        let digest = secret_input::read(&self.digest_file).context("--digest-file")?;
        let mut body = self.facts.body();
        body.insert("client_secret_digest".to_owned(), json!(digest.expose_secret()));
        add(&mut body, "client_secret_last_four", self.last_four.clone());
        Ok(Value::Object(body))
    }
}

impl Facts {
    fn body(&self) -> Map<String, Value> {
        let mut body = Map::new();
        let scopes = (!self.scopes.is_empty()).then(|| self.scopes.clone());
        add(&mut body, "client_name", self.name.clone());
        add(&mut body, "client_description", self.description.clone());
        add(&mut body, "scopes", scopes);
        add(&mut body, "trusted_metadata", self.metadata.clone());
        add(&mut body, "client_id", self.id.clone());
        body
    }
}

impl ChangedFields {
    /// The body of the call.
    pub(super) fn body(&self) -> anyhow::Result<Value> {
        // The wire takes an empty list beside empty metadata for "no change", as one SDK sends it.
        if self.no_scopes
            && self
                .metadata
                .as_ref()
                .and_then(Value::as_object)
                .is_some_and(Map::is_empty)
        {
            return Err(
                Exit::Usage.because("--no-scopes does not go with empty metadata: leave --metadata out")
            );
        }
        let scopes = self.no_scopes || !self.scopes.is_empty();
        let mut body = Map::new();
        add(&mut body, "client_name", self.name.clone());
        add(&mut body, "client_description", self.description.clone());
        add(&mut body, "status", self.status.clone());
        add(&mut body, "scopes", scopes.then(|| self.scopes.clone()));
        add(&mut body, "trusted_metadata", self.metadata.clone());
        Ok(Value::Object(body))
    }
}

fn object(text: &str) -> Result<Value, String> {
    match serde_json::from_str(text) {
        Ok(Value::Object(members)) => Ok(Value::Object(members)),
        _ => Err("not a JSON object".to_owned()),
    }
}
