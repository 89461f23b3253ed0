//! Usage: one batch, one transaction. No event and no change: nothing of it decides anything.

use countersign_core::Timestamp;
use countersign_core::ids::{ClientId, ProjectId};
use countersign_core::usage::{MinuteCount, SecretUse, UsageBatch};
use serde_json::{Value, json};
use sqlx::SqliteConnection;

use super::{SqliteStore, all, pruning};
use crate::Result;
use crate::rows::{MinuteRow, SecretUseRow};

/// Rows in one list: a list is held in memory several times over, as text and as values.
const ROWS_AT_ONCE: usize = 1_000;

/// Rows go in as a JSON list. What belongs to a client or project that is gone is left out. Several nodes
/// report, in any order: the later use wins, the counts add up.
pub(super) const ADD_SECRETS: &str = "INSERT INTO usage_secret
        (client_ordinal, secret_number, last_used_at, address, user_agent, tokens)
    SELECT c.ordinal, u.value ->> 'number', u.value ->> 'at', u.value ->> 'address', u.value ->> 'agent', u.value ->> 'tokens'
    FROM json_each(?1) u
    CROSS JOIN client c ON c.project_id = u.value ->> 'project' AND c.client_id = u.value ->> 'client'
    WHERE true
    ON CONFLICT (client_ordinal, secret_number) DO UPDATE SET
        address = iif(excluded.last_used_at >= last_used_at, excluded.address, address),
        user_agent = iif(excluded.last_used_at >= last_used_at, excluded.user_agent, user_agent),
        last_used_at = max(last_used_at, excluded.last_used_at),
        tokens = tokens + excluded.tokens";

pub(super) const ADD_MINUTES: &str = "INSERT INTO usage_minute (project_id, minute, issued, refused)
    SELECT p.id, u.value ->> 'minute', u.value ->> 'issued', u.value ->> 'refused'
    FROM json_each(?1) u CROSS JOIN project p ON p.id = u.value ->> 'project'
    WHERE true
    ON CONFLICT (project_id, minute) DO UPDATE SET issued = issued + excluded.issued, refused = refused + excluded.refused";

const PROJECT_SECRET_USED: &str =
    "UPDATE project_secret SET last_used_at = ?2 WHERE id = ?1 AND coalesce(last_used_at, ?2 - 1) < ?2";

const OPERATOR_USED: &str =
    "UPDATE operator SET last_used_at = ?2 WHERE id = ?1 AND coalesce(last_used_at, ?2 - 1) < ?2";

const CREDENTIAL_USED: &str =
    "UPDATE credential SET last_used_at = ?2 WHERE id = ?1 AND coalesce(last_used_at, ?2 - 1) < ?2";

pub(super) const OF_CLIENT: &str =
    "SELECT c.project_id, c.client_id, u.secret_number, u.last_used_at, u.address,
        u.user_agent, u.tokens
    FROM client c CROSS JOIN usage_secret u ON u.client_ordinal = c.ordinal
    WHERE c.project_id = ?1 AND c.client_id = ?2 ORDER BY u.secret_number";

pub(super) const MINUTES: &str = "SELECT project_id, minute, issued, refused FROM usage_minute
    WHERE project_id = ?1 AND minute >= ?2 ORDER BY minute LIMIT ?3";

pub(super) const DELETE_MINUTES: &str = "DELETE FROM usage_minute WHERE (project_id, minute) IN (
    SELECT project_id, minute FROM usage_minute WHERE minute < ?1 ORDER BY minute LIMIT ?2)";

pub(super) async fn add(store: &SqliteStore, batch: &UsageBatch) -> Result<()> {
    if batch.is_empty() {
        return Ok(());
    }
    let secrets: Vec<String> = batch.secrets.chunks(ROWS_AT_ONCE).map(json_of_uses).collect();
    let minutes: Value = batch.minutes.iter().map(json_of_minute).collect();
    let (project_secrets, operators) = (batch.project_secrets.clone(), batch.operators.clone());
    let credentials = batch.credentials.clone();
    store
        .writer
        .write(move |connection| {
            Box::pin(async move {
                for rows in secrets {
                    sqlx::query(ADD_SECRETS)
                        .bind(rows)
                        .execute(&mut *connection)
                        .await?;
                }
                sqlx::query(ADD_MINUTES)
                    .bind(minutes.to_string())
                    .execute(&mut *connection)
                    .await?;
                mark_used(connection, PROJECT_SECRET_USED, &project_secrets).await?;
                mark_used(connection, OPERATOR_USED, &operators).await?;
                mark_used(connection, CREDENTIAL_USED, &credentials).await
            })
        })
        .await
}

fn json_of_uses(uses: &[SecretUse]) -> String {
    uses.iter().map(json_of_use).collect::<Value>().to_string()
}

fn json_of_use(used: &SecretUse) -> Value {
    json!({
        "project": used.project_id,
        "client": used.client_id,
        "number": used.secret_number,
        "at": used.last_used_at.as_millisecond(),
        "address": used.address,
        "agent": used.user_agent,
        "tokens": used.tokens,
    })
}

fn json_of_minute(count: &MinuteCount) -> Value {
    json!({
        "project": count.project_id,
        "minute": count.minute,
        "issued": count.issued,
        "refused": count.refused,
    })
}

/// There are few of these: one row for each project secret, operator or credential that was used at all.
async fn mark_used(
    connection: &mut SqliteConnection,
    sql: &'static str,
    uses: &[(String, Timestamp)],
) -> Result<()> {
    for (id, at) in uses {
        sqlx::query(sql)
            .bind(id)
            .bind(at.as_millisecond())
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

pub(super) async fn of_client(
    store: &SqliteStore,
    project_id: &ProjectId,
    client_id: &ClientId,
) -> Result<Vec<SecretUse>> {
    let rows: Vec<SecretUseRow> = sqlx::query_as(OF_CLIENT)
        .bind(project_id.as_str())
        .bind(client_id.as_str())
        .fetch_all(&store.readers)
        .await?;
    all(rows)
}

pub(super) async fn minute_counts(
    store: &SqliteStore,
    project_id: &ProjectId,
    since: i64,
    limit: u32,
) -> Result<Vec<MinuteCount>> {
    let rows: Vec<MinuteRow> = sqlx::query_as(MINUTES)
        .bind(project_id.as_str())
        .bind(since)
        .bind(limit)
        .fetch_all(&store.readers)
        .await?;
    all(rows)
}

pub(super) async fn delete_minute_counts(store: &SqliteStore, before: i64) -> Result<u64> {
    pruning::delete_before(store, DELETE_MINUTES, before).await
}
