//! Providers of the gateway: upstream APIs, their documents, and who may do what there.

pub mod wire;

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::State;
use countersign_core::audit::Action;
use countersign_core::cursor::ListIdentity;
use countersign_core::ids::ProjectId;
use countersign_core::provider::{Provider, ProviderDocument, ProviderSettings};
use countersign_store::{Change, ProviderRecord, StoreError};
use serde::Serialize;
use utoipa::ToSchema;

use self::wire::{CreateProvider, ProviderView, UpdateProvider};
use super::lists::{ListMetadata, ListQuery};
use crate::app::App;
use crate::callers::{ProjectAdmin, ProjectReader};
use crate::chance::chance;
use crate::http::json::JsonWithDocument;
use crate::http::params::{Path, Query};
use crate::openapi::wire::{Failures, Forbidden, NotFound};
use crate::problem::{ErrorType, Problem};
use crate::providers::digest::{DigestedDocument, digest};
use crate::providers::{InvalidSettings, judge, parse_name};

/// A provider.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProviderAnswer {
    /// Names this request in logs and in the audit.
    request_id: String,
    /// The provider.
    provider: ProviderView,
    /// Always 200.
    status_code: u16,
}

/// A page of providers.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProvidersAnswer {
    /// Names this request in logs.
    request_id: String,
    /// The providers, in the order of their making.
    providers: Vec<ProviderView>,
    /// Where to go on.
    results_metadata: ListMetadata,
    /// Always 200.
    status_code: u16,
}

/// What was deleted.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeletedProviderAnswer {
    /// Names this request in logs and in the audit.
    request_id: String,
    /// The name of the provider that is no more.
    provider: String,
    /// Always 200.
    status_code: u16,
}

/// List providers
///
/// Without `countersign`, which is always there and has nothing to set.
#[utoipa::path(
    get,
    path = "/admin/v1/projects/{project_id}/providers",
    operation_id = "list_providers",
    tag = "providers",
    params(("project_id" = String, Path, description = "The project."), ListQuery),
    responses((status = 200, description = "A page of providers.", body = ProvidersAnswer), Failures, NotFound)
)]
pub async fn list_providers(
    State(app): State<App>,
    caller: ProjectReader,
    Query(query): Query<ListQuery>,
) -> Result<Answer<ProvidersAnswer>, Problem> {
    let identity = ListIdentity {
        owner: caller.project_id().as_str(),
        list: "providers",
        query: b"",
    };
    let page = query.page(&app, identity)?;
    let rows = app
        .store
        .list_providers(caller.project_id(), page.of_store())
        .await?;
    let (providers, results_metadata) = page.answer(rows);
    Ok(Answer(ProvidersAnswer {
        request_id: caller.request_id,
        providers,
        results_metadata,
        status_code: 200,
    }))
}

/// Create a provider
///
/// The document is read whole and refused whole: nothing of one that is wrong is kept. Clients call the provider with the scopes
/// `gateway:{provider}`, `gateway-read:{provider}` (GET and HEAD) and `gateway:{provider}/{operation}`, unless rules say otherwise.
#[utoipa::path(
    post,
    path = "/admin/v1/projects/{project_id}/providers",
    operation_id = "create_provider",
    tag = "providers",
    params(("project_id" = String, Path, description = "The project.")),
    request_body = CreateProvider,
    responses((status = 200, description = "The provider.", body = ProviderAnswer), Failures, Forbidden, NotFound)
)]
pub async fn create_provider(
    State(app): State<App>,
    caller: ProjectAdmin,
    JsonWithDocument(body): JsonWithDocument<CreateProvider>,
) -> Result<Answer<ProviderAnswer>, Problem> {
    let name = parse_name(&body.name)?;
    let document = read_document(body.document)?;
    let mut settings = body.settings.over(ProviderSettings::default());
    if settings.base_url.is_empty() {
        settings.base_url = first_server(&document, body.document_url).await?;
    }
    let digested = digest(document.content().clone(), Some(settings.base_url.clone())).await??;
    judge(name.clone(), &settings, &digested)?;
    let (now, project_id) = (app.now(), caller.project_id().clone());
    let info = document.info().clone();
    let provider = Provider::new(project_id.clone(), name.as_str(), settings, info, now)?;
    let event = caller
        .origin
        .event(
            Action::ProviderCreated,
            Some(&project_id),
            name.as_str(),
            now,
            &mut chance(),
        )
        .to(provider.for_audit());
    app.store
        .insert_provider(&provider, &document, &event)
        .await
        .map_err(|error| match error {
            StoreError::Duplicate => {
                ErrorType::DuplicateProviderName.because("A provider with this name exists in the project.")
            }
            error => error.into(),
        })?;
    Ok(changed(&app, provider, caller.request_id))
}

/// Get a provider
#[utoipa::path(
    get,
    path = "/admin/v1/projects/{project_id}/providers/{provider}",
    operation_id = "get_provider",
    tag = "providers",
    params(
        ("project_id" = String, Path, description = "The project."),
        ("provider" = String, Path, description = "The provider's name.")
    ),
    responses((status = 200, description = "The provider.", body = ProviderAnswer), Failures, NotFound)
)]
pub async fn get_provider(
    State(app): State<App>,
    caller: ProjectReader,
    Path((_project_id, name)): Path<(String, String)>,
) -> Result<Answer<ProviderAnswer>, Problem> {
    let record = find_provider(&app, caller.project_id(), &name).await?;
    Ok(Answer(ProviderAnswer {
        request_id: caller.request_id,
        provider: record.provider.into(),
        status_code: 200,
    }))
}

/// Update a provider
///
/// It holds within a second on every node. Credentials stay as they are, and go only to the hosts that they were set for: after a
/// change of hosts, set them again.
#[utoipa::path(
    put,
    path = "/admin/v1/projects/{project_id}/providers/{provider}",
    operation_id = "update_provider",
    tag = "providers",
    params(
        ("project_id" = String, Path, description = "The project."),
        ("provider" = String, Path, description = "The provider's name.")
    ),
    request_body = UpdateProvider,
    responses((status = 200, description = "The provider as it is now.", body = ProviderAnswer), Failures, Forbidden, NotFound)
)]
pub async fn update_provider(
    State(app): State<App>,
    caller: ProjectAdmin,
    Path((_project_id, name)): Path<(String, String)>,
    JsonWithDocument(body): JsonWithDocument<UpdateProvider>,
) -> Result<Answer<ProviderAnswer>, Problem> {
    let project_id = caller.project_id().clone();
    let before = find_provider(&app, &project_id, &name).await?.provider;
    if body.version.is_some_and(|version| version != before.version) {
        return Err(StoreError::Stale.into());
    }
    let document = body.document.map(read_document).transpose()?;
    let settings = body.settings.over(before.settings.clone());
    let info = document.as_ref().map(|document| document.info().clone());
    let after = before.changed(settings, info, app.now())?;
    let digested = match &document {
        Some(document) => {
            let base_url = after.settings.base_url.clone();
            digest(document.content().clone(), Some(base_url)).await??
        }
        None => app.digested(&after).await?,
    };
    judge(parse_name(&name)?, &after.settings, &digested)?;
    let event = caller
        .origin
        .event(
            Action::ProviderUpdated,
            Some(&project_id),
            &name,
            after.updated_at,
            &mut chance(),
        )
        .from(before.for_audit())
        .to(after.for_audit());
    app.store
        .update_provider(&after, document.as_ref(), &event)
        .await?;
    Ok(changed(&app, after, caller.request_id))
}

/// Delete a provider
///
/// With its document, its rules and its credentials. Calls of it are refused within a second on every node.
#[utoipa::path(
    delete,
    path = "/admin/v1/projects/{project_id}/providers/{provider}",
    operation_id = "delete_provider",
    tag = "providers",
    params(
        ("project_id" = String, Path, description = "The project."),
        ("provider" = String, Path, description = "The provider's name.")
    ),
    responses((status = 200, description = "What was deleted.", body = DeletedProviderAnswer), Failures, Forbidden, NotFound)
)]
pub async fn delete_provider(
    State(app): State<App>,
    caller: ProjectAdmin,
    Path((_project_id, name)): Path<(String, String)>,
) -> Result<Answer<DeletedProviderAnswer>, Problem> {
    let project_id = caller.project_id().clone();
    let provider = find_provider(&app, &project_id, &name).await?.provider;
    let event = caller
        .origin
        .event(
            Action::ProviderDeleted,
            Some(&project_id),
            &name,
            app.now(),
            &mut chance(),
        )
        .from(provider.for_audit());
    app.store.delete_provider(&provider, &event).await?;
    app.memory.forget(&Change::Provider(project_id, name.clone()));
    Ok(Answer(DeletedProviderAnswer {
        request_id: caller.request_id,
        provider: name,
        status_code: 200,
    }))
}

/// A provider as it rests.
pub(super) async fn find_provider(
    app: &App,
    project_id: &ProjectId,
    name: &str,
) -> Result<ProviderRecord, Problem> {
    let record = app.store.provider(project_id, name).await?;
    record.ok_or_else(Problem::provider_not_found)
}

/// The document of a provider, if it is still that of the provider that was read.
pub(super) async fn stored_document(app: &App, provider: &Provider) -> Result<ProviderDocument, Problem> {
    let document = app
        .store
        .provider_document(&provider.project_id, &provider.name)
        .await?;
    let document = document.filter(|document| *document.info() == provider.document);
    Ok(document.ok_or(StoreError::Stale)?)
}

fn changed(app: &App, provider: Provider, request_id: String) -> Answer<ProviderAnswer> {
    let change = Change::Provider(provider.project_id.clone(), provider.name.clone());
    app.memory.forget(&change);
    Answer(ProviderAnswer {
        request_id,
        provider: provider.into(),
        status_code: 200,
    })
}

/// A document as it was sent. JSON is YAML, too; the media type says how it was written.
fn read_document(text: String) -> Result<ProviderDocument, Problem> {
    let is_json = text.trim_start().starts_with('{');
    let media_type = if is_json {
        "application/json"
    } else {
        "application/yaml"
    };
    Ok(ProviderDocument::new(media_type, text.into_bytes())?)
}

async fn first_server(document: &ProviderDocument, source: Option<String>) -> Result<String, Problem> {
    let digested: Arc<DigestedDocument> = digest(document.content().clone(), source).await??;
    let server = digested.document.servers.first().cloned();
    Ok(server.ok_or(InvalidSettings::NoBaseUrl)?)
}
