//! Clients: making, changing, deleting, reading, listing.

use countersign_core::audit::AuditEvent;
use countersign_core::client::Client;
use countersign_core::ids::{ClientId, ProjectId};
use sqlx::query::Query;
use sqlx::sqlite::SqliteArguments;
use sqlx::{Row as _, Sqlite, SqliteConnection};

use super::{SqliteStore, all, audit, stale_unless};
use crate::rows::ClientRow;
use crate::{Change, ClientListing, Page, Result, Row, StoreError};

/// A query for clients, each with its scopes as a JSON list: one statement reads one snapshot, so a client is never seen
/// with the scopes of another version.
macro_rules! select_clients {
    ($($rest:expr),*) => {
        concat!(
            "SELECT c.ordinal, c.project_id, c.client_id, c.version, c.name, c.description, c.status,
                (SELECT json_group_array(s.scope ORDER BY s.position) FROM client_scope s
                    WHERE s.client_ordinal = c.ordinal) AS scopes,
                c.metadata, c.token_profile,
                c.secret_number, c.secret_digest, c.secret_last_four, c.secret_created_at,
                c.next_secret_number, c.next_secret_digest, c.next_secret_last_four, c.next_secret_created_at,
                c.created_at, c.updated_at
            FROM client c ",
            $($rest),*
        )
    };
}
pub(super) use select_clients;

/// A client with its scopes, `?19`, in one call.
const INSERT: &str =
    "INSERT INTO client (project_id, client_id, version, name, description, status, metadata,
        token_profile, secret_number, secret_digest, secret_last_four, secret_created_at, next_secret_number,
        next_secret_digest, next_secret_last_four, next_secret_created_at, created_at, updated_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18);
    INSERT INTO client_scope (client_ordinal, position, project_id, scope)
        SELECT last_insert_rowid(), key, ?1, value FROM json_each(?19)";

/// A client made anew under the id of a deleted one counts its versions from 1 again; when it was made tells the two apart,
/// or a change decided on the old one would bring that back.
const UPDATE: &str = "UPDATE client SET version = ?3, name = ?4, description = ?5, status = ?6, metadata = ?7,
        token_profile = ?8, secret_number = ?9, secret_digest = ?10, secret_last_four = ?11, secret_created_at = ?12,
        next_secret_number = ?13, next_secret_digest = ?14, next_secret_last_four = ?15, next_secret_created_at = ?16,
        updated_at = ?18
    WHERE project_id = ?1 AND client_id = ?2 AND version = ?3 - 1 AND created_at = ?17
    RETURNING ordinal, (SELECT json_group_array(s.scope ORDER BY s.position) FROM client_scope s
        WHERE s.client_ordinal = client.ordinal) AS scopes";

const REPLACE_SCOPES: &str = "DELETE FROM client_scope WHERE client_ordinal = ?1;
    INSERT INTO client_scope (client_ordinal, position, project_id, scope)
        SELECT ?1, key, ?2, value FROM json_each(?3)";

const DELETE: &str = "DELETE FROM client
    WHERE project_id = ?1 AND client_id = ?2 AND version = ?3 AND created_at = ?4";

pub(super) const ONE: &str = select_clients!("WHERE c.project_id = ?1 AND c.client_id = ?2");

/// Walks the clients of a project in order and stops at the limit; lower() knows ASCII letters alone.
pub(super) const LIST: &str = select_clients!(
    "INDEXED BY client_by_project
    WHERE c.project_id = ?1 AND c.ordinal > ?2
        AND (?4 IS NULL OR c.status = ?4)
        AND (?5 IS NULL OR instr(lower(c.name), ?5) > 0 OR instr(lower(c.client_id), ?5) > 0)
    ORDER BY c.ordinal LIMIT ?3"
);

pub(super) async fn insert(store: &SqliteStore, client: &Client, event: &AuditEvent) -> Result<()> {
    let (client, event) = (client.clone(), event.clone());
    store
        .writer
        .write(move |connection| {
            Box::pin(async move {
                bound(INSERT, &client)
                    .bind(json_list(&client))
                    .execute(&mut *connection)
                    .await?;
                audit::record(connection, &event, &[change_of(&client)]).await
            })
        })
        .await
}

pub(super) async fn update(store: &SqliteStore, client: &Client, event: &AuditEvent) -> Result<()> {
    let (client, event) = (client.clone(), event.clone());
    store
        .writer
        .write(move |connection| {
            Box::pin(async move {
                let updated = bound(UPDATE, &client)
                    .fetch_optional(&mut *connection)
                    .await?
                    .ok_or(StoreError::Stale)?;
                // Most changes leave the scopes alone, and a scope is a row and an index entry.
                if updated.try_get::<String, _>("scopes")? != json_list(&client) {
                    replace_scopes(connection, updated.try_get("ordinal")?, &client).await?;
                }
                audit::record(connection, &event, &[change_of(&client)]).await
            })
        })
        .await
}

pub(super) async fn delete(store: &SqliteStore, client: &Client, event: &AuditEvent) -> Result<()> {
    let (client, event) = (client.clone(), event.clone());
    store
        .writer
        .write(move |connection| {
            Box::pin(async move {
                // Its scopes and its usage go with it, by their foreign keys.
                let deleted = sqlx::query(DELETE)
                    .bind(client.project_id.as_str())
                    .bind(client.client_id.as_str())
                    .bind(client.version)
                    .bind(client.created_at.as_millisecond())
                    .execute(&mut *connection)
                    .await?;
                stale_unless(deleted.rows_affected() == 1)?;
                audit::record(connection, &event, &[change_of(&client)]).await
            })
        })
        .await
}

pub(super) async fn one(
    store: &SqliteStore,
    project_id: &ProjectId,
    client_id: &ClientId,
) -> Result<Option<Client>> {
    let row: Option<ClientRow> = sqlx::query_as(ONE)
        .bind(project_id.as_str())
        .bind(client_id.as_str())
        .fetch_optional(&store.readers)
        .await?;
    row.map(Client::try_from).transpose()
}

pub(super) async fn list(
    store: &SqliteStore,
    project_id: &ProjectId,
    listing: &ClientListing,
    page: Page,
) -> Result<Vec<Row<Client>>> {
    let rows: Vec<ClientRow> = sqlx::query_as(LIST)
        .bind(project_id.as_str())
        .bind(page.after)
        .bind(page.limit)
        .bind(listing.status.map(|status| status.to_string()))
        .bind(listing.contains.as_ref().map(|part| part.to_ascii_lowercase()))
        .fetch_all(&store.readers)
        .await?;
    all(rows)
}

/// Statements with every column of a client bound, `?1` to `?18`.
fn bound(sql: &'static str, client: &Client) -> Query<'static, Sqlite, SqliteArguments> {
    let next = client.next_secret.as_ref();
    sqlx::query(sql)
        .bind(client.project_id.to_string())
        .bind(client.client_id.to_string())
        .bind(client.version)
        .bind(client.name.clone())
        .bind(client.description.clone())
        .bind(client.status.to_string())
        .bind(client.metadata.to_json())
        .bind(client.token_profile.map(|profile| profile.to_string()))
        .bind(client.secret.number)
        .bind(client.secret.digest.to_string())
        .bind(client.secret.last_four.clone())
        .bind(client.secret.created_at.as_millisecond())
        .bind(next.map(|secret| secret.number))
        .bind(next.map(|secret| secret.digest.to_string()))
        .bind(next.map(|secret| secret.last_four.clone()))
        .bind(next.map(|secret| secret.created_at.as_millisecond()))
        .bind(client.created_at.as_millisecond())
        .bind(client.updated_at.as_millisecond())
}

fn change_of(client: &Client) -> Change {
    Change::Client(client.project_id.clone(), client.client_id.clone())
}

async fn replace_scopes(connection: &mut SqliteConnection, ordinal: i64, client: &Client) -> Result<()> {
    sqlx::query(REPLACE_SCOPES)
        .bind(ordinal)
        .bind(client.project_id.as_str())
        .bind(json_list(client))
        .execute(connection)
        .await?;
    Ok(())
}

/// The client's scopes as `json_group_array` writes them.
fn json_list(client: &Client) -> String {
    serde_json::json!(client.scopes).to_string()
}
