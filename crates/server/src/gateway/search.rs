//! `GET /gateway/tools`: the operations that the caller may call, those first that fit its words best.

use axum::Json;
use axum::extract::State;
use countersign_core::cursor::{self, ListIdentity, Position};
use countersign_gateway::admit::Caller;
use countersign_gateway::document::{Operation, Schema};
use http::HeaderMap;
use serde::{Deserialize, Serialize};

use super::operations::Callable;
use super::ranking::Sought;
use super::{Gateway, GatewayRefusal};
use crate::app::App;
use crate::http::params::Query;
use crate::http::request::RequestContext;
use crate::problem::{ErrorType, Problem};

/// Operations on a page, if it is not said.
const USUAL_LIMIT: usize = 20;
/// Operations on a page at most: each may come with a schema of many kilobytes.
const MOST_LIMIT: usize = 100;
/// How much of a summary or description is shown, in characters: enough to choose by, and some documents hold pages.
const TEXT_MAX_CHARS: usize = 500;

/// What is asked.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Search {
    #[serde(default)]
    pub(super) query: String,
    pub(super) provider: Option<String>,
    pub(super) limit: Option<usize>,
    pub(super) cursor: Option<String>,
    #[serde(default)]
    pub(super) schema: bool,
}

/// A page of what was found.
#[derive(Debug, Serialize)]
pub(super) struct Found {
    pub(super) operations: Vec<FoundOperation>,
    /// Where to go on; none on the last page.
    pub(super) next_cursor: Option<String>,
}

/// An operation, as those see it who may call it.
#[derive(Debug, Serialize)]
pub(super) struct FoundOperation {
    provider: String,
    operation: String,
    method: String,
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    deprecated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    arguments_schema: Option<Schema>,
}

#[derive(Serialize)]
pub(super) struct SearchAnswer {
    request_id: String,
    operations: Vec<FoundOperation>,
    results_metadata: Metadata,
    status_code: u16,
}

#[derive(Serialize)]
struct Metadata {
    next_cursor: Option<String>,
}

pub(super) async fn search(
    State(gateway): State<Gateway>,
    context: RequestContext,
    headers: HeaderMap,
    search: Result<Query<Search>, Problem>,
) -> Result<Json<SearchAnswer>, GatewayRefusal> {
    let caller = gateway.admit(&headers).await?;
    let Query(search) = search?;
    let found = gateway.search(&caller, &search).await?;
    Ok(Json(SearchAnswer {
        request_id: context.request_id,
        operations: found.operations,
        results_metadata: Metadata {
            next_cursor: found.next_cursor,
        },
        status_code: 200,
    }))
}

impl Gateway {
    pub(super) async fn search(&self, caller: &Caller, search: &Search) -> Result<Found, GatewayRefusal> {
        let (start, limit) = search.page(&self.0.app, caller)?;
        let callable = self.callable(caller, search.provider.as_deref()).await?;
        let ranked = ranked(&callable, &Sought::new(&search.query));
        let page = ranked.iter().skip(start).take(limit);
        let operations =
            page.map(|(callable, operation)| FoundOperation::new(callable, operation, search.schema));
        let end = start.saturating_add(limit);
        Ok(Found {
            operations: operations.collect(),
            next_cursor: (end < ranked.len()).then(|| search.cursor_at(end, &self.0.app, caller)),
        })
    }
}

impl Search {
    /// Where the page begins, and how long it may be.
    fn page(&self, app: &App, caller: &Caller) -> Result<(usize, usize), Problem> {
        let limit = match self.limit {
            None | Some(0) => USUAL_LIMIT,
            Some(limit) if limit <= MOST_LIMIT => limit,
            Some(_) => {
                let message = format!("The limit is at most {MOST_LIMIT}.");
                return Err(ErrorType::InvalidRequestValue.because(message));
            }
        };
        let query = self.identity(caller);
        let start = match self.cursor.as_deref() {
            None | Some("") => 0,
            Some(cursor) => cursor::decode(cursor, list(caller, &query), &app.peppers)?.after,
        };
        Ok((usize::try_from(start).unwrap_or_default(), limit))
    }

    fn cursor_at(&self, start: usize, app: &App, caller: &Caller) -> String {
        let position = Position {
            after: i64::try_from(start).unwrap_or(i64::MAX),
            total: 0,
        };
        cursor::encode(position, list(caller, &self.identity(caller)), &app.peppers)
    }

    /// Stands for what is listed: the position in it means nothing elsewhere.
    fn identity(&self, caller: &Caller) -> Vec<u8> {
        let provider = self.provider.as_deref().unwrap_or_default();
        [&caller.client_id, provider, &self.query].join("\0").into_bytes()
    }
}

fn list<'a>(caller: &'a Caller, query: &'a [u8]) -> ListIdentity<'a> {
    ListIdentity {
        owner: &caller.project_id,
        list: "operations",
        query,
    }
}

impl FoundOperation {
    pub(super) fn new(callable: &Callable, operation: &Operation, schema: bool) -> Self {
        let document = &callable.provider.catalogue.document;
        Self {
            provider: callable.name().to_owned(),
            operation: operation.name.clone(),
            method: operation.method.clone(),
            path: operation.path.clone(),
            summary: operation.summary.as_deref().map(shortened),
            description: operation.description.as_deref().map(shortened),
            deprecated: operation.deprecated,
            arguments_schema: schema.then(|| document.arguments_schema(operation)),
        }
    }

    /// The operation with its schema and all that is said of it.
    pub(super) fn whole(callable: &Callable, operation: &Operation) -> Self {
        Self {
            summary: operation.summary.clone(),
            description: operation.description.clone(),
            ..Self::new(callable, operation, true)
        }
    }
}

/// A text that is long enough to choose by.
pub(super) fn shortened(text: &str) -> String {
    match text.char_indices().nth(TEXT_MAX_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// What fits, the best first; what fits alike by provider and name.
fn ranked<'a>(callable: &'a [Callable], sought: &Sought) -> Vec<(&'a Callable, &'a Operation)> {
    let fits = callable.iter().flat_map(|one| {
        let fit = move |operation| Some((sought.fit(one.name(), operation)?, one, operation));
        one.operations().filter_map(fit)
    });
    let mut fits: Vec<_> = fits.collect();
    fits.sort_by(|(a, one, left), (b, other, right)| {
        let names = (one.name(), &left.name).cmp(&(other.name(), &right.name));
        b.cmp(a).then(names)
    });
    fits.into_iter()
        .map(|(_, one, operation)| (one, operation))
        .collect()
}
