//! Clients and their scopes.

use countersign_core::audit::AuditEvent;
use countersign_core::client::Client;
use countersign_core::ids::{ClientId, ProjectId};
use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::{PgConnection, Postgres, Row as _};

use super::writer::{self, Isolation};
use super::{PostgresStore, all, audit, is_storable, stale_unless};
use crate::rows::ClientRow;
use crate::{Change, ClientListing, Page, Result, Row, StoreError};

/// A client with its scopes as a JSON list: everything in one statement, so that no reader sees a client of one version
/// with the scopes of another.
macro_rules! select_clients {
    ($($rest:expr),*) => {
        concat!(
            "SELECT c.ordinal, c.project_id, c.client_id, c.version, c.name, c.description, c.status,
                (SELECT coalesce(json_agg(s.scope ORDER BY s.position), '[]')::text FROM client_scope s
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

/// A client with its scopes, `$19`, its event and the change, in one call: every further one would cost a create a way to the
/// server and back.
const INSERT: &str = concat!(
    "WITH made AS (
        INSERT INTO client (project_id, client_id, version, name, description, status, metadata,
            token_profile, secret_number, secret_digest, secret_last_four, secret_created_at, next_secret_number,
            next_secret_digest, next_secret_last_four, next_secret_created_at, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
        RETURNING ordinal),
    scopes AS (
        INSERT INTO client_scope (client_ordinal, position, project_id, scope)
        SELECT made.ordinal, s.position - 1, $1, s.scope
        FROM made CROSS JOIN unnest($19::text[]) WITH ORDINALITY AS s (scope, position)), ",
    audit::insert_event!(
        "$20",
        "$21",
        "$22, $23, $24, $25, $26, $27, $28, $29, $30",
        "$31",
        "$32, $33"
    )
);

/// A client made anew under the id of a deleted one counts its versions from 1 again; when it was made tells the two apart.
const UPDATE: &str = "UPDATE client SET version = $3, name = $4, description = $5, status = $6, metadata = $7,
        token_profile = $8, secret_number = $9, secret_digest = $10, secret_last_four = $11, secret_created_at = $12,
        next_secret_number = $13, next_secret_digest = $14, next_secret_last_four = $15, next_secret_created_at = $16,
        updated_at = $18
    WHERE project_id = $1 AND client_id = $2 AND version = $3 - 1 AND created_at = $17
    RETURNING ordinal, ARRAY(SELECT s.scope FROM client_scope s
        WHERE s.client_ordinal = client.ordinal ORDER BY s.position) AS scopes";

const DELETE_SCOPES: &str = "DELETE FROM client_scope WHERE client_ordinal = $1";

const INSERT_SCOPES: &str = "INSERT INTO client_scope (client_ordinal, position, project_id, scope)
    SELECT $1, s.position - 1, $2, s.scope FROM unnest($3::text[]) WITH ORDINALITY AS s (scope, position)";

const DELETE: &str = "DELETE FROM client
    WHERE project_id = $1 AND client_id = $2 AND version = $3 AND created_at = $4";

pub(super) const ONE: &str = select_clients!("WHERE c.project_id = $1 AND c.client_id = $2");

/// Walks the clients of a project in order and stops at the limit; only the case of ASCII letters is ignored.
pub(super) const LIST: &str = select_clients!(
    "WHERE c.project_id = $1 AND c.ordinal > $2
        AND ($4::text IS NULL OR c.status = $4)
        AND ($5::text IS NULL OR strpos(lower(c.name), $5) > 0 OR strpos(lower(c.client_id), $5) > 0)
    ORDER BY c.ordinal LIMIT $3"
);

pub(super) async fn insert(store: &PostgresStore, client: &Client, event: &AuditEvent) -> Result<()> {
    let intention = (client.clone(), event.clone());
    writer::carry_out(
        &store.servers,
        &event.id,
        Isolation::OneStatement,
        intention,
        |connection, (client, event)| {
            Box::pin(async move {
                let row = bound(INSERT, client).bind(scopes(client));
                audit::bound(row, event, Some(&change_of(client)))
                    .execute(connection)
                    .await?;
                Ok(())
            })
        },
    )
    .await
}

pub(super) async fn update(store: &PostgresStore, client: &Client, event: &AuditEvent) -> Result<()> {
    let intention = (client.clone(), event.clone());
    writer::carry_out(
        &store.servers,
        &event.id,
        Isolation::ReadCommitted,
        intention,
        |connection, (client, event)| {
            Box::pin(async move {
                let updated = bound(UPDATE, client)
                    .fetch_optional(&mut *connection)
                    .await?
                    .ok_or(StoreError::Stale)?;
                // Most changes leave the scopes alone, and a scope is a row and an index entry.
                if updated.try_get::<Vec<String>, _>("scopes")? != scopes(client) {
                    replace_scopes(connection, updated.try_get("ordinal")?, client).await?;
                }
                Ok(audit::record(connection, event, &[change_of(client)]).await?)
            })
        },
    )
    .await
}

pub(super) async fn delete(store: &PostgresStore, client: &Client, event: &AuditEvent) -> Result<()> {
    let intention = (client.clone(), event.clone());
    writer::carry_out(
        &store.servers,
        &event.id,
        Isolation::ReadCommitted,
        intention,
        |connection, (client, event)| {
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
                Ok(audit::record(connection, event, &[change_of(client)]).await?)
            })
        },
    )
    .await
}

pub(super) async fn one(
    store: &PostgresStore,
    project_id: &ProjectId,
    client_id: &ClientId,
) -> Result<Option<Client>> {
    let row: Option<ClientRow> = writer::repeat(
        &store.servers,
        (project_id, client_id),
        |connection, (project_id, client_id)| {
            Box::pin(async move {
                Ok(sqlx::query_as(ONE)
                    .bind(project_id.as_str())
                    .bind(client_id.as_str())
                    .fetch_optional(connection)
                    .await?)
            })
        },
    )
    .await?;
    row.map(Client::try_from).transpose()
}

pub(super) async fn list(
    store: &PostgresStore,
    project_id: &ProjectId,
    listing: &ClientListing,
    page: Page,
) -> Result<Vec<Row<Client>>> {
    if !listing.contains.iter().all(|part| is_storable(part)) {
        return Ok(Vec::new());
    }
    let rows: Vec<ClientRow> = writer::repeat(
        &store.servers,
        (project_id, listing, page),
        |connection, (project_id, listing, page)| {
            Box::pin(async move {
                Ok(sqlx::query_as(LIST)
                    .bind(project_id.as_str())
                    .bind(page.after)
                    .bind(i64::from(page.limit))
                    .bind(listing.status.map(|status| status.to_string()))
                    .bind(listing.contains.as_ref().map(|part| part.to_ascii_lowercase()))
                    .fetch_all(connection)
                    .await?)
            })
        },
    )
    .await?;
    all(rows)
}

/// Statements with every column of a client bound, `$1` to `$18`.
fn bound<'q>(sql: &'static str, client: &'q Client) -> Query<'q, Postgres, PgArguments> {
    let next = client.next_secret.as_ref();
    sqlx::query(sql)
        .bind(client.project_id.as_str())
        .bind(client.client_id.as_str())
        .bind(client.version)
        .bind(&client.name)
        .bind(&client.description)
        .bind(client.status.to_string())
        .bind(client.metadata.to_json())
        .bind(client.token_profile.map(|profile| profile.to_string()))
        .bind(client.secret.number)
        .bind(client.secret.digest.to_string())
        .bind(&client.secret.last_four)
        .bind(client.secret.created_at.as_millisecond())
        .bind(next.map(|secret| secret.number))
        .bind(next.map(|secret| secret.digest.to_string()))
        .bind(next.map(|secret| &secret.last_four))
        .bind(next.map(|secret| secret.created_at.as_millisecond()))
        .bind(client.created_at.as_millisecond())
        .bind(client.updated_at.as_millisecond())
}

fn change_of(client: &Client) -> Change {
    Change::Client(client.project_id.clone(), client.client_id.clone())
}

async fn replace_scopes(connection: &mut PgConnection, ordinal: i64, client: &Client) -> sqlx::Result<()> {
    sqlx::query(DELETE_SCOPES)
        .bind(ordinal)
        .execute(&mut *connection)
        .await?;
    sqlx::query(INSERT_SCOPES)
        .bind(ordinal)
        .bind(client.project_id.as_str())
        .bind(scopes(client))
        .execute(connection)
        .await?;
    Ok(())
}

fn scopes(client: &Client) -> Vec<String> {
    client.scopes.iter().map(ToString::to_string).collect()
}
