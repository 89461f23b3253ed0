//! Search of the wire: exact filters as index walks, each from where the last page ended.
//!
//! A walk is a subquery that yields ordinals. SQLite has no LATERAL; the same comes of a list made by a subquery for each
//! value and unfolded again by `json_each`: so each value is walked for at most a page of rows, in order, and what is
//! sorted afterwards is never more than values × limit ordinals. The indexes are named, so that no statistics can lead
//! the planner to read a whole table.

use countersign_core::client::Client;
use countersign_core::ids::ProjectId;
use countersign_core::search::Search;
use serde_json::json;

use super::clients::select_clients;
use super::{SqliteStore, all};
use crate::rows::ClientRow;
use crate::search_plan::{Conditions, Plan, Values, Walk, walk_one};
use crate::{Page, Result, Row};

/// From each list in `?8`, if there are any, the client holds a scope.
macro_rules! holds_scopes {
    ($ordinal:literal) => {
        concat!(
            "(?8 IS NULL OR NOT EXISTS (SELECT 1 FROM json_each(?8) f WHERE NOT EXISTS (
                SELECT 1 FROM json_each(f.value) r CROSS JOIN client_scope h INDEXED BY client_scope_by_scope
                WHERE h.project_id = ?1 AND h.scope = r.value AND h.client_ordinal = ",
            $ordinal,
            ")))"
        )
    };
}

/// The project's clients with an id in `?4`, after `?2`; each is found by the unique index.
macro_rules! ids {
    () => {
        concat!(
            "SELECT c.ordinal FROM client c INDEXED BY client_by_id
            WHERE c.project_id = ?1 AND c.client_id IN (SELECT value FROM json_each(?4)) AND c.ordinal > ?2
                AND (?7 IS NULL OR c.name IN (SELECT value FROM json_each(?7))) AND ",
            holds_scopes!("c.ordinal")
        )
    };
}

/// For each name in `?5` a walk of at most `?3` clients after `?2`.
macro_rules! names {
    () => {
        concat!(
            "SELECT o.value FROM json_each(?5) v, json_each((SELECT json_group_array(w.ordinal) FROM (
                SELECT c.ordinal FROM client c INDEXED BY client_by_name
                WHERE c.project_id = ?1 AND c.name = v.value AND c.ordinal > ?2 AND ",
            holds_scopes!("c.ordinal"),
            " ORDER BY c.ordinal LIMIT ?3) w)) o"
        )
    };
}

/// The client has a name in `?7`, if that is required.
macro_rules! has_name {
    ($ordinal:literal) => {
        concat!(
            "(?7 IS NULL OR EXISTS (SELECT 1 FROM client n WHERE n.ordinal = ",
            $ordinal,
            " AND n.name IN (SELECT value FROM json_each(?7))))"
        )
    };
}

/// For each scope in `?6` a walk of at most `?3` clients after `?2`.
macro_rules! scopes {
    () => {
        concat!(
            "SELECT o.value FROM json_each(?6) v, json_each((SELECT json_group_array(w.ordinal) FROM (
                SELECT s.client_ordinal AS ordinal FROM client_scope s INDEXED BY client_scope_by_scope
                WHERE s.project_id = ?1 AND s.scope = v.value AND s.client_ordinal > ?2 AND ",
            has_name!("s.client_ordinal"),
            " AND ",
            holds_scopes!("s.client_ordinal"),
            " ORDER BY s.client_ordinal LIMIT ?3) w)) o"
        )
    };
}

/// A page of the clients that the walks found.
macro_rules! page_of {
    ($walks:expr) => {
        select_clients!(
            "WHERE c.ordinal IN (SELECT * FROM (",
            $walks,
            ") ORDER BY 1 LIMIT ?3) ORDER BY c.ordinal"
        )
    };
}

pub(super) const EVERYTHING: &str = select_clients!(
    "INDEXED BY client_by_project WHERE c.project_id = ?1 AND c.ordinal > ?2 ORDER BY c.ordinal LIMIT ?3"
);
pub(super) const IDS: &str = page_of!(ids!());
pub(super) const NAMES: &str = page_of!(names!());
/// A client may hold several of the scopes.
pub(super) const SCOPES: &str = page_of!(concat!("SELECT DISTINCT * FROM (", scopes!(), ")"));
pub(super) const ANY: &str = page_of!(concat!(
    "SELECT * FROM (",
    ids!(),
    ") UNION SELECT * FROM (",
    names!(),
    ") UNION SELECT * FROM (",
    scopes!(),
    ")"
));

pub(super) const COUNT_EVERYTHING: &str =
    "SELECT count(*) FROM client c INDEXED BY client_by_project WHERE c.project_id = ?1";
pub(super) const COUNT_IDS: &str = concat!("SELECT count(*) FROM (", ids!(), ")");
pub(super) const COUNT_NAMES: &str = concat!(
    "SELECT count(*) FROM client c INDEXED BY client_by_name
    WHERE c.project_id = ?1 AND c.name IN (SELECT value FROM json_each(?5)) AND ",
    holds_scopes!("c.ordinal")
);
/// One scope needs no comparing of clients.
pub(super) const COUNT_SCOPE: &str = concat!(
    "SELECT count(*) FROM client_scope s INDEXED BY client_scope_by_scope
    WHERE s.project_id = ?1 AND s.scope = (SELECT value FROM json_each(?6)) AND ",
    has_name!("s.client_ordinal"),
    " AND ",
    holds_scopes!("s.client_ordinal")
);
pub(super) const COUNT_SCOPES: &str = concat!(
    "SELECT count(DISTINCT s.client_ordinal) FROM client_scope s INDEXED BY client_scope_by_scope
    WHERE s.project_id = ?1 AND s.scope IN (SELECT value FROM json_each(?6)) AND ",
    has_name!("s.client_ordinal"),
    " AND ",
    holds_scopes!("s.client_ordinal")
);
pub(super) const COUNT_ANY: &str = concat!(
    "SELECT count(*) FROM (",
    ids!(),
    " UNION SELECT c.ordinal FROM client c INDEXED BY client_by_name
        WHERE c.project_id = ?1 AND c.name IN (SELECT value FROM json_each(?5))
    UNION SELECT s.client_ordinal FROM client_scope s INDEXED BY client_scope_by_scope
        WHERE s.project_id = ?1 AND s.scope IN (SELECT value FROM json_each(?6)))"
);

/// How many clients have a name, or how many entries a scope, of `?2`; it stops counting at `?3`.
pub(super) const SIZE_OF_NAMES: &str =
    "SELECT count(*) FROM (SELECT 1 FROM client c INDEXED BY client_by_name
    WHERE c.project_id = ?1 AND c.name IN (SELECT value FROM json_each(?2)) LIMIT ?3)";
pub(super) const SIZE_OF_SCOPES: &str =
    "SELECT count(*) FROM (SELECT 1 FROM client_scope s INDEXED BY client_scope_by_scope
    WHERE s.project_id = ?1 AND s.scope IN (SELECT value FROM json_each(?2)) LIMIT ?3)";

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
    let all = Prepared::new(EVERYTHING, COUNT_EVERYTHING, Conditions::default());
    Ok(match Plan::of(search) {
        Plan::Nothing => None,
        Plan::Everything => Some(all),
        Plan::Ids(ids, conditions) => Some(Prepared {
            ids: Some(list(&ids)),
            ..Prepared::new(IDS, COUNT_IDS, conditions)
        }),
        Plan::All(walks) => {
            let position = smallest(store, project_id, &walks, size_up_to).await?;
            walk_one(walks, position).map(|(walk, conditions)| Prepared::walking(&walk, conditions))
        }
        Plan::Any { ids, names, scopes } => Some(Prepared {
            ids: Some(list(&ids)),
            names: Some(list(&names)),
            scopes: Some(list(&scopes)),
            ..Prepared::new(ANY, COUNT_ANY, Conditions::default())
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
                ..Self::new(NAMES, COUNT_NAMES, conditions)
            },
            Walk::Scopes(scopes) => {
                let count = if scopes.len() == 1 {
                    COUNT_SCOPE
                } else {
                    COUNT_SCOPES
                };
                Self {
                    scopes: Some(list(scopes)),
                    ..Self::new(SCOPES, count, conditions)
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
    let (sql, values) = match walk {
        Walk::Names(names) => (SIZE_OF_NAMES, names),
        Walk::Scopes(scopes) => (SIZE_OF_SCOPES, scopes),
    };
    let size = sqlx::query_scalar(sql)
        .bind(project_id.as_str())
        .bind(list(values))
        .bind(bound)
        .fetch_one(&store.readers)
        .await?;
    Ok(size)
}
