//! Writing a file to an empty database, so that it can be interrupted anywhere.
//!
//! 1. The file was read from end to end ([`CheckedFile`]); nothing is written of one that is not whole or not authentic.
//! 2. Rows are written in batches. Each transaction also says, in table `import`, which file it is and how far it got, so the
//!    same command goes on exactly where it stopped. Nobody serves a database that has a row there.
//! 3. The database is read from end to end, and what it holds is compared with what the file held in step 1. A file that
//!    somebody exchanged after that step is noticed here.
//! 4. The row in `import` goes, and an audit event comes, in one transaction.

use std::ops::ControlFlow;

use anyhow::{Context, bail};
use countersign_core::audit::{Action, AuditEvent, AuditFilter, Origin};
use countersign_core::seal::MasterKey;
use countersign_store::{ImportUnderWay, Page, Record, StoreError, Transfer};
use serde_json::{Map, json};

use super::checked::{CheckedFile, Records};
use super::content::{self, Content};
use super::progress::Progress;
use super::{Refusal, Summary};
use crate::chance::chance;
use crate::clock::Clock;

/// Most rows in a transaction: enough that waiting for the disk is a small part of it.
const BATCH_ROWS: usize = 2_000;
/// Most bytes in a transaction, roughly: what is held in memory.
const BATCH_BYTES: usize = 4 * 1024 * 1024;

const ANOTHER: &str = "another import into this database is under way, or has ended it";

/// What is left to do.
#[derive(Debug)]
pub enum Begun {
    /// From here on.
    At(ImportUnderWay),
    /// Nothing: this file was imported, and nothing was written since.
    Done,
}

/// Where an import would begin: at 0, or where it stopped. Refused when anything else is in the database.
pub async fn begin(target: &dyn Transfer, file: &CheckedFile) -> anyhow::Result<Begun> {
    let content = &file.summary().content;
    match target.import_under_way().await? {
        Some(other) if other.content != *content => Err(Refusal::AnotherUnderWay(other.content).into()),
        Some(import) => Ok(Begun::At(import)),
        None if target.installation().await?.is_none() => Ok(Begun::At(ImportUnderWay {
            content: content.clone(),
            written: 0,
        })),
        // Whoever was killed before he could say that it was done tries again.
        None if is_what_happened_last(target, content).await? => Ok(Begun::Done),
        None => Err(Refusal::NotEmpty.into()),
    }
}

async fn is_what_happened_last(target: &dyn Transfer, content: &str) -> anyhow::Result<bool> {
    let page = Page { after: 0, limit: 1 };
    let newest = target.audit(&AuditFilter::default(), page).await?;
    let is_it = |event: &AuditEvent| {
        let after = event.after.as_ref().and_then(|after| after["content"].as_str());
        event.action == Action::InstallationImported && after == Some(content)
    };
    Ok(newest.first().is_some_and(|row| is_it(&row.value)))
}

/// Imports what is missing, sealed with `master_key`, and ends the import.
pub async fn import(
    target: &dyn Transfer,
    file: &CheckedFile,
    import: ImportUnderWay,
    master_key: &MasterKey,
    clock: &dyn Clock,
) -> anyhow::Result<()> {
    let import = write(target, file, import, master_key, clock).await?;
    let kept = read_back(target, master_key, file.row_count()).await?;
    if kept != *file.summary() {
        bail!(
            "the database does not hold what the file held when it was checked (content sha256:{}, should be sha256:{}): do not \
             use it, and import into an empty database again",
            kept.content,
            import.content
        );
    }
    let rows = kept
        .rows
        .iter()
        .map(|(table, count)| (table.clone(), json!(count)));
    let event = Origin::system()
        .event(
            Action::InstallationImported,
            None,
            "installation",
            clock.now(),
            &mut chance(),
        )
        .to(json!({ "content": kept.content, "rows": Map::from_iter(rows) }));
    match target.finish_import(&import, &event).await {
        Err(StoreError::Stale) => bail!(ANOTHER),
        finished => Ok(finished?),
    }
}

async fn write(
    target: &dyn Transfer,
    file: &CheckedFile,
    mut import: ImportUnderWay,
    master_key: &MasterKey,
    clock: &dyn Clock,
) -> anyhow::Result<ImportUnderWay> {
    let mut records = file.records(import.written)?;
    let mut progress = Progress::begin("importing", file.row_count());
    progress.advance(import.written);
    loop {
        let batch = next_batch(&mut records, file, master_key)?;
        if batch.is_empty() {
            return Ok(import);
        }
        let after = import.after(&batch);
        progress.advance(batch.len() as u64);
        match target.import_records(&import, batch, clock.now()).await {
            Ok(()) => import = after,
            Err(StoreError::Duplicate) if import.written == 0 => return Err(Refusal::NotEmpty.into()),
            Err(StoreError::Stale) => bail!(ANOTHER),
            Err(error @ (StoreError::Unavailable(_) | StoreError::OutcomeUnknown)) => {
                return Err(error).context("interrupted; the same command goes on where it stopped");
            }
            Err(error) => return Err(error.into()),
        }
    }
}

fn next_batch(
    records: &mut Records<'_>,
    file: &CheckedFile,
    master_key: &MasterKey,
) -> anyhow::Result<Vec<Record>> {
    let (mut batch, mut bytes) = (Vec::new(), 0);
    while batch.len() < BATCH_ROWS && bytes < BATCH_BYTES {
        let Some(record) = records.next().transpose()? else {
            break;
        };
        let record = match content::open(&record, &file.keys().seal)? {
            Some(opened) => opened.seal(record, master_key),
            None => record,
        };
        bytes += record.size();
        batch.push(record);
    }
    Ok(batch)
}

/// What the database holds.
async fn read_back(target: &dyn Transfer, master_key: &MasterKey, rows: u64) -> anyhow::Result<Summary> {
    let mut content = Content::new();
    let mut progress = Progress::begin("comparing", rows);
    let mut added = Ok(());
    let mut add = |record: Record| {
        added = content.add(&record, master_key).map(drop);
        progress.advance(1);
        match &added {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    };
    let read = target.each_record(&mut add).await;
    added?;
    read.context("cannot read the database")?;
    Ok(content.finish())
}
