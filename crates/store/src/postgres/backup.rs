//! Copies of the database are the affair of PostgreSQL's own tools.

use std::path::Path;

use super::PostgresStore;
use crate::{Result, StoreError};

pub(super) async fn copy(_store: &PostgresStore, _file: &Path) -> Result<()> {
    Err(StoreError::Unsupported(
        "PostgreSQL is backed up with its own tools: pg_dump, or pg_basebackup with an archive of the log",
    ))
}
