//! Reading exports: JSON, or JSON Lines, from files or standard input.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

/// Largest export that is read, all of it into memory: some hundred thousand clients.
const MAX_BYTES: u64 = 256 * 1024 * 1024;

/// All documents of all files, in their order.
pub(super) fn read(files: &[PathBuf]) -> anyhow::Result<Vec<Value>> {
    let mut documents = Vec::new();
    for file in files {
        let text = read_file(file).with_context(|| format!("cannot read {}", file.display()))?;
        let values = serde_json::Deserializer::from_slice(&text).into_iter();
        for value in values {
            documents.push(value.map_err(|error| not_json(file, &error))?);
        }
    }
    Ok(documents)
}

fn read_file(file: &Path) -> anyhow::Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::new());
    let read = if file == Path::new("-") {
        std::io::stdin().take(MAX_BYTES + 1).read_to_end(&mut bytes)
    } else {
        let file = File::open(file)?;
        check_size(file.metadata()?.len())?;
        file.take(MAX_BYTES + 1).read_to_end(&mut bytes)
    };
    // What is no regular file tells its size only by being read.
    check_size(read? as u64)?;
    Ok(bytes)
}

fn check_size(bytes: u64) -> anyhow::Result<()> {
    if bytes > MAX_BYTES {
        bail!("it has more than {} MiB", MAX_BYTES >> 20);
    }
    Ok(())
}

/// The place alone: what stands there may be a secret.
fn not_json(file: &Path, error: &serde_json::Error) -> anyhow::Error {
    let (line, column) = (error.line(), error.column());
    anyhow::anyhow!(
        "{} is not JSON, or nests too deeply (line {line}, column {column})",
        file.display()
    )
}

/// The items of a list, those that an object has under the first of these names that is there, or else the document itself.
pub(super) fn items(document: Value, names: &[&str]) -> Vec<Value> {
    match document {
        Value::Array(items) => items,
        Value::Object(mut members) => match take_list(&mut members, names) {
            Some(items) => items,
            None => vec![Value::Object(members)],
        },
        other => vec![other],
    }
}

fn take_list(members: &mut Map<String, Value>, names: &[&str]) -> Option<Vec<Value>> {
    let name = names
        .iter()
        .find(|name| members.get(**name).is_some_and(Value::is_array))?;
    match members.remove(*name) {
        Some(Value::Array(items)) => Some(items),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &str) -> anyhow::Result<Vec<Value>> {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("export.json");
        std::fs::write(&file, text).unwrap();
        read(&[file])
    }

    #[test]
    fn one_document_and_a_line_each_are_read_alike() {
        assert_eq!(read_text("[{\"a\":1}]").unwrap().len(), 1);
        assert_eq!(read_text("{\"a\":1}\n{\"a\":2}\n").unwrap().len(), 2);
    }

    #[test]
    fn what_is_not_json_is_refused_without_repeating_it() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        for bad in ["{\"client_secret\":\"hush\"", "hush", deep.as_str()] {
            let error = format!("{:#}", read_text(bad).unwrap_err());
            assert!(
                error.contains("is not JSON") && !error.contains("hush"),
                "{error}"
            );
        }
    }

    #[test]
    fn items_stand_in_a_list_or_under_a_name_or_alone() {
        let found = |text: &str| items(serde_json::from_str(text).unwrap(), &["items"]).len();
        assert_eq!(found("[1, 2]"), 2);
        assert_eq!(found(r#"{"items": [1, 2, 3], "next": null}"#), 3);
        assert_eq!(found(r#"{"client_id": "a"}"#), 1);
        assert_eq!(found("5"), 1);
    }
}
