//! Moving a whole installation between databases, row by row and without holding it.
//!
//! This is the one place that speaks of tables instead of intentions: what is moved must not be decided anew on the way, and a
//! copy that knows every column cannot forget one. What the rows look like in a file is not known here, and sealed values stay
//! sealed.

mod tables;

use std::ops::ControlFlow;

use async_trait::async_trait;
use countersign_core::Timestamp;
use countersign_core::audit::AuditEvent;
use countersign_core::credential;
use countersign_core::seal::Sealed;

use crate::{Result, SealedValue, Store, StoreError};
pub use tables::{Binding, Column, Kind, TABLES, Table};
pub(crate) use tables::{any_row, count_rows};

/// A store whose installation can leave and arrive.
#[async_trait]
pub trait Transfer: Store {
    /// How many rows an installation has, for whoever shows progress.
    async fn count_rows(&self) -> Result<u64>;

    /// Hands over every row of [`TABLES`] as of one moment, table by table in the order of their keys, until `take` breaks off.
    /// Nothing is held back: the next row is read when this one is taken. Others may write meanwhile.
    async fn each_record(&self, take: &mut (dyn FnMut(Record) -> ControlFlow<()> + Send)) -> Result<()>;

    /// Writes the next records of an import in one transaction, together with how far it got: `from.written` records were
    /// written before these. The first ones need an empty database, [`StoreError::Duplicate`] otherwise; later ones an import
    /// that is exactly there, [`StoreError::Stale`] otherwise.
    async fn import_records(&self, from: &ImportUnderWay, records: Vec<Record>, now: Timestamp)
    -> Result<()>;

    /// Ends an import: from here on the database can be served. [`StoreError::Stale`] when it is not exactly there.
    async fn finish_import(&self, import: &ImportUnderWay, event: &AuditEvent) -> Result<()>;
}

/// An import that has begun and not ended. Nobody serves a database that has one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportUnderWay {
    /// What the file holds: the SHA-256 that its end states.
    pub content: String,
    /// How many of its records are in the database.
    pub written: u64,
}

/// A row on its way.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    table: &'static Table,
    cells: Vec<Cell>,
}

/// A value of a row.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// Nothing.
    Null,
    /// Of [`Kind::Integer`].
    Integer(i64),
    /// Of [`Kind::Boolean`].
    Boolean(bool),
    /// Of [`Kind::Text`] or [`Kind::Sealed`].
    Text(String),
    /// Of [`Kind::Bytes`].
    Bytes(Vec<u8>),
}

impl Cell {
    pub(crate) fn integer(&self) -> Option<i64> {
        match self {
            Self::Integer(number) => Some(*number),
            _ => None,
        }
    }

    pub(crate) fn boolean(&self) -> Option<bool> {
        match self {
            Self::Boolean(truth) => Some(*truth),
            _ => None,
        }
    }

    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    fn fits(&self, column: &Column) -> bool {
        match self {
            Self::Null => column.nullable,
            Self::Integer(_) => column.kind == Kind::Integer,
            Self::Boolean(_) => column.kind == Kind::Boolean,
            Self::Text(_) => matches!(column.kind, Kind::Text | Kind::Sealed { .. }),
            Self::Bytes(_) => column.kind == Kind::Bytes,
        }
    }
}

impl Record {
    /// A row of a table, if there is a value of the right kind for every column.
    pub fn new(table: &'static Table, cells: Vec<Cell>) -> Option<Self> {
        let fits = cells.len() == table.columns.len()
            && cells
                .iter()
                .zip(table.columns)
                .all(|(cell, column)| cell.fits(column));
        fits.then_some(Self { table, cells })
    }

    /// Its table.
    pub fn table(&self) -> &'static Table {
        self.table
    }

    /// Its values beside their columns.
    pub fn values(&self) -> impl ExactSizeIterator<Item = (&'static Column, &Cell)> {
        self.table.columns.iter().zip(&self.cells)
    }

    /// The value of the column at a place.
    pub(crate) fn cell(&self, at: usize) -> Option<&Cell> {
        self.cells.get(at)
    }

    /// Roughly how many bytes it takes.
    pub fn size(&self) -> usize {
        let size = |cell: &Cell| match cell {
            Cell::Text(text) => text.len(),
            Cell::Bytes(bytes) => bytes.len(),
            Cell::Null | Cell::Integer(_) | Cell::Boolean(_) => 0,
        };
        self.cells.iter().map(|cell| size(cell) + size_of::<Cell>()).sum()
    }

    /// The sealed value in it, if its table has any.
    pub fn sealed(&self) -> Option<SealedValue> {
        let (at, bound_by) = self.sealed_column()?;
        let sealed = self.cells.get(at)?.text()?;
        let (id, bound_to, version) = match bound_by {
            Binding::Check => ("check", "check".to_owned(), 0),
            Binding::Column(name) => (self.text_of(name)?, self.text_of(name)?.to_owned(), 0),
            Binding::Credential => {
                let version = self.cell(self.table.position("version")?)?.integer()?;
                (self.text_of("id")?, self.credential_bound_to()?, version)
            }
        };
        Some(SealedValue {
            table: self.table.name,
            id: id.to_owned(),
            bound_to,
            version,
            sealed: Sealed::from_stored(sealed.to_owned()),
        })
    }

    /// What a credential is bound to. Hosts that are no list are something that no value was ever sealed for.
    fn credential_bound_to(&self) -> Option<String> {
        let [project_id, provider, name, id, hosts] =
            ["project_id", "provider", "name", "id", "hosts"].map(|name| self.text_of(name));
        let Ok(hosts) = serde_json::from_str::<Vec<String>>(hosts?) else {
            return Some(String::new());
        };
        Some(credential::bound_to(project_id?, provider?, name?, id?, &hosts))
    }

    fn text_of(&self, column: &str) -> Option<&str> {
        self.cell(self.table.position(column)?)?.text()
    }

    /// The same row with another text in the place of its sealed value.
    #[must_use]
    pub fn with_sealed(mut self, text: String) -> Self {
        let place = self.sealed_column().and_then(|(at, _)| self.cells.get_mut(at));
        if let Some(cell) = place {
            *cell = Cell::Text(text);
        }
        self
    }

    fn sealed_column(&self) -> Option<(usize, Binding)> {
        let columns = self.table.columns.iter().enumerate();
        columns
            .filter_map(|(at, column)| match column.kind {
                Kind::Sealed { bound_by } => Some((at, bound_by)),
                Kind::Integer | Kind::Boolean | Kind::Text | Kind::Bytes => None,
            })
            .next()
    }
}

/// Records in runs of one table, in their order.
pub(crate) fn runs(records: &[Record]) -> impl Iterator<Item = (&'static Table, &[Record])> {
    records
        .chunk_by(|one, next| one.table.name == next.table.name)
        .filter_map(|run| run.first().map(|first| (first.table, run)))
}

impl ImportUnderWay {
    /// How many records were written, as the column has it.
    pub(crate) fn count(&self) -> i64 {
        i64::try_from(self.written).unwrap_or(i64::MAX)
    }

    /// The same after these records.
    #[must_use]
    pub fn after(&self, records: &[Record]) -> Self {
        Self {
            content: self.content.clone(),
            written: self.written.saturating_add(records.len() as u64),
        }
    }

    /// The import of a row, if there is one.
    pub(crate) fn of_row(row: Option<(String, i64)>) -> Option<Self> {
        row.map(|(content, written)| Self {
            content,
            written: written.unsigned_abs(),
        })
    }
}

/// The schema that this program knows, the same on every engine: the number of the last migration.
pub fn schema() -> i64 {
    crate::sqlite::MIGRATIONS
        .last()
        .map_or(0, |(version, ..)| *version)
}

/// Refuses a schema that is not the one whose tables are listed here: columns would be forgotten.
pub(crate) fn check_schema(found: i64) -> Result<()> {
    let known = schema();
    if found == known {
        return Ok(());
    }
    Err(StoreError::Migration(format!(
        "the database has schema {found} and this program knows {known}; use the version of Countersign that serves it"
    )))
}
