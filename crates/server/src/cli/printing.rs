//! What commands print: tables for people, the API's answers for scripts.

use std::io::{ErrorKind, Write};

use comfy_table::presets::NOTHING;
use comfy_table::{Cell, Table};
use countersign_core::Timestamp;
use serde_json::Value;

use super::calling::Answer;

/// Characters that let a text be read in another order than it has.
const TURNS_TEXT: &[char] = &[
    '\u{200e}', '\u{200f}', '\u{202a}', '\u{202b}', '\u{202c}', '\u{202d}', '\u{202e}', '\u{2066}',
    '\u{2067}', '\u{2068}', '\u{2069}',
];

/// What of an object is shown: the heading, and the JSON pointer of the value. Those that end in `_at` are times.
pub(crate) type Columns = [(&'static str, &'static str)];

/// How a command prints.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    /// The API's answer unchanged instead of a table.
    pub(crate) json: bool,
}

/// Nobody reads standard output any more.
#[derive(Debug, thiserror::Error)]
#[error("nobody reads standard output")]
pub(crate) struct ReaderGone;

impl Output {
    /// One object: the answer as it came, or the object at `pointer` line by line.
    pub(crate) fn object(self, answer: &Answer, pointer: &str, columns: &Columns) -> anyhow::Result<()> {
        if self.json {
            return self.as_it_came(answer);
        }
        print(&details(
            columns,
            answer.value.pointer(pointer).unwrap_or(&Value::Null),
        ))
    }

    /// Objects: the answer as it came, or a table of those at `pointer`.
    pub(crate) fn list(self, answer: &Answer, pointer: &str, columns: &Columns) -> anyhow::Result<()> {
        if self.json {
            return self.as_it_came(answer);
        }
        print(&table(columns, answer.array(pointer)))
    }

    /// The answer as it came.
    pub(crate) fn as_it_came(self, answer: &Answer) -> anyhow::Result<()> {
        print(&format!("{}\n", answer.text.trim_end()))
    }

    /// What a command found out by itself, without an answer of the API.
    pub(crate) fn own(self, value: &Value, for_people: impl FnOnce() -> String) -> anyhow::Result<()> {
        if self.json {
            return print(&format!("{value}\n"));
        }
        print(&for_people())
    }
}

/// Writes to standard output.
pub(crate) fn print(text: &str) -> anyhow::Result<()> {
    print_bytes(text.as_bytes())
}

/// Writes to standard output.
pub(crate) fn print_bytes(bytes: &[u8]) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(bytes)
        .and_then(|()| out.flush())
        .map_err(|error| match error.kind() {
            ErrorKind::BrokenPipe => anyhow::Error::new(ReaderGone),
            _ => anyhow::Error::new(error).context("standard output"),
        })
}

/// Writes a line to standard error. Where that is closed there is nobody left to tell.
pub(crate) fn note(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Rows under headings, parted by spaces alone: easy on the eye, and on `grep` and `awk`.
pub(crate) fn table<'v>(columns: &Columns, objects: impl IntoIterator<Item = &'v Value>) -> String {
    let headings = columns.iter().map(|(heading, _)| heading.to_uppercase());
    let rows = objects.into_iter().map(|object| {
        let cells = columns.iter().map(|(_, pointer)| cell(object, pointer));
        cells.collect()
    });
    text_table(headings.collect(), rows)
}

/// Rows of texts under headings.
pub(crate) fn text_table(headings: Vec<String>, rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING);
    table.set_header(headings);
    for row in rows {
        table.add_row(row.into_iter().map(Cell::new));
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    format!("{}\n", table.trim_fmt())
}

/// An object line by line.
pub(crate) fn details(columns: &Columns, object: &Value) -> String {
    let width = columns
        .iter()
        .map(|(heading, _)| heading.len())
        .max()
        .unwrap_or(0);
    let line = |(heading, pointer): &(&str, &str)| format!("{heading:width$}  {}\n", cell(object, pointer));
    columns.iter().map(line).collect()
}

/// A value for people.
pub(crate) fn cell(object: &Value, pointer: &str) -> String {
    match object.pointer(pointer).unwrap_or(&Value::Null) {
        Value::Null => "-".to_owned(),
        Value::String(text) if text.is_empty() => "-".to_owned(),
        Value::String(text) if pointer.ends_with("_at") || pointer == "/at" => time(text),
        Value::String(text) => printable(text),
        Value::Array(items) if items.is_empty() => "-".to_owned(),
        Value::Array(items) if items.iter().all(Value::is_string) => {
            let texts: Vec<_> = items.iter().filter_map(Value::as_str).map(printable).collect();
            texts.join(" ")
        }
        other => printable(&other.to_string()),
    }
}

/// A time to the second.
fn time(text: &str) -> String {
    match text.parse::<Timestamp>() {
        Ok(at) => at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        Err(_) => printable(text),
    }
}

/// A text that cannot steer a terminal: names and user agents were chosen by others.
pub(crate) fn printable(text: &str) -> String {
    text.chars()
        .flat_map(|character| {
            let is_unseen = character.is_control() || TURNS_TEXT.contains(&character);
            let escaped = is_unseen.then(|| character.escape_default());
            let plain = escaped.is_none().then_some(character);
            escaped.into_iter().flatten().chain(plain)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const COLUMNS: &Columns = &[("name", "/name"), ("used", "/used_at"), ("scopes", "/scopes")];

    #[test]
    fn a_table_has_no_ornaments_and_cannot_steer_a_terminal() {
        let rows = [
            json!({"name": "a\u{1b}[31m", "used_at": "2026-11-23T06:34:00.123456Z", "scopes": ["a", "b"]}),
            json!({"name": "", "used_at": null, "scopes": []}),
        ];
        let printed = table(COLUMNS, &rows);
        let lines: Vec<Vec<_>> = printed
            .lines()
            .map(|line| line.split_whitespace().collect())
            .collect();
        assert_eq!(lines[0], ["NAME", "USED", "SCOPES"]);
        assert_eq!(lines[1], ["a\\u{1b}[31m", "2026-11-23T06:34:00Z", "a", "b"]);
        assert_eq!(lines[2], ["-", "-", "-"]);
        assert!(printed.lines().all(|line| line == line.trim_end()), "{printed}");
    }

    #[test]
    fn details_align_their_values() {
        let printed = details(COLUMNS, &json!({"name": "n"}));
        assert_eq!(printed, "name    n\nused    -\nscopes  -\n");
    }
}
