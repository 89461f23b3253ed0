//! Remembering secrets, and looking for them.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// What must not be found, and what it is.
#[derive(Default)]
pub(super) struct Secrets(BTreeMap<String, String>);

impl Secrets {
    pub(super) fn add(&mut self, what: &str, secret: impl Into<String>) {
        let secret = secret.into();
        assert!(secret.len() >= 12, "too short to be found by chance: {secret}");
        // As it may stand in a header that was written down.
        self.0.insert(
            STANDARD.encode(&secret).trim_end_matches('=').to_owned(),
            format!("{what} in base64"),
        );
        self.0.insert(secret, what.to_owned());
    }

    /// Every text of an answer that an SDK would keep to itself.
    pub(super) fn add_from(&mut self, answer: &Value) {
        match answer {
            Value::Object(members) => {
                for (name, value) in members {
                    let secret = [
                        "client_secret",
                        "next_client_secret",
                        "access_token",
                        "operator_key",
                        "secret",
                    ]
                    .contains(&name.as_str());
                    match value.as_str().filter(|_| secret) {
                        Some(text) => self.add(name, text),
                        None => self.add_from(value),
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| self.add_from(item)),
            _ => {}
        }
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    pub(super) fn assert_absent(&self, place: &str, bytes: &[u8]) {
        assert!(!bytes.is_empty(), "{place} is empty: nothing was searched");
        for (secret, what) in &self.0 {
            let found = memchr(bytes, secret.as_bytes());
            let around =
                found.map(|at| String::from_utf8_lossy(&bytes[at.saturating_sub(200)..at]).into_owned());
            assert_eq!(around, None, "{what} stands in {place} after this");
        }
    }
}

fn memchr(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

/// The search itself must be able to find.
#[test]
fn the_search_finds_what_is_there() {
    let mut secrets = Secrets::default();
    secrets.add("a secret", "presented-Secret-0001");
    let found = |bytes: &[u8]| std::panic::catch_unwind(|| secrets.assert_absent("a place", bytes)).is_err();
    assert!(found(b"xx presented-Secret-0001 xx"));
    assert!(found(
        format!("Basic {}", STANDARD.encode("presented-Secret-0001")).as_bytes()
    ));
    assert!(!found(b"presented-Secret-0002"));
    secrets.add_from(&json!({ "m2m_client": { "client_secret": "another-Secret-0002" } }));
    assert!(std::panic::catch_unwind(|| secrets.assert_absent("a place", b"another-Secret-0002")).is_err());
}
