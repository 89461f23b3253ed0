//! Randomness for jitter.

use std::fmt;
use std::time::Duration;

use aws_lc_rs::rand;

/// Where jitter comes from. No secret is made of it.
pub trait Chance: fmt::Debug + Send + Sync + 'static {
    /// A number in 0 ≤ x < 1.
    fn fraction(&self) -> f64;
}

/// The generator of aws-lc-rs, which is what everything here uses unless it is told otherwise.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemChance;

impl Chance for SystemChance {
    fn fraction(&self) -> f64 {
        let mut bytes = [0; 4];
        // Without randomness there is no jitter, which is no reason to stop getting tokens.
        match rand::fill(&mut bytes) {
            Ok(()) => f64::from(u32::from_le_bytes(bytes)) / (f64::from(u32::MAX) + 1.0),
            Err(_) => 0.5,
        }
    }
}

/// A part of `whole` between `least` and all of it. `least` is a fraction.
pub(crate) fn part_of(whole: Duration, least: f64, chance: &dyn Chance) -> Duration {
    whole.mul_f64(least + (1.0 - least) * chance.fraction().clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Fixed(f64);

    impl Chance for Fixed {
        fn fraction(&self) -> f64 {
            self.0
        }
    }

    #[test]
    fn a_part_lies_between_the_least_and_the_whole() {
        let whole = Duration::from_secs(100);
        assert_eq!(part_of(whole, 0.5, &Fixed(0.0)), Duration::from_secs(50));
        assert_eq!(part_of(whole, 0.5, &Fixed(0.5)), Duration::from_secs(75));
        assert_eq!(part_of(whole, 0.0, &Fixed(0.25)), Duration::from_secs(25));
        // A generator that breaks its word breaks no bound.
        assert_eq!(part_of(whole, 0.5, &Fixed(7.0)), whole);
        assert_eq!(part_of(whole, 0.5, &Fixed(-7.0)), Duration::from_secs(50));
    }

    #[test]
    fn the_system_draws_different_fractions() {
        let drawn: Vec<_> = (0..8).map(|_| SystemChance.fraction()).collect();
        assert!(drawn.iter().all(|fraction| (0.0..1.0).contains(fraction)));
        assert!(
            drawn
                .windows(2)
                .any(|pair| (pair[0] - pair[1]).abs() > f64::EPSILON)
        );
    }
}
