//! `bench verify`: tokens checked per second by the SDKs, beside the raw rate of signature checks.

mod contenders;
mod raw;
mod tokens;
mod typescript;

use anyhow::Context as _;
use countersign_token::Algorithm;

use crate::process::{SERVER_CORE, pinned};
use crate::report::{Figure, Reach, publish};
use crate::rounds::medians;

pub(crate) use contenders::run;

/// Length of a round.
const SECONDS: &str = "1";

/// Measures and publishes.
pub(crate) fn bench() -> anyhow::Result<()> {
    let how = "One thread on one core; 2,000 tokens of one key, each of another client. Raw: aws-lc-rs, the key parsed once and \
               the signature decoded before. First sight: the Rust SDK, a verifier that never saw the token. Seen before: its \
               cache of verified tokens. Allocator: mimalloc, as in the server.";
    let mut figures = Vec::new();
    for algorithm in Algorithm::ALL {
        figures.extend(of_rust(algorithm)?);
    }
    figures.extend(typescript::figures()?);
    publish("verify", how, &figures)
}

fn of_rust(algorithm: Algorithm) -> anyhow::Result<[Figure; 2]> {
    let [raw, first, seen] = rates(["raw", "first", "seen"], |contender| check(contender, algorithm))?;
    let figure = |what: &str, ours, reach| Figure {
        name: format!("{algorithm} checks/s, {what} ÷ raw signature checks/s"),
        ours,
        other: raw,
        reach,
    };
    Ok([
        figure("first sight", first, Reach::AtLeast(0.9)),
        figure("seen before", seen, Reach::AtLeast(20.0)),
    ])
}

/// Medians of rounds in turns.
fn rates<const N: usize>(
    contenders: [&str; N],
    mut check: impl FnMut(&str) -> anyhow::Result<f64>,
) -> anyhow::Result<[f64; N]> {
    medians(&contenders, |contender| check(contender))?
        .try_into()
        .ok()
        .context("a median for each")
}

/// Checks per second of one contender, in a process of its own.
fn check(contender: &str, algorithm: Algorithm) -> anyhow::Result<f64> {
    let output = pinned(SERVER_CORE, &std::env::current_exe()?)
        .args(["check", contender, &algorithm.to_string(), SECONDS])
        .output()?;
    anyhow::ensure!(
        output.status.success(),
        "{contender} failed: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(String::from_utf8(output.stdout)?.trim().parse()?)
}
