//! The statements of a search.
//!
//! A walk is a subquery that yields ordinals: each value is walked by its index for at most a page of rows, in order, and
//! what is sorted afterwards is never more than values × limit ordinals.
//!
//! All share their parameters: `$1` the project, `$2` the ordinal after which to begin, `$3` the limit, `$4` ids, `$5`
//! names and `$6` scopes to walk, `$7` names to check on the way, all arrays; `$8` is a JSON list of lists of scopes to check.

use super::clients::select_clients;
use crate::search_plan::{Walk, Walked};

/// From each list in `$8`, if there are any, the client holds a scope.
macro_rules! holds_scopes {
    ($ordinal:literal) => {
        concat!(
            "($8::text IS NULL OR NOT EXISTS (SELECT 1 FROM jsonb_array_elements($8::jsonb) f (list) WHERE NOT EXISTS (
                SELECT 1 FROM jsonb_array_elements_text(f.list) r (scope) JOIN client_scope h
                ON h.project_id = $1 AND h.scope = r.scope AND h.client_ordinal = ",
            $ordinal,
            ")))"
        )
    };
}

/// The project's clients with an id in `$4`, after `$2`; each is found by the unique index.
macro_rules! ids {
    () => {
        concat!(
            "SELECT c.ordinal FROM client c
            WHERE c.project_id = $1 AND c.client_id = ANY ($4::text[]) AND c.ordinal > $2
                AND ($7::text[] IS NULL OR c.name = ANY ($7::text[])) AND ",
            holds_scopes!("c.ordinal")
        )
    };
}

/// For each name in `$5` a walk of at most `$3` clients after `$2`.
macro_rules! names {
    () => {
        concat!(
            "SELECT w.ordinal FROM unnest($5::text[]) v (name) CROSS JOIN LATERAL (
                SELECT c.ordinal FROM client c
                WHERE c.project_id = $1 AND c.name = v.name AND c.ordinal > $2 AND ",
            holds_scopes!("c.ordinal"),
            " ORDER BY c.project_id, c.name, c.ordinal LIMIT $3) w"
        )
    };
}

/// The client has a name in `$7`, if that is required.
macro_rules! has_name {
    ($ordinal:literal) => {
        concat!(
            "($7::text[] IS NULL OR EXISTS (SELECT 1 FROM client n WHERE n.ordinal = ",
            $ordinal,
            " AND n.name = ANY ($7::text[])))"
        )
    };
}

/// For each scope in `$6` a walk of at most `$3` clients after `$2`.
macro_rules! scopes {
    () => {
        concat!(
            "SELECT w.ordinal FROM unnest($6::text[]) v (scope) CROSS JOIN LATERAL (
                SELECT s.client_ordinal AS ordinal FROM client_scope s
                WHERE s.project_id = $1 AND s.scope = v.scope AND s.client_ordinal > $2 AND ",
            has_name!("s.client_ordinal"),
            " AND ",
            holds_scopes!("s.client_ordinal"),
            " ORDER BY s.project_id, s.scope, s.client_ordinal LIMIT $3) w"
        )
    };
}

/// A page of the clients that the walks found.
macro_rules! page_of {
    ($walks:expr) => {
        select_clients!(
            "WHERE c.ordinal = ANY (ARRAY(SELECT f.ordinal FROM (",
            $walks,
            ") f ORDER BY 1 LIMIT $3)) ORDER BY c.ordinal"
        )
    };
}

pub(super) const EVERYTHING: &str =
    select_clients!("WHERE c.project_id = $1 AND c.ordinal > $2 ORDER BY c.project_id, c.ordinal LIMIT $3");
pub(super) const IDS: &str = page_of!(ids!());
pub(super) const NAMES: &str = page_of!(names!());
/// A client may hold several of the scopes.
pub(super) const SCOPES: &str = page_of!(concat!("SELECT DISTINCT d.ordinal FROM (", scopes!(), ") d"));
pub(super) const ANY: &str = page_of!(concat!(
    "(",
    ids!(),
    ") UNION (",
    names!(),
    ") UNION (",
    scopes!(),
    ")"
));

pub(super) const COUNT_EVERYTHING: &str = "SELECT count(*) FROM client c WHERE c.project_id = $1";
pub(super) const COUNT_IDS: &str = concat!("SELECT count(*) FROM (", ids!(), ") f");
pub(super) const COUNT_NAMES: &str = concat!(
    "SELECT count(*) FROM client c WHERE c.project_id = $1 AND c.name = ANY ($5::text[]) AND ",
    holds_scopes!("c.ordinal")
);
/// One scope needs no comparing of clients.
pub(super) const COUNT_SCOPE: &str = concat!(
    "SELECT count(*) FROM client_scope s WHERE s.project_id = $1 AND s.scope = ANY ($6::text[]) AND ",
    has_name!("s.client_ordinal"),
    " AND ",
    holds_scopes!("s.client_ordinal")
);
pub(super) const COUNT_SCOPES: &str = concat!(
    "SELECT count(DISTINCT s.client_ordinal) FROM client_scope s
    WHERE s.project_id = $1 AND s.scope = ANY ($6::text[]) AND ",
    has_name!("s.client_ordinal"),
    " AND ",
    holds_scopes!("s.client_ordinal")
);
pub(super) const COUNT_ANY: &str = concat!(
    "SELECT count(*) FROM (",
    ids!(),
    " UNION SELECT c.ordinal FROM client c WHERE c.project_id = $1 AND c.name = ANY ($5::text[])
    UNION SELECT s.client_ordinal FROM client_scope s WHERE s.project_id = $1 AND s.scope = ANY ($6::text[])) f"
);

/// How many clients have a name, or how many entries a scope, of `$2`; it stops counting at `$3`.
pub(super) const SIZE_OF_NAMES: &str = "SELECT count(*) FROM (SELECT 1 FROM client c
    WHERE c.project_id = $1 AND c.name = ANY ($2::text[]) LIMIT $3) f";
pub(super) const SIZE_OF_SCOPES: &str = "SELECT count(*) FROM (SELECT 1 FROM client_scope s
    WHERE s.project_id = $1 AND s.scope = ANY ($2::text[]) LIMIT $3) f";

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
