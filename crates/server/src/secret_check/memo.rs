//! What answers about secrets are remembered under: an HMAC under a key of this process over owner, stored digest and
//! secret. So what is remembered holds nothing that could be searched, and a changed digest misses.

use aws_lc_rs::hmac;
use countersign_core::secret::StoredSecret;
use rand::Rng;
use secrecy::{ExposeSecret, SecretString};

use crate::chance::chance;

/// The key of this process.
#[derive(Clone)]
pub struct MemoKey(hmac::Key);

impl MemoKey {
    /// A new one.
    pub fn generate() -> Self {
        let mut key = [0; 32];
        chance().fill_bytes(&mut key);
        Self(hmac::Key::new(hmac::HMAC_SHA256, &key))
    }

    /// What the answer is remembered under to the question whether this is the owner's secret.
    pub fn entry(&self, owner: &str, stored: &StoredSecret, secret: &SecretString) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.0);
        for part in [
            owner.as_bytes(),
            stored.digest.to_string().as_bytes(),
            secret.expose_secret().as_bytes(),
        ] {
            // Lengths first, so that no two triples run together to the same bytes.
            context.update(&part.len().to_be_bytes());
            context.update(part);
        }
        context.sign().as_ref().try_into().unwrap_or_default()
    }
}
