//! The audit: who changed what, since when.

use axum::Json as Answer;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use countersign_core::Timestamp;
use countersign_core::audit::{Action, ActorKind, AuditEvent, AuditFilter};
use countersign_core::cursor::ListIdentity;
use countersign_core::ids::ProjectId;
use countersign_store::Page;
use futures_util::stream;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::lists::{ListMetadata, ListQuery};
use crate::app::App;
use crate::callers::{InstallationReader, ProjectReader};
use crate::http::params::Query;
use crate::openapi::wire::{Failures, Forbidden, NotFound};
use crate::problem::Problem;

/// Media type of an export: one event a line.
const JSON_LINES: &str = "application/x-ndjson";
/// Events that an export reads at a time.
const EXPORT_PAGE: u32 = 500;

/// Which events.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AuditQuery {
    /// By this actor: the id of an operator, a project secret or a client.
    actor_id: Option<String>,
    /// Of this kind, such as `client_created`.
    #[param(value_type = Option<String>)]
    action: Option<Action>,
    /// About this object: the id of a client, key, secret, operator or project.
    object: Option<String>,
    /// From this time on.
    #[param(value_type = Option<String>, format = DateTime)]
    since: Option<Timestamp>,
    /// Before this time.
    #[param(value_type = Option<String>, format = DateTime)]
    until: Option<Timestamp>,
}

/// An event.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditView {
    /// Names it.
    event_id: String,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// `project_secret`, `operator`, `client` or `system`.
    #[schema(value_type = String, example = "operator")]
    actor_kind: ActorKind,
    /// Which one; empty for the system.
    actor_id: String,
    /// What was done.
    #[schema(value_type = String, example = "client_created")]
    action: Action,
    /// In which project; null for the installation's own affairs.
    #[schema(value_type = Option<String>)]
    project_id: Option<ProjectId>,
    /// To what.
    object: String,
    /// The object before, without secrets.
    #[schema(value_type = Option<Object>)]
    before: Option<Value>,
    /// The object after, without secrets.
    #[schema(value_type = Option<Object>)]
    after: Option<Value>,
    /// The request that did it.
    request_id: String,
    /// The caller's address.
    address: Option<String>,
}

/// A page of events.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditAnswer {
    /// Names this request in logs.
    request_id: String,
    /// The events, newest first.
    events: Vec<AuditView>,
    /// Where to go on.
    results_metadata: ListMetadata,
    /// Always 200.
    status_code: u16,
}

impl From<AuditEvent> for AuditView {
    fn from(event: AuditEvent) -> Self {
        Self {
            event_id: event.id,
            at: event.at,
            actor_kind: event.actor.kind,
            actor_id: event.actor.id,
            action: event.action,
            project_id: event.project_id,
            object: event.object,
            before: event.before,
            after: event.after,
            request_id: event.request_id,
            address: event.address,
        }
    }
}

impl AuditQuery {
    fn filter(self, project_id: Option<ProjectId>) -> AuditFilter {
        AuditFilter {
            project_id,
            actor_id: self.actor_id,
            action: self.action,
            object: self.object,
            since: self.since,
            until: self.until,
        }
    }
}

/// List a project's audit events
///
/// Newest first. With `Accept: application/x-ndjson` all that match are streamed, one a line.
#[utoipa::path(
    get,
    path = "/admin/v1/projects/{project_id}/audit",
    operation_id = "list_project_audit",
    tag = "audit",
    params(("project_id" = String, Path, description = "The project."), AuditQuery, ListQuery),
    responses((status = 200, description = "A page of events.", body = AuditAnswer), Failures, NotFound)
)]
pub async fn list_project_audit(
    State(app): State<App>,
    caller: ProjectReader,
    Query(filter): Query<AuditQuery>,
    Query(query): Query<ListQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let project_id = caller.project_id().clone();
    answer(
        app,
        filter.filter(Some(project_id)),
        &query,
        &headers,
        caller.request_id,
    )
    .await
}

/// List all audit events
///
/// Of every project and of the installation itself, newest first. With `Accept: application/x-ndjson` all that match
/// are streamed, one a line.
#[utoipa::path(
    get,
    path = "/admin/v1/audit",
    operation_id = "list_audit",
    tag = "audit",
    params(AuditQuery, ListQuery),
    responses((status = 200, description = "A page of events.", body = AuditAnswer), Failures, Forbidden)
)]
pub async fn list_audit(
    State(app): State<App>,
    caller: InstallationReader,
    Query(filter): Query<AuditQuery>,
    Query(query): Query<ListQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    answer(app, filter.filter(None), &query, &headers, caller.request_id).await
}

async fn answer(
    app: App,
    filter: AuditFilter,
    query: &ListQuery,
    headers: &HeaderMap,
    request_id: String,
) -> Result<Response, Problem> {
    if headers
        .get(ACCEPT)
        .is_some_and(|accept| accept.to_str().is_ok_and(|types| types.contains(JSON_LINES)))
    {
        return Ok(export(app, filter));
    }
    let fingerprint = format!("{filter:?}");
    let page = query.page(
        &app,
        ListIdentity {
            owner: "audit",
            list: "audit",
            query: fingerprint.as_bytes(),
        },
    )?;
    let rows = app.store.audit(&filter, page.of_store()).await?;
    let (events, results_metadata) = page.answer(rows);
    Ok(Answer(AuditAnswer {
        request_id,
        events,
        results_metadata,
        status_code: 200,
    })
    .into_response())
}

/// Streams all events that match, page by page, so that a long audit costs no memory.
fn export(app: App, filter: AuditFilter) -> Response {
    let pages = stream::try_unfold(Some(0), move |after| {
        let (app, filter) = (app.clone(), filter.clone());
        async move {
            let Some(after) = after else { return Ok(None) };
            let rows = app
                .store
                .audit(
                    &filter,
                    Page {
                        after,
                        limit: EXPORT_PAGE,
                    },
                )
                .await?;
            let next = rows.last().map(|last| last.ordinal);
            let mut lines = Vec::new();
            for row in rows {
                serde_json::to_writer(&mut lines, &AuditView::from(row.value))
                    .map_err(std::io::Error::other)?;
                lines.push(b'\n');
            }
            Ok::<_, ExportError>(next.map(|next| (Bytes::from(lines), Some(next))))
        }
    });
    let mut response = Response::new(axum::body::Body::from_stream(pages));
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(JSON_LINES));
    response
}

/// An export broke off; the connection ends without its last chunk, so the reader notices.
#[derive(Debug, thiserror::Error)]
enum ExportError {
    #[error(transparent)]
    Store(#[from] countersign_store::StoreError),
    #[error(transparent)]
    Write(#[from] std::io::Error),
}
