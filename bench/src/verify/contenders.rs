//! What is measured, each in a process of its own: `check CONTENDER ALGORITHM SECONDS`.

use std::time::{Duration, Instant};

use anyhow::bail;
use countersign_client::{ClockFn, Verifier};
use countersign_token::Algorithm;

use super::raw::Raw;
use super::tokens::{NOW, PROJECT, Tokens, issuer};

/// Prints checks per second.
#[expect(clippy::print_stdout, reason = "how this process answers its parent")]
pub(crate) fn run(contender: &str, algorithm: &str, seconds: &str) -> anyhow::Result<()> {
    let tokens = Tokens::sign(algorithm.parse::<Algorithm>()?)?;
    let time = Duration::from_secs_f64(seconds.parse()?);
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let rate = match contender {
        "raw" => {
            let raw = Raw::of(&tokens)?;
            rate(time, tokens.tokens.len(), |mut numbers| {
                numbers.try_for_each(|number| raw.check(number))
            })
        }
        // A new verifier for each pass: it has seen none of them.
        "first" => rate(time, tokens.tokens.len(), |numbers| {
            let verifier = verifier(&tokens)?;
            runtime.block_on(check_all(&verifier, &tokens, numbers))
        }),
        "seen" => {
            let verifier = verifier(&tokens)?;
            runtime.block_on(check_all(&verifier, &tokens, 0..tokens.tokens.len()))?;
            rate(time, tokens.tokens.len(), |numbers| {
                runtime.block_on(check_all(&verifier, &tokens, numbers))
            })
        }
        _ => bail!("raw, first or seen, not {contender}"),
    };
    println!("{}", rate?);
    Ok(())
}

fn verifier(tokens: &Tokens) -> anyhow::Result<Verifier> {
    Ok(Verifier::builder()
        .issuer(issuer())
        .audience(PROJECT)
        .keys(tokens.jwks.clone())
        .clock(ClockFn(|| NOW))
        .build()?)
}

/// Checks the tokens of these numbers, one after the other.
async fn check_all(
    verifier: &Verifier,
    tokens: &Tokens,
    numbers: impl Iterator<Item = usize>,
) -> anyhow::Result<()> {
    for number in numbers {
        verifier.verify(&tokens.tokens[number]).await?;
    }
    Ok(())
}

/// Passes over all tokens until time is up, counted in checks per second.
fn rate(
    time: Duration,
    count: usize,
    mut pass: impl FnMut(std::ops::Range<usize>) -> anyhow::Result<()>,
) -> anyhow::Result<f64> {
    let started = Instant::now();
    let mut checks = 0_u32;
    while started.elapsed() < time {
        pass(0..count)?;
        checks += u32::try_from(count)?;
    }
    Ok(f64::from(checks) / started.elapsed().as_secs_f64())
}
