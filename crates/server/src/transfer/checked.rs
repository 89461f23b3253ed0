//! A file that was read from end to end before anything of it is believed.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek};
use std::path::Path;

use anyhow::{Context, bail};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use countersign_core::passphrase::PassphraseKeys;
use countersign_core::seal::{OpenError, Sealed};
use countersign_store::Record;
use secrecy::SecretString;
use serde::de::DeserializeOwned;

use super::content::Content;
use super::line::{
    AnyHeader, CHECK_ROW, END_PREFIX, End, FORMAT, Header, MAX_LINE_BYTES, RECORD_PREFIX, Seal, Totals,
    VERSION, parse_record,
};
use super::progress::Progress;
use super::{Refusal, Summary};

/// A file that is whole, and as somebody with the passphrase made it.
pub struct CheckedFile {
    file: File,
    keys: PassphraseKeys,
    summary: Summary,
}

impl CheckedFile {
    /// Reads all of it.
    pub fn open(path: &Path, passphrase: &SecretString) -> anyhow::Result<Self> {
        let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
        let mut progress = Progress::begin("checking", file.metadata()?.len());
        let mut lines = Lines::of(&file);
        let header = read_header(&mut lines)?;
        let keys = header.key_derivation.derive(passphrase)?;
        match keys.seal.open(CHECK_ROW, &Sealed::from_stored(header.check)) {
            Ok(_) => {}
            Err(OpenError::OtherKey { .. }) => return Err(Refusal::WrongPassphrase.into()),
            Err(OpenError::Altered) => return Err(lines.damaged("its check value was altered")),
        }
        let mut mac = hmac::Context::with_key(&keys.mac);
        mac.update(lines.line());
        let mut content = Content::new();
        let mut last_place = 0;
        while lines.read()? && lines.line().starts_with(RECORD_PREFIX) {
            mac.update(lines.line());
            let record = lines.record()?;
            let place = record.table().place();
            if place < last_place || (place == 0) != (lines.number == 2) {
                return Err(lines.damaged("a row of a table that does not belong here"));
            }
            last_place = place;
            if let Err(error) = content.add(&record, &keys.seal) {
                return Err(lines.damaged(&format!("{error:#}")));
            }
            progress.advance(lines.line().len() as u64);
        }
        let summary = content.finish();
        mac.update(lines.line());
        check_end(&mut lines, &summary)?;
        check_seal(&mut lines, mac)?;
        drop(lines);
        Ok(Self { file, keys, summary })
    }

    /// What it holds.
    pub fn summary(&self) -> &Summary {
        &self.summary
    }

    /// The keys of its passphrase.
    pub fn keys(&self) -> &PassphraseKeys {
        &self.keys
    }

    /// How many rows it holds.
    pub fn row_count(&self) -> u64 {
        self.summary
            .rows
            .iter()
            .map(|(_, count)| count.unsigned_abs())
            .sum()
    }

    /// Its rows once more, from the first after `skipped`.
    pub fn records(&self, skipped: u64) -> anyhow::Result<Records<'_>> {
        let mut file = &self.file;
        file.rewind()?;
        let mut lines = Lines::of(&self.file);
        // The header, and what is in the database already.
        for _ in 0..=skipped {
            lines.read()?;
        }
        Ok(Records(lines))
    }
}

/// The rows of a file.
pub struct Records<'f>(Lines<'f>);

impl Iterator for Records<'_> {
    type Item = anyhow::Result<Record>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.0.read() {
            Ok(true) if self.0.line().starts_with(RECORD_PREFIX) => Some(self.0.record()),
            Ok(_) => None,
            Err(error) => Some(Err(error)),
        }
    }
}

fn read_header(lines: &mut Lines<'_>) -> anyhow::Result<Header> {
    lines.read()?;
    let known: AnyHeader = lines.parse("it is not an export of Countersign")?;
    if known.format != FORMAT {
        return Err(lines.damaged("it is not an export of Countersign"));
    }
    if known.version != VERSION {
        bail!(
            "the export has version {} of the format, and this program knows {VERSION}: import it with the program that made it",
            known.version
        );
    }
    let header: Header = lines.parse("the header is not complete")?;
    let schema = countersign_store::schema();
    if header.schema != schema {
        bail!(
            "the export has schema {}, and this program knows {schema}: import it with the version of Countersign that made it, \
             and upgrade then",
            header.schema
        );
    }
    Ok(header)
}

fn check_end(lines: &mut Lines<'_>, found: &Summary) -> anyhow::Result<()> {
    if !lines.line().starts_with(END_PREFIX) {
        return Err(lines.damaged("neither a row nor the end; the file was cut off or altered"));
    }
    let End {
        end: Totals { rows, content },
    } = lines.parse("the end is not complete")?;
    let counts_agree = rows.len() == found.rows.len()
        && found
            .rows
            .iter()
            .all(|(table, count)| rows.get(table).and_then(serde_json::Value::as_i64) == Some(*count));
    if !counts_agree || content != found.content {
        return Err(lines.damaged("the rows before it are not those that it counts"));
    }
    Ok(())
}

/// Nobody without the passphrase changed anything, or added a row of his own.
fn check_seal(lines: &mut Lines<'_>, mac: hmac::Context) -> anyhow::Result<()> {
    lines.read()?;
    let Seal { mac: stated } = lines.parse("the last line is missing")?;
    let stated = STANDARD.decode(stated).unwrap_or_default();
    if verify_slices_are_equal(mac.sign().as_ref(), &stated).is_err() {
        return Err(lines.damaged("the file is not as its maker sealed it"));
    }
    if lines.read()? {
        return Err(lines.damaged("something follows the end"));
    }
    Ok(())
}

/// Lines of bounded length, one at a time.
struct Lines<'f> {
    reader: BufReader<&'f File>,
    line: Vec<u8>,
    number: u64,
}

impl<'f> Lines<'f> {
    fn of(file: &'f File) -> Self {
        Self {
            reader: BufReader::with_capacity(256 * 1024, file),
            line: Vec::new(),
            number: 0,
        }
    }

    /// Reads the next line; false at the end of the file.
    fn read(&mut self) -> anyhow::Result<bool> {
        self.line.clear();
        self.number += 1;
        let mut bounded = (&mut self.reader).take(MAX_LINE_BYTES as u64);
        bounded
            .read_until(b'\n', &mut self.line)
            .context("cannot read the export")?;
        match self.line.last() {
            None => Ok(false),
            Some(b'\n') => Ok(true),
            Some(_) if self.line.len() == MAX_LINE_BYTES => Err(self.damaged("it is too long")),
            Some(_) => Err(self.damaged("it was cut off")),
        }
    }

    /// The line that was read last, with its end.
    fn line(&self) -> &[u8] {
        &self.line
    }

    fn record(&self) -> anyhow::Result<Record> {
        parse_record(&self.line).ok_or_else(|| self.damaged("it is not a row of its table"))
    }

    fn parse<T: DeserializeOwned>(&self, otherwise: &str) -> anyhow::Result<T> {
        serde_json::from_slice(&self.line).map_err(|_| self.damaged(otherwise))
    }

    fn damaged(&self, what: &str) -> anyhow::Error {
        let refusal = Refusal::Damaged {
            line: self.number,
            what: what.to_owned(),
        };
        refusal.into()
    }
}
