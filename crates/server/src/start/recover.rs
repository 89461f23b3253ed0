//! Going on without a lost master key.
//!
//! Signing keys, peppers and the credentials of providers are lost with it. Clients, scopes, metadata and providers are not
//! sealed and stay. What was digested under a lost pepper can never match again, so every client needs a new secret (start a
//! rotation, complete it), and every project and operator gets new credentials here.

use std::path::Path;

use anyhow::Context;
use countersign_core::Timestamp;
use countersign_core::audit::{Action, Origin};
use countersign_core::ids::ProjectId;
use countersign_core::operator::{Operator, Reach, Role};
use countersign_core::project::ProjectSecret;
use countersign_core::seal::MasterKey;
use countersign_core::secret::{NewSecret, generate_secret_id};
use countersign_store::{Page, Store};
use secrecy::SecretString;

use super::data_dir::write_private;
use super::installation;
use super::master_key::{KEY_FILE, NEXT_KEY_FILE};
use crate::chance::chance;
use crate::keys::making::first_keys;

/// What recovery made, to be shown once.
pub struct Recovered {
    /// A new secret for each project.
    pub project_secrets: Vec<(ProjectId, SecretString)>,
    /// A new operator's key.
    pub operator_key: SecretString,
}

/// Starts anew with a fresh master key in the data folder. The old key file, if any, is kept aside.
pub async fn abandon_master_key(
    store: &dyn Store,
    data_dir: &Path,
    given: Option<MasterKey>,
    now: Timestamp,
) -> anyhow::Result<Recovered> {
    let master_key = match given {
        Some(key) => key,
        None => make_key(data_dir, now)?,
    };
    let (fresh, peppers) = installation::make(&master_key, now);
    let (mut keys, mut secrets, mut project_secrets) = (Vec::new(), Vec::new(), Vec::new());
    let mut page = Page { after: 0, limit: 500 };
    loop {
        let rows = store.list_projects(None, page).await?;
        let Some(last) = rows.last() else { break };
        page.after = last.ordinal;
        for project in rows.into_iter().map(|row| row.value) {
            keys.extend(first_keys(&project.id, &master_key, now)?);
            let secret = NewSecret::for_project(project.environment(), now, &peppers, &mut chance());
            project_secrets.push((project.id.clone(), secret.plaintext));
            secrets.push(ProjectSecret {
                id: generate_secret_id(&mut chance()),
                project_id: project.id,
                name: "recovered".to_owned(),
                secret: secret.stored,
                last_used_at: None,
                revoked_at: None,
            });
        }
    }
    let key = NewSecret::for_operator(now, &peppers, &mut chance());
    let operator = Operator::new(
        "recovered",
        Role::Admin,
        Reach::All,
        key.stored,
        now,
        &mut chance(),
    )?;
    let event = Origin::system().event(
        Action::MasterKeyAbandoned,
        None,
        master_key.id(),
        now,
        &mut chance(),
    );
    store
        .abandon_master_key(&fresh, &keys, &secrets, &operator, &event)
        .await?;
    Ok(Recovered {
        project_secrets,
        operator_key: key.plaintext,
    })
}

/// Should the old key turn up again, it is still there: a backup from before may need it.
fn make_key(data_dir: &Path, now: Timestamp) -> anyhow::Result<MasterKey> {
    for name in [KEY_FILE, NEXT_KEY_FILE] {
        let file = data_dir.join(name);
        if file.exists() {
            let aside = data_dir.join(format!("{name}.abandoned-{}", now.as_second()));
            std::fs::rename(&file, &aside).with_context(|| format!("cannot rename {}", file.display()))?;
        }
    }
    let key = MasterKey::generate(&mut chance());
    write_private(&data_dir.join(KEY_FILE), key.to_text().as_bytes())?;
    Ok(key)
}
