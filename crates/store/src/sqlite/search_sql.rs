//! The statements of a search.
//!
//! A walk is a subquery that yields ordinals. SQLite has no LATERAL; the same comes of a list made by a subquery for each
//! value and unfolded again by `json_each`: so each value is walked for at most a page of rows, in order, and what is
//! sorted afterwards is never more than values × limit ordinals. The indexes are named, so that no statistics can lead
//! the planner to read a whole table.
//!
//! All share their parameters: `?1` the project, `?2` the ordinal after which to begin, `?3` the limit, `?4` ids, `?5`
//! names and `?6` scopes to walk, `?7` names and `?8` lists of scopes to check on the way. `?4` to `?8` are JSON lists.

use super::clients::select_clients;
use crate::search_plan::{Walk, Walked};

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

/// The statement for a page.
pub(super) fn page_of(walked: &Walked) -> &'static str {
    match walked {
        Walked::Everything => EVERYTHING,
        Walked::Ids(_) => IDS,
        Walked::One(Walk::Names(_)) => NAMES,
        Walked::One(Walk::Scopes(_)) => SCOPES,
        Walked::Any { .. } => ANY,
    }
}

/// The statement that counts the whole match.
pub(super) fn count_of(walked: &Walked) -> &'static str {
    match walked {
        Walked::Everything => COUNT_EVERYTHING,
        Walked::Ids(_) => COUNT_IDS,
        Walked::One(Walk::Names(_)) => COUNT_NAMES,
        Walked::One(Walk::Scopes(scopes)) if scopes.len() == 1 => COUNT_SCOPE,
        Walked::One(Walk::Scopes(_)) => COUNT_SCOPES,
        Walked::Any { .. } => COUNT_ANY,
    }
}
