//! Making signing keys and putting them into service.

use std::sync::Arc;

use countersign_core::audit::{Action, Origin};
use countersign_core::ids::{ProjectId, generate_kid};
use countersign_core::key_life::{self, RotationPlan, StoredKey};
use countersign_core::seal::MasterKey;
use countersign_core::{Algorithm, Timestamp};
use countersign_store::{Change, ProjectRecord, StoreError};
use countersign_token::issue::{KeyError, SigningKey, self_signed_certificate};

use super::live_project::key_row;
use super::oldest::oldest;
use crate::app::App;
use crate::chance::chance;
use crate::config::signed;
use crate::problem::Problem;

/// How a key is put into service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rotation {
    /// Announced first, so that no verifier meets an unknown key.
    Announced,
    /// At once, with every earlier key dropped: the old one is compromised.
    Emergency,
}

/// A new sealed key. Making an RSA key takes a good part of a second: call it off the I/O threads.
pub fn make_key(
    project_id: &ProjectId,
    algorithm: Algorithm,
    plan: &RotationPlan,
    master_key: &MasterKey,
    now: Timestamp,
) -> Result<StoredKey, KeyError> {
    let kid = generate_kid(project_id.environment(), &mut chance());
    let pkcs8 = SigningKey::generate(algorithm)?;
    // Only the JWK sets of the wire show a certificate, and they hold RSA keys alone.
    let certificate = match algorithm {
        Algorithm::Rs256 => Some(self_signed_certificate(
            pkcs8.as_bytes(),
            algorithm,
            now.as_second(),
        )?),
        Algorithm::Es256 | Algorithm::EdDsa => None,
    };
    Ok(StoredKey {
        sealed: master_key.seal(key_row(&kid), pkcs8.as_bytes(), &mut chance()),
        kid,
        project_id: project_id.clone(),
        algorithm,
        announced_at: now,
        activate_at: plan.activate_at,
        retire_at: None,
        drop_at: None,
        certificate,
    })
}

/// The keys of a new project: one of each algorithm, whatever its profile. So every key set shows them from the first
/// day on, and a project or a client can change its profile at any time without a verifier meeting an unknown key.
pub fn first_keys(
    project_id: &ProjectId,
    master_key: &MasterKey,
    now: Timestamp,
) -> Result<Vec<StoredKey>, KeyError> {
    let plan = RotationPlan {
        activate_at: now,
        retirements: Vec::new(),
    };
    Algorithm::ALL
        .into_iter()
        .map(|algorithm| make_key(project_id, algorithm, &plan, master_key, now))
        .collect()
}

/// The master key that the installation is sealed with at this moment; what is sealed with another is refused by the store.
pub async fn sealing_key(app: &App) -> Result<Arc<MasterKey>, Problem> {
    let installation = app.store.installation().await?;
    let installation = installation.ok_or_else(|| Problem::failed("the installation is gone"))?;
    Ok(app.master_keys.that_sealed(&installation.check)?.clone())
}

/// Rotates the key of an algorithm, or makes its first one.
pub async fn rotate(
    app: &App,
    project_id: &ProjectId,
    algorithm: Algorithm,
    rotation: Rotation,
    origin: &Origin,
) -> Result<StoredKey, Problem> {
    let record = app
        .store
        .project(project_id)
        .await?
        .ok_or_else(Problem::project_not_found)?;
    let plan_at = |now| match rotation {
        Rotation::Announced => key_life::plan_rotation(
            &record.keys,
            algorithm,
            now,
            signed(app.config.keys.announce),
            app.token_policy.lifetime,
        ),
        Rotation::Emergency => Ok(key_life::plan_emergency(&record.keys, algorithm, now)),
    };
    // Refused before a key is made in vain.
    let begun = app.now();
    let plan = plan_at(begun)?;
    let mut key = {
        let (project_id, master_key) = (project_id.clone(), sealing_key(app).await?);
        let made =
            tokio::task::spawn_blocking(move || make_key(&project_id, algorithm, &plan, &master_key, begun));
        made.await
            .map_err(|error| Problem::internal(&error))?
            .map_err(|error| Problem::internal(&error))?
    };
    // Making it took its time, in which nobody could learn of it: it is announced from now on.
    let now = app.now();
    let plan = plan_at(now)?;
    (key.announced_at, key.activate_at) = (now, plan.activate_at);
    let known = record.keys.iter().filter(|known| known.algorithm == algorithm);
    let expected_kids: Vec<String> = known.map(|known| known.kid.clone()).collect();
    let action = match rotation {
        Rotation::Announced => Action::KeyAnnounced,
        Rotation::Emergency => Action::KeyReplacedInEmergency,
    };
    let event = origin
        .event(action, Some(project_id), &key.kid, now, &mut chance())
        .to(key.for_audit());
    app.store
        .insert_key(&key, &plan.retirements, &expected_kids, &event)
        .await?;
    app.memory.forget(&Change::Project(project_id.clone()));
    Ok(key)
}

/// Visits the keys of every project: announces successors for those that have signed long enough, and notes the age of the
/// oldest. Whoever is second of two nodes finds the work done.
pub async fn look_after_keys(app: &App) -> Result<(), StoreError> {
    let mut oldest_of_all: Option<Timestamp> = None;
    let mut page = countersign_store::Page { after: 0, limit: 500 };
    loop {
        let rows = app.store.project_ids(page).await?;
        let Some(last) = rows.last() else { break };
        page.after = last.ordinal;
        for row in rows {
            if let Some(record) = app.store.project(&row.value).await? {
                let since = oldest(&record.keys, app.now());
                oldest_of_all = oldest_of_all.into_iter().chain(since).min();
                rotate_due_keys_of(app, &record).await;
            }
        }
    }
    app.oldest_key.seen(oldest_of_all);
    Ok(())
}

async fn rotate_due_keys_of(app: &App, record: &ProjectRecord) {
    let every = signed(app.config.keys.rotate_every);
    if every.is_zero() {
        return;
    }
    let project_id = &record.project.id;
    for algorithm in Algorithm::ALL {
        if key_life::is_rotation_due(&record.keys, algorithm, app.now(), every) {
            match rotate(app, project_id, algorithm, Rotation::Announced, &Origin::system()).await {
                Ok(key) => {
                    tracing::info!(project.id = %project_id, key.id = %key.kid, "announced a new signing key");
                }
                Err(problem) => {
                    tracing::warn!(project.id = %project_id, reason = problem.message, "no new signing key");
                }
            }
        }
    }
}
