//! What callers do: a team's backend that manages clients, its services that get tokens, an operator who reads the audit.

use anyhow::Context as _;
use reqwest::header::{ACCEPT, CONNECTION, HeaderMap};
use reqwest::{Method, RequestBuilder, Result};
use serde_json::{Value, json};

use crate::identity;

/// Callers of one server. It outlives the server: then every call fails.
#[derive(Debug, Clone)]
pub struct Backend {
    client: reqwest::Client,
    url: String,
    one_call_per_connection: bool,
}

/// A whole answer. One that broke off is an error of the call.
#[derive(Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// HTTP headers.
    pub headers: HeaderMap,
    /// Its JSON; null when it is none.
    pub body: Value,
}

impl Backend {
    pub(crate) fn new(client: reqwest::Client, url: String) -> Self {
        Self {
            client,
            url,
            one_call_per_connection: false,
        }
    }

    /// The same with a new connection for each call: then a call never meets a connection that the server closes because
    /// nothing came over it for a while.
    #[must_use]
    pub fn one_call_per_connection(self) -> Self {
        Self {
            one_call_per_connection: true,
            ..self
        }
    }

    /// Makes a client.
    pub async fn create(&self, draft: &Value) -> Result<Answer> {
        self.send(self.by_project(Method::POST, "").json(draft)).await
    }

    /// Looks at a client.
    pub async fn client(&self, id: &str) -> Result<Answer> {
        self.send(self.by_project(Method::GET, &format!("/{id}"))).await
    }

    /// Changes a client.
    pub async fn update(&self, id: &str, patch: &Value) -> Result<Answer> {
        self.send(self.by_project(Method::PUT, &format!("/{id}")).json(patch))
            .await
    }

    /// Deletes a client.
    pub async fn delete(&self, id: &str) -> Result<Answer> {
        self.send(self.by_project(Method::DELETE, &format!("/{id}")))
            .await
    }

    /// Starts a rotation: `m2m_client.next_client_secret`.
    pub async fn start_rotation(&self, id: &str) -> Result<Answer> {
        self.rotate(id, "/start").await
    }

    /// Completes a rotation.
    pub async fn complete_rotation(&self, id: &str) -> Result<Answer> {
        self.rotate(id, "").await
    }

    /// Cancels a rotation.
    pub async fn cancel_rotation(&self, id: &str) -> Result<Answer> {
        self.rotate(id, "/cancel").await
    }

    /// One page of clients.
    pub async fn search(&self, query: &Value) -> Result<Answer> {
        self.send(self.by_project(Method::POST, "/search").json(query))
            .await
    }

    /// All clients, page by page.
    pub async fn all_clients(&self) -> anyhow::Result<Vec<Value>> {
        let mut clients = Vec::new();
        let mut cursor = Value::Null;
        loop {
            let query = json!({ "limit": 1000, "cursor": cursor });
            let page = self.search(&query).await?.ok()?;
            clients.extend(page["m2m_clients"].as_array().context("no page")?.iter().cloned());
            cursor = page["results_metadata"]["next_cursor"].clone();
            if cursor.is_null() {
                let total = page["results_metadata"]["total"].as_u64();
                anyhow::ensure!(
                    total == Some(clients.len() as u64),
                    "{total:?} are not {}",
                    clients.len()
                );
                return Ok(clients);
            }
        }
    }

    /// Asks for a token with all scopes of the client.
    pub async fn token(&self, id: &str, secret: &str) -> Result<Answer> {
        let path = format!("/v1/public/{}/oauth2/token", identity::PROJECT_ID);
        let wanted = json!({ "grant_type": "client_credentials", "client_id": id, "client_secret": secret });
        self.send(self.request(Method::POST, &path).json(&wanted)).await
    }

    /// The project's JWK set, as the SDKs fetch it.
    pub async fn jwk_set(&self) -> Result<Answer> {
        let path = format!("/v1/sessions/jwks/{}", identity::PROJECT_ID);
        self.send(self.request(Method::GET, &path)).await
    }

    /// All of the project's audit events.
    pub async fn audit(&self) -> anyhow::Result<Vec<Value>> {
        let path = format!("/admin/v1/projects/{}/audit", identity::PROJECT_ID);
        let request = self
            .request(Method::GET, &path)
            .bearer_auth(identity::OPERATOR_KEY);
        let answer = request.header(ACCEPT, "application/x-ndjson").send().await?;
        let lines = answer.error_for_status()?.text().await?;
        let events = lines
            .lines()
            .map(serde_json::from_str)
            .collect::<serde_json::Result<_>>();
        events.context("a line of the audit is no JSON")
    }

    async fn rotate(&self, id: &str, step: &str) -> Result<Answer> {
        self.send(self.by_project(Method::POST, &format!("/{id}/secrets/rotate{step}")))
            .await
    }

    fn by_project(&self, method: Method, path: &str) -> RequestBuilder {
        self.request(method, &format!("/v1/m2m/clients{path}"))
            .basic_auth(identity::PROJECT_ID, Some(identity::PROJECT_SECRET))
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.url));
        if self.one_call_per_connection {
            request.header(CONNECTION, "close")
        } else {
            request
        }
    }

    async fn send(&self, request: RequestBuilder) -> Result<Answer> {
        let answer = request.send().await?;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let body = answer.bytes().await?;
        Ok(Answer {
            status,
            headers,
            body: serde_json::from_slice(&body).unwrap_or_default(),
        })
    }
}

impl Answer {
    /// The body of a 200; anything else is an error with what was said instead.
    pub fn ok(self) -> anyhow::Result<Value> {
        anyhow::ensure!(self.status == 200, "{}: {}", self.status, self.body);
        Ok(self.body)
    }
}
