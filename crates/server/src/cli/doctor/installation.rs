//! What an operator sees: keys, rotations, and what lies unused.

use countersign_core::Timestamp;
use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::Value;

use super::judgement::{self, Detail};
use super::report::{Check, Report, Verdict, fail, ok};
use crate::cli::calling::{Call, Connected};
use crate::cli::paging::{Page, collect};

/// Most clients of a project that are listed.
const CLIENTS_MAX: usize = 10_000;
/// Most clients of a project whose uses are asked for: a call each.
const USES_MAX: usize = 500;
/// Calls at the same time.
const AT_ONCE: usize = 8;
/// Looks at every project that the operator sees.
pub(super) async fn examine(connected: &Connected, now: Timestamp, report: &mut Report) {
    let projects = collect("/projects", usize::MAX, async |page| {
        connected.send(paged(&["admin", "v1", "projects"], page)).await
    });
    let projects = match projects.await {
        Ok((projects, _)) => projects,
        Err(error) => return report.add(Check::OperatorKey, None, fail(format!("{error:#}"))),
    };
    let text = format!(
        "the operator's key works; projects in its reach: {}",
        projects.len()
    );
    report.add(Check::OperatorKey, None, ok(text));
    for project in &projects {
        let id = project
            .get("project_id")
            .and_then(Value::as_str)
            .unwrap_or_default();
        report.tell(Check::SigningKeys, Some(id), keys(connected, id, now).await);
        report.tell(
            Check::UnusedProjectSecrets,
            Some(id),
            secrets(connected, id, now).await,
        );
        match clients(connected, id, now).await {
            Ok((rotations, unused)) => {
                report.add(Check::OpenRotations, Some(id), rotations);
                report.add(Check::UnusedClients, Some(id), unused);
            }
            Err(error) => report.add(Check::UnusedClients, Some(id), fail(format!("{error:#}"))),
        }
    }
}

async fn keys(connected: &Connected, id: &str, now: Timestamp) -> anyhow::Result<Verdict> {
    let answer = connected
        .send(Call::get(&["admin", "v1", "projects", id, "keys"]))
        .await?;
    Ok(judgement::keys(answer.array("/keys"), now))
}

async fn secrets(connected: &Connected, id: &str, now: Timestamp) -> anyhow::Result<Verdict> {
    let answer = connected
        .send(Call::get(&["admin", "v1", "projects", id, "secrets"]))
        .await?;
    Ok(judgement::secrets(answer.array("/project_secrets"), now))
}

async fn clients(connected: &Connected, id: &str, now: Timestamp) -> anyhow::Result<(Verdict, Verdict)> {
    let (clients, are_all) = collect("/clients", CLIENTS_MAX, async |page| {
        connected
            .send(paged(&["admin", "v1", "projects", id, "clients"], page))
            .await
    })
    .await?;
    let interesting: Vec<&str> = clients
        .iter()
        .filter(|client| judgement::is_rotating(client) || judgement::may_be_unused(client, now))
        .filter_map(|client| client.get("client_id").and_then(Value::as_str))
        .collect();
    let looked_at = interesting.len().min(USES_MAX);
    let note = if are_all && looked_at == interesting.len() {
        String::new()
    } else {
        format!(
            " (of the first {} clients, {looked_at} were looked at)",
            clients.len()
        )
    };
    let details: Vec<Detail> = stream::iter(&interesting[..looked_at])
        .map(|client_id| detail(connected, id, client_id))
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    Ok((
        judgement::rotations(&details, now, &note),
        judgement::unused(&clients, &details, now, &note),
    ))
}

async fn detail(connected: &Connected, id: &str, client_id: &str) -> anyhow::Result<Detail> {
    let call = Call::get(&["admin", "v1", "projects", id, "clients", client_id]);
    Ok(connected.send(call).await?.value)
}

fn paged(path: &[&str], page: Page) -> Call {
    Call::get(path)
        .query("limit", page.limit)
        .query("cursor", page.cursor)
}
