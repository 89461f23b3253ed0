//! Compares what the server has after its restart with what was answered before.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use anyhow::{Context as _, bail, ensure};
use countersign_e2e::Backend;
use countersign_token::unverified;
use serde_json::Value;
use tokio::task::JoinSet;

use super::ledger::{Entry, Secret, State};

/// Clients looked at at the same time.
const AT_ONCE: usize = 8;

/// What a round came to.
#[derive(Debug, Default)]
pub(super) struct Summary {
    answered: usize,
    unanswered: usize,
    unanswered_but_done: usize,
    tokens: usize,
    refusals: usize,
    /// Clients of this round that exist.
    pub(super) clients_left: usize,
}

/// Checks all that was written in a round; `clients_before` are left from earlier ones.
pub(super) async fn round(
    backend: &Backend,
    entries: Vec<Entry>,
    clients_before: usize,
) -> anyhow::Result<Summary> {
    let events = Arc::new(events_by_object(backend.audit().await?)?);
    let (mut entries, mut checks) = (entries.into_iter(), JoinSet::new());
    let mut summary = Summary::default();
    loop {
        while checks.len() < AT_ONCE
            && let Some(entry) = entries.next()
        {
            let (backend, events) = (backend.clone(), events.clone());
            checks.spawn(async move {
                let context = format!("{}, with {:?} unanswered", entry.id, entry.unanswered);
                check(&backend, &events, entry).await.context(context)
            });
        }
        let Some(checked) = checks.join_next().await else {
            break;
        };
        summary.add(&checked??);
    }
    let all = backend.all_clients().await?.len();
    ensure!(
        all == clients_before + summary.clients_left,
        "{all} clients are found, {summary} and {clients_before} before"
    );
    ensure!(
        summary.unanswered > 0,
        "nothing was under way when the server was killed"
    );
    Ok(summary)
}

type Events = HashMap<String, Vec<(String, String)>>;

/// Request id and action of each event, by what it is about.
fn events_by_object(events: Vec<Value>) -> anyhow::Result<Events> {
    let mut by_object = Events::new();
    for event in events {
        let text = |name: &str| {
            event[name]
                .as_str()
                .map(str::to_owned)
                .context("an incomplete event")
        };
        let request = (text("request_id")?, text("action")?);
        by_object.entry(text("object")?).or_default().push(request);
    }
    Ok(by_object)
}

async fn check(backend: &Backend, events: &Events, entry: Entry) -> anyhow::Result<Summary> {
    let (state, done) = state(backend, &entry).await?;
    check_events(&entry, done, events.get(&entry.id).map_or(&[][..], Vec::as_slice))?;
    let mut summary = Summary {
        answered: entry.answered.len(),
        unanswered: usize::from(entry.unanswered.is_some()),
        unanswered_but_done: usize::from(done),
        clients_left: usize::from(state.is_some()),
        ..Summary::default()
    };
    for secret in &entry.secrets {
        let expected = state.as_ref().filter(|state| state.accepts(secret));
        check_token(backend, &entry.id, secret, expected).await?;
        summary.tokens += usize::from(expected.is_some());
        summary.refusals += usize::from(expected.is_none());
    }
    Ok(summary)
}

/// What the client is, and whether the unanswered change happened. It must be one or the other as a whole.
async fn state(backend: &Backend, entry: &Entry) -> anyhow::Result<(Option<State>, bool)> {
    let answer = backend.client(&entry.id).await?;
    let shown = (answer.status == 200).then(|| &answer.body["m2m_client"]);
    ensure!(
        shown.is_some() || answer.status == 404,
        "{}: {}",
        answer.status,
        answer.body
    );
    let fits = |state: &Option<State>| match (state, shown) {
        (Some(state), Some(shown)) => state.is_shown_by(shown),
        (None, None) => true,
        _ => false,
    };
    if fits(&entry.state) {
        return Ok((entry.state.clone(), false));
    }
    let after = entry
        .unanswered
        .map(|change| entry.after(change, Secret::Unknown));
    match after {
        Some(after) if fits(&after) => Ok((after, true)),
        _ => bail!("the server has {shown:?}, answered was {:?}", entry.state),
    }
}

/// One event for each answered change, and one more when the unanswered one happened.
fn check_events(entry: &Entry, done: bool, events: &[(String, String)]) -> anyhow::Result<()> {
    for (request_id, action) in &entry.answered {
        let of_request = events.iter().filter(|event| event.0 == *request_id);
        let actions: Vec<_> = of_request.map(|event| &event.1).collect();
        ensure!(
            actions == [action],
            "events {actions:?} for one answered {action}"
        );
    }
    let expected = entry.answered.len() + usize::from(done);
    ensure!(
        events.len() == expected,
        "{} events for {expected} changes",
        events.len()
    );
    Ok(())
}

async fn check_token(
    backend: &Backend,
    id: &str,
    secret: &str,
    expected: Option<&State>,
) -> anyhow::Result<()> {
    let answer = backend.token(id, secret).await?;
    let Some(state) = expected else {
        let refused = answer.status == 400 && answer.body["error"] == "invalid_client";
        ensure!(refused, "a dead secret is answered {}", answer.status);
        return Ok(());
    };
    let body = answer.ok().context("a live secret")?;
    let token = unverified::decode(body["access_token"].as_str().context("no token")?)?;
    let scope = &token.claims["scope"];
    ensure!(
        *scope == state.scope().as_str(),
        "a token of other scopes: {scope}"
    );
    Ok(())
}

impl Summary {
    fn add(&mut self, other: &Self) {
        self.answered += other.answered;
        self.unanswered += other.unanswered;
        self.unanswered_but_done += other.unanswered_but_done;
        self.tokens += other.tokens;
        self.refusals += other.refusals;
        self.clients_left += other.clients_left;
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} answered changes are there; of {} unanswered ones {} happened; {} clients exist; {} live secrets got a token, {} \
             dead ones were refused",
            self.answered,
            self.unanswered,
            self.unanswered_but_done,
            self.clients_left,
            self.tokens,
            self.refusals
        )
    }
}
