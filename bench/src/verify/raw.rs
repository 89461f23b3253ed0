//! The raw rate: aws-lc-rs with the key parsed once and the signature decoded before, and nothing else.

use anyhow::Context as _;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_token::PublicKey;

use super::tokens::Tokens;

/// A key, and what it signed.
pub(super) struct Raw {
    key: ParsedPublicKey,
    signed: Vec<(String, Vec<u8>)>,
}

impl Raw {
    pub(super) fn of(tokens: &Tokens) -> anyhow::Result<Self> {
        let jwk = tokens.jwks.keys.first().context("no key")?;
        let signed = tokens.tokens.iter().map(|token| {
            let (input, signature) = token.rsplit_once('.').context("no signature")?;
            Ok((input.to_owned(), URL_SAFE_NO_PAD.decode(signature)?))
        });
        Ok(Self {
            key: parse(&jwk.key)?,
            signed: signed.collect::<anyhow::Result<_>>()?,
        })
    }

    /// Checks the signature of the token of this number.
    pub(super) fn check(&self, number: usize) -> anyhow::Result<()> {
        let (input, signature) = self.signed.get(number).context("no such token")?;
        self.key
            .verify_sig(input.as_bytes(), signature)
            .context("a right signature was refused")
    }
}

fn parse(key: &PublicKey) -> anyhow::Result<ParsedPublicKey> {
    Ok(match key {
        PublicKey::Rsa { modulus, exponent } => RsaPublicKeyComponents {
            n: modulus,
            e: exponent,
        }
        .to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256)?,
        PublicKey::P256 { x, y } => {
            let point = [&[4], &x[..], &y[..]].concat();
            ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)?
        }
        PublicKey::Ed25519 { x } => ParsedPublicKey::new(&ED25519, x)?,
    })
}
