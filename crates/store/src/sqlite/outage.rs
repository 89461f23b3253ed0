//! Which of SQLite's errors mean "not now", and which mean damage.

use sqlx::error::DatabaseError;
use sqlx::sqlite::SqliteError;

/// The low byte of an extended result code is the primary code (<https://www.sqlite.org/rescode.html>).
const PRIMARY_CODE: i32 = 0xff;

/// In plain words why the database cannot serve now, if that is what this error says.
pub(crate) fn outage(error: &dyn DatabaseError) -> Option<&'static str> {
    match primary_code(error)? {
        5 | 6 => Some("another process holds the database file"),
        7 => Some("out of memory"),
        8 => Some("the database file cannot be written"),
        10 => Some("the disk reported an error"),
        13 => Some("the disk is full"),
        14 => Some("the database file cannot be opened"),
        _ => None,
    }
}

/// Whether the file is damaged or no database at all.
pub(crate) fn is_damage(error: &dyn DatabaseError) -> bool {
    matches!(primary_code(error), Some(11 | 26))
}

/// Whether a table is not there: one of a later schema.
pub(crate) fn lacks_table(error: &dyn DatabaseError) -> bool {
    // There is no code of its own for it.
    primary_code(error) == Some(1) && error.message().starts_with("no such table: ")
}

fn primary_code(error: &dyn DatabaseError) -> Option<i32> {
    error.try_downcast_ref::<SqliteError>()?;
    let code: i32 = error.code()?.parse().ok()?;
    Some(code & PRIMARY_CODE)
}
