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
use crate::search_plan::{Conditions, Plan, Values};
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
                AND (?7 IS NULL OR c.name IN (SELECT value FROM json_each(?7)))
                AND ",
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

/// For each scope in `?6` a walk of at most `?3` clients after `?2`.
macro_rules! scopes {
    () => {
        concat!(
            "SELECT o.value FROM json_each(?6) v, json_each((SELECT json_group_array(w.ordinal) FROM (
                SELECT s.client_ordinal AS ordinal FROM client_scope s INDEXED BY client_scope_by_scope
                WHERE s.project_id = ?1 AND s.scope = v.value AND s.client_ordinal > ?2 AND ",
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
    holds_scopes!("s.client_ordinal")
);
pub(super) const COUNT_SCOPES: &str = concat!(
    "SELECT count(DISTINCT s.client_ordinal) FROM client_scope s INDEXED BY client_scope_by_scope
    WHERE s.project_id = ?1 AND s.scope IN (SELECT value FROM json_each(?6)) AND ",
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

pub(super) async fn page(
    store: &SqliteStore,
    project_id: &ProjectId,
    search: &Search,
    page: Page,
) -> Result<Vec<Row<Client>>> {
    let plan = Plan::of(search);
    let sql = match plan {
        Plan::Nothing => return Ok(Vec::new()),
        Plan::Everything => EVERYTHING,
        Plan::Ids(..) => IDS,
        Plan::Names(..) => NAMES,
        Plan::Scopes(..) => SCOPES,
        Plan::Any { .. } => ANY,
    };
    let values = Bound::of(&plan);
    let rows: Vec<ClientRow> = sqlx::query_as(sql)
        .bind(project_id.as_str())
        .bind(page.after)
        .bind(page.limit)
        .bind(values.ids)
        .bind(values.names)
        .bind(values.scopes)
        .bind(values.required_names)
        .bind(values.required_scopes)
        .fetch_all(&store.readers)
        .await?;
    all(rows)
}

pub(super) async fn count(store: &SqliteStore, project_id: &ProjectId, search: &Search) -> Result<i64> {
    let plan = Plan::of(search);
    let sql = match &plan {
        Plan::Nothing => return Ok(0),
        Plan::Everything => COUNT_EVERYTHING,
        Plan::Ids(..) => COUNT_IDS,
        Plan::Names(..) => COUNT_NAMES,
        Plan::Scopes(scopes, _) if scopes.len() == 1 => COUNT_SCOPE,
        Plan::Scopes(..) => COUNT_SCOPES,
        Plan::Any { .. } => COUNT_ANY,
    };
    let values = Bound::of(&plan);
    let count = sqlx::query_scalar(sql)
        .bind(project_id.as_str())
        // From the beginning, without a limit.
        .bind(0)
        .bind(-1)
        .bind(values.ids)
        .bind(values.names)
        .bind(values.scopes)
        .bind(values.required_names)
        .bind(values.required_scopes)
        .fetch_one(&store.readers)
        .await?;
    Ok(count)
}

/// The values of `?4` to `?8`, each a JSON list; null where nothing is required.
struct Bound {
    ids: String,
    names: String,
    scopes: String,
    required_names: Option<String>,
    required_scopes: Option<String>,
}

impl Bound {
    fn of(plan: &Plan) -> Self {
        let (none, free) = (Values::new(), Conditions::default());
        let (ids, names, scopes, conditions) = match plan {
            Plan::Nothing | Plan::Everything => (&none, &none, &none, &free),
            Plan::Ids(ids, conditions) => (ids, &none, &none, conditions),
            Plan::Names(names, conditions) => (&none, names, &none, conditions),
            Plan::Scopes(scopes, conditions) => (&none, &none, scopes, conditions),
            Plan::Any { ids, names, scopes } => (ids, names, scopes, &free),
        };
        Self {
            ids: json!(ids).to_string(),
            names: json!(names).to_string(),
            scopes: json!(scopes).to_string(),
            required_names: conditions.names.as_ref().map(|names| json!(names).to_string()),
            required_scopes: (!conditions.scopes.is_empty()).then(|| json!(conditions.scopes).to_string()),
        }
    }
}
