//! Secrets on their one way out: into a new file, or onto the screen.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;

use super::calling::{Answer, Server};
use super::connection::environment;
use super::env_file::{self, NewEnvFile, Reader};
use super::printing::{Columns, Output, details, note, print};

/// Where a new secret goes.
#[derive(Debug, Args)]
pub(crate) struct SaveArgs {
    /// Write the credentials to this new file, readable to you alone, instead of showing them.
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
}

/// A place for a secret that is about to be made.
#[derive(Debug)]
pub(crate) struct Place(Option<NewEnvFile>);

/// An answer that holds a secret.
pub(crate) struct Secret<'a> {
    /// The answer.
    pub(crate) answer: Answer,
    /// Where the object is in it.
    pub(crate) object: &'static str,
    /// What of the object is shown.
    pub(crate) columns: &'static Columns,
    /// Where the secret is in it.
    pub(crate) secret: &'static str,
    /// Its variable in a file.
    pub(crate) variable: &'static str,
    /// The variables before it.
    pub(crate) beside: Vec<(&'static str, &'a str)>,
    /// Who reads the file.
    pub(crate) reader: Reader,
}

impl SaveArgs {
    /// Whether no file was named.
    pub(crate) fn is_to_screen(&self) -> bool {
        self.save.is_none()
    }

    /// Makes the place ready. Comes before the secret is made.
    pub(crate) fn prepare(&self) -> anyhow::Result<Place> {
        self.save
            .as_deref()
            .map(NewEnvFile::create)
            .transpose()
            .map(Place)
    }
}

impl Secret<'_> {
    /// Brings the secret to its place. In a file it is in the file alone: what is printed may be kept somewhere.
    pub(crate) fn bring_to(self, place: Place, output: Output, server: &Server) -> anyhow::Result<()> {
        match place.0 {
            Some(file) => self.save(file, output, server),
            // Whoever does not read it has lost it: no `head` that has seen enough.
            None => self.show(output).map_err(|error| {
                anyhow::anyhow!("it was made, but its secret could not be shown: make another one: {error:#}")
            }),
        }
    }

    fn save(self, mut file: NewEnvFile, output: Output, server: &Server) -> anyhow::Result<()> {
        let ca_file = environment("COUNTERSIGN_CA_FILE").map(|file| absolute(&file));
        let mut values = vec![("COUNTERSIGN_URL", server.url())];
        values.extend(ca_file.as_deref().map(|file| ("COUNTERSIGN_CA_FILE", file)));
        values.extend(self.beside);
        values.push((self.variable, self.answer.text_at(self.secret)?));
        let text = env_file::lines(&values, self.reader)?;
        file.write(&text)
            .context("it was made, but its secret is lost: make another one")?;
        let path = file.path().display().to_string();
        output.object(&self.answer.without(self.secret), self.object, self.columns)?;
        note(&format!("The secret is in {path}. It is not shown again."));
        Ok(())
    }

    fn show(self, output: Output) -> anyhow::Result<()> {
        if output.json {
            return output.as_it_came(&self.answer);
        }
        let (_, name) = self.secret.rsplit_once('/').unwrap_or_default();
        let heading = name.replace('_', " ");
        let secret = self.answer.text_at(self.secret)?;
        let object = self.answer.value.pointer(self.object);
        print(&details(self.columns, object.unwrap_or_default()))?;
        print(&format!("\n{heading}: {secret}\n"))?;
        note("This is the only time it is shown.");
        Ok(())
    }
}

/// The file is read from other folders too.
fn absolute(file: &str) -> String {
    std::path::absolute(file).map_or_else(|_| file.to_owned(), |path| path.display().to_string())
}
