//! Upgrading a digest when its secret has just been seen: the only moment at which an old scheme can be left behind.

use std::sync::Arc;

use countersign_core::audit::{Action, Actor, ActorKind, Origin};
use countersign_core::client::Client;
use countersign_core::digest::Digest;
use countersign_core::secret::{StoredSecret, last_four, strength_of};
use countersign_store::{Change, StoreError};
use secrecy::SecretString;

use crate::app::App;
use crate::chance::chance;
use crate::http::request::RequestContext;

/// Replaces an outdated digest in the background; the caller does not wait for it. It does wait for a digest where there was
/// none, so that its next login finds one when the old service is gone; unless the database or the pool refuses, or another login
/// is about to write it.
pub async fn if_outdated(
    app: &App,
    client: &Arc<Client>,
    matched: StoredSecret,
    secret: &SecretString,
    context: &RequestContext,
) {
    if !matched.digest.is_outdated(&app.peppers) || !matched.digest.reads_all_of(secret) {
        return;
    }
    let actor = Actor {
        kind: ActorKind::Client,
        id: client.client_id.to_string(),
    };
    let address = Some(context.address.to_string());
    let origin = Origin {
        actor,
        request_id: context.request_id.clone(),
        address,
    };
    let name = (
        client.project_id.clone(),
        client.client_id.clone(),
        matched.number,
    );
    let Some(right) = app.secrets.upgrade(name) else {
        return;
    };
    let (app, client, secret) = (app.clone(), client.clone(), secret.clone());
    let is_first = matched.digest.old_service().is_some();
    let upgraded = tokio::spawn(async move {
        let _until_written = right;
        if let Err(error) = upgrade(&app, &client, matched, secret, &origin).await {
            tracing::warn!(%error, "a digest could not be upgraded; the next login tries again");
        }
    });
    if is_first {
        let _ended = upgraded.await;
    }
}

async fn upgrade(
    app: &App,
    seen: &Client,
    matched: StoredSecret,
    secret: SecretString,
    origin: &Origin,
) -> Result<(), StoreError> {
    // Memory was read before others upgraded it, perhaps.
    let present = app.store.client(&seen.project_id, &seen.client_id).await?;
    let Some(client) = present.filter(|client| client.secrets().any(|secret| *secret == matched)) else {
        return Ok(());
    };
    let peppers = app.peppers.clone();
    let made = app.secrets.slowly(move || StoredSecret {
        digest: Digest::make(&secret, strength_of(&secret), &peppers, &mut chance()),
        // Of an imported digest they may not have been known.
        last_four: last_four(&secret),
        ..matched
    });
    let Ok(secret) = made.await else {
        tracing::warn!(client_id = %client.client_id, "no digest was made beside all the others; the next login tries again");
        return Ok(());
    };
    let Some(upgraded) = client.with_upgraded_digest(&secret) else {
        return Ok(());
    };
    let (project_id, client_id) = (&client.project_id, &client.client_id);
    let action = Action::DigestUpgraded;
    let event = origin.event(
        action,
        Some(project_id),
        client_id.as_str(),
        app.now(),
        &mut chance(),
    );
    match app.store.update_client(&upgraded, &event).await {
        Ok(()) => app
            .memory
            .forget(&Change::Client(project_id.clone(), client_id.clone())),
        // Somebody changed the client meanwhile; the next login upgrades it.
        Err(StoreError::Stale) => {}
        Err(error) => return Err(error),
    }
    Ok(())
}
