//! Keeping a new client, and changing one: read, decide, write if nobody was faster, else again.

use countersign_core::audit::{Action, Origin};
use countersign_core::client::Client;
use countersign_core::ids::{ClientId, ProjectId};
use countersign_store::{Change, StoreError};

use crate::app::App;
use crate::chance::chance;
use crate::problem::{ErrorType, Problem};

/// Tries against others who change the same client; more than a handful at once are a loop somewhere.
const TRIES: usize = 8;

/// Changes a client as `decide` says, which may be called more than once. Returns the client as written, and what
/// `decide` gave beside it.
pub async fn change_client<T>(
    app: &App,
    origin: &Origin,
    project_id: &ProjectId,
    client_id: &str,
    action: Action,
    decide: impl Fn(&Client) -> Result<(Client, T), Problem>,
) -> Result<(Client, T), Problem> {
    let client_id: ClientId = client_id.parse().map_err(|_| Problem::client_not_found())?;
    for _ in 0..TRIES {
        // From the database, not from memory: what is decided here is written.
        let found = app.store.client(project_id, &client_id).await?;
        let before = found.ok_or_else(Problem::client_not_found)?;
        let (after, beside) = decide(&before)?;
        let event = origin
            .event(
                action,
                Some(project_id),
                client_id.as_str(),
                app.now(),
                &mut chance(),
            )
            .from(before.for_audit())
            .to(after.for_audit());
        match app.store.update_client(&after, &event).await {
            Ok(()) => {
                app.memory.forget(&Change::Client(project_id.clone(), client_id));
                return Ok((after, beside));
            }
            Err(StoreError::Stale) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(StoreError::Stale.into())
}

/// Keeps a client just made.
pub async fn insert_client(app: &App, origin: &Origin, client: &Client) -> Result<(), Problem> {
    let (project_id, client_id) = (&client.project_id, &client.client_id);
    let event = origin
        .event(
            Action::ClientCreated,
            Some(project_id),
            client_id.as_str(),
            app.now(),
            &mut chance(),
        )
        .to(client.for_audit());
    app.store
        .insert_client(client, &event)
        .await
        .map_err(|error| match error {
            StoreError::Duplicate => {
                ErrorType::DuplicateM2mClientId.because("A client with this client_id exists in the project.")
            }
            error => error.into(),
        })?;
    // Its absence may be held in memory.
    app.memory
        .forget(&Change::Client(project_id.clone(), client_id.clone()));
    Ok(())
}

/// The client that a path names, from the database.
pub async fn find_client(app: &App, project_id: &ProjectId, client_id: &str) -> Result<Client, Problem> {
    let client_id: ClientId = client_id.parse().map_err(|_| Problem::client_not_found())?;
    app.store
        .client(project_id, &client_id)
        .await?
        .ok_or_else(Problem::client_not_found)
}
