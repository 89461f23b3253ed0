//! Whether a key set has all that the SDKs need (wire contract 5).

use anyhow::{Context, bail, ensure};
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use countersign_token::StytchJwk;
use serde_json::Value;

/// Judges a key set of the wire, and answers the ids of its keys.
pub(super) fn judge(document: &Value) -> anyhow::Result<Vec<String>> {
    let keys = document
        .get("keys")
        .and_then(Value::as_array)
        .context("there is no list of keys")?;
    ensure!(!keys.is_empty(), "there is no key");
    // The typed SDKs read the set as an answer of the API.
    for member in ["request_id", "status_code"] {
        ensure!(document.get(member).is_some(), "the answer lacks {member}");
    }
    keys.iter().map(kid).collect()
}

fn kid(key: &Value) -> anyhow::Result<String> {
    let key: StytchJwk = serde_json::from_value(key.clone()).context("a key lacks a member")?;
    if (key.kty.as_str(), key.usage.as_str(), key.alg.as_str()) != ("RSA", "sig", "RS256") {
        bail!(
            "{} is a key of another kind, which makes an SDK refuse the whole set",
            key.kid
        );
    }
    ensure!(
        key.key_ops == ["verify"],
        "key_ops of {} is not [verify]",
        key.kid
    );
    let certificate = key.x5c.first().map(|text| STANDARD.decode(text));
    let Some(Ok(certificate)) = certificate else {
        bail!("x5c of {} is not a certificate", key.kid)
    };
    let thumbprint = STANDARD.encode(digest(&SHA256, &certificate));
    ensure!(
        key.x5t_s256 == thumbprint,
        "x5tS256 of {} is not that of its certificate",
        key.kid
    );
    Ok(key.kid)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn set() -> Value {
        json!({
            "keys": [{
                "kty": "RSA", "use": "sig", "key_ops": ["verify"], "alg": "RS256", "kid": "k", "x5c": ["AAAA"],
                "x5tS256": STANDARD.encode(digest(&SHA256, &[0; 3])), "n": "AA", "e": "AQAB"
            }],
            "request_id": "r",
            "status_code": 200
        })
    }

    #[test]
    fn every_member_is_needed() {
        assert_eq!(judge(&set()).unwrap(), ["k"]);
        let whole = set();
        for name in whole["keys"][0].as_object().unwrap().keys() {
            let mut broken = set();
            broken["keys"][0].as_object_mut().unwrap().remove(name);
            assert!(judge(&broken).is_err(), "{name}");
        }
        for (pointer, value) in [
            ("/keys", json!([])),
            ("/keys/0/kty", json!("EC")),
            ("/keys/0/x5c", json!([])),
            ("/keys/0/x5c", json!(["AAAAAAAA"])),
            ("/keys/0/key_ops", json!(["sign", "verify"])),
        ] {
            let mut broken = set();
            *broken.pointer_mut(pointer).unwrap() = value;
            assert!(judge(&broken).is_err(), "{pointer}");
        }
    }
}
