//! Lists in pages.

use clap::Args;
use serde_json::Value;

use super::calling::Answer;
use super::printing::{Columns, Output, note, print, table};

/// Rows on a page when all of them are wanted: as many as the API gives.
const LARGEST_PAGE: u32 = 1000;

/// Which part of a list.
#[derive(Debug, Args)]
pub(crate) struct PageArgs {
    /// Rows on a page, at most 1000 [default: 100].
    #[arg(long, value_name = "NUMBER")]
    limit: Option<u32>,
    /// Where to go on: the cursor that the page before ended with.
    #[arg(long)]
    cursor: Option<String>,
    /// All pages; with --json, each page's answer on a line of its own.
    #[arg(long)]
    all: bool,
}

/// A page to ask for.
#[derive(Debug, Clone)]
pub(crate) struct Page {
    /// Most rows on it.
    pub(crate) limit: Option<u32>,
    /// Where it begins.
    pub(crate) cursor: Option<String>,
}

impl PageArgs {
    /// Asks for the page or pages, and prints the objects at `pointer`.
    pub(crate) async fn show(
        &self,
        output: Output,
        pointer: &str,
        columns: &Columns,
        ask: impl AsyncFn(Page) -> anyhow::Result<Answer>,
    ) -> anyhow::Result<()> {
        let mut rows = Vec::new();
        let limit = self.limit.or(self.all.then_some(LARGEST_PAGE));
        let mut cursor = self.cursor.clone();
        loop {
            let answer = ask(Page { limit, cursor }).await?;
            cursor = next_cursor(&answer);
            if output.json {
                output.as_it_came(&answer)?;
            } else {
                rows.extend_from_slice(answer.array(pointer));
            }
            if cursor.is_none() || !self.all {
                break;
            }
        }
        if !output.json {
            print(&table(columns, &rows))?;
            if let Some(cursor) = cursor {
                note(&format!("There are more: --all, or --cursor {cursor}"));
            }
        }
        Ok(())
    }
}

/// Every object of a list, up to `most`; and whether these are all.
pub(crate) async fn collect(
    pointer: &str,
    most: usize,
    ask: impl AsyncFn(Page) -> anyhow::Result<Answer>,
) -> anyhow::Result<(Vec<Value>, bool)> {
    let (mut rows, mut cursor) = (Vec::new(), None);
    loop {
        let limit = Some(LARGEST_PAGE);
        let answer = ask(Page { limit, cursor }).await?;
        rows.extend_from_slice(answer.array(pointer));
        cursor = next_cursor(&answer);
        if cursor.is_none() || rows.len() >= most {
            return Ok((rows, cursor.is_none()));
        }
    }
}

fn next_cursor(answer: &Answer) -> Option<String> {
    let cursor = answer.value.pointer("/results_metadata/next_cursor")?;
    cursor.as_str().map(str::to_owned)
}
