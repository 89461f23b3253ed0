//! Carrying clients into a running Countersign, some at a time and in their order.

use std::collections::HashSet;
use std::time::Duration;

use countersign_core::ids::ProjectId;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use http::StatusCode;
use http::header::RETRY_AFTER;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;

use super::Kind;
use super::candidate::{Candidate, Entry, Found, NotCarried};
use super::report::{Line, Outcome, Report};
use crate::cli::calling::{Call, Connected, Reply};
use crate::cli::exit::Exit;

/// Calls under way at the same time.
const CALLS: usize = 8;
/// Tries of one call while a server is busy.
const TRIES: usize = 5;
/// Wait between them where the server names none, and the longest that it may name.
const WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(60);
const BAR: &str = "{pos} of {len} clients {wide_bar} {elapsed}";

/// Carries clients and keeps account of them.
pub(super) struct Carrier {
    connected: Connected,
    project_id: ProjectId,
    is_dry_run: bool,
    seen: HashSet<String>,
    report: Report,
    bar: ProgressBar,
}

impl Carrier {
    pub(super) fn new(
        connected: Connected,
        project_id: &str,
        from: Kind,
        is_dry_run: bool,
    ) -> anyhow::Result<Self> {
        let project_id = project_id
            .parse()
            .map_err(|_| Exit::Usage.because("--project: not the id of a project"))?;
        Ok(Self {
            connected,
            project_id,
            is_dry_run,
            seen: HashSet::new(),
            report: Report::new(from, is_dry_run),
            // Draws on standard error, and only when that is a terminal.
            bar: ProgressBar::new(0).with_style(ProgressStyle::with_template(BAR)?),
        })
    }

    /// Carries these, of so many in all.
    pub(super) async fn carry(&mut self, entries: Vec<Entry>, total: usize) -> anyhow::Result<()> {
        self.bar.set_length(total as u64);
        let judged: Vec<_> = entries.into_iter().map(|entry| self.judge(entry)).collect();
        let (connected, project_id, is_dry_run) = (&self.connected, &self.project_id, self.is_dry_run);
        let mut lines = stream::iter(judged)
            .map(|(mut line, candidate)| async move {
                if let Some(candidate) = candidate {
                    line.outcome = bring(connected, project_id, &candidate, is_dry_run).await?;
                }
                anyhow::Ok(line)
            })
            .buffered(CALLS);
        while let Some(line) = lines.try_next().await? {
            self.report.clients.push(line);
            self.bar.inc(1);
        }
        Ok(())
    }

    /// All that came of it.
    pub(super) fn report(self) -> Report {
        self.bar.finish_and_clear();
        self.report
    }

    /// What can be said of a client without asking the server, and what is left to bring there.
    fn judge(&mut self, entry: Entry) -> (Line, Option<Box<Candidate>>) {
        let line = |outcome| Line {
            client_id: entry.id.clone(),
            outcome,
            not_carried: Vec::new(),
        };
        match entry.found {
            Found::PassedOver(reason) => (line(Outcome::PassedOver { reason }), None),
            Found::LeftOut(reason) => (line(Outcome::LeftOut { reason }), None),
            Found::Candidate {
                candidate,
                mut not_carried,
            } => match candidate.check(&self.project_id) {
                Err(error) => {
                    let reason = error.to_string();
                    (line(Outcome::LeftOut { reason }), None)
                }
                // Or the second one would look as if it had been there before.
                Ok(()) if !self.seen.insert(entry.id.clone()) => {
                    let reason = "its id stands in the export twice; the first one counts".to_owned();
                    (line(Outcome::LeftOut { reason }), None)
                }
                Ok(()) => {
                    // Null deletes a key, as the wire has it.
                    if candidate.metadata.values().any(Value::is_null) {
                        not_carried.push(NotCarried::new("metadata", "keys with null are not kept"));
                    }
                    let line = Line {
                        not_carried,
                        ..line(Outcome::Carried)
                    };
                    (line, Some(candidate))
                }
            },
        }
    }
}

/// Brings a client to the server, which judges it again.
async fn bring(
    connected: &Connected,
    project_id: &ProjectId,
    candidate: &Candidate,
    is_dry_run: bool,
) -> anyhow::Result<Outcome> {
    let clients = ["admin", "v1", "projects", project_id.as_str(), "clients"];
    if is_dry_run {
        let there = present(connected, &clients, &candidate.client_id).await?;
        return Ok(there.unwrap_or(Outcome::Carried));
    }
    let call = || Call::post(&clients).json(candidate.body());
    let reply = ask_patiently(connected, call).await?;
    if reply.status.is_success() {
        return Ok(Outcome::Carried);
    }
    match refusal(&reply) {
        Some((kind, _)) if kind == "duplicate_m2m_client_id" => {
            let there = present(connected, &clients, &candidate.client_id).await?;
            Ok(there.unwrap_or(Outcome::AlreadyThere { dual_run: None }))
        }
        Some((_, message)) if reply.status == StatusCode::BAD_REQUEST => {
            Ok(Outcome::LeftOut { reason: message })
        }
        _ => Err(reply.refusal()),
    }
}

/// A client that is there already, and the old service that it still waits for.
async fn present(
    connected: &Connected,
    clients: &[&str],
    client_id: &str,
) -> anyhow::Result<Option<Outcome>> {
    let path = [clients, &[client_id]].concat();
    let reply = ask_patiently(connected, || Call::get(&path)).await?;
    let kind = refusal(&reply).map(|(kind, _)| kind);
    if kind.as_deref() == Some("m2m_client_not_found") {
        return Ok(None);
    }
    let answer = reply.good()?;
    let secrets = answer.array("/secrets").iter();
    let mut services = secrets.filter_map(|secret| secret.get("dual_run")?.as_str().map(str::to_owned));
    Ok(Some(Outcome::AlreadyThere {
        dual_run: services.next(),
    }))
}

/// `error_type` and `error_message` of a bad answer in the API's style.
fn refusal(reply: &Reply) -> Option<(String, String)> {
    let body: Value = serde_json::from_str(&reply.text).ok()?;
    let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
    Some((text("error_type")?, text("error_message")?))
}

/// Makes a call, and again when the server is busy and says so.
pub(super) async fn ask_patiently(connected: &Connected, call: impl Fn() -> Call) -> anyhow::Result<Reply> {
    for _ in 1..TRIES {
        let reply = connected.server.ask(call(), &connected.caller).await?;
        let is_busy = matches!(
            reply.status,
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE
        );
        if !is_busy {
            return Ok(reply);
        }
        tokio::time::sleep(wait(&reply)).await;
    }
    connected.server.ask(call(), &connected.caller).await
}

fn wait(reply: &Reply) -> Duration {
    let named = reply
        .headers
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok());
    let seconds = named.and_then(|seconds| seconds.parse().ok());
    seconds.map_or(WAIT, Duration::from_secs).min(LONGEST_WAIT)
}
