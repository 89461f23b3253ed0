//! Search clients.

use axum::Json as Answer;
use axum::extract::State;
use countersign_core::cursor::{self, ListIdentity, Position};
use countersign_core::search::{Search, page_limit};
use countersign_store::Page;
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::wire::{ResultsMetadata, SearchAnswer};
use crate::app::App;
use crate::callers::ProjectCaller;
use crate::http::json::Json;
use crate::openapi::wire::Failures;
use crate::problem::Problem;

/// A search.
#[derive(Debug, Deserialize, ToSchema)]
pub struct SearchClients {
    /// Where to go on: `next_cursor` of the page before, with the same query. Absent or empty for the first page.
    cursor: Option<String>,
    /// Clients on a page; 100 when absent or 0.
    #[schema(minimum = 0, maximum = 1000)]
    limit: Option<i64>,
    /// Which clients; all when absent.
    query: Option<SearchQuery>,
}

/// Filters, and how they are joined.
#[derive(Debug, Deserialize, ToSchema)]
pub struct SearchQuery {
    /// `AND` or `OR`.
    #[schema(example = "AND")]
    operator: Option<String>,
    /// The filters; all clients match when there are none.
    #[schema(value_type = Option<Vec<SearchOperand>>, max_items = 16)]
    operands: Option<Vec<Value>>,
}

/// One filter.
#[derive(Debug, Deserialize, ToSchema)]
#[expect(
    dead_code,
    reason = "describes what core::search reads, whose errors are finer than a type's"
)]
pub struct SearchOperand {
    /// `client_id`, `client_name` or `scopes`.
    #[schema(example = "scopes")]
    filter_name: String,
    /// The client has any of these values, exactly. A query has at most 1,000 client ids and 256 names and scopes.
    #[schema(example = json!(["read:usage"]))]
    filter_value: Vec<String>,
}

/// Search clients
///
/// Exact filters joined by AND or OR, in pages. Clients come in the order of their making.
#[utoipa::path(
    post,
    path = "/v1/m2m/clients/search",
    operation_id = "api_m2m_v1_m2m_clients_Search",
    tag = "clients",
    request_body = SearchClients,
    responses((status = 200, description = "A page of clients.", body = SearchAnswer), Failures)
)]
pub async fn search_clients(
    State(app): State<App>,
    caller: ProjectCaller,
    Json(body): Json<SearchClients>,
) -> Result<Answer<SearchAnswer>, Problem> {
    let search = body
        .query
        .map_or_else(|| Ok(Search::everything()), SearchQuery::parse)?;
    let limit = page_limit(body.limit)?;
    let project_id = caller.project_id();
    let fingerprint = search.fingerprint();
    let list = ListIdentity {
        owner: project_id.as_str(),
        list: "clients",
        query: &fingerprint,
    };
    let Position { after, total } = match body.cursor.as_deref() {
        None | Some("") => Position {
            after: 0,
            total: app.store.count_clients(project_id, &search).await?,
        },
        Some(cursor) => cursor::decode(cursor, list, &app.peppers)?,
    };
    // One more than asked for tells whether there is a next page.
    let page = Page {
        after,
        limit: limit + 1,
    };
    let mut rows = app.store.search_clients(project_id, &search, page).await?;
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let next = rows.last().filter(|_| more).map(|last| Position {
        after: last.ordinal,
        total,
    });
    let results_metadata = ResultsMetadata {
        total,
        next_cursor: next.map(|next| cursor::encode(next, list, &app.peppers)),
    };
    let m2m_clients = rows.into_iter().map(|row| row.value.into()).collect();
    Ok(Answer(SearchAnswer {
        request_id: caller.request_id,
        m2m_clients,
        results_metadata,
        status_code: 200,
    }))
}

impl SearchQuery {
    fn parse(self) -> Result<Search, Problem> {
        let operator = self.operator.as_deref().unwrap_or_default();
        let search = Search::parse(operator, self.operands.as_deref().unwrap_or_default());
        search.map_err(Problem::from)
    }
}
