//! ARCHITECTURE.md leads a newcomer with a finger through files and functions; each that it names must be there.

use anyhow::Context as _;

use super::links::prose;
use crate::workspace::{files, read};

const MAP: &str = "ARCHITECTURE.md";

/// A code span ending like this names a file.
const SOURCES: &[&str] = &[".rs", ".sql", ".md"];

/// These too, but only with a folder: alone, `countersign.toml` is a file of the operator.
const OTHERS: &[&str] = &[".json", ".toml", ".sh", ".py", ".js", ".ts"];

pub(super) fn check() -> anyhow::Result<Vec<String>> {
    let files = files()?;
    let map = read(MAP)?.with_context(|| format!("{MAP} is not text"))?;
    let mut code = String::new();
    for file in files.iter().filter(|file| file.ends_with(".rs")) {
        code += &read(file)?.unwrap_or_default();
    }
    let mut findings = Vec::new();
    for span in prose(&map).flat_map(|line| line.split('`').skip(1).step_by(2)) {
        let there = if names_file(span) {
            files.iter().any(|file| is_or_ends_with(file, span))
        } else if span.ends_with('/') && is_plain(span) && !span.starts_with('/') {
            files
                .iter()
                .any(|file| format!("/{file}").contains(&format!("/{span}")))
        } else if let Some(item) = item(span) {
            defines(&code, item)
        } else {
            true
        };
        if !there {
            findings.push(format!("{MAP} names `{span}`, which is not there"));
        }
    }
    Ok(findings)
}

/// Not a placeholder such as `store/src/<engine>/`, not a command, not an address.
fn is_plain(span: &str) -> bool {
    !span.is_empty()
        && span
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "._-/".contains(c))
}

fn names_file(span: &str) -> bool {
    let ends = |suffixes: &[&str]| suffixes.iter().any(|suffix| span.ends_with(suffix));
    is_plain(span) && !span.starts_with('/') && (ends(SOURCES) || (span.contains('/') && ends(OTHERS)))
}

/// `server/src/http.rs` may be written for `crates/server/src/http.rs`, and `http.rs` where the folder is clear.
fn is_or_ends_with(file: &str, span: &str) -> bool {
    file.strip_suffix(span)
        .is_some_and(|rest| rest.is_empty() || rest.ends_with('/'))
}

/// The last name of `module::Type::function`, or of `function()`; `None` for what is no name in our code.
fn item(span: &str) -> Option<&str> {
    let path = span.strip_suffix("()");
    let is_call = path.is_some();
    let path = path.unwrap_or(span);
    let is_name =
        |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let foreign = ["std", "axum", "sqlx", "tokio"].contains(&path.split("::").next()?);
    let named = (is_call || path.contains("::")) && path.split("::").all(is_name) && !foreign;
    named.then(|| path.rsplit("::").next()).flatten()
}

/// A function, a module and a field are looked up where they are declared. A variant has no mark of its own; to find the
/// word at all is the most that can be asked then.
fn defines(code: &str, item: &str) -> bool {
    let is_word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let is_variant = item.starts_with(|c: char| !c.is_ascii_lowercase());
    code.match_indices(item).any(|(at, _)| {
        let (before, after) = (&code[..at], &code[at + item.len()..]);
        !is_word(before.chars().next_back())
            && !is_word(after.chars().next())
            && (is_variant || before.ends_with("fn ") || before.ends_with("mod ") || after.starts_with(": "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_told_from_other_spans() {
        assert!(names_file("server/src/http.rs") && names_file("http.rs") && names_file("api/openapi.json"));
        for span in [
            "countersign.toml",
            "/v1/openapi.json",
            "store/<engine>/x.rs",
            "cargo run x.rs",
            "application/json",
        ] {
            assert!(!names_file(span), "{span}");
        }
        assert!(is_or_ends_with("crates/server/src/http.rs", "src/http.rs"));
        assert!(!is_or_ends_with("crates/server/src/xhttp.rs", "http.rs"));
    }

    #[test]
    fn items_are_looked_up_by_their_last_name() {
        assert_eq!(item("store::insert_client"), Some("insert_client"));
        assert_eq!(item("router()"), Some("router"));
        assert_eq!(item("std::fs"), None);
        assert_eq!(item("client"), None);
        assert!(defines("fn router() {}", "router") && !defines("fn my_router() {}", "router"));
        assert!(!defines("router();", "router") && defines("State::Active", "Active"));
    }
}
