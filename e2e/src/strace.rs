//! Running a program under strace, and reading what strace wrote.

use std::collections::HashMap;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, bail};

/// Longer than what a page of the database or a short answer has: strace cuts off what it prints of longer data.
const BYTES_SHOWN: &str = "8192";

/// One call of the kernel.
#[derive(Debug, Default)]
pub struct Call {
    /// Who made it.
    pub thread: String,
    /// Its name.
    pub name: String,
    /// The file or socket it is about, by name.
    pub target: String,
    /// The bytes it was given, such as what was written.
    pub data: Vec<u8>,
    /// The line of the log that says it began. Nothing of it had happened before.
    pub began: usize,
    /// The line that says it ended, when it did. All of it had happened by then.
    pub ended: Option<usize>,
    /// What it returned.
    pub result: Option<i64>,
}

/// The words to put before a program, to have these calls of it written to `log`; more options may follow them.
///
/// # Errors
///
/// Where tracing is not permitted, as in a container without the right to.
pub fn words(log: &Path, calls: &[&str]) -> anyhow::Result<Vec<String>> {
    let trial = Command::new("strace")
        .args(["-f", "-o", "/dev/null", "true"])
        .output()
        .context("cannot start strace; this test needs it: install the package strace")?;
    if !trial.status.success() {
        bail!(
            "strace is not permitted to trace here; a container needs --cap-add=SYS_PTRACE. It says: {}",
            String::from_utf8_lossy(&trial.stderr)
        );
    }
    let words = ["strace", "-f", "-yy", "-xx", "-s", BYTES_SHOWN, "-o"];
    let mut words = words.map(String::from).to_vec();
    words.push(log.display().to_string());
    words.extend(["-e".to_owned(), format!("trace={}", calls.join(","))]);
    Ok(words)
}

/// Reads a log of strace with the options above, in the order in which the calls began.
pub fn calls(log: &str) -> anyhow::Result<Vec<Call>> {
    let mut calls = Vec::<Call>::new();
    let mut unfinished = HashMap::new();
    for (number, line) in log.lines().enumerate() {
        let (thread, event) = line
            .split_once(' ')
            .with_context(|| format!("line {number} is of no thread"))?;
        let event = event.trim_start();
        if event.starts_with("+++") || event.starts_with("---") {
            continue;
        }
        let index = if event.starts_with("<... ") {
            unfinished
                .remove(thread)
                .with_context(|| format!("line {number} resumes nothing"))?
        } else {
            let call = begun(thread, event, number);
            calls.push(call.with_context(|| format!("line {number} is no call: {event:.100}"))?);
            calls.len() - 1
        };
        if event.ends_with("<unfinished ...>") {
            unfinished.insert(thread, index);
        } else {
            calls[index].ended = Some(number);
            calls[index].result = result(event);
        }
    }
    Ok(calls)
}

fn begun(thread: &str, event: &str, line: usize) -> Option<Call> {
    let (name, arguments) = event.split_once('(')?;
    let mut strings = strings(arguments);
    let target = if arguments.starts_with(|first: char| first.is_ascii_digit()) {
        text(descriptor(arguments)?)
    } else {
        text(strings.next()?)
    };
    Some(Call {
        thread: thread.to_owned(),
        name: name.to_owned(),
        target,
        data: strings.flat_map(bytes).collect(),
        began: line,
        ended: None,
        result: None,
    })
}

/// What stands between the brackets of `9</a/file>` or `9<TCP:[a:1->b:2]>`.
fn descriptor(arguments: &str) -> Option<&str> {
    let (_, rest) = arguments.split_once('<')?;
    let end = [">,", ">)", "> ", ">("]
        .iter()
        .filter_map(|end| rest.find(end))
        .min()?;
    Some(&rest[..end])
}

/// What stands between quotation marks. There are none inside: bytes are written as `\x00`.
fn strings(arguments: &str) -> impl Iterator<Item = &str> {
    arguments.split('"').skip(1).step_by(2)
}

fn bytes(shown: &str) -> impl Iterator<Item = u8> {
    let hexes = shown.split("\\x").skip(1);
    hexes.filter_map(|hex| u8::from_str_radix(hex.get(..2)?, 16).ok())
}

fn text(shown: &str) -> String {
    if shown.starts_with("\\x") {
        String::from_utf8_lossy(&bytes(shown).collect::<Vec<_>>()).into_owned()
    } else {
        shown.to_owned()
    }
}

/// The number after the last equals sign; a call that the process did not survive has a question mark there.
fn result(event: &str) -> Option<i64> {
    let (_, result) = event.rsplit_once(" = ")?;
    let end = result
        .find(|c: char| !c.is_ascii_digit() && c != '-')
        .unwrap_or(result.len());
    result[..end].parse().ok()
}
