//! Providers, their rules and their documents.

use countersign_core::audit::AuditEvent;
use countersign_core::ids::ProjectId;
use countersign_core::provider::{Provider, ProviderDocument};
use sqlx::query::QueryScalar;
use sqlx::sqlite::SqliteArguments;
use sqlx::{Connection, Sqlite, SqliteConnection};

use super::{SqliteStore, all, audit, credentials, stale_unless};
use crate::provider_columns::{PART_BYTES, ProviderColumns, RuleColumns};
use crate::rows::{CredentialRow, DocumentRow, ProviderRow, document as document_of};
use crate::{Change, Page, ProviderRecord, Result, Row, StoreError};

const INSERT: &str =
    "INSERT INTO provider (project_id, name, version, base_url, allowed_cidrs, further_hosts, limits,
        keep_cookies, path_parameters, document_sha256, document_media_type, document_bytes, created_at, updated_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14) RETURNING ordinal";

/// A provider made anew under the name of a deleted one counts its versions from 1 again; when it was made tells the two apart.
const UPDATE: &str =
    "UPDATE provider SET version = ?3, base_url = ?4, allowed_cidrs = ?5, further_hosts = ?6, limits = ?7,
        keep_cookies = ?8, path_parameters = ?9, document_sha256 = ?10, document_media_type = ?11, document_bytes = ?12,
        updated_at = ?14
    WHERE project_id = ?1 AND name = ?2 AND version = ?3 - 1 AND created_at = ?13 RETURNING ordinal";

const DELETE: &str =
    "DELETE FROM provider WHERE project_id = ?1 AND name = ?2 AND version = ?3 AND created_at = ?4";

const DELETE_RULES: &str = "DELETE FROM provider_rule WHERE provider_ordinal = ?1";

const INSERT_RULE: &str =
    "INSERT INTO provider_rule (provider_ordinal, position, name, scope, methods, paths, operations,
        credential, websocket)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";

const DELETE_DOCUMENT: &str = "DELETE FROM provider_document WHERE provider_ordinal = ?1";

const INSERT_PART: &str =
    "INSERT INTO provider_document (provider_ordinal, position, part) VALUES (?1, ?2, ?3)";

/// A query for providers, each with its rules as a JSON list: one statement reads one snapshot, so a provider is never seen with
/// the rules of another version.
macro_rules! select_providers {
    ($rest:literal) => {
        concat!(
            "SELECT p.ordinal, p.project_id, p.name, p.version, p.base_url, p.allowed_cidrs, p.further_hosts,
                (SELECT json_group_array(json_object('name', r.name, 'scope', r.scope, 'methods', json(r.methods),
                        'paths', json(r.paths), 'operations', json(r.operations), 'credential', r.credential,
                        'websocket', json(iif(r.websocket, 'true', 'false'))) ORDER BY r.position)
                    FROM provider_rule r WHERE r.provider_ordinal = p.ordinal) AS rules,
                p.limits, p.keep_cookies, p.path_parameters, p.document_sha256, p.document_media_type, p.document_bytes,
                p.created_at, p.updated_at
            FROM provider p ",
            $rest
        )
    };
}

pub(super) const ONE: &str = select_providers!("WHERE p.project_id = ?1 AND p.name = ?2");
pub(super) const LIST: &str =
    select_providers!("WHERE p.project_id = ?1 AND p.ordinal > ?2 ORDER BY p.ordinal LIMIT ?3");

pub(super) const DOCUMENT: &str = "SELECT ordinal, name, document_sha256, document_media_type FROM provider
    WHERE project_id = ?1 AND name = ?2";

pub(super) const PARTS: &str =
    "SELECT part FROM provider_document WHERE provider_ordinal = ?1 ORDER BY position";

pub(super) async fn insert(
    store: &SqliteStore,
    provider: &Provider,
    document: &ProviderDocument,
    event: &AuditEvent,
) -> Result<()> {
    let (provider, document, event) = (provider.clone(), document.clone(), event.clone());
    store
        .writer
        .write(move |connection| {
            Box::pin(async move {
                let ordinal = bound(INSERT, &provider).fetch_one(&mut *connection).await?;
                insert_rules(connection, ordinal, &provider).await?;
                insert_document(connection, ordinal, &document).await?;
                audit::record(connection, &event, &[Change::of_provider(&provider)]).await
            })
        })
        .await
}

pub(super) async fn update(
    store: &SqliteStore,
    provider: &Provider,
    document: Option<&ProviderDocument>,
    event: &AuditEvent,
) -> Result<()> {
    let (provider, document, event) = (provider.clone(), document.cloned(), event.clone());
    store
        .writer
        .write(move |connection| {
            Box::pin(async move {
                let ordinal = bound(UPDATE, &provider)
                    .fetch_optional(&mut *connection)
                    .await?
                    .ok_or(StoreError::Stale)?;
                sqlx::query(DELETE_RULES)
                    .bind(ordinal)
                    .execute(&mut *connection)
                    .await?;
                insert_rules(connection, ordinal, &provider).await?;
                if let Some(document) = document {
                    sqlx::query(DELETE_DOCUMENT)
                        .bind(ordinal)
                        .execute(&mut *connection)
                        .await?;
                    insert_document(connection, ordinal, &document).await?;
                }
                audit::record(connection, &event, &[Change::of_provider(&provider)]).await
            })
        })
        .await
}

pub(super) async fn delete(store: &SqliteStore, provider: &Provider, event: &AuditEvent) -> Result<()> {
    let (provider, event) = (provider.clone(), event.clone());
    store
        .writer
        .write(move |connection| {
            Box::pin(async move {
                // Its rules, its document and its credentials go with it, by their foreign keys.
                let deleted = sqlx::query(DELETE)
                    .bind(provider.project_id.as_str())
                    .bind(&provider.name)
                    .bind(provider.version)
                    .bind(provider.created_at.as_millisecond())
                    .execute(&mut *connection)
                    .await?;
                stale_unless(deleted.rows_affected() == 1)?;
                audit::record(connection, &event, &[Change::of_provider(&provider)]).await
            })
        })
        .await
}

/// The provider and its credentials from one snapshot.
pub(super) async fn one(
    store: &SqliteStore,
    project_id: &ProjectId,
    name: &str,
) -> Result<Option<ProviderRecord>> {
    let mut connection = store.readers.acquire().await?;
    let mut snapshot = connection.begin().await?;
    let row: Option<ProviderRow> = sqlx::query_as(ONE)
        .bind(project_id.as_str())
        .bind(name)
        .fetch_optional(&mut *snapshot)
        .await?;
    let Some(row) = row else { return Ok(None) };
    let credentials: Vec<CredentialRow> = sqlx::query_as(credentials::OF_PROVIDER)
        .bind(project_id.as_str())
        .bind(name)
        .fetch_all(&mut *snapshot)
        .await?;
    Ok(Some(ProviderRecord {
        provider: row.try_into()?,
        credentials: all(credentials)?,
    }))
}

pub(super) async fn document(
    store: &SqliteStore,
    project_id: &ProjectId,
    name: &str,
) -> Result<Option<ProviderDocument>> {
    let mut connection = store.readers.acquire().await?;
    let mut snapshot = connection.begin().await?;
    let row: Option<DocumentRow> = sqlx::query_as(DOCUMENT)
        .bind(project_id.as_str())
        .bind(name)
        .fetch_optional(&mut *snapshot)
        .await?;
    let Some(row) = row else { return Ok(None) };
    let parts: Vec<Vec<u8>> = sqlx::query_scalar(PARTS)
        .bind(row.ordinal)
        .fetch_all(&mut *snapshot)
        .await?;
    document_of(row, &parts).map(Some)
}

pub(super) async fn list(
    store: &SqliteStore,
    project_id: &ProjectId,
    page: Page,
) -> Result<Vec<Row<Provider>>> {
    let rows: Vec<ProviderRow> = sqlx::query_as(LIST)
        .bind(project_id.as_str())
        .bind(page.after)
        .bind(page.limit)
        .fetch_all(&store.readers)
        .await?;
    all(rows)
}

/// Statements with every column of a provider bound, `?1` to `?14`, that answer its ordinal.
fn bound(sql: &'static str, provider: &Provider) -> QueryScalar<'static, Sqlite, i64, SqliteArguments> {
    let columns = ProviderColumns::of(provider);
    let settings = &provider.settings;
    sqlx::query_scalar(sql)
        .bind(provider.project_id.to_string())
        .bind(provider.name.clone())
        .bind(provider.version)
        .bind(settings.base_url.clone())
        .bind(columns.allowed_cidrs)
        .bind(columns.further_hosts)
        .bind(columns.limits)
        .bind(settings.keep_cookies)
        .bind(settings.path_parameters)
        .bind(provider.document.sha256.clone())
        .bind(provider.document.media_type.clone())
        .bind(provider.document.bytes)
        .bind(provider.created_at.as_millisecond())
        .bind(provider.updated_at.as_millisecond())
}

async fn insert_rules(connection: &mut SqliteConnection, ordinal: i64, provider: &Provider) -> Result<()> {
    for (rule, position) in provider.settings.rules.iter().zip(0_i64..) {
        let columns = RuleColumns::of(rule);
        sqlx::query(INSERT_RULE)
            .bind(ordinal)
            .bind(position)
            .bind(&rule.name)
            .bind(&rule.scope)
            .bind(columns.methods)
            .bind(columns.paths)
            .bind(columns.operations)
            .bind(&rule.credential)
            .bind(rule.websocket)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

async fn insert_document(
    connection: &mut SqliteConnection,
    ordinal: i64,
    document: &ProviderDocument,
) -> Result<()> {
    for (part, position) in document.content().chunks(PART_BYTES).zip(0_i64..) {
        sqlx::query(INSERT_PART)
            .bind(ordinal)
            .bind(position)
            .bind(part)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}
