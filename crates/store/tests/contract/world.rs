//! What stories are told with: a store, a project in it, and makers of everything else.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use countersign_core::audit::{Action, Actor, ActorKind, AuditEvent, Origin};
use countersign_core::client::{Client, ClientDraft};
use countersign_core::ids::{self, Environment, ProjectId};
use countersign_core::key_life::StoredKey;
use countersign_core::operator::{Operator, Reach, Role};
use countersign_core::pepper::{PepperId, Peppers};
use countersign_core::project::{Project, ProjectSecret, TokenProfile};
use countersign_core::seal::Sealed;
use countersign_core::secret::{NewSecret, StoredSecret};
use countersign_core::{Algorithm, Timestamp};
use countersign_store::{Change, ChangePosition, Page, Result, Row, Transfer};
use rand::SeedableRng;
use rand::rngs::StdRng;

pub(crate) struct World {
    pub(crate) store: Arc<dyn Transfer>,
    pub(crate) project: Project,
    pub(crate) chance: StdRng,
    /// Keeps the engine's files, or its schema, as long as the story lasts.
    _home: Box<dyn Any + Send>,
}

/// Everything in one page.
pub(crate) const ALL: Page = Page {
    after: 0,
    limit: 100_000,
};

pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

pub(crate) fn peppers() -> Peppers {
    Peppers::new(PepperId::from_stored("p"), &[7; 32])
}

pub(crate) fn sealed(text: &str) -> Sealed {
    Sealed::from_stored(format!("v1.test.{text}"))
}

pub(crate) fn values<T>(rows: Vec<Row<T>>) -> Vec<T> {
    rows.into_iter().map(|row| row.value).collect()
}

impl World {
    pub(crate) async fn new(store: Arc<dyn Transfer>, home: Box<dyn Any + Send>) -> Self {
        let mut chance = StdRng::seed_from_u64(1);
        let project = new_project(&mut chance);
        let mut world = Self {
            store,
            project,
            chance,
            _home: home,
        };
        world.keep_project(&world.project.clone()).await;
        world
    }

    pub(crate) fn event(&mut self, action: Action, object: &str) -> AuditEvent {
        self.event_at(action, object, 100)
    }

    pub(crate) fn event_at(&mut self, action: Action, object: &str, second: i64) -> AuditEvent {
        let actor = Actor {
            kind: ActorKind::Operator,
            id: "operator-1".into(),
        };
        let origin = Origin {
            actor,
            request_id: "request-id-1".into(),
            address: None,
        };
        origin.event(
            action,
            Some(&self.project.id),
            object,
            at(second),
            &mut self.chance,
        )
    }

    pub(crate) fn new_project(&mut self) -> Project {
        new_project(&mut self.chance)
    }

    /// Keeps a project with a secret and no keys.
    pub(crate) async fn keep_project(&mut self, project: &Project) -> ProjectSecret {
        let secret = self.new_project_secret(&project.id);
        let event = self.event(Action::ProjectCreated, project.id.as_str());
        self.store
            .insert_project(project, &secret, &[], &event)
            .await
            .unwrap();
        secret
    }

    pub(crate) fn new_project_secret(&mut self, project_id: &ProjectId) -> ProjectSecret {
        let secret = NewSecret::for_project(Environment::Test, at(1), &peppers(), &mut self.chance).stored;
        let id = countersign_core::secret::generate_secret_id(&mut self.chance);
        let (last_used_at, revoked_at) = (None, None);
        ProjectSecret {
            id,
            project_id: project_id.clone(),
            name: "backend".into(),
            secret,
            last_used_at,
            revoked_at,
        }
    }

    pub(crate) fn new_client(&mut self, name: &str, scopes: &[&str]) -> Client {
        self.client_of(ClientDraft {
            name: name.into(),
            scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
            ..ClientDraft::default()
        })
    }

    pub(crate) fn client_of(&mut self, draft: ClientDraft) -> Client {
        Client::create(draft, &self.project.id, at(1), &peppers(), &mut self.chance)
            .unwrap()
            .0
    }

    pub(crate) async fn insert(&mut self, client: &Client) -> Result<()> {
        let event = self.event(Action::ClientCreated, client.client_id.as_str());
        self.store.insert_client(client, &event).await
    }

    pub(crate) async fn update(&mut self, client: &Client) -> Result<()> {
        let event = self.event(Action::ClientUpdated, client.client_id.as_str());
        self.store.update_client(client, &event).await
    }

    pub(crate) async fn delete(&mut self, client: &Client) -> Result<()> {
        let event = self.event(Action::ClientDeleted, client.client_id.as_str());
        self.store.delete_client(client, &event).await
    }

    /// Keeps a new client.
    pub(crate) async fn kept_client(&mut self, name: &str, scopes: &[&str]) -> Client {
        let client = self.new_client(name, scopes);
        self.insert(&client).await.unwrap();
        client
    }

    pub(crate) async fn stored(&self, client: &Client) -> Option<Client> {
        self.store
            .client(&client.project_id, &client.client_id)
            .await
            .unwrap()
    }

    pub(crate) fn new_key(&mut self, algorithm: Algorithm, second: i64) -> StoredKey {
        let kid = ids::generate_kid(Environment::Test, &mut self.chance);
        StoredKey {
            sealed: sealed(&kid),
            kid,
            project_id: self.project.id.clone(),
            algorithm,
            announced_at: at(second),
            activate_at: at(second),
            retire_at: None,
            drop_at: None,
            certificate: None,
        }
    }

    pub(crate) async fn keep_key(&mut self, key: &StoredKey, expected: &[&str]) -> Result<()> {
        let event = self.event(Action::KeyAnnounced, &key.kid);
        let expected: Vec<String> = expected.iter().map(|kid| (*kid).to_owned()).collect();
        self.store.insert_key(key, &[], &expected, &event).await
    }

    pub(crate) fn new_operator(&mut self, name: &str, reach: Reach) -> Operator {
        let key: StoredSecret = NewSecret::for_operator(at(1), &peppers(), &mut self.chance).stored;
        Operator::new(name, Role::Admin, reach, key, at(2), &mut self.chance).unwrap()
    }

    /// A position that the feed reaches back to. In a new PostgreSQL database it does not while a transaction of another test's is
    /// open that is older than this database's first change.
    pub(crate) async fn position(&self) -> ChangePosition {
        loop {
            let position = self.store.changes(None).await.unwrap().position;
            let since = self.store.changes(Some(&position)).await.unwrap();
            if since.changed.is_some() {
                return position;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// What changed since, which must still be known.
    pub(crate) async fn changed_since(&self, position: &ChangePosition) -> Vec<Change> {
        self.store.changes(Some(position)).await.unwrap().changed.unwrap()
    }
}

fn new_project(chance: &mut StdRng) -> Project {
    Project {
        id: ProjectId::generate(Environment::Test, chance),
        version: 1,
        name: "Störche & Co".into(),
        token_profile: TokenProfile::Stytch,
        issuer: "https://id.example/v1/public/x".into(),
        created_at: at(1),
        updated_at: at(1),
    }
}
