//! Operators.

use countersign_core::Timestamp;
use countersign_core::audit::AuditEvent;
use countersign_core::digest::Digest;
use countersign_core::operator::{Operator, Reach};
use sqlx::SqliteConnection;

use super::{SqliteStore, all, audit, stale_unless};
use crate::rows::OperatorRow;
use crate::{Change, Page, Result, Row};

const INSERT: &str =
    "INSERT INTO operator (id, name, role, all_projects, key_number, key_digest, key_last_four,
        key_created_at, created_at, last_used_at, revoked_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";

const INSERT_PROJECTS: &str = "INSERT INTO operator_project (operator_ordinal, position, project_id)
    SELECT ?1, key, value FROM json_each(?2)";

const REVOKE: &str = "UPDATE operator SET revoked_at = ?2 WHERE id = ?1 AND revoked_at IS NULL";

macro_rules! select_operators {
    ($rest:literal) => {
        concat!(
            "SELECT o.ordinal, o.id, o.name, o.role, o.all_projects,
                (SELECT json_group_array(p.project_id ORDER BY p.position) FROM operator_project p
                    WHERE p.operator_ordinal = o.ordinal) AS projects,
                o.key_number, o.key_digest, o.key_last_four, o.key_created_at, o.created_at, o.last_used_at, o.revoked_at
            FROM operator o ",
            $rest
        )
    };
}

pub(super) const BY_DIGEST: &str = select_operators!("WHERE o.key_digest = ?1");
pub(super) const LIST: &str = select_operators!("WHERE o.ordinal > ?1 ORDER BY o.ordinal LIMIT ?2");

pub(super) async fn insert(store: &SqliteStore, operator: &Operator, event: &AuditEvent) -> Result<()> {
    let (operator, event) = (operator.clone(), event.clone());
    store
        .writer
        .write(move |connection| {
            Box::pin(async move {
                insert_row(connection, &operator).await?;
                audit::record(connection, &event, &[Change::Operators]).await
            })
        })
        .await
}

pub(super) async fn revoke(store: &SqliteStore, id: &str, at: Timestamp, event: &AuditEvent) -> Result<()> {
    let (id, event) = (id.to_owned(), event.clone());
    store
        .writer
        .write(move |connection| {
            Box::pin(async move {
                let revoked = sqlx::query(REVOKE)
                    .bind(id)
                    .bind(at.as_millisecond())
                    .execute(&mut *connection)
                    .await?;
                stale_unless(revoked.rows_affected() == 1)?;
                audit::record(connection, &event, &[Change::Operators]).await
            })
        })
        .await
}

pub(super) async fn by_digest(store: &SqliteStore, digest: &Digest) -> Result<Option<Operator>> {
    let row: Option<OperatorRow> = sqlx::query_as(BY_DIGEST)
        .bind(digest.to_string())
        .fetch_optional(&store.readers)
        .await?;
    row.map(Operator::try_from).transpose()
}

pub(super) async fn list(store: &SqliteStore, page: Page) -> Result<Vec<Row<Operator>>> {
    let rows: Vec<OperatorRow> = sqlx::query_as(LIST)
        .bind(page.after)
        .bind(page.limit)
        .fetch_all(&store.readers)
        .await?;
    all(rows)
}

/// Adds an operator's rows to the transaction of its caller.
pub(super) async fn insert_row(connection: &mut SqliteConnection, operator: &Operator) -> Result<()> {
    let inserted = sqlx::query(INSERT)
        .bind(&operator.id)
        .bind(&operator.name)
        .bind(operator.role.to_string())
        .bind(operator.reach == Reach::All)
        .bind(operator.key.number)
        .bind(operator.key.digest.to_string())
        .bind(&operator.key.last_four)
        .bind(operator.key.created_at.as_millisecond())
        .bind(operator.created_at.as_millisecond())
        .bind(operator.last_used_at.map(Timestamp::as_millisecond))
        .bind(operator.revoked_at.map(Timestamp::as_millisecond))
        .execute(&mut *connection)
        .await?;
    if let Reach::Projects(projects) = &operator.reach {
        sqlx::query(INSERT_PROJECTS)
            .bind(inserted.last_insert_rowid())
            .bind(serde_json::json!(projects).to_string())
            .execute(connection)
            .await?;
    }
    Ok(())
}
