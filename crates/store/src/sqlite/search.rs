//! Search of the wire: exact filters as index walks, each from where the last page ended.

use countersign_core::client::Client;
use countersign_core::ids::ProjectId;
use countersign_core::search::Search;
use serde_json::json;

use super::search_sql as sql;
use super::{SqliteStore, all};
use crate::rows::ClientRow;
use crate::search_plan::{Conditions, Plan, Values, Walk, walk_one};
use crate::{Page, Result, Row};

/// Where sizing begins.
const SIZED_FIRST: i64 = 1000;
/// Where sizing for a page ends: a page stops at its limit, and comes soon when all filters are met by more than these.
const SIZED_FOR_PAGE: i64 = 10_000;

pub(super) async fn page(
    store: &SqliteStore,
    project_id: &ProjectId,
    search: &Search,
    page: Page,
) -> Result<Vec<Row<Client>>> {
    let Some(statements) = prepare(store, project_id, search, SIZED_FOR_PAGE).await? else {
        return Ok(Vec::new());
    };
    let rows: Vec<ClientRow> = sqlx::query_as(statements.page)
        .bind(project_id.as_str())
        .bind(page.after)
        .bind(page.limit)
        .bind(statements.ids)
        .bind(statements.names)
        .bind(statements.scopes)
        .bind(statements.required_names)
        .bind(statements.required_scopes)
        .fetch_all(&store.readers)
        .await?;
    all(rows)
}

pub(super) async fn count(store: &SqliteStore, project_id: &ProjectId, search: &Search) -> Result<i64> {
    let Some(statements) = prepare(store, project_id, search, i64::MAX).await? else {
        return Ok(0);
    };
    let count = sqlx::query_scalar(statements.count)
        .bind(project_id.as_str())
        // From the beginning, without a limit.
        .bind(0)
        .bind(-1)
        .bind(statements.ids)
        .bind(statements.names)
        .bind(statements.scopes)
        .bind(statements.required_names)
        .bind(statements.required_scopes)
        .fetch_one(&store.readers)
        .await?;
    Ok(count)
}

/// The two statements of a search and what is bound to both: `?4` to `?8`, each a JSON list; null where nothing is
/// required.
struct Prepared {
    page: &'static str,
    count: &'static str,
    ids: Option<String>,
    names: Option<String>,
    scopes: Option<String>,
    required_names: Option<String>,
    required_scopes: Option<String>,
}

/// `None` when no client can match.
async fn prepare(
    store: &SqliteStore,
    project_id: &ProjectId,
    search: &Search,
    size_up_to: i64,
) -> Result<Option<Prepared>> {
    let all = Prepared::new(sql::EVERYTHING, sql::COUNT_EVERYTHING, Conditions::default());
    Ok(match Plan::of(search) {
        Plan::Nothing => None,
        Plan::Everything => Some(all),
        Plan::Ids(ids, conditions) => Some(Prepared {
            ids: Some(list(&ids)),
            ..Prepared::new(sql::IDS, sql::COUNT_IDS, conditions)
        }),
        Plan::All(walks) => {
            let position = smallest(store, project_id, &walks, size_up_to).await?;
            walk_one(walks, position).map(|(walk, conditions)| Prepared::walking(&walk, conditions))
        }
        Plan::Any { ids, names, scopes } => Some(Prepared {
            ids: Some(list(&ids)),
            names: Some(list(&names)),
            scopes: Some(list(&scopes)),
            ..Prepared::new(sql::ANY, sql::COUNT_ANY, Conditions::default())
        }),
    })
}

impl Prepared {
    fn new(page: &'static str, count: &'static str, conditions: Conditions) -> Self {
        let required_scopes = (!conditions.scopes.is_empty()).then(|| json!(conditions.scopes).to_string());
        let required_names = conditions.names.as_ref().map(list);
        Self {
            page,
            count,
            ids: None,
            names: None,
            scopes: None,
            required_names,
            required_scopes,
        }
    }

    fn walking(walk: &Walk, conditions: Conditions) -> Self {
        match walk {
            Walk::Names(names) => Self {
                names: Some(list(names)),
                ..Self::new(sql::NAMES, sql::COUNT_NAMES, conditions)
            },
            Walk::Scopes(scopes) => {
                let count = if scopes.len() == 1 {
                    sql::COUNT_SCOPE
                } else {
                    sql::COUNT_SCOPES
                };
                Self {
                    scopes: Some(list(scopes)),
                    ..Self::new(sql::SCOPES, count, conditions)
                }
            }
        }
    }
}

fn list(values: &Values) -> String {
    json!(values).to_string()
}

/// The position of the walk that meets the fewest clients: a scope that everybody holds beside one that few hold would be
/// a walk through everybody. All are counted up to a bound that grows until one stays under it, so that finding out
/// never costs more than the walk that it chooses.
async fn smallest(
    store: &SqliteStore,
    project_id: &ProjectId,
    walks: &[Walk],
    size_up_to: i64,
) -> Result<usize> {
    let mut bound = SIZED_FIRST;
    while walks.len() > 1 && bound <= size_up_to {
        let mut found = (bound, 0);
        for (position, walk) in walks.iter().enumerate() {
            found = found.min((size(store, project_id, walk, found.0).await?, position));
        }
        if found.0 < bound {
            return Ok(found.1);
        }
        bound = bound.saturating_mul(10);
    }
    Ok(0)
}

async fn size(store: &SqliteStore, project_id: &ProjectId, walk: &Walk, bound: i64) -> Result<i64> {
    let (statement, values) = match walk {
        Walk::Names(names) => (sql::SIZE_OF_NAMES, names),
        Walk::Scopes(scopes) => (sql::SIZE_OF_SCOPES, scopes),
    };
    let size = sqlx::query_scalar(statement)
        .bind(project_id.as_str())
        .bind(list(values))
        .bind(bound)
        .fetch_one(&store.readers)
        .await?;
    Ok(size)
}
