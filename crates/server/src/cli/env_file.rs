//! Files of `NAME=value` lines that hold credentials: written for their owner alone, read back by `token get --from`.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use super::exit::Exit;
use super::secret_input;
use crate::start::data_dir::{create_private, sync_parent};

/// Who reads a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reader {
    /// A shell that sources it: lines begin with `export`.
    Shell,
    /// systemd, docker and our own `--from`: bare lines.
    Service,
}

/// A new file, made before the secret is: a secret that then has no place to go would be lost. Dropped before it is
/// written, it is removed again.
#[derive(Debug)]
pub(crate) struct NewEnvFile {
    path: PathBuf,
    file: File,
    is_written: bool,
}

/// What a file says.
#[derive(Debug, Default)]
pub(crate) struct EnvFile(BTreeMap<String, SecretString>);

impl NewEnvFile {
    /// Makes the file; refuses an existing one.
    pub(crate) fn create(path: &Path) -> anyhow::Result<Self> {
        if path.exists() {
            return Err(Exit::Refused.because(format!(
                "{} exists already and is not overwritten",
                path.display()
            )));
        }
        Ok(Self {
            file: create_private(path)?,
            path: path.to_owned(),
            is_written: false,
        })
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Fills it, and has it on disk when this returns.
    pub(crate) fn write(&mut self, text: &str) -> anyhow::Result<()> {
        self.is_written = true;
        self.file
            .write_all(text.as_bytes())
            .and_then(|()| self.file.sync_all())
            .with_context(|| format!("cannot write {}", self.path.display()))?;
        sync_parent(&self.path)
    }
}

impl Drop for NewEnvFile {
    fn drop(&mut self) {
        if !self.is_written {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// The lines, with values quoted where a shell would read them otherwise.
pub(crate) fn lines(values: &[(&str, &str)], reader: Reader) -> anyhow::Result<Zeroizing<String>> {
    let mut text = Zeroizing::new(String::new());
    for (name, value) in values {
        let export = if reader == Reader::Shell { "export " } else { "" };
        let value = shlex::try_quote(value).with_context(|| format!("{name} has a NUL"))?;
        text.push_str(&format!("{export}{name}={value}\n"));
    }
    Ok(text)
}

impl EnvFile {
    /// Reads a file that we or a person wrote, `-` being standard input.
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        let text = secret_input::read(path)?;
        Self::parse(text.expose_secret()).map_err(|line| {
            Exit::Usage.because(format!("line {line} of {} is not NAME=value", path.display()))
        })
    }

    fn parse(text: &str) -> Result<Self, usize> {
        let mut values = BTreeMap::new();
        for (line, number) in text.lines().zip(1..) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let line = line.strip_prefix("export ").unwrap_or(line);
            let (name, value) = line.split_once('=').ok_or(number)?;
            let words = shlex::split(value).ok_or(number)?;
            let value = match <[String; 1]>::try_from(words) {
                Ok([word]) => word,
                Err(words) if words.is_empty() => String::new(),
                Err(_) => return Err(number),
            };
            values.insert(name.trim().to_owned(), SecretString::from(value));
        }
        Ok(Self(values))
    }

    /// A value that is no secret.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.secret(name).map(ExposeSecret::expose_secret)
    }

    /// A value.
    pub(crate) fn secret(&self, name: &str) -> Option<&SecretString> {
        self.0.get(name).filter(|value| !value.expose_secret().is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_back() {
        let values = [
            ("A", "csk_abc"),
            ("B", "it's a \"secret\" $HOME `x` \\"),
            ("C", "http://h:1"),
        ];
        for reader in [Reader::Shell, Reader::Service] {
            let read = EnvFile::parse(&lines(&values, reader).unwrap()).unwrap();
            for (name, value) in values {
                assert_eq!(read.get(name), Some(value));
            }
        }
        assert!(
            lines(&values[..1], Reader::Service)
                .unwrap()
                .starts_with("A=csk_abc\n")
        );
    }

    #[test]
    fn comments_and_empty_lines_are_passed_over_and_other_lines_refused() {
        let read = EnvFile::parse("# a\n\nexport A='b c'\nB=\n").unwrap();
        assert_eq!((read.get("A"), read.get("B")), (Some("b c"), None));
        assert_eq!(EnvFile::parse("A=1\nnonsense\n").unwrap_err(), 2);
        assert_eq!(EnvFile::parse("A=1 2\n").unwrap_err(), 1);
    }

    #[test]
    fn a_file_that_was_not_needed_goes_away_and_one_that_is_there_stays() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f.env");
        drop(NewEnvFile::create(&path).unwrap());
        assert!(!path.exists());
        NewEnvFile::create(&path).unwrap().write("A=1\n").unwrap();
        assert!(NewEnvFile::create(&path).is_err());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "A=1\n");
    }
}
