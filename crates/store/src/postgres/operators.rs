//! Operators.

use countersign_core::Timestamp;
use countersign_core::audit::AuditEvent;
use countersign_core::digest::Digest;
use countersign_core::operator::{Operator, Reach};
use sqlx::PgConnection;

use super::writer::{self, Isolation};
use super::{PostgresStore, all, audit, is_storable, stale_unless};
use crate::rows::OperatorRow;
use crate::{Change, Page, Result, Row};

const INSERT: &str =
    "INSERT INTO operator (id, name, role, all_projects, key_number, key_digest, key_last_four,
        key_created_at, created_at, last_used_at, revoked_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) RETURNING ordinal";

const INSERT_PROJECTS: &str = "INSERT INTO operator_project (operator_ordinal, position, project_id)
    SELECT $1, p.position - 1, p.project_id FROM unnest($2::text[]) WITH ORDINALITY AS p (project_id, position)";

const REVOKE: &str = "UPDATE operator SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL";

macro_rules! select_operators {
    ($rest:literal) => {
        concat!(
            "SELECT o.ordinal, o.id, o.name, o.role, o.all_projects,
                (SELECT coalesce(json_agg(p.project_id ORDER BY p.position), '[]')::text FROM operator_project p
                    WHERE p.operator_ordinal = o.ordinal) AS projects,
                o.key_number, o.key_digest, o.key_last_four, o.key_created_at, o.created_at, o.last_used_at, o.revoked_at
            FROM operator o ",
            $rest
        )
    };
}

pub(super) const BY_DIGEST: &str = select_operators!("WHERE o.key_digest = $1");
pub(super) const LIST: &str = select_operators!("WHERE o.ordinal > $1 ORDER BY o.ordinal LIMIT $2");

pub(super) async fn insert(store: &PostgresStore, operator: &Operator, event: &AuditEvent) -> Result<()> {
    let intention = (operator.clone(), event.clone());
    writer::carry_out(
        &store.servers,
        &event.id,
        Isolation::ReadCommitted,
        intention,
        |connection, (operator, event)| {
            Box::pin(async move {
                insert_row(connection, operator).await?;
                Ok(audit::record(connection, event, &[Change::Operators]).await?)
            })
        },
    )
    .await
}

pub(super) async fn revoke(store: &PostgresStore, id: &str, at: Timestamp, event: &AuditEvent) -> Result<()> {
    stale_unless(is_storable(id))?;
    let intention = (id.to_owned(), at, event.clone());
    writer::carry_out(
        &store.servers,
        &event.id,
        Isolation::ReadCommitted,
        intention,
        |connection, (id, at, event)| {
            Box::pin(async move {
                let revoked = sqlx::query(REVOKE)
                    .bind(id)
                    .bind(at.as_millisecond())
                    .execute(&mut *connection)
                    .await?;
                stale_unless(revoked.rows_affected() == 1)?;
                Ok(audit::record(connection, event, &[Change::Operators]).await?)
            })
        },
    )
    .await
}

pub(super) async fn by_digest(store: &PostgresStore, digest: &Digest) -> Result<Option<Operator>> {
    let row: Option<OperatorRow> = writer::repeat(&store.servers, digest, |connection, digest| {
        Box::pin(async move {
            let operator = sqlx::query_as(BY_DIGEST).bind(digest.to_string());
            Ok(operator.fetch_optional(connection).await?)
        })
    })
    .await?;
    row.map(Operator::try_from).transpose()
}

pub(super) async fn list(store: &PostgresStore, page: Page) -> Result<Vec<Row<Operator>>> {
    let rows: Vec<OperatorRow> = writer::repeat(&store.servers, page, |connection, page| {
        Box::pin(async move {
            let operators = sqlx::query_as(LIST).bind(page.after).bind(i64::from(page.limit));
            Ok(operators.fetch_all(connection).await?)
        })
    })
    .await?;
    all(rows)
}

/// Adds an operator's rows to the transaction of its caller.
pub(super) async fn insert_row(connection: &mut PgConnection, operator: &Operator) -> sqlx::Result<()> {
    let ordinal: i64 = sqlx::query_scalar(INSERT)
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
        .fetch_one(&mut *connection)
        .await?;
    if let Reach::Projects(projects) = &operator.reach {
        let projects: Vec<String> = projects.iter().map(ToString::to_string).collect();
        sqlx::query(INSERT_PROJECTS)
            .bind(ordinal)
            .bind(projects)
            .execute(connection)
            .await?;
    }
    Ok(())
}
