//! Rounds: what is compared is measured in turns, and medians are compared.

/// Rounds of each measurement: many short ones, because the machine has slow seconds.
pub(crate) const ROUNDS: usize = 9;

/// Rounds of a latency, and how long each is: the machine itself pauses for some milliseconds now and then, and a pause
/// decides the p99 of its round, so there are many short ones.
pub(crate) const LATENCY_ROUNDS: usize = 41;
/// Seconds of such a round.
pub(crate) const LATENCY_SECONDS: f64 = 0.5;

/// Measures each contender once a round, in turns, and gives each one's median.
pub(crate) fn medians<T>(
    contenders: &[T],
    measure: impl FnMut(&T) -> anyhow::Result<f64>,
) -> anyhow::Result<Vec<f64>> {
    medians_of(ROUNDS, contenders, measure)
}

/// The same with another number of rounds.
pub(crate) fn medians_of<T>(
    rounds: usize,
    contenders: &[T],
    mut measure: impl FnMut(&T) -> anyhow::Result<f64>,
) -> anyhow::Result<Vec<f64>> {
    let mut samples = vec![Vec::new(); contenders.len()];
    for _ in 0..rounds {
        for (contender, samples) in contenders.iter().zip(&mut samples) {
            samples.push(measure(contender)?);
        }
    }
    Ok(samples.into_iter().map(median).collect())
}

/// The middle one.
pub(crate) fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_unstable_by(f64::total_cmp);
    samples.get(samples.len() / 2).copied().unwrap_or(f64::NAN)
}
