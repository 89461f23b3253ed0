//! Auth0: what `GET /api/v2/clients` and `GET /api/v2/client-grants` answer, or an export of its Deploy CLI as JSON.
//!
//! Scopes stand in client grants, per API. The Deploy CLI writes a client's name into a grant where the API has its id.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use anyhow::{Context, bail};
use serde_json::{Map, Value};

use super::candidate::{Candidate, Entry, Found, NotCarried, OldSecret};
use super::fields::{Fields, WrongType};
use super::hydra::{CLIENT_CREDENTIALS, ONE_GRANT};

/// Fields that say nothing about the client, or only how people log in with it.
const WITHOUT_MEANING: &[&str] = &[
    "tenant",
    "is_first_party",
    "oidc_conformant",
    "sso",
    "sso_disabled",
    "cross_origin_auth",
    "cross_origin_authentication",
    "custom_login_page_on",
    "custom_login_page",
    "signing_keys",
    "client_secret_expires_at",
    "callback_url_template",
    "refresh_token",
    "callbacks",
    "allowed_logout_urls",
    "allowed_origins",
    "web_origins",
    "initiate_login_uri",
    "logo_uri",
    "client_aliases",
    "native_social_login",
];

/// What every client has: RS256 and the tenant's ten hours.
const USUAL_LIFETIME: u64 = 36_000;

/// A grant of scopes on one API.
struct Grant {
    /// The client's id, or its name.
    client: String,
    audience: String,
    scopes: Vec<String>,
    has_all_scopes: bool,
}

/// What the documents say of each client.
pub(super) fn entries(documents: Vec<Value>) -> anyhow::Result<Vec<Entry>> {
    let mut clients = Vec::new();
    let mut grants = Vec::new();
    for document in documents {
        sort(document, &mut clients, &mut grants);
    }
    if clients.is_empty() {
        bail!("there are no clients in these files");
    }
    let grants: Option<Vec<_>> = grants.iter().map(Grant::of).collect();
    let grants = grants.context(
        "a client grant lacks client_id, audience or a list of scopes, or has one of another type",
    )?;
    let mut grants: Vec<_> = grants.into_iter().flatten().collect();
    name_by_id(&mut grants, &clients);
    let entry = |client: Value| {
        let id = client.get("client_id").or_else(|| client.get("name"));
        Entry {
            id: id.and_then(Value::as_str).unwrap_or_default().to_owned(),
            found: found(client, &grants).unwrap_or_else(|wrong| Found::LeftOut(wrong.to_string())),
        }
    };
    Ok(clients.into_iter().map(entry).collect())
}

/// The Deploy CLI's grants name their client by its name. Only where that name is one client's alone, and no client's id.
fn name_by_id(grants: &mut [Grant], clients: &[Value]) {
    let text = |client: &Value, member: &str| Some(client.get(member)?.as_str()?.to_owned());
    let ids: HashSet<String> = clients
        .iter()
        .filter_map(|client| text(client, "client_id"))
        .collect();
    let mut by_name: HashMap<String, Vec<String>> = HashMap::new();
    for client in clients {
        if let (Some(name), Some(id)) = (text(client, "name"), text(client, "client_id")) {
            by_name.entry(name).or_default().push(id);
        }
    }
    for grant in grants.iter_mut().filter(|grant| !ids.contains(&grant.client)) {
        if let Some([id]) = by_name.get(&grant.client).map(Vec::as_slice) {
            grant.client.clone_from(id);
        }
    }
}

/// Clients and grants may come in files of their own, in one, in pages with totals, or one in a file.
fn sort(document: Value, clients: &mut Vec<Value>, grants: &mut Vec<Value>) {
    match document {
        Value::Array(items) => {
            for item in items {
                sort(item, clients, grants);
            }
        }
        Value::Object(mut members) => {
            let lists = [
                take_list(&mut members, "clients"),
                take_list(&mut members, "client_grants"),
                take_list(&mut members, "clientGrants"),
            ];
            match lists {
                [None, None, None] if is_grant(&members) => grants.push(Value::Object(members)),
                [None, None, None] => clients.push(Value::Object(members)),
                [listed, own, deployed] => {
                    clients.extend(listed.into_iter().flatten());
                    grants.extend(own.into_iter().chain(deployed).flatten());
                }
            }
        }
        other => clients.push(other),
    }
}

fn take_list(members: &mut Map<String, Value>, name: &str) -> Option<Vec<Value>> {
    match members.remove(name) {
        Some(Value::Array(items)) => Some(items),
        _ => None,
    }
}

/// A client has a name and no audience.
fn is_grant(members: &Map<String, Value>) -> bool {
    members.contains_key("audience") && members.contains_key("scope") && !members.contains_key("name")
}

impl Grant {
    /// One for the client itself, `None` within for people who use it; `None` when it is not a grant at all.
    fn of(value: &Value) -> Option<Option<Self>> {
        let text = |name: &str| value.get(name).and_then(Value::as_str);
        if text("subject_type").is_some_and(|subject| subject != "client") {
            return Some(None);
        }
        let scopes = match value.get("scope") {
            None | Some(Value::Null) => Vec::new(),
            Some(scopes) => scopes
                .as_array()?
                .iter()
                .map(Value::as_str)
                .collect::<Option<_>>()?,
        };
        Some(Some(Self {
            client: text("client_id")?.to_owned(),
            audience: text("audience")?.to_owned(),
            scopes: scopes.into_iter().map(str::to_owned).collect(),
            has_all_scopes: value.get("allow_all_scopes") == Some(&Value::Bool(true)),
        }))
    }
}

fn found(client: Value, grants: &[Grant]) -> Result<Found, WrongType> {
    let mut fields = Fields::of(client)?;
    let kind = fields.text("app_type")?;
    let methods = fields.texts("grant_types")?;
    if fields.flag("global")? == Some(true) || kind != "non_interactive" {
        return Ok(Found::PassedOver(
            "its app_type is not non_interactive".to_owned(),
        ));
    }
    if !methods.iter().any(|method| method == CLIENT_CREDENTIALS) {
        return Ok(Found::PassedOver("its grants are for people".to_owned()));
    }
    let client_id = fields.text("client_id")?;
    if client_id.is_empty() {
        let hint = "there is no client_id: the Deploy CLI writes it with --export_ids";
        return Ok(Found::LeftOut(hint.to_owned()));
    }
    let method = fields.text("token_endpoint_auth_method")?;
    let has_keys = !fields.object("client_authentication_methods")?.is_empty();
    if has_keys || !matches!(method.as_str(), "" | "client_secret_post" | "client_secret_basic") {
        return Ok(Found::LeftOut("it logs in without a secret".to_owned()));
    }
    let secret = fields.text("client_secret")?;
    if secret.is_empty() || secret.starts_with("##") {
        let hint = "there is no client_secret: a token with read:client_keys reads it";
        return Ok(Found::LeftOut(hint.to_owned()));
    }
    let name = fields.text("name")?;
    let mut not_carried = token_settings(&mut fields)?;
    let own: Vec<_> = grants.iter().filter(|grant| grant.client == client_id).collect();
    let candidate = Candidate {
        scopes: scopes(&own, &mut not_carried),
        client_id,
        name,
        description: fields.text("description")?,
        metadata: fields.object("client_metadata")?,
        secret: OldSecret::InClear(secret.into()),
        ..Candidate::default()
    };
    if methods.len() > 1 {
        not_carried.push(NotCarried::new("grant_types", ONE_GRANT));
    }
    fields.forget(WITHOUT_MEANING);
    not_carried.extend(fields.rest(&[]));
    Ok(Found::Candidate {
        candidate: Box::new(candidate),
        not_carried,
    })
}

fn token_settings(fields: &mut Fields) -> Result<Vec<NotCarried>, WrongType> {
    let settings = fields.object("jwt_configuration")?;
    let mut not_carried = Vec::new();
    let lifetime = settings.get("lifetime_in_seconds").and_then(Value::as_u64);
    if lifetime.is_some_and(|lifetime| lifetime != USUAL_LIFETIME) {
        let reason = "the setting tokens.lifetime holds for all clients";
        not_carried.push(NotCarried::new("jwt_configuration.lifetime_in_seconds", reason));
    }
    let algorithm = settings.get("alg").and_then(Value::as_str);
    if algorithm.is_some_and(|algorithm| algorithm != "RS256") {
        let reason = "the token profile says how tokens are signed";
        not_carried.push(NotCarried::new("jwt_configuration.alg", reason));
    }
    Ok(not_carried)
}

/// The scopes of all APIs together: here they are the client's, whoever the token is for.
fn scopes(grants: &[&Grant], not_carried: &mut Vec<NotCarried>) -> Vec<String> {
    let mut audiences: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut scopes: Vec<String> = Vec::new();
    for grant in grants {
        audiences
            .entry(&grant.audience)
            .or_default()
            .extend(grant.scopes.iter().map(String::as_str));
        for scope in &grant.scopes {
            if !scopes.contains(scope) {
                scopes.push(scope.clone());
            }
        }
    }
    let mut tell = |reason: String| not_carried.push(NotCarried::new("client grants", reason));
    let named: Vec<_> = audiences.keys().copied().collect();
    match named.as_slice() {
        [] => tell("there are none for it in these files: it has no scopes here".to_owned()),
        [audience] => tell(format!("tokens carry the project's audience and not {audience}")),
        several => tell(format!(
            "a token has the scopes of all its APIs together, and the project's audience and not {}",
            several.join(", ")
        )),
    }
    if grants.iter().any(|grant| grant.has_all_scopes) {
        tell("allow_all_scopes: which these are stands in the API and not in the grant".to_owned());
    }
    scopes
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn client() -> Value {
        json!({
            "client_id": "aBc", "name": "Billing", "client_secret": "s", "app_type": "non_interactive",
            "grant_types": ["client_credentials"], "jwt_configuration": {"alg": "RS256", "lifetime_in_seconds": 36000},
        })
    }

    fn scopes_of(documents: Vec<Value>) -> Vec<String> {
        let mut entries = entries(documents).unwrap();
        match entries.remove(0).found {
            Found::Candidate { candidate, .. } => candidate.scopes,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn grants_find_their_client_by_id_and_by_name_in_every_form_of_export() {
        let by_id = json!({"id": "cgr_1", "client_id": "aBc", "audience": "https://a", "scope": ["read:a"]});
        let by_name = json!({"client_id": "Billing", "audience": "https://a", "scope": ["read:a"]});
        for documents in [
            vec![json!([client()]), json!([by_id])],
            vec![
                json!({"start": 0, "clients": [client()]}),
                json!({"total": 1, "client_grants": [by_id]}),
            ],
            vec![json!({"clients": [client()], "clientGrants": [by_name]})],
            vec![client(), by_name],
        ] {
            assert_eq!(scopes_of(documents), ["read:a"]);
        }
    }

    #[test]
    fn scopes_of_several_apis_are_joined_and_told_of() {
        let grant =
            |audience: &str, scope: Value| json!({"client_id": "aBc", "audience": audience, "scope": scope});
        let documents = vec![
            client(),
            grant("https://a", json!(["read", "write"])),
            grant("https://b", json!(["read"])),
            json!({"client_id": "aBc", "audience": "https://c", "scope": ["people"], "subject_type": "user"}),
        ];
        let mut entries = entries(documents).unwrap();
        let Found::Candidate {
            candidate,
            not_carried,
        } = entries.remove(0).found
        else {
            panic!("left out")
        };
        assert_eq!(candidate.scopes, ["read", "write"]);
        let [told] = not_carried.as_slice() else {
            panic!("{not_carried:?}")
        };
        assert!(told.reason.contains("https://a, https://b"), "{told:?}");
    }
}
