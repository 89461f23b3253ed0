//! A server with one client, as a newcomer has after five minutes: what examples and snippets of the documents run against.

use anyhow::Context as _;
use serde_json::{Value, json};

use crate::{Options, Server, identity};

/// What the client may do; the examples and the documents use these.
const SCOPES: [&str; 3] = ["read:reports", "write:reports", "read:users"];

/// The server, and the environment that tells programs of it.
pub struct Sample {
    server: Server,
    client_id: String,
    client_secret: String,
}

impl Sample {
    /// Starts the server on an empty folder and makes the client.
    pub async fn start(name: &'static str) -> anyhow::Result<Self> {
        let server = Server::start(Options {
            name,
            ..Options::default()
        })
        .await?;
        let draft = json!({ "client_name": "sample", "scopes": SCOPES });
        let made = server.backend().create(&draft).await?.ok()?;
        let text = |pointer: &str| {
            let value = made.pointer(pointer).and_then(Value::as_str);
            value
                .map(str::to_owned)
                .with_context(|| format!("no {pointer} in the answer"))
        };
        Ok(Self {
            client_id: text("/m2m_client/client_id")?,
            client_secret: text("/m2m_client/client_secret")?,
            server,
        })
    }

    /// The id of the client.
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// `COUNTERSIGN_*`, as both SDKs read them.
    pub fn environment(&self) -> [(&'static str, &str); 6] {
        [
            ("COUNTERSIGN_URL", self.server.url()),
            ("COUNTERSIGN_PROJECT_ID", identity::PROJECT_ID),
            ("COUNTERSIGN_PROJECT_SECRET", identity::PROJECT_SECRET),
            ("COUNTERSIGN_CLIENT_ID", &self.client_id),
            ("COUNTERSIGN_CLIENT_SECRET", &self.client_secret),
            ("COUNTERSIGN_OPERATOR_KEY", identity::OPERATOR_KEY),
        ]
    }

    /// Stops the server; one that does not stop cleanly, or that wrote a secret down, is an error.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.server.stop().await
    }
}
