//! Managing clients: `src/m2m`.

use serde_json::Value;

use crate::support::answer::sorted_keys;

mod create;
mod create_limits;
mod delete;
mod metadata;
mod rotation;
mod search;
mod search_errors;
mod search_pages;
mod tenancy;
mod update;
mod whoami;

/// Members of a client on the wire (contract 2.1), sorted.
const CLIENT_KEYS: [&str; 8] = [
    "client_description",
    "client_id",
    "client_name",
    "client_secret_last_four",
    "next_client_secret_last_four",
    "scopes",
    "status",
    "trusted_metadata",
];

/// Checks that a client has every member, none more, and none of another type: two SDKs fail on a null string.
#[track_caller]
fn assert_client_shape(client: &Value, more: &[&str]) {
    let mut keys: Vec<_> = CLIENT_KEYS.iter().chain(more).copied().collect();
    keys.sort_unstable();
    assert_eq!(sorted_keys(client), keys);
    for (name, value) in client.as_object().unwrap() {
        let sound = match name.as_str() {
            "scopes" => value
                .as_array()
                .is_some_and(|scopes| scopes.iter().all(Value::is_string)),
            "trusted_metadata" => value.is_object(),
            "next_client_secret_last_four" => value.is_null() || value.is_string(),
            _ => value.is_string(),
        };
        assert!(sound, "{name} is {value}");
    }
}
