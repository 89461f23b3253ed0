//! Exit codes that mean something, and how an error ends a command.

use std::process::ExitCode;

use super::printing::{ReaderGone, note};
use crate::start::ImportUnfinished;
use crate::start::data_dir::InUse;
use crate::transfer::Refusal;

/// Why a command ended without success. The numbers are part of the command line's contract; `--help` lists them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// It did not work, for a reason that has no number of its own.
    Failed = 1,
    /// The command was not understood, or something it needs was not given; the number that clap uses too.
    Usage = 2,
    /// Credentials are wrong, or do not allow it.
    NotAuthorised = 3,
    /// What it is about does not exist.
    NotFound = 4,
    /// It contradicts the present state: the id is taken, a rotation is open already, the folder is in use.
    Refused = 5,
    /// The server cannot be reached, or says that it cannot answer now.
    Unavailable = 6,
    /// It was asked whether there is something to do, and there is.
    ToDo = 7,
}

/// An error that knows its exit code.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
struct Ended {
    exit: Exit,
    message: String,
}

impl Exit {
    /// An error that ends the command with this code.
    pub(crate) fn because(self, message: impl Into<String>) -> anyhow::Error {
        anyhow::Error::new(Ended {
            exit: self,
            message: message.into(),
        })
    }

    /// The code for an error of any layer.
    fn of(error: &anyhow::Error) -> Self {
        match error.downcast_ref::<Ended>() {
            Some(ended) => ended.exit,
            None if error.is::<InUse>() || error.is::<ImportUnfinished>() => Self::Refused,
            None => error.downcast_ref().map_or(Self::Failed, Self::of_refusal),
        }
    }

    fn of_refusal(refusal: &Refusal) -> Self {
        match refusal {
            Refusal::WrongPassphrase => Self::NotAuthorised,
            Refusal::NotEmpty | Refusal::AnotherUnderWay(_) => Self::Refused,
            Refusal::Damaged { .. } => Self::Failed,
        }
    }
}

/// Ends the command, and says on standard error why.
pub(super) fn end(result: anyhow::Result<()>) -> ExitCode {
    let Err(error) = result else {
        return ExitCode::SUCCESS;
    };
    // Whoever reads our output has seen enough, as `head` does. That is no error of ours.
    if error.downcast_ref::<ReaderGone>().is_some() {
        return ExitCode::SUCCESS;
    }
    note(&format!("error: {}", in_words(&error)));
    ExitCode::from(Exit::of(&error) as u8)
}

/// What happened, and why, on one line. Libraries like to repeat their cause in their own words.
fn in_words(error: &anyhow::Error) -> String {
    let mut words = String::new();
    for cause in error.chain() {
        let cause = cause.to_string();
        if words.is_empty() {
            words = cause;
        } else if !words.ends_with(&cause) {
            words = format!("{words}: {cause}");
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::*;

    #[test]
    fn a_cause_is_told_once() {
        let cause = anyhow::anyhow!("no table").context("database error: no table");
        assert_eq!(
            in_words(&cause.context("cannot read")),
            "cannot read: database error: no table"
        );
    }

    #[test]
    fn the_code_is_found_below_what_was_said_on_top() {
        let error = Err::<(), _>(Exit::NotFound.because("no such client")).context("client get");
        assert_eq!(Exit::of(&error.unwrap_err()), Exit::NotFound);
        assert_eq!(Exit::of(&anyhow::anyhow!("anything")), Exit::Failed);
    }
}
