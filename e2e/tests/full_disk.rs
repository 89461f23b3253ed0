//! A full disk is a clear 503: nothing is written by halves, tokens are still issued, and room helps at once.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context as _, ensure};
use countersign_e2e::{Answer, Backend, Options, Server};
use serde_json::json;
use tempfile::TempDir;
use tokio::task::JoinSet;

const PAGE_BYTES: u64 = 4096;
/// Pages that the database may grow by.
const ROOM: u64 = 150;
/// Callers at the same time, so that one commit holds the work of several when the disk is full.
const CALLERS: usize = 8;
/// Scopes of a client: enough that deleting it frees more pages than the audit needs for saying so.
const SCOPES: usize = 150;

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_a_503_with_nothing_half_written() -> anyhow::Result<()> {
    let data = TempDir::new()?;
    let server = start(data.path(), 0).await?;
    let old = Made::by(&server.backend(), "old")
        .await?
        .map_err(|answer| refusal(&answer))?;
    server.stop().await?;
    let pages = std::fs::metadata(data.path().join("countersign.db"))?.len() / PAGE_BYTES;

    let server = start(data.path(), pages + ROOM).await?;
    let backend = server.backend();
    let (made, refusals) = fill(&backend).await?;
    println!(
        "{} creates answered 200, then {} answered 503",
        made.len(),
        refusals.len()
    );
    refusals.iter().try_for_each(is_clear)?;

    let all = backend.all_clients().await?;
    let ids: BTreeSet<_> = all
        .iter()
        .filter_map(|client| client["client_id"].as_str())
        .collect();
    let expected = made.iter().chain([&old]).map(|made| made.id.as_str()).collect();
    ensure!(ids == expected, "there are {ids:?}, answered were {expected:?}");
    for client in &all {
        ensure!(
            client["scopes"] == json!(scopes()),
            "not all scopes of {}",
            client["client_id"]
        );
    }
    for client in made.iter().chain([&old]) {
        backend
            .token(&client.id, &client.secret)
            .await?
            .ok()
            .context("a token while the disk is full")?;
    }

    for client in &made {
        backend
            .delete(&client.id)
            .await?
            .ok()
            .context("a deletion while the disk is full")?;
    }
    let new = Made::by(&backend, "new")
        .await?
        .map_err(|answer| refusal(&answer))
        .context("a create after deletions")?;
    backend.token(&new.id, &new.secret).await?.ok()?;
    server.stop().await
}

struct Made {
    id: String,
    secret: String,
}

impl Made {
    /// A client, or why there is none.
    async fn by(backend: &Backend, id: &str) -> anyhow::Result<Result<Self, Answer>> {
        let answer = backend
            .create(&json!({ "client_id": id, "scopes": scopes() }))
            .await?;
        if answer.status != 200 {
            return Ok(Err(answer));
        }
        let secret = answer.body["m2m_client"]["client_secret"]
            .as_str()
            .context("no secret")?;
        Ok(Ok(Self {
            id: id.to_owned(),
            secret: secret.to_owned(),
        }))
    }
}

fn scopes() -> Vec<String> {
    (0..SCOPES)
        .map(|number| format!("read:resource-{number:03}"))
        .collect()
}

/// Creates until every caller was refused.
async fn fill(backend: &Backend) -> anyhow::Result<(Vec<Made>, Vec<Answer>)> {
    let mut callers = JoinSet::new();
    for caller in 0..CALLERS {
        let backend = backend.clone();
        callers.spawn(async move {
            let mut made = Vec::new();
            loop {
                let id = format!("full-{caller}-{}", made.len());
                match Made::by(&backend, &id).await? {
                    Ok(client) => made.push(client),
                    Err(refusal) => return anyhow::Ok((made, refusal)),
                }
            }
        });
    }
    let (mut made, mut refusals) = (Vec::new(), Vec::new());
    while let Some(filled) = callers.join_next().await {
        let (clients, refusal) = filled??;
        made.extend(clients);
        refusals.push(refusal);
    }
    ensure!(!made.is_empty(), "the disk was full from the start");
    Ok((made, refusals))
}

/// The API's style: type, sentence, page, request id, and when to try again.
fn is_clear(refusal: &Answer) -> anyhow::Result<()> {
    let Answer {
        status,
        headers,
        body,
    } = refusal;
    let retry_after = headers
        .get("retry-after")
        .and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    let is_text = |name: &str| body[name].as_str().is_some_and(|text| !text.is_empty());
    let is_clear = *status == 503
        && body["status_code"] == 503
        && body["error_type"] == "service_unavailable"
        && ["error_message", "error_url", "request_id"]
            .into_iter()
            .all(is_text)
        && retry_after.is_some_and(|seconds| seconds > 0);
    ensure!(is_clear, "{status} {headers:?} {body}");
    Ok(())
}

fn refusal(answer: &Answer) -> anyhow::Error {
    anyhow::anyhow!("{}: {}", answer.status, answer.body)
}

async fn start(data_dir: &Path, max_pages: u64) -> anyhow::Result<Server> {
    Server::start(Options {
        name: "full-disk",
        data_dir: Some(data_dir.to_owned()),
        environment: vec![("COUNTERSIGN_DATABASE_SQLITE_MAX_PAGES", max_pages.to_string())],
        ..Options::default()
    })
    .await
}
