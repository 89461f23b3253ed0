//! A caller that makes and changes clients until nobody answers any more.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context as _;
use countersign_e2e::{Answer, Backend};
use tokio::sync::mpsc::UnboundedSender;

use super::ledger::{Change, Entry, Secret};

/// The life of a client: some are deleted at its end, the others are left in the middle of a rotation.
const LIFE: [Change; 10] = [
    Change::Create,
    Change::Metadata,
    Change::Start,
    Change::Scopes,
    Change::Complete,
    Change::Start,
    Change::Metadata,
    Change::Cancel,
    Change::Scopes,
    Change::Start,
];
/// Every so manyth client is deleted.
const DELETED: usize = 4;

/// Writes until killed.
pub(super) async fn write(
    backend: Backend,
    (round, writer): (usize, usize),
    answered: UnboundedSender<()>,
    killed: Arc<AtomicBool>,
) -> anyhow::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for number in 0.. {
        let mut entry = Entry::new(format!("crash-{round}-{writer}-{number}"));
        let end = (number % DELETED == 0).then_some(Change::Delete);
        // Writers that share commits go in step; first lives of different length let them do different things.
        let length = if number == 0 {
            1 + writer % LIFE.len()
        } else {
            LIFE.len()
        };
        for change in LIFE.into_iter().take(length).chain(end) {
            match carry_out(&backend, &entry, change).await {
                Ok(answer) => {
                    note(&mut entry, change, answer).with_context(|| format!("{change:?}"))?;
                    // Nobody listens any more once the kill is under way.
                    let _ = answered.send(());
                }
                Err(error) if killed.load(Ordering::SeqCst) => {
                    drop(error);
                    entry.unanswered = Some(change);
                    entries.push(entry);
                    return Ok(entries);
                }
                Err(error) => return Err(error).context("broke off before it was killed"),
            }
        }
        entries.push(entry);
    }
    Ok(entries)
}

async fn carry_out(backend: &Backend, entry: &Entry, change: Change) -> reqwest::Result<Answer> {
    let body = entry.body(change);
    match change {
        Change::Create => backend.create(&body).await,
        Change::Metadata | Change::Scopes => backend.update(&entry.id, &body).await,
        Change::Start => backend.start_rotation(&entry.id).await,
        Change::Complete => backend.complete_rotation(&entry.id).await,
        Change::Cancel => backend.cancel_rotation(&entry.id).await,
        Change::Delete => backend.delete(&entry.id).await,
    }
}

fn note(entry: &mut Entry, change: Change, answer: Answer) -> anyhow::Result<()> {
    let body = answer.ok()?;
    let field = match change {
        Change::Create => "client_secret",
        _ => "next_client_secret",
    };
    let secret = match body["m2m_client"][field].as_str() {
        Some(secret) => {
            entry.secrets.push(secret.to_owned());
            Secret::Shown(secret.to_owned())
        }
        None => Secret::Unknown,
    };
    let request_id = body["request_id"].as_str().context("no request id")?;
    entry.answered.push((request_id.to_owned(), change.action()));
    entry.state = entry.after(change, secret);
    Ok(())
}
