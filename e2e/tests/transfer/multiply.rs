//! A large installation, made from a small one that the binary itself made: its one client, many times.

use std::ops::ControlFlow;
use std::path::Path;

use anyhow::Context as _;
use countersign_core::Timestamp;
use countersign_core::audit::{Action, Actor, ActorKind, AuditEvent};
use countersign_store::{
    Cell, ImportUnderWay, Record, SqliteOptions, SqliteStore, Store as _, Transfer as _,
};

/// Rows in one transaction.
const AT_ONCE: usize = 2_000;

/// Fills `large` with all that is in `small`, its client so many times: `client-1` and on, with the secret of the one.
pub(super) async fn multiply(small: &Path, large: &Path, clients: i64) -> anyhow::Result<()> {
    std::fs::create_dir_all(large)?;
    std::fs::copy(small.join("master.key"), large.join("master.key"))?;
    let records = records(small).await?;
    let store = SqliteStore::open(SqliteOptions {
        file: large.join("countersign.db"),
        max_page_count: None,
        readers: 1,
        cache_kib: 65_536,
    })
    .await?;
    let (mut batch, mut import) = (
        Vec::new(),
        ImportUnderWay {
            content: "made for a test".to_owned(),
            written: 0,
        },
    );
    for record in multiplied(&records, clients) {
        batch.push(record?);
        if batch.len() == AT_ONCE {
            import = write(&store, import, std::mem::take(&mut batch)).await?;
        }
    }
    import = write(&store, import, batch).await?;
    store.finish_import(&import, &event()).await?;
    store.close().await;
    Ok(())
}

async fn write(
    store: &SqliteStore,
    import: ImportUnderWay,
    batch: Vec<Record>,
) -> anyhow::Result<ImportUnderWay> {
    let after = import.after(&batch);
    store
        .import_records(&import, batch, Timestamp::UNIX_EPOCH)
        .await?;
    Ok(after)
}

async fn records(data_dir: &Path) -> anyhow::Result<Vec<Record>> {
    let store = SqliteStore::open_read_only(&data_dir.join("countersign.db")).await?;
    let mut records = Vec::new();
    let mut take = |record| {
        records.push(record);
        ControlFlow::Continue(())
    };
    store.each_record(&mut take).await?;
    store.close().await;
    Ok(records)
}

/// Table by table, as a reference needs what it refers to.
fn multiplied(records: &[Record], clients: i64) -> impl Iterator<Item = anyhow::Result<Record>> {
    records
        .chunk_by(|one, next| one.table() == next.table() && !is_created(one) && !is_created(next))
        .flat_map(move |run| {
            let times = match run.first() {
                Some(record) if is(record, "client") || is_created(record) => clients,
                Some(record) if is(record, "client_scope") || is(record, "usage_secret") => clients,
                _ => 1,
            };
            (1..=times)
                .flat_map(move |number| run.iter().map(move |record| numbered(record, number, times > 1)))
        })
}

fn is(record: &Record, table: &str) -> bool {
    record.table().name == table
}

fn is_created(record: &Record) -> bool {
    is(record, "audit") && value(record, "action") == Some(&Cell::Text("client_created".to_owned()))
}

/// The same row of another client.
fn numbered(record: &Record, number: i64, is_one_of_many: bool) -> anyhow::Result<Record> {
    let name = || Cell::Text(format!("client-{number}"));
    let changed = match record.table().name {
        "client" => vec![("ordinal", Cell::Integer(number)), ("client_id", name())],
        "client_scope" | "usage_secret" => vec![("client_ordinal", Cell::Integer(number))],
        "audit" if is_one_of_many => vec![
            ("ordinal", Cell::Integer(1_000_000 + number)),
            ("id", Cell::Text(format!("event-{number}"))),
            ("object", name()),
        ],
        _ => return Ok(record.clone()),
    };
    let cells = record.values().map(|(column, cell)| {
        let new = changed.iter().find(|(name, _)| *name == column.name);
        new.map_or(cell, |(_, new)| new).clone()
    });
    Record::new(record.table(), cells.collect()).context("not a row")
}

fn value<'r>(record: &'r Record, column: &str) -> Option<&'r Cell> {
    let mut values = record.values();
    values
        .find(|(known, _)| known.name == column)
        .map(|(_, cell)| cell)
}

fn event() -> AuditEvent {
    AuditEvent {
        id: "event-multiplied".to_owned(),
        at: Timestamp::UNIX_EPOCH,
        actor: Actor {
            kind: ActorKind::System,
            id: String::new(),
        },
        action: Action::InstallationImported,
        project_id: None,
        object: "installation".to_owned(),
        before: None,
        after: None,
        request_id: String::new(),
        address: None,
    }
}
