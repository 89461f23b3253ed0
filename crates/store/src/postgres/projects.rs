//! Projects and their secrets.

use countersign_core::Timestamp;
use countersign_core::audit::AuditEvent;
use countersign_core::ids::ProjectId;
use countersign_core::key_life::StoredKey;
use countersign_core::operator::Operator;
use countersign_core::project::{Project, ProjectSecret};
use sqlx::{Connection, PgConnection};

use super::writer::{self, Isolation, SNAPSHOT};
use super::{PostgresStore, all, audit, is_storable, keys, operators, stale_unless};
use crate::rows::{KeyRow, ProjectIdRow, ProjectRow, ProjectSecretRow};
use crate::{Change, Page, ProjectRecord, Result, Row, StoreError};

const INSERT: &str = "INSERT INTO project (id, version, name, token_profile, issuer, created_at, updated_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7)";

const ANYTHING: &str = "SELECT EXISTS (SELECT 1 FROM operator) OR EXISTS (SELECT 1 FROM project)";

const UPDATE: &str = "UPDATE project SET version = $2, name = $3, token_profile = $4, updated_at = $5
    WHERE id = $1 AND version = $2 - 1";

const INSERT_SECRET: &str = "INSERT INTO project_secret
        (id, project_id, name, number, digest, last_four, created_at, last_used_at, revoked_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";

const REVOKE_SECRET: &str = "UPDATE project_secret SET revoked_at = $3
    WHERE id = $2 AND project_id = $1 AND revoked_at IS NULL";

macro_rules! select_projects {
    ($rest:literal) => {
        concat!(
            "SELECT ordinal, id, version, name, token_profile, issuer, created_at, updated_at FROM project ",
            $rest
        )
    };
}

const ONE: &str = select_projects!("WHERE id = $1");
pub(super) const LIST: &str = select_projects!("WHERE ordinal > $1 ORDER BY ordinal LIMIT $2");
pub(super) const LIST_ONLY: &str =
    select_projects!("WHERE id = ANY ($3::text[]) AND ordinal > $1 ORDER BY ordinal LIMIT $2");

pub(super) const SECRETS: &str =
    "SELECT id, project_id, name, number, digest, last_four, created_at, last_used_at, revoked_at
    FROM project_secret WHERE project_id = $1 ORDER BY ordinal";

pub(super) const IDS: &str = "SELECT ordinal, id FROM project WHERE ordinal > $1 ORDER BY ordinal LIMIT $2";

/// Keys and secrets are kept as if alone, so that no sealed value slips in while all of them are sealed anew.
pub(super) async fn insert(
    store: &PostgresStore,
    project: &Project,
    secret: &ProjectSecret,
    keys: &[StoredKey],
    event: &AuditEvent,
) -> Result<()> {
    let intention = (project.clone(), secret.clone(), keys.to_vec(), event.clone());
    writer::carry_out(
        &store.servers,
        &event.id,
        Isolation::Serializable,
        intention,
        |connection, (project, secret, keys, event)| {
            Box::pin(async move {
                insert_row(connection, project).await?;
                insert_secret_row(connection, secret).await?;
                for key in keys {
                    keys::insert_row(connection, key).await?;
                }
                Ok(audit::record(connection, event, &[Change::Project(project.id.clone())]).await?)
            })
        },
    )
    .await
}

/// As if alone: of two nodes that both see an empty database, one is told to look again.
pub(super) async fn insert_first(
    store: &PostgresStore,
    operator: &Operator,
    project: &Project,
    secret: &ProjectSecret,
    keys: &[StoredKey],
    events: &[AuditEvent; 2],
) -> Result<()> {
    let of_project = (project.clone(), secret.clone(), keys.to_vec());
    writer::carry_out(
        &store.servers,
        &events[0].id,
        Isolation::Serializable,
        (operator.clone(), of_project, events.clone()),
        |connection, (operator, (project, secret, keys), [of_operator, of_project])| {
            Box::pin(async move {
                let is_taken: bool = sqlx::query_scalar(ANYTHING).fetch_one(&mut *connection).await?;
                if is_taken {
                    return Err(StoreError::Duplicate.into());
                }
                operators::insert_row(connection, operator).await?;
                audit::record(connection, of_operator, &[Change::Operators]).await?;
                insert_row(connection, project).await?;
                insert_secret_row(connection, secret).await?;
                for key in keys {
                    keys::insert_row(connection, key).await?;
                }
                Ok(audit::record(connection, of_project, &[Change::Project(project.id.clone())]).await?)
            })
        },
    )
    .await
}

pub(super) async fn update(store: &PostgresStore, project: &Project, event: &AuditEvent) -> Result<()> {
    let intention = (project.clone(), event.clone());
    writer::carry_out(
        &store.servers,
        &event.id,
        Isolation::ReadCommitted,
        intention,
        |connection, (project, event)| {
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
                Ok(audit::record(connection, event, &[Change::Project(project.id.clone())]).await?)
            })
        },
    )
    .await
}

pub(super) async fn insert_secret(
    store: &PostgresStore,
    secret: &ProjectSecret,
    event: &AuditEvent,
) -> Result<()> {
    let intention = (secret.clone(), event.clone());
    writer::carry_out(
        &store.servers,
        &event.id,
        Isolation::ReadCommitted,
        intention,
        |connection, (secret, event)| {
            Box::pin(async move {
                insert_secret_row(connection, secret).await?;
                Ok(audit::record(connection, event, &[Change::Project(secret.project_id.clone())]).await?)
            })
        },
    )
    .await
}

pub(super) async fn revoke_secret(
    store: &PostgresStore,
    project_id: &ProjectId,
    secret_id: &str,
    at: Timestamp,
    event: &AuditEvent,
) -> Result<()> {
    stale_unless(is_storable(secret_id))?;
    let intention = (project_id.clone(), secret_id.to_owned(), at, event.clone());
    writer::carry_out(
        &store.servers,
        &event.id,
        Isolation::ReadCommitted,
        intention,
        |connection, (project_id, secret_id, at, event)| {
            Box::pin(async move {
                let revoked = sqlx::query(REVOKE_SECRET)
                    .bind(project_id.as_str())
                    .bind(secret_id)
                    .bind(at.as_millisecond())
                    .execute(&mut *connection)
                    .await?;
                stale_unless(revoked.rows_affected() == 1)?;
                Ok(audit::record(connection, event, &[Change::Project(project_id.clone())]).await?)
            })
        },
    )
    .await
}

/// The project, its secrets and its keys from one snapshot.
pub(super) async fn one(store: &PostgresStore, id: &ProjectId) -> Result<Option<ProjectRecord>> {
    type Rows = (ProjectRow, Vec<ProjectSecretRow>, Vec<KeyRow>);
    let rows: Option<Rows> = writer::repeat(&store.servers, id, |connection, id| {
        Box::pin(async move {
            let mut snapshot = connection.begin_with(SNAPSHOT).await?;
            let project = sqlx::query_as(ONE).bind(id.as_str());
            let Some(project) = project.fetch_optional(&mut *snapshot).await? else {
                return Ok(None);
            };
            let secrets = sqlx::query_as(SECRETS).bind(id.as_str());
            let secrets = secrets.fetch_all(&mut *snapshot).await?;
            let keys = sqlx::query_as(keys::OF_PROJECT).bind(id.as_str());
            let keys = keys.fetch_all(&mut *snapshot).await?;
            snapshot.commit().await?;
            Ok(Some((project, secrets, keys)))
        })
    })
    .await?;
    let Some((project, secrets, keys)) = rows else {
        return Ok(None);
    };
    Ok(Some(ProjectRecord {
        project: project.try_into()?,
        secrets: all(secrets)?,
        keys: all(keys)?,
    }))
}

pub(super) async fn list(
    store: &PostgresStore,
    only: Option<&[ProjectId]>,
    page: Page,
) -> Result<Vec<Row<Project>>> {
    let only: Option<Vec<String>> = only.map(|ids| ids.iter().map(ToString::to_string).collect());
    let rows: Vec<ProjectRow> = writer::repeat(&store.servers, (only, page), |connection, (only, page)| {
        Box::pin(async move {
            let limit = i64::from(page.limit);
            let query = match only {
                None => sqlx::query_as(LIST).bind(page.after).bind(limit),
                Some(ids) => sqlx::query_as(LIST_ONLY).bind(page.after).bind(limit).bind(ids),
            };
            Ok(query.fetch_all(connection).await?)
        })
    })
    .await?;
    all(rows)
}

pub(super) async fn ids(store: &PostgresStore, page: Page) -> Result<Vec<Row<ProjectId>>> {
    let rows: Vec<ProjectIdRow> = writer::repeat(&store.servers, page, |connection, page| {
        Box::pin(async move {
            let ids = sqlx::query_as(IDS).bind(page.after).bind(i64::from(page.limit));
            Ok(ids.fetch_all(connection).await?)
        })
    })
    .await?;
    all(rows)
}

async fn insert_row(connection: &mut PgConnection, project: &Project) -> sqlx::Result<()> {
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
    connection: &mut PgConnection,
    secret: &ProjectSecret,
) -> sqlx::Result<()> {
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
