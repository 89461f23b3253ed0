//! Countersign as it is measured: the release binary, its defaults, and credentials to call it with.

use std::path::Path;

use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use countersign_core::Timestamp;
use countersign_core::digest::Digest;
use countersign_core::ids::ProjectId;
use countersign_core::pepper::Peppers;
use countersign_core::project::ProjectSecret;
use countersign_core::secret::{StoredSecret, last_four, strength_of};
use rand::SeedableRng;
use rand::rngs::StdRng;
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::process::{Server, sibling};

const PROJECT_ID: &str = "project-test-bench";
const PROJECT_SECRET: &str = "secret-test-bench-0123456789abcdefghijklmnopqrstuvwxyz";
/// For a database that is not embedded a key is given. Nothing here outlives the bench.
pub(crate) const MASTER_KEY: &str = "YmVuY2gtbWFzdGVyLWtleS0wMTIzNDU2Nzg5YWJjZGU=";
const OPERATOR_KEY: &str = "cso_bench_0123456789abcdefghijklmnopqrstuvwxyz";

/// A running Countersign.
pub(crate) struct Countersign {
    /// The process.
    pub(crate) server: Server,
    http: reqwest::blocking::Client,
}

/// What asks for a token.
#[derive(Clone)]
pub(crate) struct Asker {
    /// The token endpoint's path.
    pub(crate) path: String,
    /// The form to send.
    pub(crate) body: String,
}

impl Countersign {
    /// Starts it on a data folder.
    pub(crate) fn start(data_dir: &Path, settings: &[(&str, &str)]) -> anyhow::Result<Self> {
        let server = Server::start(&sibling("countersign")?, |command| {
            command
                .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
                .arg(data_dir)
                .env("COUNTERSIGN_BOOTSTRAP_PROJECT_ID", PROJECT_ID)
                .env("COUNTERSIGN_BOOTSTRAP_PROJECT_SECRET", PROJECT_SECRET)
                .env("COUNTERSIGN_BOOTSTRAP_OPERATOR_KEY", OPERATOR_KEY)
                .envs(settings.iter().copied());
        })?;
        let http = reqwest::blocking::Client::builder().no_proxy().build()?;
        Ok(Self { server, http })
    }

    /// A client of a new project whose tokens look as `profile` says; with an imported secret when one is given.
    pub(crate) fn client(&self, profile: &str, imported: Option<&str>) -> anyhow::Result<Asker> {
        let made = self
            .http
            .post(self.url("/admin/v1/projects"))
            .bearer_auth(OPERATOR_KEY)
            .json(&json!({ "name": profile, "token_profile": profile }))
            .send()?
            .error_for_status()?
            .json::<Value>()?;
        let project_id = text(&made, "/project/project_id")?;
        let secret = text(&made, "/project_secret/secret")?;
        self.client_of(&project_id, &secret, imported)
    }

    fn client_of(&self, project_id: &str, secret: &str, imported: Option<&str>) -> anyhow::Result<Asker> {
        let body = json!({ "scopes": ["read:bench", "write:bench"], "client_secret": imported });
        let made = self.post(project_id, secret, "/v1/m2m/clients", &body)?;
        let client_id = text(&made, "/m2m_client/client_id")?;
        let client_secret = text(&made, "/m2m_client/client_secret")?;
        Ok(Asker::new(project_id, &client_id, &client_secret))
    }

    /// Searches the bootstrap project's clients.
    pub(crate) fn search(&self, body: &Value) -> anyhow::Result<Value> {
        self.post(PROJECT_ID, PROJECT_SECRET, "/v1/m2m/clients/search", body)
    }

    fn post(&self, project_id: &str, secret: &str, path: &str, body: &Value) -> anyhow::Result<Value> {
        let request = self
            .http
            .post(self.url(path))
            .basic_auth(project_id, Some(secret))
            .json(body);
        Ok(request.send()?.error_for_status()?.json()?)
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.server.address)
    }
}

impl Asker {
    /// Asks as this client.
    pub(crate) fn new(project_id: &str, client_id: &str, client_secret: &str) -> Self {
        Self {
            path: format!("/v1/public/{project_id}/oauth2/token"),
            body: format!(
                "grant_type=client_credentials&client_id={client_id}&client_secret={client_secret}"
            ),
        }
    }
}

/// Header lines of the bootstrap project's JSON requests.
pub(crate) fn project_headers() -> String {
    let credentials = STANDARD.encode(format!("{PROJECT_ID}:{PROJECT_SECRET}"));
    format!("content-type: application/json\r\nauthorization: Basic {credentials}\r\n")
}

/// The bootstrap project's secret as the store keeps it, for whoever makes the project before the first start.
pub(crate) fn project_secret(peppers: &Peppers, id: &ProjectId, now: Timestamp) -> ProjectSecret {
    let plaintext = SecretString::from(PROJECT_SECRET);
    let digest = Digest::make(
        &plaintext,
        strength_of(&plaintext),
        peppers,
        &mut StdRng::seed_from_u64(1),
    );
    ProjectSecret {
        id: "bench".to_owned(),
        project_id: id.clone(),
        name: "bench".to_owned(),
        secret: StoredSecret {
            number: 1,
            digest,
            last_four: last_four(&plaintext),
            created_at: now,
        },
        last_used_at: None,
        revoked_at: None,
    }
}

/// The bootstrap project's id, for whoever fills the database directly.
pub(crate) fn project_id() -> anyhow::Result<ProjectId> {
    Ok(PROJECT_ID.parse()?)
}

fn text(answer: &Value, pointer: &str) -> anyhow::Result<String> {
    Ok(answer
        .pointer(pointer)
        .and_then(Value::as_str)
        .with_context(|| format!("no {pointer}"))?
        .to_owned())
}
