//! The lines of an export.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use countersign_core::Timestamp;
use countersign_core::passphrase::KeyDerivation;
use countersign_core::seal::SealedRow;
use countersign_store::{Cell, Column, Kind, Record, Table};
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};

/// What the first line says the file is.
pub const FORMAT: &str = "countersign-export";
/// The version of the form of these lines. A program reads the versions it knows.
pub const VERSION: u32 = 1;
/// Longest line. The longest rows are a part of a document, of 512 KiB and a third more as base64, and an audit event with a
/// provider before and after it, each of 64 KiB at most and escaped twice.
pub const MAX_LINE_BYTES: usize = 1024 * 1024;

/// The row of the value that tells the right passphrase.
pub const CHECK_ROW: SealedRow<'static> = SealedRow {
    table: "export",
    id: "check",
    version: 0,
};

/// How lines of rows begin: most lines by far.
pub const RECORD_PREFIX: &[u8] = br#"{"table":"#;
/// How the last line but one begins.
pub const END_PREFIX: &[u8] = br#"{"end":"#;

/// The first line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// [`FORMAT`].
    pub format: String,
    /// [`VERSION`].
    pub version: u32,
    /// The schema of the database: the number of its last migration.
    pub schema: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// How the keys come from the passphrase.
    pub key_derivation: KeyDerivation,
    /// A known text, sealed for [`CHECK_ROW`]: it opens with the right passphrase and no other.
    pub check: String,
}

/// The first line as far as every version has it, so that a later one is named as such.
#[derive(Debug, Deserialize)]
pub struct AnyHeader {
    /// [`FORMAT`].
    pub format: String,
    /// Of any program.
    pub version: u32,
}

/// The last line but one.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct End {
    /// What the file holds.
    pub end: Totals,
}

/// What a file holds, as it says itself.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Totals {
    /// Tables and how many rows of each.
    pub rows: Map<String, Value>,
    /// The checksum of the content: SHA-256 in hex.
    pub content: String,
}

/// The last line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seal {
    /// HMAC-SHA-256 of every byte before this line, base64.
    pub mac: String,
}

/// A row as its line has it.
#[derive(Serialize)]
struct RecordLine<'r> {
    table: &'static str,
    row: Cells<'r>,
}

struct Cells<'r>(&'r Record);

impl Serialize for Cells<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let values = self.0.values();
        let mut map = serializer.serialize_map(Some(values.len()))?;
        for (column, cell) in values {
            match cell {
                Cell::Null => map.serialize_entry(column.name, &()),
                Cell::Integer(number) => map.serialize_entry(column.name, number),
                Cell::Boolean(truth) => map.serialize_entry(column.name, truth),
                Cell::Text(text) => map.serialize_entry(column.name, text),
                Cell::Bytes(bytes) => map.serialize_entry(column.name, &STANDARD.encode(bytes)),
            }?;
        }
        map.end()
    }
}

/// Writes a line, with its end, over what `line` held.
pub fn write(value: &impl Serialize, line: &mut Vec<u8>) -> serde_json::Result<()> {
    line.clear();
    serde_json::to_writer(&mut *line, value)?;
    line.push(b'\n');
    Ok(())
}

/// Writes the line of a row: equal rows have equal lines.
pub fn write_record(record: &Record, line: &mut Vec<u8>) -> serde_json::Result<()> {
    let value = RecordLine {
        table: record.table().name,
        row: Cells(record),
    };
    write(&value, line)
}

/// The row of a line; `None` when it is none, or not one with exactly the columns of its table.
pub fn parse_record(line: &[u8]) -> Option<Record> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Parsed {
        table: String,
        row: Map<String, Value>,
    }
    let Parsed { table, mut row } = serde_json::from_slice(line).ok()?;
    let table = Table::named(&table)?;
    let cells = table
        .columns
        .iter()
        .map(|column| cell(column, row.remove(column.name)?));
    let cells = cells.collect::<Option<_>>()?;
    row.is_empty().then(|| Record::new(table, cells))?
}

fn cell(column: &Column, value: Value) -> Option<Cell> {
    Some(match (value, column.kind) {
        (Value::Null, _) => Cell::Null,
        (Value::Number(number), Kind::Integer) => Cell::Integer(number.as_i64()?),
        (Value::Bool(truth), Kind::Boolean) => Cell::Boolean(truth),
        (Value::String(text), Kind::Text | Kind::Sealed { .. }) => Cell::Text(text),
        (Value::String(text), Kind::Bytes) => Cell::Bytes(STANDARD.decode(text).ok()?),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret_use(address: &str) -> Record {
        let table = Table::named("usage_secret").unwrap();
        let cells = vec![
            Cell::Integer(7),
            Cell::Integer(1),
            Cell::Integer(i64::MAX),
            Cell::Text(address.to_owned()),
            Cell::Text("\u{1f600} \"\\\n".to_owned()),
            Cell::Integer(-1),
        ];
        Record::new(table, cells).unwrap()
    }

    #[test]
    fn a_row_comes_back_from_its_line() {
        let record = secret_use("::1");
        let mut line = Vec::new();
        write_record(&record, &mut line).unwrap();
        assert!(line.starts_with(RECORD_PREFIX) && line.ends_with(b"\n"));
        assert_eq!(parse_record(&line), Some(record));
    }

    #[test]
    fn a_line_with_other_columns_or_kinds_is_no_row() {
        let mut line = Vec::new();
        write_record(&secret_use("::1"), &mut line).unwrap();
        let text = String::from_utf8(line).unwrap();
        for (from, to) in [
            ("usage_secret", "usage"),
            ("\"tokens\"", "\"token\""),
            ("\"tokens\":-1", "\"tokens\":-1,\"more\":1"),
            (",\"tokens\":-1", ""),
            ("\"tokens\":-1", "\"tokens\":\"-1\""),
            ("\"tokens\":-1", "\"tokens\":null"),
            ("\"tokens\":-1", "\"tokens\":9223372036854775808"),
            ("\"::1\"", "1"),
        ] {
            let other = text.replacen(from, to, 1);
            assert_ne!(other, text, "{from}");
            assert_eq!(parse_record(other.as_bytes()), None, "{other}");
        }
    }
}
