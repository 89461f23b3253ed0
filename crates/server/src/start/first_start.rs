//! The first start: a project and an operator, so that there is something to call and someone to call it.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use countersign_core::Timestamp;
use countersign_core::audit::{Action, AuditEvent, Origin};
use countersign_core::ids::{Environment, ProjectId};
use countersign_core::key_life::StoredKey;
use countersign_core::operator::{Operator, Reach, Role};
use countersign_core::project::{Project, ProjectSecret, TokenProfile};
use countersign_core::secret::{NewSecret, generate_secret_id};
use countersign_store::{Page, StoreError};
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use super::Opened;
use super::data_dir::write_private;
use crate::chance::chance;
use crate::keys::making::first_keys;

/// Name of the file in the data folder that holds what was made, when nobody watches a terminal.
pub const FILE: &str = "first-start.env";

/// What the first start made, to be shown once.
pub struct FirstStart {
    environment: Zeroizing<String>,
    file: PathBuf,
}

/// A project and an operator on a database that has neither; `None` when there is any.
///
/// The file is written before the database, and both are made in one transaction: whatever interrupts it, nobody is left with
/// half an installation, or with one whose only credentials were never shown.
pub async fn make_if_empty(
    opened: &Opened,
    public_url: &str,
    ca_file: Option<&Path>,
    now: Timestamp,
) -> anyhow::Result<Option<FirstStart>> {
    let first = Page { after: 0, limit: 1 };
    let is_empty = opened.store.list_operators(first).await?.is_empty()
        && opened.store.list_projects(None, first).await?.is_empty();
    if !is_empty {
        return Ok(None);
    }
    let project_id = ProjectId::generate(Environment::Test, &mut chance());
    let secret = NewSecret::for_project(Environment::Test, now, &opened.peppers, &mut chance());
    let key = NewSecret::for_operator(now, &opened.peppers, &mut chance());
    let made = FirstStart {
        environment: environment(
            public_url,
            ca_file,
            &project_id,
            &secret.plaintext,
            &key.plaintext,
        ),
        file: opened.data_dir.path().join(FILE),
    };
    let (operator, of_operator) = admin(key, now)?;
    let first = project(opened, &project_id, secret, public_url, now)?;
    made.write()?;
    let events = [of_operator, first.event];
    let kept = opened
        .store
        .insert_first(&operator, &first.project, &first.secret, &first.keys, &events)
        .await;
    match kept {
        Ok(()) => Ok(Some(made)),
        // Another node was faster, and shows what it made.
        Err(StoreError::Duplicate) => made.forget().map(|()| None),
        Err(error) => Err(error.into()),
    }
}

/// What a shell takes up by `source`.
fn environment(
    url: &str,
    ca_file: Option<&Path>,
    project_id: &ProjectId,
    project_secret: &SecretString,
    operator_key: &SecretString,
) -> Zeroizing<String> {
    let ca = ca_file
        .map(|file| format!("export COUNTERSIGN_CA_FILE={}\n", quoted(file)))
        .unwrap_or_default();
    Zeroizing::new(format!(
        "export COUNTERSIGN_URL={url}\n{ca}export COUNTERSIGN_PROJECT_ID={project_id}\n\
         export COUNTERSIGN_PROJECT_SECRET={}\nexport COUNTERSIGN_OPERATOR_KEY={}\n",
        project_secret.expose_secret(),
        operator_key.expose_secret(),
    ))
}

/// A project with what belongs to it from the first.
pub struct NewProject {
    /// The project.
    pub project: Project,
    /// Its secret.
    pub secret: ProjectSecret,
    /// Its keys.
    pub keys: Vec<StoredKey>,
    /// What the audit shall say.
    pub event: AuditEvent,
}

/// A project of the given id and secret.
pub fn project(
    opened: &Opened,
    id: &ProjectId,
    secret: NewSecret,
    public_url: &str,
    now: Timestamp,
) -> anyhow::Result<NewProject> {
    let profile = TokenProfile::default();
    let project = Project::new(id.clone(), "default", profile, public_url, now)?;
    let keys = first_keys(id, opened.master_keys.present(), now)?;
    let secret = ProjectSecret {
        id: generate_secret_id(&mut chance()),
        project_id: id.clone(),
        name: "first".to_owned(),
        secret: secret.stored,
        last_used_at: None,
        revoked_at: None,
    };
    let event = Origin::system()
        .event(Action::ProjectCreated, Some(id), id.as_str(), now, &mut chance())
        .to(project.for_audit());
    Ok(NewProject {
        project,
        secret,
        keys,
        event,
    })
}

/// An operator that may do everything, and what the audit shall say.
pub fn admin(key: NewSecret, now: Timestamp) -> anyhow::Result<(Operator, AuditEvent)> {
    let operator = Operator::new("first", Role::Admin, Reach::All, key.stored, now, &mut chance())?;
    let event = Origin::system()
        .event(Action::OperatorCreated, None, &operator.id, now, &mut chance())
        .to(operator.for_audit());
    Ok((operator, event))
}

impl FirstStart {
    /// A file of an earlier try belongs to a database that never came to be: this one is empty.
    fn write(&self) -> anyhow::Result<()> {
        if self.file.exists() {
            std::fs::remove_file(&self.file)
                .with_context(|| format!("cannot remove {}", self.file.display()))?;
        }
        write_private(&self.file, self.environment.as_bytes())
    }

    /// Nobody shall take up credentials that were never kept.
    fn forget(&self) -> anyhow::Result<()> {
        std::fs::remove_file(&self.file).with_context(|| format!("cannot remove {}", self.file.display()))
    }

    /// The commands and secrets for whoever started it. On a terminal they are shown; otherwise only the name of the file
    /// is, because output that is not a terminal is usually kept.
    pub fn announce(&self) -> anyhow::Result<()> {
        let mut out = std::io::stdout().lock();
        let file = self.file.display();
        if std::io::stdout().is_terminal() {
            write!(
                out,
                "\nFirst start. These secrets are shown once, and kept in {file}:\n\n"
            )?;
            for line in self.environment.lines() {
                writeln!(out, "  {line}")?;
            }
        } else {
            write!(
                out,
                "\nFirst start. The project's secret and the operator's key are in {file}\n"
            )?;
        }
        next_steps(&mut out, &self.file).context("standard output")
    }
}

/// The three commands that a newcomer runs next, in another terminal and perhaps in another folder, pasted as they are.
fn next_steps(out: &mut impl Write, file: &Path) -> std::io::Result<()> {
    let (file, program) = (quoted(file), program());
    write!(
        out,
        "\nNext, in another terminal: take up the credentials, make a client, get a token and verify it.\n\n  \
         source {file}\n  \
         {program} client create --name my-first-client --scope read:users --save my-first-client.env\n  \
         {program} token get --from my-first-client.env | {program} token verify -\n\n"
    )?;
    out.flush()
}

/// This program as a shell finds it: by its short name where that leads here.
fn program() -> String {
    const NAME: &str = "countersign";
    let Ok(program) = std::env::current_exe() else {
        return NAME.to_owned();
    };
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path)
        .filter_map(|folder| std::fs::canonicalize(folder.join(NAME)).ok())
        .next();
    if found.is_some() && found == std::fs::canonicalize(&program).ok() {
        NAME.to_owned()
    } else {
        quoted(&program)
    }
}

/// A file's whole name as a word of a shell.
fn quoted(file: &Path) -> String {
    let whole = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    let text = whole.display().to_string();
    shlex::try_quote(&text).map_or_else(|_| text.clone(), std::borrow::Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commands_can_be_pasted_in_any_folder() {
        let mut out = Vec::new();
        next_steps(&mut out, Path::new("my data/first-start.env")).unwrap();
        let text = String::from_utf8(out).unwrap();
        let commands: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("  ")).collect();
        assert_eq!(commands.len(), 3, "{text}");
        let file = shlex::split(commands[0]).unwrap().remove(1);
        assert!(
            Path::new(&file).is_absolute() && file.ends_with("my data/first-start.env"),
            "{file}"
        );
    }
}
