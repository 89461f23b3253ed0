//! Making a file.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use countersign_core::Timestamp;
use countersign_core::passphrase::{KeyDerivation, PassphraseKeys};
use countersign_core::seal::MasterKey;
use countersign_store::{Record, Transfer};
use rand::Rng;
use secrecy::SecretString;

use super::Summary;
use super::content::Content;
use super::line::{self, CHECK_ROW, End, FORMAT, Header, Seal, Totals, VERSION};
use super::progress::Progress;
use crate::chance::chance;
use crate::start::data_dir::{create_private, sync_parent};

/// Exports all of `source` to a new file. It gets its name when it is whole and on disk: no interruption leaves half of one
/// under a name that promises more.
pub async fn export(
    source: &dyn Transfer,
    master_key: &MasterKey,
    passphrase: &SecretString,
    file: &Path,
    now: Timestamp,
) -> anyhow::Result<Summary> {
    let partial = Partial::create(file)?;
    let derivation = KeyDerivation::generate(&mut chance());
    let keys = derivation.derive(passphrase)?;
    let header = Header {
        format: FORMAT.to_owned(),
        version: VERSION,
        schema: countersign_store::schema(),
        created_at: now,
        key_derivation: derivation,
        check: keys
            .seal
            .seal(CHECK_ROW, FORMAT.as_bytes(), &mut chance())
            .as_str()
            .to_owned(),
    };
    let mut out = Out::new(&partial.file, &keys);
    out.write(&header)?;
    let content = write_records(source, master_key, &keys, &mut out).await?;
    let summary = content.finish();
    let rows = summary.rows.iter();
    out.write(&End {
        end: Totals {
            rows: rows
                .map(|(table, count)| (table.clone(), (*count).into()))
                .collect(),
            content: summary.content.clone(),
        },
    })?;
    out.finish()?;
    partial.keep(file)?;
    Ok(summary)
}

async fn write_records(
    source: &dyn Transfer,
    master_key: &MasterKey,
    keys: &PassphraseKeys,
    out: &mut Out<'_>,
) -> anyhow::Result<Content> {
    let mut content = Content::new();
    let mut progress = Progress::begin("exporting", source.count_rows().await?);
    let mut written = Ok(());
    let mut write = |record: Record| {
        written = match content.add(&record, master_key) {
            Ok(None) => out.write_line(content.line()),
            Ok(Some(opened)) => out.write_record(&opened.seal(record, &keys.seal)),
            Err(error) => Err(error),
        };
        progress.advance(1);
        match &written {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    };
    let read = source.each_record(&mut write).await;
    written?;
    read.context("cannot read the database")?;
    Ok(content)
}

/// The file under its last name but one. Dropped, it is removed.
struct Partial {
    path: PathBuf,
    file: File,
}

impl Partial {
    /// Two exports to one name must not write into one file, so each has a name of its own.
    fn create(target: &Path) -> anyhow::Result<Self> {
        let mut path = target.as_os_str().to_owned();
        path.push(format!(".{:08x}.partial", chance().next_u32()));
        let path = PathBuf::from(path);
        Ok(Self {
            file: create_private(&path)?,
            path,
        })
    }

    fn keep(self, target: &Path) -> anyhow::Result<()> {
        self.file.sync_all().context("cannot write the export")?;
        if target.exists() {
            bail!("{} exists by now and is not overwritten", target.display());
        }
        std::fs::rename(&self.path, target).with_context(|| format!("cannot write {}", target.display()))?;
        sync_parent(target)
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        // Once it has its name there is none of this one.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Lines on their way into a file, and the MAC over all of them.
struct Out<'f> {
    file: BufWriter<&'f File>,
    mac: hmac::Context,
    line: Vec<u8>,
}

impl<'f> Out<'f> {
    fn new(file: &'f File, keys: &PassphraseKeys) -> Self {
        Self {
            file: BufWriter::with_capacity(256 * 1024, file),
            mac: hmac::Context::with_key(&keys.mac),
            line: Vec::new(),
        }
    }

    fn write(&mut self, value: &impl serde::Serialize) -> anyhow::Result<()> {
        let mut line = std::mem::take(&mut self.line);
        line::write(value, &mut line)?;
        self.write_line(&line)?;
        self.line = line;
        Ok(())
    }

    fn write_record(&mut self, record: &Record) -> anyhow::Result<()> {
        let mut line = std::mem::take(&mut self.line);
        line::write_record(record, &mut line)?;
        self.write_line(&line)?;
        self.line = line;
        Ok(())
    }

    fn write_line(&mut self, line: &[u8]) -> anyhow::Result<()> {
        self.mac.update(line);
        self.file.write_all(line).context("cannot write the export")
    }

    fn finish(mut self) -> anyhow::Result<()> {
        let seal = Seal {
            mac: STANDARD.encode(self.mac.sign()),
        };
        line::write(&seal, &mut self.line)?;
        self.file
            .write_all(&self.line)
            .and_then(|()| self.file.flush())
            .context("cannot write the export")
    }
}
