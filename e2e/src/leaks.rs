//! Searches files for secrets: for given ones, and for all that have the form of one.
//!
//! The server is not asked what it issued: it must not know any more. Whoever called it knows its secrets, and what other
//! programs were given, such as the SDK suites, shows by its form.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use anyhow::Context as _;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use countersign_core::secret::check_fits;
use regex::bytes::Regex;

/// Files that are there to hold secrets: the master key, also while it is rotated, and what the first start made.
const EXCEPTED: [&str; 3] = ["master.key", "master.key.next", "first-start.env"];

/// What a secret looks like, whoever it belongs to.
static FORMS: LazyLock<Result<Regex, regex::Error>> = LazyLock::new(|| {
    Regex::new(concat!(
        r"(?<generated>(?:csk_|cso_|secret-(?:test|live)-)[0-9A-Za-z]{49})",
        r"|(?<token>eyJ[0-9A-Za-z_-]{8,}\.eyJ[0-9A-Za-z_-]{8,}\.[0-9A-Za-z_-]{8,})",
        r"|[Bb]asic +(?<basic>[0-9A-Za-z+/]{8,}={0,2})",
    ))
});

/// A search.
#[derive(Debug, Default)]
pub struct Search {
    known: Vec<(String, Regex)>,
}

/// A secret where none may be. Does not say which, because this is printed.
#[derive(Debug)]
pub struct Found {
    what: String,
    file: PathBuf,
    offset: usize,
}

impl Search {
    /// Also looks for this very text, and for the Basic credentials that end with it.
    pub fn for_secret(&mut self, what: &str, text: &str) -> anyhow::Result<()> {
        anyhow::ensure!(text.len() >= 8, "{what} is too short to be looked for");
        let pattern = Regex::new(&regex::escape(text))?;
        self.known.push((what.to_owned(), pattern));
        Ok(())
    }

    /// Also looks for the user name and password of a Basic header in their encoding.
    pub fn for_basic(&mut self, what: &str, user: &str, password: &str) -> anyhow::Result<()> {
        self.for_secret(what, password)?;
        let encoded = BASE64_STANDARD.encode(format!("{user}:{password}"));
        self.for_secret(
            &format!("{what}, as Basic credentials"),
            encoded.trim_end_matches('='),
        )
    }

    /// Searches a file, or a folder with all below it.
    pub fn files(&self, path: &Path) -> anyhow::Result<Vec<Found>> {
        if path.is_dir() {
            let mut found = Vec::new();
            for entry in std::fs::read_dir(path).with_context(|| format!("cannot list {}", path.display()))? {
                found.extend(self.files(&entry?.path())?);
            }
            return Ok(found);
        }
        let is_excepted = path
            .file_name()
            .is_some_and(|name| EXCEPTED.iter().any(|excepted| name == *excepted));
        if is_excepted || !path.is_file() {
            return Ok(Vec::new());
        }
        match std::fs::read(path) {
            Ok(bytes) => self.bytes(path, &bytes),
            // Another test's server may be at work in the folder.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }

    /// Searches what was read from somewhere.
    pub fn bytes(&self, file: &Path, bytes: &[u8]) -> anyhow::Result<Vec<Found>> {
        let found = |what: &str, offset: usize| Found {
            what: what.to_owned(),
            file: file.to_owned(),
            offset,
        };
        let known = self.known.iter().flat_map(|(what, pattern)| {
            let places = pattern.find_iter(bytes);
            places.map(|place| found(what, place.start()))
        });
        let formed = by_form(bytes)?;
        Ok(known
            .chain(formed.into_iter().map(|(what, offset)| found(what, offset)))
            .collect())
    }
}

/// Fails when anything was found.
pub fn none(found: &[Found]) -> anyhow::Result<()> {
    let listed: Vec<_> = found.iter().take(20).map(ToString::to_string).collect();
    anyhow::ensure!(
        found.is_empty(),
        "{} secrets leaked:\n{}",
        found.len(),
        listed.join("\n")
    );
    Ok(())
}

fn by_form(bytes: &[u8]) -> anyhow::Result<Vec<(&'static str, usize)>> {
    let forms = FORMS.as_ref().map_err(Clone::clone)?;
    let mut found = Vec::new();
    for captures in forms.captures_iter(bytes) {
        if let Some(place) = captures.name("generated") {
            // Without the check it is text that only begins like a secret.
            if std::str::from_utf8(place.as_bytes()).is_ok_and(check_fits) {
                found.push(("a generated secret", place.start()));
            }
        } else if let Some(place) = captures.name("token") {
            found.push(("a token", place.start()));
        } else if let Some(place) = captures.name("basic")
            && BASE64_STANDARD
                .decode(place.as_bytes())
                .is_ok_and(|text| text.contains(&b':'))
        {
            found.push(("Basic credentials", place.start()));
        }
    }
    Ok(found)
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} at byte {} of {}",
            self.what,
            self.offset,
            self.file.display()
        )
    }
}
