//! Usage: one batch, one transaction. No event and no change: nothing of it decides anything.

use std::collections::BTreeSet;

use countersign_core::Timestamp;
use countersign_core::ids::{ClientId, ProjectId};
use countersign_core::usage::{MinuteCount, SecretUse, UsageBatch};
use sqlx::PgConnection;

use super::{PostgresStore, all, pruning, writer};
use crate::Result;
use crate::rows::{MinuteRow, SecretUseRow};

/// Rows in one call.
const ROWS_AT_ONCE: usize = 1_000;

/// Rows go in as lists of columns. What belongs to a client or project that is gone is left out. Several nodes report, in
/// any order: the later use wins, the counts add up. All of them lock the rows in the same order.
pub(super) const ADD_SECRETS: &str = "INSERT INTO usage_secret AS s
        (client_ordinal, secret_number, last_used_at, address, user_agent, tokens)
    SELECT c.ordinal, u.number, u.at, u.address, u.agent, u.tokens
    FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::text[], $6::text[], $7::bigint[])
        AS u (project, client, number, at, address, agent, tokens)
    JOIN client c ON c.project_id = u.project AND c.client_id = u.client
    ORDER BY c.ordinal, u.number
    ON CONFLICT (client_ordinal, secret_number) DO UPDATE SET
        address = CASE WHEN excluded.last_used_at >= s.last_used_at THEN excluded.address ELSE s.address END,
        user_agent = CASE WHEN excluded.last_used_at >= s.last_used_at THEN excluded.user_agent ELSE s.user_agent END,
        last_used_at = greatest(s.last_used_at, excluded.last_used_at),
        tokens = s.tokens + excluded.tokens";

pub(super) const ADD_MINUTES: &str = "INSERT INTO usage_minute AS m (project_id, minute, issued, refused)
    SELECT p.id, u.minute, u.issued, u.refused
    FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[]) AS u (project, minute, issued, refused)
    JOIN project p ON p.id = u.project
    ORDER BY p.id, u.minute
    ON CONFLICT (project_id, minute) DO UPDATE
        SET issued = m.issued + excluded.issued, refused = m.refused + excluded.refused";

const PROJECT_SECRET_USED: &str =
    "UPDATE project_secret SET last_used_at = $2 WHERE id = $1 AND coalesce(last_used_at < $2, true)";

const OPERATOR_USED: &str =
    "UPDATE operator SET last_used_at = $2 WHERE id = $1 AND coalesce(last_used_at < $2, true)";

const CREDENTIAL_USED: &str =
    "UPDATE credential SET last_used_at = $2 WHERE id = $1 AND coalesce(last_used_at < $2, true)";

pub(super) const OF_CLIENT: &str =
    "SELECT c.project_id, c.client_id, u.secret_number, u.last_used_at, u.address,
        u.user_agent, u.tokens
    FROM client c JOIN usage_secret u ON u.client_ordinal = c.ordinal
    WHERE c.project_id = $1 AND c.client_id = $2 ORDER BY u.secret_number";

pub(super) const MINUTES: &str = "SELECT project_id, minute, issued, refused FROM usage_minute
    WHERE project_id = $1 AND minute >= $2 ORDER BY minute LIMIT $3";

pub(super) const DELETE_MINUTES: &str = "DELETE FROM usage_minute WHERE (project_id, minute) IN (
    SELECT project_id, minute FROM usage_minute WHERE minute < $1 ORDER BY minute LIMIT $2)";

pub(super) async fn add(store: &PostgresStore, batch: &UsageBatch) -> Result<()> {
    if batch.is_empty() {
        return Ok(());
    }
    writer::carry_out_once(&store.servers, batch.clone(), |connection, batch| {
        Box::pin(async move {
            for uses in batch.secrets.chunks(ROWS_AT_ONCE) {
                add_secrets(connection, uses).await?;
            }
            for counts in batch.minutes.chunks(ROWS_AT_ONCE) {
                add_minutes(connection, counts).await?;
            }
            mark_used(connection, PROJECT_SECRET_USED, &batch.project_secrets).await?;
            mark_used(connection, OPERATOR_USED, &batch.operators).await?;
            Ok(mark_used(connection, CREDENTIAL_USED, &batch.credentials).await?)
        })
    })
    .await
}

async fn add_secrets(connection: &mut PgConnection, uses: &[SecretUse]) -> sqlx::Result<()> {
    let texts = |text: fn(&SecretUse) -> String| uses.iter().map(text).collect::<Vec<_>>();
    let numbers = |number: fn(&SecretUse) -> i64| uses.iter().map(number).collect::<Vec<_>>();
    sqlx::query(ADD_SECRETS)
        .bind(texts(|used| used.project_id.to_string()))
        .bind(texts(|used| used.client_id.to_string()))
        .bind(numbers(|used| used.secret_number))
        .bind(numbers(|used| used.last_used_at.as_millisecond()))
        .bind(texts(|used| used.address.to_string()))
        .bind(texts(|used| used.user_agent.clone()))
        .bind(numbers(|used| used.tokens))
        .execute(connection)
        .await?;
    Ok(())
}

async fn add_minutes(connection: &mut PgConnection, counts: &[MinuteCount]) -> sqlx::Result<()> {
    let numbers = |number: fn(&MinuteCount) -> i64| counts.iter().map(number).collect::<Vec<_>>();
    let projects: Vec<_> = counts.iter().map(|count| count.project_id.to_string()).collect();
    sqlx::query(ADD_MINUTES)
        .bind(projects)
        .bind(numbers(|count| count.minute))
        .bind(numbers(|count| count.issued))
        .bind(numbers(|count| count.refused))
        .execute(connection)
        .await?;
    Ok(())
}

/// There are few of these: one row for each project secret, operator or credential that was used at all. In the order of their ids, so
/// that nodes that report at once do not wait for each other in a circle.
async fn mark_used(
    connection: &mut PgConnection,
    sql: &'static str,
    uses: &[(String, Timestamp)],
) -> sqlx::Result<()> {
    for (id, at) in uses.iter().collect::<BTreeSet<_>>() {
        sqlx::query(sql)
            .bind(id)
            .bind(at.as_millisecond())
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

pub(super) async fn of_client(
    store: &PostgresStore,
    project_id: &ProjectId,
    client_id: &ClientId,
) -> Result<Vec<SecretUse>> {
    let rows: Vec<SecretUseRow> = writer::repeat(
        &store.servers,
        (project_id, client_id),
        |connection, (project_id, client_id)| {
            Box::pin(async move {
                let uses = sqlx::query_as(OF_CLIENT)
                    .bind(project_id.as_str())
                    .bind(client_id.as_str());
                Ok(uses.fetch_all(connection).await?)
            })
        },
    )
    .await?;
    all(rows)
}

pub(super) async fn minute_counts(
    store: &PostgresStore,
    project_id: &ProjectId,
    since: i64,
    limit: u32,
) -> Result<Vec<MinuteCount>> {
    let rows: Vec<MinuteRow> = writer::repeat(
        &store.servers,
        (project_id, since, limit),
        |connection, (project_id, since, limit)| {
            Box::pin(async move {
                let counts = sqlx::query_as(MINUTES).bind(project_id.as_str()).bind(since);
                Ok(counts.bind(i64::from(*limit)).fetch_all(connection).await?)
            })
        },
    )
    .await?;
    all(rows)
}

pub(super) async fn delete_minute_counts(store: &PostgresStore, before: i64) -> Result<u64> {
    pruning::delete_before(store, DELETE_MINUTES, before).await
}
