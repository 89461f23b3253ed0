//! The one place that opens the system's source of randomness.

/// A cryptographically secure generator of this thread, seeded by the operating system.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the place that opens the source"
)]
pub fn chance() -> impl rand::CryptoRng {
    rand::rng()
}
