//! Projects and their secrets.

use countersign_core::Timestamp;
use countersign_core::audit::AuditEvent;
use countersign_core::ids::ProjectId;
use countersign_core::key_life::StoredKey;
use countersign_core::operator::Operator;
use countersign_core::project::{Project, ProjectSecret};
use sqlx::{Connection, SqliteConnection};

use super::{SqliteStore, all, audit, keys, operators, stale_unless};
use crate::rows::{KeyRow, ProjectIdRow, ProjectRow, ProjectSecretRow};
use crate::{Change, Page, ProjectRecord, Result, Row, StoreError};

const INSERT: &str = "INSERT INTO project (id, version, name, token_profile, issuer, created_at, updated_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";

const ANYTHING: &str = "SELECT EXISTS (SELECT 1 FROM operator) OR EXISTS (SELECT 1 FROM project)";

const UPDATE: &str = "UPDATE project SET version = ?2, name = ?3, token_profile = ?4, updated_at = ?5
    WHERE id = ?1 AND version = ?2 - 1";

const INSERT_SECRET: &str = "INSERT INTO project_secret
        (id, project_id, name, number, digest, last_four, created_at, last_used_at, revoked_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";

const REVOKE_SECRET: &str = "UPDATE project_secret SET revoked_at = ?3
    WHERE id = ?2 AND project_id = ?1 AND revoked_at IS NULL";

macro_rules! select_projects {
    ($rest:literal) => {
        concat!(
            "SELECT ordinal, id, version, name, token_profile, issuer, created_at, updated_at FROM project ",
            $rest
        )
    };
}

const ONE: &str = select_projects!("WHERE id = ?1");
pub(super) const LIST: &str = select_projects!("WHERE ordinal > ?1 ORDER BY ordinal LIMIT ?2");
pub(super) const LIST_ONLY: &str = select_projects!(
    "WHERE id IN (SELECT value FROM json_each(?3)) AND ordinal > ?1 ORDER BY ordinal LIMIT ?2"
);

pub(super) const SECRETS: &str =
    "SELECT id, project_id, name, number, digest, last_four, created_at, last_used_at, revoked_at
    FROM project_secret WHERE project_id = ?1 ORDER BY ordinal";

pub(super) const IDS: &str = "SELECT ordinal, id FROM project WHERE ordinal > ?1 ORDER BY ordinal LIMIT ?2";

pub(super) async fn insert(
    store: &SqliteStore,
    project: &Project,
    secret: &ProjectSecret,
    keys: &[StoredKey],
    event: &AuditEvent,
) -> Result<()> {
    let (project, secret, keys, event) = (project.clone(), secret.clone(), keys.to_vec(), event.clone());
    store
        .writer
        .write(move |connection| {
            Box::pin(async move {
                insert_row(connection, &project).await?;
                insert_secret_row(connection, &secret).await?;
                for key in &keys {
                    keys::insert_row(connection, key).await?;
                }
                audit::record(connection, &event, &[Change::Project(project.id)]).await
            })
        })
        .await
}

pub(super) async fn insert_first(
    store: &SqliteStore,
    operator: &Operator,
    project: &Project,
    secret: &ProjectSecret,
    keys: &[StoredKey],
    events: &[AuditEvent; 2],
) -> Result<()> {
    let (operator, project, secret) = (operator.clone(), project.clone(), secret.clone());
    let (keys, [of_operator, of_project]) = (keys.to_vec(), events.clone());
    store
        .writer
        .write(move |connection| {
            Box::pin(async move {
                let is_taken: bool = sqlx::query_scalar(ANYTHING).fetch_one(&mut *connection).await?;
                if is_taken {
                    return Err(StoreError::Duplicate);
                }
                operators::insert_row(connection, &operator).await?;
                audit::record(connection, &of_operator, &[Change::Operators]).await?;
                insert_row(connection, &project).await?;
                insert_secret_row(connection, &secret).await?;
                for key in &keys {
                    keys::insert_row(connection, key).await?;
                }
                audit::record(connection, &of_project, &[Change::Project(project.id)]).await
            })
        })
        .await
}

pub(super) async fn update(store: &SqliteStore, project: &Project, event: &AuditEvent) -> Result<()> {
    let (project, event) = (project.clone(), event.clone());
    store
        .writer
        .write(move |connection| {
            Box::pin(async move {
                let updated = sqlx::query(UPDATE)
                    .bind(project.id.as_str())
                    .bind(project.version)
                    .bind(&project.name)
                    .bind(project.token_profile.to_string())
                    .bind(project.updated_at.as_millisecond())
                    .execute(&mut *connection)
                    .await?;
                stale_unless(updated.rows_affected() == 1)?;
                audit::record(connection, &event, &[Change::Project(project.id)]).await
            })
        })
        .await
}

pub(super) async fn insert_secret(
    store: &SqliteStore,
    secret: &ProjectSecret,
    event: &AuditEvent,
) -> Result<()> {
    let (secret, event) = (secret.clone(), event.clone());
    store
        .writer
        .write(move |connection| {
            Box::pin(async move {
                insert_secret_row(connection, &secret).await?;
                audit::record(connection, &event, &[Change::Project(secret.project_id)]).await
            })
        })
        .await
}

pub(super) async fn revoke_secret(
    store: &SqliteStore,
    project_id: &ProjectId,
    secret_id: &str,
    at: Timestamp,
    event: &AuditEvent,
) -> Result<()> {
    let (project_id, secret_id, event) = (project_id.clone(), secret_id.to_owned(), event.clone());
    store
        .writer
        .write(move |connection| {
            Box::pin(async move {
                let revoked = sqlx::query(REVOKE_SECRET)
                    .bind(project_id.as_str())
                    .bind(secret_id)
                    .bind(at.as_millisecond())
                    .execute(&mut *connection)
                    .await?;
                stale_unless(revoked.rows_affected() == 1)?;
                audit::record(connection, &event, &[Change::Project(project_id)]).await
            })
        })
        .await
}

/// The project, its secrets and its keys from one snapshot.
pub(super) async fn one(store: &SqliteStore, id: &ProjectId) -> Result<Option<ProjectRecord>> {
    let mut connection = store.readers.acquire().await?;
    let mut snapshot = connection.begin().await?;
    let row: Option<ProjectRow> = sqlx::query_as(ONE)
        .bind(id.as_str())
        .fetch_optional(&mut *snapshot)
        .await?;
    let Some(row) = row else { return Ok(None) };
    let secrets: Vec<ProjectSecretRow> = sqlx::query_as(SECRETS)
        .bind(id.as_str())
        .fetch_all(&mut *snapshot)
        .await?;
    let keys: Vec<KeyRow> = sqlx::query_as(keys::OF_PROJECT)
        .bind(id.as_str())
        .fetch_all(&mut *snapshot)
        .await?;
    Ok(Some(ProjectRecord {
        project: row.try_into()?,
        secrets: all(secrets)?,
        keys: all(keys)?,
    }))
}

pub(super) async fn list(
    store: &SqliteStore,
    only: Option<&[ProjectId]>,
    page: Page,
) -> Result<Vec<Row<Project>>> {
    let query = match only {
        None => sqlx::query_as(LIST).bind(page.after).bind(page.limit),
        Some(ids) => sqlx::query_as(LIST_ONLY)
            .bind(page.after)
            .bind(page.limit)
            .bind(serde_json::json!(ids).to_string()),
    };
    let rows: Vec<ProjectRow> = query.fetch_all(&store.readers).await?;
    all(rows)
}

pub(super) async fn ids(store: &SqliteStore, page: Page) -> Result<Vec<Row<ProjectId>>> {
    let rows: Vec<ProjectIdRow> = sqlx::query_as(IDS)
        .bind(page.after)
        .bind(page.limit)
        .fetch_all(&store.readers)
        .await?;
    all(rows)
}

async fn insert_row(connection: &mut SqliteConnection, project: &Project) -> Result<()> {
    sqlx::query(INSERT)
        .bind(project.id.as_str())
        .bind(project.version)
        .bind(&project.name)
        .bind(project.token_profile.to_string())
        .bind(&project.issuer)
        .bind(project.created_at.as_millisecond())
        .bind(project.updated_at.as_millisecond())
        .execute(connection)
        .await?;
    Ok(())
}

/// Adds a secret's row to the transaction of its caller.
pub(super) async fn insert_secret_row(
    connection: &mut SqliteConnection,
    secret: &ProjectSecret,
) -> Result<()> {
    sqlx::query(INSERT_SECRET)
        .bind(&secret.id)
        .bind(secret.project_id.as_str())
        .bind(&secret.name)
        .bind(secret.secret.number)
        .bind(secret.secret.digest.to_string())
        .bind(&secret.secret.last_four)
        .bind(secret.secret.created_at.as_millisecond())
        .bind(secret.last_used_at.map(Timestamp::as_millisecond))
        .bind(secret.revoked_at.map(Timestamp::as_millisecond))
        .execute(connection)
        .await?;
    Ok(())
}
