//! The raw signing rate: aws-lc-rs with the key parsed once and nothing else, on the server's core.

use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
};
use countersign_token::Algorithm;
use countersign_token::issue::SigningKey;

use crate::process::{SERVER_CORE, pinned};

/// A usual token's header and claims have about so many bytes.
const MESSAGE: [u8; 420] = [b'x'; 420];
const SECONDS: &str = "1.5";

/// Signatures per second, in a process of its own.
pub(crate) fn measure(algorithm: &str) -> anyhow::Result<f64> {
    let output = pinned(SERVER_CORE, &std::env::current_exe()?)
        .args(["sign", algorithm, SECONDS])
        .output()?;
    if !output.status.success() {
        bail!("raw signing failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8(output.stdout)?.trim().parse()?)
}

/// That process.
#[expect(clippy::print_stdout, reason = "how this process answers its parent")]
pub(crate) fn run(algorithm: &str, seconds: &str) -> anyhow::Result<()> {
    let algorithm: Algorithm = algorithm.parse()?;
    let pkcs8 = SigningKey::generate(algorithm)?;
    let random = SystemRandom::new();
    let mut signature = vec![0; 256];
    let until = Duration::from_secs_f64(seconds.parse()?);
    let rate = match algorithm {
        Algorithm::Rs256 => {
            let key = RsaKeyPair::from_pkcs8(pkcs8.as_bytes())?;
            count(until, || {
                key.sign(&RSA_PKCS1_SHA256, &random, &MESSAGE, &mut signature)
                    .is_ok()
            })
        }
        Algorithm::Es256 => {
            let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_bytes())?;
            count(until, || key.sign(&random, &MESSAGE).is_ok())
        }
        Algorithm::EdDsa => {
            let key = Ed25519KeyPair::from_pkcs8(pkcs8.as_bytes())?;
            count(until, || key.try_sign(&MESSAGE).is_ok())
        }
    };
    println!("{}", rate.context("a signature failed")?);
    Ok(())
}

fn count(until: Duration, mut sign: impl FnMut() -> bool) -> Option<f64> {
    let started = Instant::now();
    let mut signatures = 0_u32;
    while started.elapsed() < until {
        for _ in 0..16 {
            if !sign() {
                return None;
            }
        }
        signatures += 16;
    }
    Some(f64::from(signatures) / started.elapsed().as_secs_f64())
}
