//! Ory Hydra: rows of its table `hydra_client` as JSON, or clients in the form of its admin API with `client_secret`.
//!
//! `row_to_json` writes the columns under the names of the API, but for `id`. Lists are JSON in 2.x and texts parted by `|`
//! in 1.x. Hydra digests secrets with bcrypt or, by default since 2.0, PBKDF2-SHA-256, and a row holds the digest.

use serde_json::{Map, Value};

use super::candidate::{Candidate, Entry, Found, NotCarried, OldSecret};
use super::documents::items;
use super::fields::{Fields, WrongType};

/// The one grant that there is here.
pub(super) const CLIENT_CREDENTIALS: &str = "client_credentials";

/// Why other grants do not come along.
pub(super) const ONE_GRANT: &str = "client_credentials is the only grant here";

/// Columns that say nothing about the client, or only how people log in with it.
const WITHOUT_MEANING: &[&str] = &[
    "id",
    "pk",
    "pk_deprecated",
    "nid",
    "created_at",
    "updated_at",
    "response_types",
    "subject_type",
    "skip_consent",
    "skip_logout_consent",
    "userinfo_signed_response_alg",
    "request_object_signing_alg",
    "token_endpoint_auth_signing_alg",
    "registration_access_token_signature",
    "registration_access_token",
    "registration_client_uri",
];

const REASONS: &[(&str, &str)] = &[
    ("access_token_strategy", "tokens are signed JWTs"),
    ("audience", "tokens carry the project's audience"),
    (
        "client_credentials_grant_access_token_lifespan",
        "the setting tokens.lifetime holds for all clients",
    ),
    ("client_secret_expires_at", "secrets do not expire by themselves"),
    (
        "rotated_secrets",
        "earlier secrets, which still work there, do not work here",
    ),
];

/// What the documents say of each client.
pub(super) fn entries(documents: Vec<Value>) -> Vec<Entry> {
    let rows = documents
        .into_iter()
        .flat_map(|document| items(document, &["items"]));
    rows.map(|row| Entry {
        id: id(&row).to_owned(),
        found: found(row).unwrap_or_else(|wrong| Found::LeftOut(wrong.to_string())),
    })
    .collect()
}

fn id(row: &Value) -> &str {
    let named = row.get("client_id").or_else(|| row.get("id"));
    named.and_then(Value::as_str).unwrap_or_default()
}

fn found(row: Value) -> Result<Found, WrongType> {
    let client_id = id(&row).to_owned();
    let mut fields = Fields::of(row)?;
    fields.forget(&["client_id"]);
    fields.forget(WITHOUT_MEANING);
    let grants = list(&mut fields, "grant_types")?;
    if !grants.iter().any(|grant| grant == CLIENT_CREDENTIALS) {
        return Ok(Found::PassedOver("its grants are for people".to_owned()));
    }
    let method = fields.text("token_endpoint_auth_method")?;
    if !matches!(method.as_str(), "" | "client_secret_basic" | "client_secret_post") {
        return Ok(Found::LeftOut("it logs in without a secret".to_owned()));
    }
    let secret = fields.text("client_secret")?;
    if secret.is_empty() {
        return Ok(Found::LeftOut(
            "there is no client_secret: the API does not tell it, the table hydra_client does".to_owned(),
        ));
    }
    let candidate = Candidate {
        client_id,
        name: fields.text("client_name")?,
        scopes: words(&fields.text("scope")?),
        metadata: metadata(&mut fields)?,
        secret: known(secret),
        ..Candidate::default()
    };
    let mut not_carried = fields.rest(REASONS);
    if grants.len() > 1 {
        not_carried.push(NotCarried::new("grant_types", ONE_GRANT));
    }
    Ok(Found::Candidate {
        candidate: Box::new(candidate),
        not_carried,
    })
}

/// A list: as JSON, as JSON in a text where the database has no such type, or parted by `|` as 1.x has it.
fn list(fields: &mut Fields, field: &'static str) -> Result<Vec<String>, WrongType> {
    match fields.take(field) {
        Some(Value::String(text)) if text.starts_with('[') => {
            fields.put(field, serde_json::from_str(&text).unwrap_or_default());
        }
        Some(Value::String(text)) => {
            return Ok(text
                .split('|')
                .filter(|part| !part.is_empty())
                .map(str::to_owned)
                .collect());
        }
        Some(other) => fields.put(field, other),
        None => {}
    }
    fields.texts(field)
}

/// Metadata, which is JSON in a text where the database has no such type.
fn metadata(fields: &mut Fields) -> Result<Map<String, Value>, WrongType> {
    if let Some(value) = fields.take("metadata") {
        let parsed = value.as_str().and_then(|text| serde_json::from_str(text).ok());
        fields.put("metadata", parsed.unwrap_or(value));
    }
    fields.object("metadata")
}

pub(super) fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

/// A row has a digest. A client in the form of the API, as it is written to make one, has the secret itself.
fn known(secret: String) -> OldSecret {
    if secret.starts_with('$') {
        OldSecret::Digest(secret.into())
    } else {
        OldSecret::InClear(secret.into())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn candidate(row: Value) -> (Candidate, Vec<NotCarried>) {
        let mut entries = entries(vec![row]);
        match entries.remove(0).found {
            Found::Candidate {
                candidate,
                not_carried,
            } => (*candidate, not_carried),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn rows_of_all_databases_and_versions_say_the_same() {
        for (grants, metadata) in [
            (json!(["client_credentials"]), json!({"team": "x"})),
            (json!("[\"client_credentials\"]"), json!("{\"team\":\"x\"}")),
            (json!("client_credentials"), json!({"team": "x"})),
        ] {
            let row =
                json!({"id": "a", "grant_types": grants, "metadata": metadata, "client_secret": "$2a$10$x"});
            let (candidate, not_carried) = candidate(row);
            assert_eq!(candidate.client_id, "a");
            assert_eq!(candidate.metadata["team"], "x");
            assert!(not_carried.is_empty(), "{not_carried:?}");
        }
    }

    #[test]
    fn other_grants_are_told() {
        let row = json!({
            "client_id": "a", "id": "b", "client_secret": "$2a$10$x",
            "grant_types": "client_credentials|refresh_token",
        });
        let (candidate, not_carried) = candidate(row);
        assert_eq!(candidate.client_id, "a");
        assert_eq!(not_carried[0].field, "grant_types");
    }
}
