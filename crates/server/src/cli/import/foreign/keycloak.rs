//! Keycloak: the export of one realm by `kc.sh export` or the admin console, or clients alone as the admin API lists them.
//!
//! A client of a machine is a confidential one with a service account. `kc.sh export` writes its secret in clear; the
//! console's partial export masks it, and then only Keycloak itself can say whether a secret is right.

use anyhow::bail;
use countersign_core::client::ClientStatus;
use countersign_core::old_service::OldServiceName;
use serde_json::{Map, Value};

use super::candidate::{Candidate, Entry, Found, NotCarried, OldSecret};
use super::documents::items;
use super::fields::{Fields, WrongType};

/// What the console writes in place of a secret.
const MASK: &str = "**********";

/// Client scopes that every realm has, about people and Keycloak itself.
const BUILT_IN_SCOPES: &[&str] = &[
    "acr",
    "address",
    "basic",
    "email",
    "microprofile-jwt",
    "offline_access",
    "openid",
    "organization",
    "phone",
    "profile",
    "role_list",
    "roles",
    "saml_organization",
    "service_account",
    "web-origins",
];

/// Fields that say nothing about the client, or only how people log in with it.
const WITHOUT_MEANING: &[&str] = &[
    "id",
    "type",
    "access",
    "protocol",
    "publicClient",
    "bearerOnly",
    "clientAuthenticatorType",
    "standardFlowEnabled",
    "directAccessGrantsEnabled",
    "frontchannelLogout",
    "fullScopeAllowed",
    "nodeReRegistrationTimeout",
    "notBefore",
    "rootUrl",
    "baseUrl",
    "adminUrl",
    "redirectUris",
    "webOrigins",
    "alwaysDisplayInConsole",
    "surrogateAuthRequired",
];

/// Attributes that Keycloak gives every client, or that are about people's logins.
const ATTRIBUTES_WITHOUT_MEANING: &[&str] = &[
    "client.secret.creation.time",
    "realm_client",
    "oidc.ciba.grant.enabled",
    "oauth2.device.authorization.grant.enabled",
    "backchannel.logout.session.required",
    "backchannel.logout.revoke.offline.tokens",
    "backchannel.logout.url",
    "display.on.consent.screen",
    "post.logout.redirect.uris",
    "login_theme",
    "standard.token.exchange.enabled",
];

/// Mappers that Keycloak gives every service account.
const USUAL_MAPPERS: &[&str] = &["Client ID", "Client Host", "Client IP Address"];

const ROLES: &str = "the service account's roles have no place here: scopes say what a client may do";

/// What the documents say of each client.
pub(super) fn entries(
    documents: Vec<Value>,
    dual_run: Option<&OldServiceName>,
) -> anyhow::Result<Vec<Entry>> {
    let mut roles = Vec::new();
    let mut clients = Vec::new();
    let realms = documents.iter().flat_map(realms_of).count();
    if realms > 1 {
        bail!(
            "the export holds {realms} realms; a realm is a project, so export each by itself with --realm"
        );
    }
    for document in documents {
        for document in unwrap_realm(document) {
            roles.extend(accounts_with_roles(&document));
            clients.extend(items(document, &["clients"]));
        }
    }
    let entry = |client: Value| {
        let id = client.get("clientId").and_then(Value::as_str).unwrap_or_default();
        let has_roles = roles.iter().any(|account| account == id);
        Entry {
            id: id.to_owned(),
            found: found(client, dual_run, has_roles)
                .unwrap_or_else(|wrong| Found::LeftOut(wrong.to_string())),
        }
    };
    Ok(clients.into_iter().map(entry).collect())
}

/// The realms that a document holds: itself, or those of a list, as an export of all realms has them.
fn realms_of(document: &Value) -> Vec<&Value> {
    let candidates = match document {
        Value::Array(items) => items.iter().collect(),
        other => vec![other],
    };
    let is_realm = |value: &&Value| value.get("clients").is_some_and(Value::is_array);
    candidates.into_iter().filter(is_realm).collect()
}

/// A list with a realm in it is that realm; a list of clients stays one.
fn unwrap_realm(document: Value) -> Vec<Value> {
    let has_realm = !realms_of(&document).is_empty();
    match document {
        Value::Array(items) if has_realm => items,
        other => vec![other],
    }
}

/// The clients whose service accounts have roles beyond those that everybody in the realm has.
fn accounts_with_roles(realm: &Value) -> Vec<String> {
    let users = realm.get("users").and_then(Value::as_array).into_iter().flatten();
    let account = |user: &Value| {
        let client_id = user.get("serviceAccountClientId")?.as_str()?;
        let realm_roles = user.get("realmRoles").and_then(Value::as_array);
        let has_own = realm_roles.into_iter().flatten().filter_map(Value::as_str);
        let mut own = has_own.filter(|role| !role.starts_with("default-roles-"));
        let client_roles = user.get("clientRoles").and_then(Value::as_object);
        let has_any = own.next().is_some() || client_roles.is_some_and(|roles| !roles.is_empty());
        has_any.then(|| client_id.to_owned())
    };
    users.filter_map(account).collect()
}

fn found(client: Value, dual_run: Option<&OldServiceName>, has_roles: bool) -> Result<Found, WrongType> {
    let mut fields = Fields::of(client)?;
    if let Some(reason) = no_machine(&mut fields)? {
        return Ok(Found::PassedOver(reason.to_owned()));
    }
    let authenticator = fields.text("clientAuthenticatorType")?;
    if !matches!(authenticator.as_str(), "" | "client-secret") {
        return Ok(Found::LeftOut("it logs in without a secret".to_owned()));
    }
    let secret = match (fields.text("secret")?.as_str(), dual_run) {
        ("" | MASK, Some(service)) => OldSecret::KnownTo(service.clone()),
        ("" | MASK, None) => {
            let hint = "its secret is masked: export with kc.sh, or use --dual-run";
            return Ok(Found::LeftOut(hint.to_owned()));
        }
        (placeholder, _) if placeholder.starts_with("${") => {
            let hint = "its secret is a placeholder and not in the export";
            return Ok(Found::LeftOut(hint.to_owned()));
        }
        (secret, _) => OldSecret::InClear(secret.into()),
    };
    let mut not_carried = attributes(fields.object("attributes")?);
    let candidate = Candidate {
        client_id: fields.text("clientId")?,
        name: fields.text("name")?,
        description: fields.text("description")?,
        scopes: scopes(&mut fields, &mut not_carried)?,
        status: match fields.flag("enabled")? {
            Some(false) => ClientStatus::Inactive,
            Some(true) | None => ClientStatus::Active,
        },
        secret,
        ..Candidate::default()
    };
    if has_unusual_mapper(fields.take("protocolMappers")) {
        not_carried.push(NotCarried::new(
            "protocolMappers",
            "tokens carry no claims of your own",
        ));
    }
    if has_roles {
        not_carried.push(NotCarried::new("service account", ROLES));
    }
    fields.forget(WITHOUT_MEANING);
    not_carried.extend(fields.rest(&[]));
    Ok(Found::Candidate {
        candidate: Box::new(candidate),
        not_carried,
    })
}

fn no_machine(fields: &mut Fields) -> Result<Option<&'static str>, WrongType> {
    let protocol = fields.text("protocol")?;
    let is_public = fields.flag("publicClient")? == Some(true);
    let is_bearer_only = fields.flag("bearerOnly")? == Some(true);
    let has_account = fields.flag("serviceAccountsEnabled")? == Some(true);
    Ok(match protocol.as_str() {
        "" | "openid-connect" if is_public || is_bearer_only || !has_account => {
            Some("it has no service account")
        }
        "" | "openid-connect" => None,
        _ => Some("it does not speak OAuth"),
    })
}

/// Names of client scopes, default and optional ones, but for those about people.
fn scopes(fields: &mut Fields, not_carried: &mut Vec<NotCarried>) -> Result<Vec<String>, WrongType> {
    let is_ours = |scope: &String| !BUILT_IN_SCOPES.contains(&scope.as_str());
    let (mut scopes, built_in): (Vec<_>, Vec<_>) = fields
        .texts("defaultClientScopes")?
        .into_iter()
        .partition(is_ours);
    let (optional, built_in_too): (Vec<_>, Vec<_>) = fields
        .texts("optionalClientScopes")?
        .into_iter()
        .partition(is_ours);
    if !built_in.is_empty() || !built_in_too.is_empty() {
        let reason = "Keycloak's own client scopes are about people and its own claims";
        not_carried.push(NotCarried::new("built-in client scopes", reason));
    }
    if !optional.is_empty() {
        let reason = "they come along, but a token that is asked for without `scope` has them, too";
        not_carried.push(NotCarried::new("optionalClientScopes", reason));
    }
    scopes.extend(optional);
    Ok(scopes)
}

fn attributes(attributes: Map<String, Value>) -> Vec<NotCarried> {
    let reason = |name: &str| match name {
        "access.token.lifespan" => "the setting tokens.lifetime holds for all clients",
        "client.secret.rotated" => {
            "the secret before the present one, which still works there, does not work here"
        }
        "client.secret.expiration.time" => "secrets do not expire by themselves",
        _ => "has no place here",
    };
    let says_something = |(name, value): &(String, Value)| {
        let has_value = value.as_str().is_none_or(|text| !matches!(text, "" | "false"));
        has_value && !ATTRIBUTES_WITHOUT_MEANING.contains(&name.as_str())
    };
    let told = attributes.into_iter().filter(says_something);
    told.map(|(name, _)| NotCarried::new(format!("attributes.{name}"), reason(&name)))
        .collect()
}

fn has_unusual_mapper(mappers: Option<Value>) -> bool {
    let mappers = mappers.as_ref().and_then(Value::as_array).into_iter().flatten();
    let mut names = mappers.map(|mapper| mapper.get("name").and_then(Value::as_str).unwrap_or_default());
    names.any(|name| !USUAL_MAPPERS.contains(&name))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn client(beside: &Value) -> Value {
        let mut client = json!({
            "clientId": "billing", "serviceAccountsEnabled": true, "publicClient": false, "secret": "s",
            "clientAuthenticatorType": "client-secret", "protocol": "openid-connect",
        });
        let members = beside.as_object().unwrap().clone();
        client.as_object_mut().unwrap().extend(members);
        client
    }

    fn only(document: Value, dual_run: Option<&OldServiceName>) -> Found {
        let mut entries = entries(vec![document], dual_run).unwrap();
        assert_eq!(entries.len(), 1);
        entries.remove(0).found
    }

    #[test]
    fn a_masked_secret_is_known_to_keycloak_alone() {
        let masked = || json!({ "clients": [client(&json!({ "secret": MASK }))] });
        assert!(matches!(only(masked(), None), Found::LeftOut(_)));
        let service = "keycloak".parse().unwrap();
        match only(masked(), Some(&service)) {
            Found::Candidate { candidate, .. } => {
                assert!(matches!(candidate.secret, OldSecret::KnownTo(name) if name == service));
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_realm_a_list_with_it_and_a_list_of_clients_say_the_same() {
        for document in [
            json!({ "realm": "r", "clients": [client(&json!({}))] }),
            json!([{ "realm": "r", "clients": [client(&json!({}))] }]),
            json!([client(&json!({}))]),
            client(&json!({})),
        ] {
            assert!(matches!(only(document, None), Found::Candidate { .. }));
        }
        let two = json!([{ "clients": [] }, { "clients": [] }]);
        assert!(entries(vec![two], None).is_err());
    }

    #[test]
    fn roles_and_earlier_secrets_are_told_of_and_no_value_is() {
        let realm = json!({
            "clients": [client(&json!({"attributes": {"client.secret.rotated": "hush", "use.refresh.tokens": "false"}}))],
            "users": [{
                "serviceAccountClientId": "billing", "realmRoles": ["default-roles-r"],
                "clientRoles": {"realm-management": ["view-users"]},
            }],
        });
        let Found::Candidate { not_carried, .. } = only(realm, None) else {
            panic!("left out")
        };
        let fields: Vec<_> = not_carried.iter().map(|field| field.field.as_str()).collect();
        assert_eq!(fields, ["attributes.client.secret.rotated", "service account"]);
        assert!(!format!("{not_carried:?}").contains("hush"));
    }
}
