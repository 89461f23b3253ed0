//! What a provider's document says: the document itself, and each operation for itself.

use axum::Json as Answer;
use axum::extract::State;
use countersign_core::cursor::ListIdentity;
use countersign_gateway::document::{Document, Operation};
use countersign_store::Row;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::lists::{ListMetadata, ListQuery};
use super::providers::wire::DocumentView;
use super::providers::{find_provider, stored_document};
use crate::app::App;
use crate::callers::ProjectReader;
use crate::http::params::{Path, Query};
use crate::openapi::wire::{Failures, NotFound};
use crate::problem::{ErrorType, Problem};
use crate::providers::server_elsewhere;

/// A document.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProviderDocumentAnswer {
    /// Names this request in logs.
    request_id: String,
    /// What is known of it.
    document: DocumentView,
    /// The document as it was given.
    content: String,
    /// Always 200.
    status_code: u16,
}

/// An operation in a list.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct OperationView {
    /// Its name, that of the function which `@hey-api/openapi-ts` makes of it; in the scope `gateway:{provider}/{operation}`.
    #[schema(example = "usersList")]
    name: String,
    /// Its HTTP method.
    #[schema(example = "GET")]
    method: String,
    /// Its path below the base URL.
    #[schema(example = "/users/{id}")]
    path: String,
    /// The heading that it is shown under, if it has one.
    tag: Option<String>,
    /// What it does, in a line.
    summary: Option<String>,
    /// Whether it should not be used any more.
    deprecated: bool,
    /// The server of its own that its document names; null: that of the base URL. Calls of it are refused until `further_hosts`
    /// names its host.
    server: Option<String>,
}

/// A page of operations.
#[derive(Debug, Serialize, ToSchema)]
pub struct OperationsAnswer {
    /// Names this request in logs.
    request_id: String,
    /// The operations, in the order of the document.
    operations: Vec<OperationView>,
    /// Where to go on.
    results_metadata: ListMetadata,
    /// Always 200.
    status_code: u16,
}

/// An operation whole.
#[derive(Debug, Serialize, ToSchema)]
pub struct OperationDetailView {
    /// What lists show of it.
    #[serde(flatten)]
    view: OperationView,
    /// Its `operationId`, if it has one.
    operation_id: Option<String>,
    /// What it does at length, in Markdown. The text is its provider's.
    description: Option<String>,
    /// The JSON Schema of its arguments: one flat object for path, query, headers and body, with all that it refers to.
    #[schema(value_type = Object)]
    arguments_schema: Value,
    /// What it answers.
    responses: Vec<ResponseView>,
}

/// An answer of an operation.
#[derive(Debug, Serialize, ToSchema)]
pub struct ResponseView {
    /// The status that it is for: `200`, `4XX`, `default`.
    #[schema(example = "200")]
    status: String,
    /// Its media type; null without a body.
    media_type: Option<String>,
    /// The JSON Schema of its body, with all that it refers to.
    #[schema(value_type = Option<Value>)]
    schema: Option<Value>,
}

/// An operation.
#[derive(Debug, Serialize, ToSchema)]
pub struct OperationAnswer {
    /// Names this request in logs.
    request_id: String,
    /// The operation.
    operation: OperationDetailView,
    /// Always 200.
    status_code: u16,
}

impl From<&Operation> for OperationView {
    fn from(operation: &Operation) -> Self {
        Self {
            name: operation.name.clone(),
            method: operation.method.clone(),
            path: operation.path.clone(),
            tag: operation.tags.first().cloned(),
            summary: operation.summary.clone(),
            deprecated: operation.deprecated,
            server: server_elsewhere(&operation.server).map(str::to_owned),
        }
    }
}

impl OperationDetailView {
    fn of(operation: &Operation, document: &Document) -> Self {
        let responses = operation.responses.iter().map(|response| ResponseView {
            status: response.status.clone(),
            media_type: response.media_type.clone(),
            schema: response
                .schema
                .as_ref()
                .map(|schema| document.complete_schema(schema, &response.refers_to).value()),
        });
        Self {
            view: operation.into(),
            operation_id: operation.operation_id.clone(),
            description: operation.description.clone(),
            arguments_schema: document.arguments_schema(operation).value(),
            responses: responses.collect(),
        }
    }
}

/// Get a provider's document
///
/// To the byte as it was given.
#[utoipa::path(
    get,
    path = "/admin/v1/projects/{project_id}/providers/{provider}/document",
    operation_id = "get_provider_document",
    tag = "providers",
    params(
        ("project_id" = String, Path, description = "The project."),
        ("provider" = String, Path, description = "The provider's name.")
    ),
    responses((status = 200, description = "The document.", body = ProviderDocumentAnswer), Failures, NotFound)
)]
pub async fn get_provider_document(
    State(app): State<App>,
    caller: ProjectReader,
    Path((_project_id, name)): Path<(String, String)>,
) -> Result<Answer<ProviderDocumentAnswer>, Problem> {
    let provider = find_provider(&app, caller.project_id(), &name).await?.provider;
    let document = stored_document(&app, &provider).await?;
    let content =
        String::from_utf8(document.content().to_vec()).map_err(|error| Problem::internal(&error))?;
    Ok(Answer(ProviderDocumentAnswer {
        request_id: caller.request_id,
        document: document.info().clone().into(),
        content,
        status_code: 200,
    }))
}

/// List a provider's operations
#[utoipa::path(
    get,
    path = "/admin/v1/projects/{project_id}/providers/{provider}/operations",
    operation_id = "list_provider_operations",
    tag = "providers",
    params(
        ("project_id" = String, Path, description = "The project."),
        ("provider" = String, Path, description = "The provider's name."),
        ListQuery
    ),
    responses((status = 200, description = "A page of operations.", body = OperationsAnswer), Failures, NotFound)
)]
pub async fn list_provider_operations(
    State(app): State<App>,
    caller: ProjectReader,
    Path((_project_id, name)): Path<(String, String)>,
    Query(query): Query<ListQuery>,
) -> Result<Answer<OperationsAnswer>, Problem> {
    let provider = find_provider(&app, caller.project_id(), &name).await?.provider;
    // Another document has other operations, in which a place of this one means nothing.
    let fingerprint = format!("{name} {}", provider.document.sha256);
    let identity = ListIdentity {
        owner: caller.project_id().as_str(),
        list: "provider operations",
        query: fingerprint.as_bytes(),
    };
    let page = query.page(&app, identity)?;
    let digested = app.digested(&provider).await?;
    let asked = page.of_store();
    let operations = digested.document.operations.iter().zip(1_i64..);
    let rows = operations
        .skip_while(|(_, ordinal)| *ordinal <= asked.after)
        .take(asked.limit as usize)
        .map(|(operation, ordinal)| Row {
            ordinal,
            value: OperationView::from(operation),
        });
    let (operations, results_metadata) = page.answer(rows.collect());
    Ok(Answer(OperationsAnswer {
        request_id: caller.request_id,
        operations,
        results_metadata,
        status_code: 200,
    }))
}

/// Get a provider's operation
///
/// With the schema of its arguments, which refers to nothing outside itself.
#[utoipa::path(
    get,
    path = "/admin/v1/projects/{project_id}/providers/{provider}/operations/{operation}",
    operation_id = "get_provider_operation",
    tag = "providers",
    params(
        ("project_id" = String, Path, description = "The project."),
        ("provider" = String, Path, description = "The provider's name."),
        ("operation" = String, Path, description = "The operation's name.")
    ),
    responses((status = 200, description = "The operation.", body = OperationAnswer), Failures, NotFound)
)]
pub async fn get_provider_operation(
    State(app): State<App>,
    caller: ProjectReader,
    Path((_project_id, name, operation)): Path<(String, String, String)>,
) -> Result<Answer<OperationAnswer>, Problem> {
    let provider = find_provider(&app, caller.project_id(), &name).await?.provider;
    let digested = app.digested(&provider).await?;
    let found = digested.index.named(&operation);
    let found = found.and_then(|position| digested.document.operations.get(position));
    let found = found.ok_or_else(|| {
        ErrorType::ProviderOperationNotFound.because("The provider's document has no operation of this name.")
    })?;
    Ok(Answer(OperationAnswer {
        request_id: caller.request_id,
        operation: OperationDetailView::of(found, &digested.document),
        status_code: 200,
    }))
}
