//! Which of PostgreSQL's errors mean "not now", which "again", and which damage.
//!
//! Codes are those of <https://www.postgresql.org/docs/current/errcodes-appendix.html>.

use sqlx::error::DatabaseError;
use sqlx::postgres::PgDatabaseError;

/// In plain words why the database cannot serve now, if that is what this error says.
pub(crate) fn outage(error: &dyn DatabaseError) -> Option<&'static str> {
    Some(match code(error)?.as_ref() {
        "25006" => "the server is read-only",
        "40001" | "40P01" => "too many writes at once contradicted each other",
        "53100" => "the disk is full",
        "53200" => "out of memory",
        "53300" => "the server has no connection left",
        "55P03" | "57014" => "the database took too long",
        "57P01" | "57P02" | "57P03" | "57P05" => "the server is starting or stopping",
        code if code.starts_with("08") => "the connection was lost",
        code if code.starts_with("58") => "the disk reported an error",
        _ => return None,
    })
}

/// Whether the database is damaged.
pub(crate) fn is_damage(error: &dyn DatabaseError) -> bool {
    code(error).is_some_and(|code| matches!(code.as_ref(), "XX001" | "XX002"))
}

/// Whether a table is not there: one of a later schema.
pub(crate) fn lacks_table(error: &dyn DatabaseError) -> bool {
    code(error).is_some_and(|code| code == "42P01")
}

/// Whether the same intention may succeed when it is carried out again: on another connection, on another server, or alone.
pub(super) fn may_pass(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::BeginFailed
        | sqlx::Error::WorkerCrashed => true,
        sqlx::Error::Database(database) => code(database.as_ref()).is_some_and(|code| {
            matches!(
                code.as_ref(),
                "25006"
                    | "40001"
                    | "40P01"
                    | "53300"
                    | "55P03"
                    | "57014"
                    | "57P01"
                    | "57P02"
                    | "57P03"
                    | "57P05"
            ) || code.starts_with("08")
        }),
        _ => false,
    }
}

/// Whether the connection is lost, and with it what became of a commit. A race with another transaction, or a server or pool
/// that is full, loses nothing.
pub(super) fn is_loss(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::BeginFailed
        | sqlx::Error::WorkerCrashed => true,
        sqlx::Error::Database(database) => code(database.as_ref())
            .is_some_and(|code| code == "25006" || code.starts_with("57P") || code.starts_with("08")),
        _ => false,
    }
}

fn code(error: &dyn DatabaseError) -> Option<std::borrow::Cow<'_, str>> {
    error.try_downcast_ref::<PgDatabaseError>()?;
    error.code()
}
