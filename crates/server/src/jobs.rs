//! What runs beside the requests.

use std::time::Duration;

use countersign_core::Timestamp;
use countersign_core::audit::{Action, Origin};
use countersign_store::StoreError;
use jiff::SignedDuration;
use tokio::task::{JoinError, JoinSet};

use crate::app::App;
use crate::chance::chance;
use crate::config::signed;
use crate::keys::making;
use crate::memory::feed::Follower;
use crate::usage::FLUSH_EVERY;

/// How often housekeeping looks around. Nothing depends on its punctuality: key states follow from the clock.
const HOUSEKEEPING_EVERY: Duration = Duration::from_secs(60);
/// How long changes stay in the feed; a node that was away for longer forgets everything.
const CHANGES_KEPT: SignedDuration = SignedDuration::from_mins(15);

/// Starts the jobs; they end with what is returned.
pub fn start(app: &App, follower: Follower) -> JoinSet<()> {
    let mut jobs = JoinSet::new();
    jobs.spawn(follower.run());
    jobs.spawn(flush_usage_forever(app.clone()));
    jobs.spawn(keep_house_forever(app.clone()));
    jobs
}

/// Waits until a job panics, which is for ever. Without its jobs a node would answer from the database alone, or never
/// rotate a key, and look alive; it is better restarted by whoever watches it.
pub async fn first_panic(jobs: &mut JoinSet<()>) -> JoinError {
    while let Some(ended) = jobs.join_next().await {
        if let Err(error) = ended {
            return error;
        }
    }
    std::future::pending().await
}

async fn flush_usage_forever(app: App) {
    loop {
        app.usage.due().await;
        if !flush_usage(&app).await {
            // However much waits: what just failed is not tried again at once.
            tokio::time::sleep(FLUSH_EVERY).await;
        }
    }
}

/// Writes what usage is pending, and says whether it could. A batch that cannot be written goes with the next one.
pub async fn flush_usage(app: &App) -> bool {
    let batch = app.usage.take();
    if batch.is_empty() {
        return true;
    }
    let (written, secrets) = (app.store.add_usage(&batch).await, batch.secrets.len());
    match &written {
        Ok(()) => {}
        // Written a second time it would count double; what is counted too low by one batch misleads less.
        Err(error @ StoreError::OutcomeUnknown) => {
            tracing::warn!(%error, secrets, "usage may not have been written");
        }
        Err(error) => {
            tracing::warn!(%error, secrets, "usage could not be written; it goes with the next batch");
            app.usage.put_back(batch);
        }
    }
    written.is_ok()
}

async fn keep_house_forever(app: App) {
    let mut interval = tokio::time::interval(HOUSEKEEPING_EVERY);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        app.limits.tidy();
        app.dual_run.tidy();
        if let Err(error) = keep_house(&app).await {
            tracing::warn!(%error, "housekeeping was interrupted; it goes on in a minute");
        }
    }
}

/// Looks after the keys, deletes what has had its time.
pub async fn keep_house(app: &App) -> Result<(), StoreError> {
    let now = app.now();
    making::look_after_keys(app).await?;
    app.store.delete_dropped_keys(now).await?;
    app.store.delete_changes(earlier(now, CHANGES_KEPT)).await?;
    let usage_retention = signed(app.config.database.usage_retention);
    app.store
        .delete_minute_counts(earlier(now, usage_retention).as_second().div_euclid(60))
        .await?;
    let audit_retention = signed(app.config.database.audit_retention);
    if !audit_retention.is_zero() {
        let event = Origin::system().event(Action::AuditPruned, None, "audit", now, &mut chance());
        app.store
            .prune_audit(earlier(now, audit_retention), &event)
            .await?;
    }
    Ok(())
}

fn earlier(now: Timestamp, by: SignedDuration) -> Timestamp {
    now.checked_sub(by).unwrap_or(Timestamp::MIN)
}
