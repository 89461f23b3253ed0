//! Signing keys at work: `src/keys`.

mod certificate;
mod discovery;
mod emergency;
mod jwk_sets;
mod life;
mod profiles;
