//! The checksum of what an installation holds, whatever engine, master key or passphrase it is kept with.
//!
//! SHA-256 over the lines of all rows in their order, where a sealed value is represented by the SHA-256 of what it seals.

use anyhow::Context as _;
use aws_lc_rs::digest::{Context, SHA256, digest};
use countersign_core::seal::MasterKey;
use countersign_store::{Record, SealedValue, TABLES};
use zeroize::Zeroizing;

use super::{Summary, line};

/// Separates these checksums from any other, and one way of computing them from a later one.
const LABEL: &[u8] = b"countersign content 1\n";

/// A checksum in the making.
pub struct Content {
    hash: Context,
    counts: Vec<i64>,
    line: Vec<u8>,
}

/// What a row sealed, and where.
pub struct Opened {
    value: SealedValue,
    plaintext: Zeroizing<Vec<u8>>,
}

impl Content {
    /// Of nothing yet.
    pub fn new() -> Self {
        let mut hash = Context::new(&SHA256);
        hash.update(LABEL);
        Self {
            hash,
            counts: vec![0; TABLES.len()],
            line: Vec::new(),
        }
    }

    /// Adds the next row, whose sealed value opens with `key`, and gives what it seals, if it is one that does.
    pub fn add(&mut self, record: &Record, key: &MasterKey) -> anyhow::Result<Option<Opened>> {
        let opened = open(record, key)?;
        match &opened {
            None => line::write_record(record, &mut self.line)?,
            Some(opened) => {
                let stands_for = hex(digest(&SHA256, &opened.plaintext).as_ref());
                line::write_record(&record.clone().with_sealed(stands_for), &mut self.line)?;
            }
        }
        self.hash.update(&self.line);
        if let Some(count) = self.counts.get_mut(record.table().place()) {
            *count += 1;
        }
        Ok(opened)
    }

    /// The line of the row that was added last, if it seals nothing: the same in a file.
    pub fn line(&self) -> &[u8] {
        &self.line
    }

    /// What came of it.
    pub fn finish(self) -> Summary {
        let names = TABLES.iter().map(|table| table.name.to_owned());
        Summary {
            content: hex(self.hash.finish().as_ref()),
            rows: names.zip(self.counts).collect(),
        }
    }
}

impl Default for Content {
    fn default() -> Self {
        Self::new()
    }
}

/// Opens the sealed value of a row, if it has one.
pub fn open(record: &Record, key: &MasterKey) -> anyhow::Result<Option<Opened>> {
    record.sealed().map(|value| Opened::with(key, value)).transpose()
}

impl Opened {
    fn with(key: &MasterKey, value: SealedValue) -> anyhow::Result<Self> {
        let plaintext = key
            .open(value.row(), &value.sealed)
            .with_context(|| format!("{} {}", value.table, value.id))?;
        Ok(Self { value, plaintext })
    }

    /// The same row, sealed with another key.
    pub fn seal(&self, record: Record, key: &MasterKey) -> Record {
        let sealed = key.seal(self.value.row(), &self.plaintext, &mut crate::chance::chance());
        record.with_sealed(sealed.as_str().to_owned())
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
