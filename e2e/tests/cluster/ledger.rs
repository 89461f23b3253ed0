//! Clients and what was done to them, as their backend was told, against what is there in the end.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use anyhow::{Context as _, ensure};
use countersign_e2e::{Answer, Backend};
use serde_json::{Value, json};

/// What is done to a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    Rename,
    StartRotation,
    Rotate,
    Deactivate,
}

/// A client whose making was answered.
pub(super) struct Life {
    id: String,
    name: String,
    secret: String,
    /// The secret that it moves to, when that was answered.
    next_secret: Option<String>,
    /// What was answered with success.
    pub(super) done: BTreeSet<Step>,
    /// What was answered with an error, or not at all, and ended its life.
    pub(super) unknown: Option<Step>,
    /// When something was answered last.
    pub(super) last_answer: Instant,
}

impl Life {
    /// Makes a client; none when nobody says that it was made.
    pub(super) async fn begin(backend: &Backend, name: &str) -> anyhow::Result<Option<Self>> {
        let made = backend.create(&json!({ "client_name": name })).await;
        let Some(body) = success(made)? else {
            return Ok(None);
        };
        let client = &body["m2m_client"];
        Ok(Some(Self {
            id: text(client, "client_id")?,
            name: name.to_owned(),
            secret: text(client, "client_secret")?,
            next_secret: None,
            done: BTreeSet::new(),
            unknown: None,
            last_answer: Instant::now(),
        }))
    }

    /// Takes steps up to the first that nobody says was taken.
    pub(super) async fn go(&mut self, backend: &Backend, way: &[Step]) -> anyhow::Result<()> {
        for step in way {
            let taken = match step {
                Step::Rename => {
                    backend
                        .update(&self.id, &json!({ "client_name": self.renamed() }))
                        .await
                }
                Step::StartRotation => backend.start_rotation(&self.id).await,
                Step::Rotate => backend.complete_rotation(&self.id).await,
                Step::Deactivate => backend.update(&self.id, &json!({ "status": "inactive" })).await,
            };
            let Some(body) = success(taken)? else {
                self.unknown = Some(*step);
                return Ok(());
            };
            if *step == Step::StartRotation {
                self.next_secret = Some(text(&body["m2m_client"], "next_client_secret")?);
            }
            self.done.insert(*step);
            self.last_answer = Instant::now();
        }
        Ok(())
    }

    fn renamed(&self) -> String {
        format!("{}-renamed", self.name)
    }

    /// Fails unless the client is as it was told, with the step of which nobody knows taken wholly or not at all.
    async fn check(&self, backend: &Backend, stored: &Value, events: &Events) -> anyhow::Result<()> {
        let after = self
            .unknown
            .filter(|step| events.count(step.event(), &self.id) > 0);
        let taken: BTreeSet<_> = self.done.iter().copied().chain(after).collect();
        let took = |step| taken.contains(&step);
        let name = if took(Step::Rename) {
            self.renamed()
        } else {
            self.name.clone()
        };
        ensure!(text(stored, "client_name")? == name, "the name is not {name}");
        let is_inactive = took(Step::Deactivate);
        ensure!(
            (text(stored, "status")? == "inactive") == is_inactive,
            "the status"
        );
        let is_open = took(Step::StartRotation) && !took(Step::Rotate);
        ensure!(
            stored["next_client_secret_last_four"].is_string() == is_open,
            "the rotation"
        );
        for action in [
            "client_created",
            "client_updated",
            "rotation_started",
            "rotation_completed",
        ] {
            let expected = usize::from(action == "client_created")
                + taken.iter().filter(|step| step.event() == action).count();
            let there = events.count(action, &self.id);
            ensure!(there == expected, "{there} events {action}, not {expected}");
        }
        // The secrets that work say more than the row that shows them.
        let first_works = !is_inactive && !took(Step::Rotate);
        self.ask(backend, &self.secret, first_works).await?;
        if let Some(next) = &self.next_secret {
            self.ask(backend, next, !is_inactive).await?;
        }
        Ok(())
    }

    async fn ask(&self, backend: &Backend, secret: &str, works: bool) -> anyhow::Result<()> {
        let answer = backend.token(&self.id, secret).await?;
        let said = (answer.status == 200, answer.body["error"] == "invalid_client");
        ensure!(
            said == (works, !works),
            "a secret is answered with {}",
            answer.status
        );
        Ok(())
    }
}

impl Step {
    /// The action of its audit event.
    fn event(self) -> &'static str {
        match self {
            Self::Rename | Self::Deactivate => "client_updated",
            Self::StartRotation => "rotation_started",
            Self::Rotate => "rotation_completed",
        }
    }
}

/// How many events there are of an action on an object.
struct Events(BTreeMap<(String, String), usize>);

impl Events {
    fn count(&self, action: &str, object: &str) -> usize {
        let key = (action.to_owned(), object.to_owned());
        self.0.get(&key).copied().unwrap_or_default()
    }
}

/// Every client is as it was told, and what is there besides was refused, is there once, and is whole.
pub(super) async fn check(backend: &Backend, lives: &[Life], refused: &[String]) -> anyhow::Result<()> {
    let mut events = Events(BTreeMap::new());
    for event in backend.audit().await? {
        let key = (text(&event, "action")?, text(&event, "object")?);
        *events.0.entry(key).or_default() += 1;
    }
    let clients = backend.all_clients().await?;
    let mut there = BTreeMap::new();
    for client in &clients {
        there.insert(text(client, "client_id")?, client);
    }
    for life in lives {
        let stored = there.remove(&life.id);
        let stored = stored.with_context(|| format!("{} was answered and is gone", life.id))?;
        life.check(backend, stored, &events)
            .await
            .with_context(|| format!("{stored}, done {:?}, unknown {:?}", life.done, life.unknown))?;
    }
    let mut refused: BTreeSet<_> = refused.iter().cloned().collect();
    for (id, client) in there {
        let name = text(client, "client_name")?;
        ensure!(
            name.is_empty() || refused.remove(&name),
            "{id} is there and nobody asked for it"
        );
        ensure!(
            events.count("client_created", &id) == 1,
            "{id} has no event of its making"
        );
    }
    let made = events
        .0
        .iter()
        .filter(|((action, _), _)| action == "client_created");
    let made: usize = made.map(|(_, count)| count).sum();
    ensure!(
        made == clients.len(),
        "{made} were made, {} are there",
        clients.len()
    );
    Ok(())
}

/// The body of a success; none when nobody says what happened. Other errors are not those of a lost database.
fn success(answer: reqwest::Result<Answer>) -> anyhow::Result<Option<Value>> {
    match answer? {
        answer if answer.status == 503 => Ok(None),
        answer => answer.ok().map(Some),
    }
}

fn text(value: &Value, name: &str) -> anyhow::Result<String> {
    let text = value[name].as_str().with_context(|| format!("no {name}"))?;
    Ok(text.to_owned())
}
