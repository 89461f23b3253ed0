//! The TypeScript SDK beside bare jose, in Node.

use std::path::Path;

use anyhow::{Context as _, bail};
use countersign_token::Algorithm;
use serde_json::json;
use tempfile::NamedTempFile;

use super::tokens::{NOW, PROJECT, Tokens, issuer};
use super::{SECONDS, rates};
use crate::process::{SERVER_CORE, pinned};
use crate::report::{Figure, Reach};

/// A figure for each algorithm.
pub(super) fn figures() -> anyhow::Result<Vec<Figure>> {
    Algorithm::ALL.into_iter().map(figure).collect()
}

fn figure(algorithm: Algorithm) -> anyhow::Result<Figure> {
    let Tokens { jwks, tokens } = Tokens::sign(algorithm)?;
    let file = NamedTempFile::new()?;
    let plan = json!({ "tokens": tokens, "jwks": jwks, "issuer": issuer(), "audience": PROJECT, "now": NOW });
    serde_json::to_writer(&file, &plan)?;
    let [ours, jose] = rates(["ours", "jose"], |contender| check(contender, file.path()))?;
    Ok(Figure {
        name: format!("{algorithm} checks/s of the TypeScript SDK ÷ bare jose"),
        ours,
        other: jose,
        reach: Reach::Open,
    })
}

fn check(contender: &str, file: &Path) -> anyhow::Result<f64> {
    let output = pinned(SERVER_CORE, Path::new("node"))
        .arg("bench/verify.mjs")
        .arg(contender)
        .arg(file)
        .arg(SECONDS)
        .output()
        .context("node")?;
    if !output.status.success() {
        bail!("{contender} failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8(output.stdout)?.trim().parse()?)
}
