//! What became of each client, and what did not come along.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::Serialize;
use serde_json::{Value, json};

use super::Kind;
use super::candidate::NotCarried;
use crate::cli::exit::Exit;
use crate::cli::printing::{Output, printable, text_table};
use crate::start::data_dir::create_private;

/// The report.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    from: Kind,
    dry_run: bool,
    /// A line each, in the order of the source.
    pub(super) clients: Vec<Line>,
}

/// A client's line.
#[derive(Debug, Serialize)]
pub(super) struct Line {
    pub(super) client_id: String,
    #[serde(flatten)]
    pub(super) outcome: Outcome,
    /// Fields that have no place here.
    pub(super) not_carried: Vec<NotCarried>,
}

/// What became of a client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub(super) enum Outcome {
    /// It is here now; or would be, in a dry run.
    Carried,
    /// It was here before and was left alone.
    AlreadyThere {
        /// The old service that it still waits for, before its first login.
        dual_run: Option<String>,
    },
    /// It is no machine's client.
    PassedOver { reason: String },
    /// It should be here and is not.
    LeftOut { reason: String },
}

/// How many of each.
#[derive(Debug, Default, Serialize)]
struct Counts {
    carried: usize,
    already_there: usize,
    /// Of those: still without a digest here.
    waiting_for_first_login: usize,
    passed_over: usize,
    left_out: usize,
}

/// A place for the report, made before anything is carried.
pub(super) struct ReportFile {
    path: PathBuf,
    file: File,
}

impl Report {
    pub(super) fn new(from: Kind, dry_run: bool) -> Self {
        Self {
            from,
            dry_run,
            clients: Vec::new(),
        }
    }

    fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for line in &self.clients {
            match &line.outcome {
                Outcome::Carried => counts.carried += 1,
                Outcome::AlreadyThere { dual_run } => {
                    counts.already_there += 1;
                    counts.waiting_for_first_login += usize::from(dual_run.is_some());
                }
                Outcome::PassedOver { .. } => counts.passed_over += 1,
                Outcome::LeftOut { .. } => counts.left_out += 1,
            }
        }
        counts
    }

    fn to_json(&self) -> Value {
        let mut report = json!(self);
        report["counts"] = json!(self.counts());
        report
    }

    /// Prints it: whole for scripts, by reason for people.
    pub(super) fn show(&self, output: Output) -> anyhow::Result<()> {
        output.own(&self.to_json(), || self.for_people())
    }

    /// Whether all machine clients are here.
    pub(super) fn judge(&self) -> anyhow::Result<()> {
        match self.counts().left_out {
            0 => Ok(()),
            1 => Err(Exit::Failed.because("1 client was left out")),
            several => Err(Exit::Failed.because(format!("{several} clients were left out"))),
        }
    }

    fn for_people(&self) -> String {
        let parts = [
            self.summary(),
            self.left_out(),
            self.passed_over(),
            self.not_carried(),
        ];
        let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        parts.join("\n")
    }

    fn summary(&self) -> String {
        let counts = self.counts();
        let carried = if self.dry_run {
            "would be carried"
        } else {
            "carried"
        };
        let waiting = (
            "still waiting for their first login",
            counts.waiting_for_first_login,
        );
        let rows = [
            (carried, counts.carried),
            ("already there", counts.already_there),
            waiting,
            ("passed over", counts.passed_over),
            ("left out", counts.left_out),
        ];
        let is_worth_a_row = |row: &(&str, usize)| *row != (waiting.0, 0);
        let rows = rows.into_iter().filter(is_worth_a_row);
        let cells = rows.map(|(what, count)| vec![what.to_owned(), count.to_string()]);
        text_table(
            vec![format!("FROM {}", self.from).to_uppercase(), "CLIENTS".to_owned()],
            cells,
        )
    }

    fn left_out(&self) -> String {
        let rows: Vec<_> = self
            .clients
            .iter()
            .filter_map(|line| match &line.outcome {
                Outcome::LeftOut { reason } => Some(vec![printable(&line.client_id), printable(reason)]),
                Outcome::Carried | Outcome::AlreadyThere { .. } | Outcome::PassedOver { .. } => None,
            })
            .collect();
        titled(&["LEFT OUT", "BECAUSE"], rows)
    }

    fn passed_over(&self) -> String {
        let reasons = self.clients.iter().filter_map(|line| match &line.outcome {
            Outcome::PassedOver { reason } => Some(reason.as_str()),
            Outcome::Carried | Outcome::AlreadyThere { .. } | Outcome::LeftOut { .. } => None,
        });
        let rows = tally(reasons);
        let cells = rows.map(|(reason, count)| vec![printable(reason), count.to_string()]);
        titled(&["PASSED OVER, NOT A MACHINE'S", "CLIENTS"], cells.collect())
    }

    fn not_carried(&self) -> String {
        let fields = self.clients.iter().flat_map(|line| &line.not_carried);
        let rows = tally(fields);
        let cells = rows.map(|(field, count)| {
            vec![
                printable(&field.field),
                printable(&field.reason),
                count.to_string(),
            ]
        });
        titled(&["DID NOT COME ALONG", "BECAUSE", "CLIENTS"], cells.collect())
    }
}

/// How often each occurs.
fn tally<T: Ord>(items: impl Iterator<Item = T>) -> impl Iterator<Item = (T, usize)> {
    let mut counts = BTreeMap::new();
    for item in items {
        *counts.entry(item).or_insert(0) += 1;
    }
    counts.into_iter()
}

fn titled(headings: &[&str], rows: Vec<Vec<String>>) -> String {
    if rows.is_empty() {
        return String::new();
    }
    text_table(headings.iter().map(|&heading| heading.to_owned()).collect(), rows)
}

impl ReportFile {
    /// Makes the file; refuses an existing one, which might be the export.
    pub(super) fn create(path: &Path) -> anyhow::Result<Self> {
        if path.exists() {
            return Err(Exit::Refused.because(format!(
                "{} exists already and is not overwritten",
                path.display()
            )));
        }
        Ok(Self {
            file: create_private(path)?,
            path: path.to_owned(),
        })
    }

    /// Fills it.
    pub(super) fn write(mut self, report: &Report) -> anyhow::Result<()> {
        let text = serde_json::to_vec_pretty(&report.to_json())?;
        self.file
            .write_all(&text)
            .and_then(|()| self.file.sync_all())
            .with_context(|| format!("cannot write {}", self.path.display()))
    }
}
