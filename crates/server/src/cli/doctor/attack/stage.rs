//! What the probes call with and call: three clients, and a provider that is a listener of ours.

use std::time::Duration;

use anyhow::bail;
use ipnet::IpNet;
use rand::RngExt as _;
use serde_json::json;

use super::Rights;
use super::recorder::Recorder;
use super::wire::{Heard, Request, Wire};
use crate::chance::chance;
use crate::cli::calling::{Call, Caller, Connected, Reply};

/// What the names of all that it makes begin with.
const NAME: &str = "doctor-attack";
/// A provider holds on every node within a second.
const SETTLED: Duration = Duration::from_millis(1200);
/// The field that the provider's credential goes into.
pub(super) const CREDENTIAL_FIELD: &str = "x-doctor-credential";
/// Places that the probes of addresses try.
const PLACES: usize = 24;

/// See the module.
pub(super) struct Stage {
    pub(super) wire: Wire,
    pub(super) project_id: String,
    /// A token for the provider `countersign` and for ours.
    pub(super) token: String,
    /// A token for the provider `countersign`, for reading alone.
    pub(super) reading: String,
    /// A token of the same client as `token` for another audience.
    pub(super) elsewhere: String,
    /// A token for the gateway with no scope for what the probes call.
    pub(super) stranger: String,
    /// A client that `token` may read.
    pub(super) client_id: String,
    pub(super) provider: Option<Acme>,
    clients: Vec<String>,
}

/// The provider.
pub(super) struct Acme {
    pub(super) name: String,
    pub(super) secret: String,
    pub(super) recorder: Recorder,
    operator: Connected,
}

/// A client's id and secret.
struct Made {
    id: String,
    secret: String,
}

impl Stage {
    /// Makes it.
    pub(super) async fn set(
        rights: &Rights<'_>,
        wire: Wire,
        recorder: Option<Recorder>,
    ) -> anyhow::Result<Self> {
        let Caller::Project { id, .. } = &rights.project.caller else {
            bail!("the probes need a project's secret");
        };
        let name = format!("{NAME}-{:08x}", chance().random::<u32>());
        let mut scopes = vec![
            "gateway:countersign".to_owned(),
            format!("gateway:{name}"),
            "doctor".to_owned(),
        ];
        scopes.extend((0..PLACES).map(|place| format!("gateway:{name}-{place}")));
        let mut stage = Self {
            wire,
            project_id: id.clone(),
            token: String::new(),
            reading: String::new(),
            elsewhere: String::new(),
            stranger: String::new(),
            client_id: String::new(),
            provider: None,
            clients: Vec::new(),
        };
        if let Err(error) = stage.fill(rights, name, &scopes, recorder).await {
            let cleared = stage.clear(rights).await;
            return Err(cleared.err().unwrap_or(error));
        }
        Ok(stage)
    }

    async fn fill(
        &mut self,
        rights: &Rights<'_>,
        name: String,
        scopes: &[String],
        recorder: Option<Recorder>,
    ) -> anyhow::Result<()> {
        let all = self.client(rights, scopes).await?;
        let gateway: Vec<&str> = scopes
            .iter()
            .map(String::as_str)
            .filter(|scope| scope.starts_with("gateway:"))
            .collect();
        self.token = self.token_of(rights, &all, &gateway.join(" ")).await?;
        self.elsewhere = self.token_of(rights, &all, "doctor").await?;
        let reading = self
            .client(rights, &["gateway-read:countersign".to_owned()])
            .await?;
        self.reading = self
            .token_of(rights, &reading, "gateway-read:countersign")
            .await?;
        let none = format!("gateway:{NAME}-nothing");
        let stranger = self.client(rights, std::slice::from_ref(&none)).await?;
        self.stranger = self.token_of(rights, &stranger, &none).await?;
        self.client_id = all.id;
        if let (Some(operator), Some(recorder)) = (rights.operator, recorder) {
            self.provider = Some(self.acme(operator, name, recorder).await?);
        }
        tokio::time::sleep(SETTLED).await;
        Ok(())
    }

    /// Without it, nothing that is refused would mean anything.
    pub(super) async fn control(&self) -> anyhow::Result<()> {
        let heard = self.read(&self.token, "").await?;
        if !heard.succeeded() {
            bail!(
                "the gateway refuses a call that it should allow ({:?}): is --attack-gateway right?",
                heard.statuses()
            );
        }
        Ok(())
    }

    /// The path of what `token` may read.
    pub(super) fn target(&self) -> String {
        format!("/gateway/p/countersign/v1/m2m/clients/{}", self.client_id)
    }

    /// Reads it with this token and further fields.
    pub(super) async fn read(&self, token: &str, fields: &str) -> anyhow::Result<Heard> {
        self.ask("GET", &self.target(), token, fields, "").await
    }

    /// Any request.
    pub(super) async fn ask(
        &self,
        method: &str,
        target: &str,
        token: &str,
        fields: &str,
        body: &str,
    ) -> anyhow::Result<Heard> {
        let request = Request {
            method,
            target,
            token,
            fields,
            body,
        };
        self.wire.say(&request.bytes(&self.wire.authority)).await
    }

    async fn client(&mut self, rights: &Rights<'_>, scopes: &[String]) -> anyhow::Result<Made> {
        let call =
            Call::post(&["v1", "m2m", "clients"]).json(json!({ "client_name": NAME, "scopes": scopes }));
        let answer = rights.project.send(call).await?;
        let made = Made {
            id: answer.text_at("/m2m_client/client_id")?.to_owned(),
            secret: answer.text_at("/m2m_client/client_secret")?.to_owned(),
        };
        self.clients.push(made.id.clone());
        Ok(made)
    }

    async fn token_of(&self, rights: &Rights<'_>, client: &Made, scope: &str) -> anyhow::Result<String> {
        let call = Call::post(&["v1", "public", &self.project_id, "oauth2", "token"]).json(json!({
            "grant_type": "client_credentials", "client_id": client.id, "client_secret": client.secret, "scope": scope
        }));
        let answer = rights.project.server.ask(call, &Caller::Nobody).await?.good()?;
        Ok(answer.text_at("/access_token")?.to_owned())
    }

    async fn acme(&self, operator: &Connected, name: String, recorder: Recorder) -> anyhow::Result<Acme> {
        let acme = Acme {
            secret: format!("{:032x}", chance().random::<u128>()),
            operator: operator.clone(),
            recorder,
            name,
        };
        let at = acme.recorder.address;
        let range = IpNet::from(at.ip()).to_string();
        let added = acme
            .add(&self.project_id, &acme.name, &format!("http://{at}"), &[&range])
            .await?;
        added.good()?;
        let path = [
            "admin",
            "v1",
            "projects",
            &self.project_id,
            "providers",
            &acme.name,
            "credentials",
            "default",
        ];
        let value = json!({ "kind": "header", "name": CREDENTIAL_FIELD, "value": acme.secret });
        operator
            .send(Call::put(&path).json(json!({ "value": value })))
            .await?;
        Ok(acme)
    }

    /// Takes all of it away.
    pub(super) async fn clear(self, rights: &Rights<'_>) -> anyhow::Result<()> {
        let mut left = Vec::new();
        for id in &self.clients {
            if rights
                .project
                .send(Call::delete(&["v1", "m2m", "clients", id]))
                .await
                .is_err()
            {
                left.push(id.clone());
            }
        }
        if let Some(acme) = &self.provider {
            left.extend(
                acme.remove(&self.project_id, &acme.name)
                    .await
                    .err()
                    .map(|_| acme.name.clone()),
            );
        }
        if !left.is_empty() {
            bail!("left behind, to be deleted by hand: {}", left.join(", "));
        }
        Ok(())
    }
}

impl Acme {
    /// Asks for a provider, which is refused at some places.
    pub(super) async fn add(
        &self,
        project_id: &str,
        name: &str,
        url: &str,
        ranges: &[&str],
    ) -> anyhow::Result<Reply> {
        let document = json!({ "openapi": "3.1.0", "info": { "title": NAME, "version": "1" }, "paths": {} });
        let body = json!({
            "name": name, "document": document.to_string(), "base_url": url, "allowed_cidrs": ranges
        });
        let call = Call::post(&["admin", "v1", "projects", project_id, "providers"]).json(body);
        self.operator.server.ask(call, &self.operator.caller).await
    }

    pub(super) async fn remove(&self, project_id: &str, name: &str) -> anyhow::Result<()> {
        let call = Call::delete(&["admin", "v1", "projects", project_id, "providers", name]);
        self.operator.send(call).await.map(drop)
    }

    /// Waits until a change of providers holds.
    pub(super) async fn settle() {
        tokio::time::sleep(SETTLED).await;
    }
}
