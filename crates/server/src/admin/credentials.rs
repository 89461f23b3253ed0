//! Credentials of providers: set, replaced, deleted, and never shown.

use axum::Json as Answer;
use axum::extract::State;
use countersign_core::Timestamp;
use countersign_core::audit::Action;
use countersign_core::credential::{CredentialPlace, Keeping, NewCredential, StoredCredential};
use countersign_core::provider::Provider;
use countersign_gateway::inject::Credential;
use countersign_store::{Change, ProviderRecord, StoreError};
use secrecy::ExposeSecret;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::providers::find_provider;
use crate::app::App;
use crate::callers::{ProjectAdmin, ProjectReader};
use crate::chance::chance;
use crate::http::json::Json;
use crate::http::params::Path;
use crate::keys::making;
use crate::openapi::wire::{Failures, Forbidden, NotFound};
use crate::problem::{ErrorType, Problem, sentence};
use crate::providers::Places;

/// A credential, without its value.
#[derive(Debug, Serialize, ToSchema)]
pub struct CredentialView {
    /// Its name at the provider.
    #[schema(example = "default")]
    name: String,
    /// Names it in audit lines.
    credential_id: String,
    /// Counts values.
    version: i64,
    /// How it is injected.
    #[schema(example = "bearer")]
    kind: String,
    /// Where it may be sent, and nowhere else.
    #[schema(example = json!(["api.acme.example"]))]
    hosts: Vec<String>,
    /// Whether these are the hosts that the provider's settings want it for. If not, set it again.
    fits: bool,
    /// Tells values apart without showing them. Nobody can check a guess by it.
    fingerprint: String,
    /// When it was first set.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// Who set it first.
    created_by: String,
    /// When it was last set.
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
    /// When it was last sent, to within ten seconds; null when it never was.
    #[schema(value_type = Option<String>, format = DateTime)]
    last_used_at: Option<Timestamp>,
}

/// The credentials of a provider.
#[derive(Debug, Serialize, ToSchema)]
pub struct CredentialsAnswer {
    /// Names this request in logs.
    request_id: String,
    /// The credentials, in the order of their names.
    credentials: Vec<CredentialView>,
    /// Always 200.
    status_code: u16,
}

/// A credential just set.
#[derive(Debug, Serialize, ToSchema)]
pub struct CredentialAnswer {
    /// Names this request in logs and in the audit.
    request_id: String,
    /// The credential.
    credential: CredentialView,
    /// Always 200.
    status_code: u16,
}

/// What was deleted.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeletedCredentialAnswer {
    /// Names this request in logs and in the audit.
    request_id: String,
    /// The provider.
    provider: String,
    /// The name of the credential that is no more.
    credential: String,
    /// Always 200.
    status_code: u16,
}

/// A value to keep.
#[derive(Debug, Deserialize, ToSchema)]
pub struct SetCredential {
    /// An object with `kind` and the members of that kind: `basic` (`username`, `password`), `bearer` (`token`), `header` (`name`,
    /// `value`, `prefix`), `query` and `cookie` (`name`, `value`), `oauth-client-credentials`, `aws-sigv4`, `hmac`,
    /// `client-certificate`; the guide's page on providers has them all. It goes in and never comes out.
    #[schema(value_type = Object, example = json!({"kind": "bearer", "token": "…"}))]
    value: CredentialValue,
    /// The version that the new value takes the place of; 0 for none. It is refused when there is another by now.
    version: Option<i64>,
}

/// A value on its way in, as JSON.
#[derive(Debug)]
struct CredentialValue(secrecy::SecretString);

impl<'de> Deserialize<'de> for CredentialValue {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Value::deserialize(from).map(|value| Self(value.to_string().into()))
    }
}

impl CredentialView {
    fn of(credential: StoredCredential, provider: &Provider) -> Self {
        // What is stored was judged; a place that is none any more wants no credential.
        let wanted = Places::of(&provider.settings)
            .map(|places| places.hosts_of(&credential.name, &provider.settings.rules));
        Self {
            fits: wanted.is_ok_and(|hosts| hosts == credential.hosts),
            name: credential.name,
            credential_id: credential.id,
            version: credential.version,
            kind: credential.kind,
            hosts: credential.hosts,
            fingerprint: credential.fingerprint,
            created_at: credential.created_at,
            created_by: credential.created_by,
            updated_at: credential.updated_at,
            last_used_at: credential.last_used_at,
        }
    }
}

/// List a provider's credentials
///
/// What is known of them. Nothing shows a value, to nobody.
#[utoipa::path(
    get,
    path = "/admin/v1/projects/{project_id}/providers/{provider}/credentials",
    operation_id = "list_provider_credentials",
    tag = "provider credentials",
    params(
        ("project_id" = String, Path, description = "The project."),
        ("provider" = String, Path, description = "The provider's name.")
    ),
    responses((status = 200, description = "Its credentials.", body = CredentialsAnswer), Failures, NotFound)
)]
pub async fn list_provider_credentials(
    State(app): State<App>,
    caller: ProjectReader,
    Path((_project_id, name)): Path<(String, String)>,
) -> Result<Answer<CredentialsAnswer>, Problem> {
    let ProviderRecord {
        provider,
        credentials,
    } = find_provider(&app, caller.project_id(), &name).await?;
    let credentials = credentials
        .into_iter()
        .map(|credential| CredentialView::of(credential, &provider));
    Ok(Answer(CredentialsAnswer {
        request_id: caller.request_id,
        credentials: credentials.collect(),
        status_code: 200,
    }))
}

/// Set a provider's credential
///
/// A new one, or a new value in the place of the old one, which is then gone. It holds within a second on every node, and is sent
/// to the hosts that the provider's settings name for it now: `default` to that of `base_url`, others as rules and `further_hosts`
/// say.
#[utoipa::path(
    put,
    path = "/admin/v1/projects/{project_id}/providers/{provider}/credentials/{credential}",
    operation_id = "set_provider_credential",
    tag = "provider credentials",
    params(
        ("project_id" = String, Path, description = "The project."),
        ("provider" = String, Path, description = "The provider's name."),
        ("credential" = String, Path, description = "The credential's name: at most 64 characters a-z, A-Z, 0-9, - and _.")
    ),
    request_body = SetCredential,
    responses((status = 200, description = "What is known of it.", body = CredentialAnswer), Failures, Forbidden, NotFound)
)]
pub async fn set_provider_credential(
    State(app): State<App>,
    caller: ProjectAdmin,
    Path((_project_id, provider, name)): Path<(String, String, String)>,
    Json(body): Json<SetCredential>,
) -> Result<Answer<CredentialAnswer>, Problem> {
    let project_id = caller.project_id().clone();
    let ProviderRecord {
        provider,
        credentials,
    } = find_provider(&app, &project_id, &provider).await?;
    let before = credentials.iter().find(|credential| credential.name == name);
    let version = before.map_or(0, |before| before.version);
    if body.version.is_some_and(|expected| expected != version) {
        return Err(StoreError::Stale.into());
    }
    let value = body.value.0.expose_secret().as_bytes();
    let credential = Credential::read(value)
        .map_err(|error| ErrorType::InvalidProviderCredential.because(sentence(&error)))?;
    let new = NewCredential {
        kind: credential.kind(),
        hosts: Places::of(&provider.settings)?.hosts_of(&name, &provider.settings.rules),
        value,
    };
    let place = CredentialPlace {
        project_id: &project_id,
        provider: &provider.name,
        name: &name,
    };
    let keeping = Keeping {
        master_key: &*making::sealing_key(&app).await?,
        peppers: &app.peppers,
    };
    let (now, actor) = (app.now(), &caller.origin.actor);
    let after = StoredCredential::set(place, before, new, &keeping, actor, now, &mut chance())?;
    let object = object(&provider.name, &name);
    let event = caller
        .origin
        .event(
            Action::CredentialSet,
            Some(&project_id),
            &object,
            now,
            &mut chance(),
        )
        .to(after.for_audit());
    let event = match before {
        Some(before) => event.from(before.for_audit()),
        None => event,
    };
    app.store
        .set_credential(&after, &event)
        .await
        .map_err(|error| match error {
            // Somebody else set the first value at the same time.
            StoreError::Duplicate => StoreError::Stale.into(),
            error => Problem::from(error),
        })?;
    app.memory
        .forget(&Change::Provider(project_id, provider.name.clone()));
    Ok(Answer(CredentialAnswer {
        request_id: caller.request_id,
        credential: CredentialView::of(after, &provider),
        status_code: 200,
    }))
}

/// Delete a provider's credential
///
/// Calls that need it are refused within a second on every node. A provider without any credential is called without one.
#[utoipa::path(
    delete,
    path = "/admin/v1/projects/{project_id}/providers/{provider}/credentials/{credential}",
    operation_id = "delete_provider_credential",
    tag = "provider credentials",
    params(
        ("project_id" = String, Path, description = "The project."),
        ("provider" = String, Path, description = "The provider's name."),
        ("credential" = String, Path, description = "The credential's name.")
    ),
    responses((status = 200, description = "What was deleted.", body = DeletedCredentialAnswer), Failures, Forbidden, NotFound)
)]
pub async fn delete_provider_credential(
    State(app): State<App>,
    caller: ProjectAdmin,
    Path((_project_id, provider, name)): Path<(String, String, String)>,
) -> Result<Answer<DeletedCredentialAnswer>, Problem> {
    let project_id = caller.project_id().clone();
    let record = find_provider(&app, &project_id, &provider).await?;
    let mut credentials = record.credentials.into_iter();
    let credential = credentials.find(|credential| credential.name == name);
    let credential = credential.ok_or_else(|| {
        ErrorType::ProviderCredentialNotFound.because("The provider has no credential of this name.")
    })?;
    let event = caller
        .origin
        .event(
            Action::CredentialDeleted,
            Some(&project_id),
            &object(&provider, &name),
            app.now(),
            &mut chance(),
        )
        .from(credential.for_audit());
    app.store.delete_credential(&credential, &event).await?;
    app.memory.forget(&Change::Provider(project_id, provider.clone()));
    Ok(Answer(DeletedCredentialAnswer {
        request_id: caller.request_id,
        provider,
        credential: name,
        status_code: 200,
    }))
}

/// How events name a credential.
fn object(provider: &str, name: &str) -> String {
    format!("{provider}/{name}")
}
