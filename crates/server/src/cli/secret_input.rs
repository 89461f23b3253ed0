//! Secrets on their way in: from a file, standard input or the environment.

use std::io::Read;
use std::path::Path;

use anyhow::{Context, bail};
use secrecy::SecretString;
use zeroize::Zeroizing;

use super::connection::environment;
use super::exit::Exit;

/// Longest secret read; the longest there is has a few hundred characters, and a token 16 KiB.
const MAX_BYTES: u64 = 64 * 1024;

/// How our secrets and tokens begin.
const SECRET_PREFIXES: &[&str] = &["csk_", "cso_", "secret-test-", "secret-live-", "eyJ"];

/// The secret that a file holds, `-` being standard input; without a file, the environment's.
pub(crate) fn given(file: Option<&Path>, variable: &str, flag: &str) -> anyhow::Result<SecretString> {
    find(file, variable)?
        .ok_or_else(|| Exit::Usage.because(format!("set {variable}, or name a file: {flag}")))
}

/// The same, when there is one.
pub(crate) fn find(file: Option<&Path>, variable: &str) -> anyhow::Result<Option<SecretString>> {
    match file {
        Some(file) => read(file).map(Some),
        None => Ok(environment(variable).map(SecretString::from)),
    }
}

/// What a file holds, `-` being standard input, without the end of its last line.
pub(crate) fn read(file: &Path) -> anyhow::Result<SecretString> {
    let shown = file.to_string_lossy();
    if SECRET_PREFIXES.iter().any(|prefix| shown.starts_with(prefix)) {
        return Err(Exit::Usage.because(
            "that is a secret and not the name of a file: give it in a file, on standard input (-) or in the environment, \
             and consider this one known to whoever sees the list of processes",
        ));
    }
    let mut text = Zeroizing::new(String::new());
    let read = if shown == "-" {
        std::io::stdin().take(MAX_BYTES).read_to_string(&mut text)
    } else {
        std::fs::File::open(file).and_then(|file| file.take(MAX_BYTES).read_to_string(&mut text))
    };
    let count = read.with_context(|| format!("cannot read {shown}"))?;
    if count as u64 == MAX_BYTES {
        bail!("{shown} is too long for a secret");
    }
    match text.trim_end_matches(['\r', '\n']) {
        "" => Err(Exit::Usage.because(format!("{shown} is empty"))),
        secret => Ok(SecretString::from(secret)),
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn the_end_of_the_line_is_not_part_of_a_secret() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("s");
        std::fs::write(&file, " a b \r\n").unwrap();
        assert_eq!(read(&file).unwrap().expose_secret(), " a b ");
        std::fs::write(&file, "\n").unwrap();
        assert!(read(&file).is_err());
    }

    #[test]
    fn a_secret_in_place_of_a_file_is_not_repeated() {
        for text in ["csk_abc", "cso_abc", "secret-test-abc", "eyJhbc.eyJ.x"] {
            let error = format!("{:#}", read(Path::new(text)).unwrap_err());
            assert!(!error.contains("abc") && !error.contains("eyJ"), "{error}");
        }
    }
}
