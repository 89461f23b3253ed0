//! `trusted_metadata`: a caller's own facts about a client, merged key by key.

use serde::Serialize;
use serde_json::{Map, Value};

/// Most top-level keys (wire contract 3.7).
pub const MAX_KEYS: usize = 20;
/// Largest metadata, in bytes of compact JSON of the merged result (wire contract 3.7).
pub const MAX_BYTES: usize = 4096;

/// Why metadata was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MetadataError {
    /// More than [`MAX_KEYS`] top-level keys after the merge.
    #[error("trusted_metadata has at most {MAX_KEYS} top-level keys")]
    TooManyKeys,
    /// Larger than [`MAX_BYTES`] after the merge.
    #[error("trusted_metadata has at most {MAX_BYTES} bytes as compact JSON")]
    TooLarge,
}

/// A client's metadata, within its limits.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Metadata(Map<String, Value>);

impl Metadata {
    /// This metadata with `patch` merged in: top-level keys only, nested objects replaced whole, null deletes.
    pub fn merged(&self, patch: Map<String, Value>) -> Result<Self, MetadataError> {
        let mut map = self.0.clone();
        for (key, value) in patch {
            if value.is_null() {
                map.remove(&key);
            } else {
                map.insert(key, value);
            }
        }
        let merged = Self(map);
        if merged.0.len() > MAX_KEYS {
            return Err(MetadataError::TooManyKeys);
        }
        if merged.to_json().len() > MAX_BYTES {
            Err(MetadataError::TooLarge)
        } else {
            Ok(merged)
        }
    }

    /// Metadata as it was stored; the limits were met when it was written.
    pub fn from_stored(map: Map<String, Value>) -> Self {
        Self(map)
    }

    /// The members.
    pub fn as_map(&self) -> &Map<String, Value> {
        &self.0
    }

    /// Compact JSON.
    pub fn to_json(&self) -> String {
        Value::Object(self.0.clone()).to_string()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn map(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn merging_replaces_nested_objects_whole_and_null_deletes() {
        let stored = Metadata::from_stored(map(json!({"a": {"x": 1, "y": 2}, "b": 1, "c": 2})));
        let merged = stored
            .merged(map(json!({"a": {"x": 9}, "b": null, "d": [null]})))
            .unwrap();
        assert_eq!(json!(merged), json!({"a": {"x": 9}, "c": 2, "d": [null]}));
    }

    #[test]
    fn limits_hold_for_the_merged_result() {
        let twenty = Metadata::default()
            .merged((0..20).map(|n| (format!("k{n}"), json!(1))).collect())
            .unwrap();
        assert_eq!(
            twenty.merged(map(json!({"one more": 1}))),
            Err(MetadataError::TooManyKeys)
        );
        assert!(twenty.merged(map(json!({"k0": null, "one more": 1}))).is_ok());
        assert_eq!(
            Metadata::default().merged(map(json!({"k": "x".repeat(MAX_BYTES)}))),
            Err(MetadataError::TooLarge)
        );
        let exact = MAX_BYTES - r#"{"k":""}"#.len();
        assert!(
            Metadata::default()
                .merged(map(json!({"k": "x".repeat(exact)})))
                .is_ok()
        );
    }

    fn patches() -> impl Strategy<Value = Map<String, Value>> {
        let value = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            "[a-z]{0,4}".prop_map(Value::from)
        ];
        prop::collection::btree_map("[a-d]", value, 0..5).prop_map(|m| m.into_iter().collect())
    }

    proptest! {
        #[test]
        fn each_key_ends_as_the_last_patch_that_named_it(a in patches(), b in patches()) {
            let merged = Metadata::default().merged(a.clone()).unwrap().merged(b.clone()).unwrap();
            for key in ["a", "b", "c", "d"] {
                let last = b.get(key).or_else(|| a.get(key)).filter(|value| !value.is_null());
                prop_assert_eq!(merged.as_map().get(key), last);
            }
        }
    }
}
