//! What stories are told with: the real router over a real database in a folder of its own, a clock that is set by hand,
//! and callers of every kind.

pub(crate) mod answer;
pub(crate) mod caller;
pub(crate) mod clock;
pub(crate) mod database;
pub(crate) mod engine;
pub(crate) mod fixtures;
pub(crate) mod observed_store;
pub(crate) mod old_service;
pub(crate) mod operations;
pub(crate) mod server;
pub(crate) mod tokens;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use countersign::app::{App, Parts, Stopping};
use countersign::clock::Clock;
use countersign::config::{Config, signed};
use countersign::dual_run::DualRun;
use countersign::keys::OldestKey;
use countersign::limits::Limits;
use countersign::memory::Memory;
use countersign::memory::feed::{Follower, Freshness};
use countersign::router::router;
use countersign::secret_check::SecretChecker;
use countersign::signer::Signer;
use countersign::start;
use countersign::start::data_dir::DataDir;
use countersign::usage::UsageRecorder;
use countersign_cluster::Cluster;
use countersign_core::grant::TokenPolicy;
use countersign_store::{ChangePosition, Store as _};
use http::Request;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::Semaphore;
use toml::Value as Toml;
use tower::util::MapRequest;

use answer::Answer;
use caller::Caller;
use clock::FixedClock;
use fixtures::{TestOperator, TestProject};
use observed_store::ObservedStore;

/// Stands in issuers, audiences and error links.
pub(crate) const PUBLIC_URL: &str = "https://id.example";

type Routes = MapRequest<Router, fn(Request<Body>) -> Request<Body>>;

pub(crate) struct TestApp {
    pub(crate) app: App,
    pub(crate) clock: Arc<FixedClock>,
    pub(crate) store: Arc<ObservedStore>,
    /// Of the test environment; most stories happen here.
    pub(crate) project: TestProject,
    /// Of the live environment; whoever must not be reached.
    pub(crate) other: TestProject,
    /// May do everything.
    pub(crate) operator: TestOperator,
    /// Where the change feed ended when the story began.
    pub(crate) feed_start: ChangePosition,
    _dir: TempDir,
    _cluster: Option<Cluster>,
    pub(crate) routes: Routes,
    _data_dir: DataDir,
}

/// A client just made.
#[derive(Debug, Clone)]
pub(crate) struct NewClient {
    pub(crate) id: String,
    pub(crate) secret: String,
    /// `m2m_client` of the answer.
    pub(crate) view: Value,
}

impl TestApp {
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// With other settings than the defaults.
    pub(crate) async fn with(change: impl FnOnce(&mut Config)) -> Self {
        // Believed for as long as a story may take, so that nothing depends on the machine's speed.
        Self::make(change, Freshness::new(Duration::from_secs(3600))).await
    }

    /// With a memory that is believed for another time.
    pub(crate) async fn with_freshness(freshness: Freshness) -> Self {
        Self::make(|_| {}, freshness).await
    }

    async fn make(change: impl FnOnce(&mut Config), freshness: Freshness) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let data_dir = dir.path().join("data").display().to_string();
        let mut overrides = vec![
            ("server.data_dir", Toml::String(data_dir)),
            ("server.public_url", Toml::String(PUBLIC_URL.to_owned())),
        ];
        let cluster = engine::choose(&dir, &mut overrides);
        let mut config = Config::load(None, [], overrides).unwrap();
        change(&mut config);
        let clock = Arc::new(FixedClock::default());
        let opened = start::open(&config, clock.as_ref()).await.unwrap();
        let now = clock.now();
        let project = fixtures::make_project(&opened, fixtures::PROJECT, now).await;
        let other = fixtures::make_project(&opened, fixtures::OTHER_PROJECT, now).await;
        let operator = fixtures::make_operator(&opened, now).await;

        let store = ObservedStore::new(opened.store);
        let memory = Arc::new(Memory::new(
            config.cache.max_mib * 1024 * 1024,
            Arc::new(freshness),
        ));
        let mut follower = Follower::new(store.clone(), memory.clone(), clock.clone());
        follower.poll().await.unwrap();
        let feed_start = store.changes(None).await.unwrap().position;
        let app = App::new(Parts {
            public_url: PUBLIC_URL.to_owned(),
            gateway_url: None,
            clock: clock.clone(),
            store: store.clone(),
            memory,
            master_keys: opened.master_keys,
            token_policy: TokenPolicy {
                lifetime: signed(config.tokens.lifetime),
                gateway_audience: format!("{PUBLIC_URL}/gateway"),
            },
            signer: Signer::start(1, config.limits.signing_queue).unwrap(),
            secrets: SecretChecker::new(opened.peppers.clone(), 1),
            dual_run: DualRun::new(&config.dual_run.services, &config.dual_run.ca_file).unwrap(),
            peppers: opened.peppers,
            limits: Limits::new(&config.limits),
            usage: Arc::new(UsageRecorder::default()),
            oldest_key: OldestKey::default(),
            stopping: Stopping::default(),
            places: Semaphore::new(config.limits.concurrent_requests),
            config,
        });
        let routes = router::<Body>(app.clone());
        Self {
            app,
            clock,
            store,
            project,
            other,
            operator,
            feed_start,
            _dir: dir,
            _cluster: cluster,
            routes,
            _data_dir: opened.data_dir,
        }
    }

    // Who calls.

    pub(crate) fn anonymous(&self) -> Caller<'_> {
        Caller::anonymous(self)
    }

    /// The backend of the project.
    pub(crate) fn backend(&self) -> Caller<'_> {
        self.anonymous().basic(&self.project.id, &self.project.secret)
    }

    /// The backend of the other project.
    pub(crate) fn other_backend(&self) -> Caller<'_> {
        self.anonymous().basic(&self.other.id, &self.other.secret)
    }

    /// The operator that may do everything.
    pub(crate) fn admin(&self) -> Caller<'_> {
        self.anonymous().bearer(&self.operator.key)
    }

    // What is done again and again.

    pub(crate) async fn create_client(&self, body: Value) -> NewClient {
        NewClient::of(&self.backend().post("/v1/m2m/clients", body).await)
    }

    pub(crate) async fn create_other_client(&self, body: Value) -> NewClient {
        NewClient::of(&self.other_backend().post("/v1/m2m/clients", body).await)
    }

    /// Where tokens of the project are had.
    pub(crate) fn token_path(&self) -> String {
        token_path(&self.project.id)
    }

    /// Asks for a token as a stranger with these credentials in a JSON body.
    pub(crate) async fn ask_token(&self, id: &str, secret: &str) -> Answer {
        let body = token_request(id, secret);
        self.anonymous().post(&self.token_path(), body).await
    }

    /// A token with all scopes of the client.
    pub(crate) async fn token(&self, client: &NewClient) -> String {
        let body = self.ask_token(&client.id, &client.secret).await.ok();
        body["access_token"].as_str().unwrap().to_owned()
    }

    /// A read-only operator, or an admin of some projects, made through the admin API.
    pub(crate) async fn create_operator(&self, body: Value) -> TestOperator {
        let made = self.admin().post("/admin/v1/operators", body).await.ok();
        TestOperator {
            id: made["operator"]["operator_id"].as_str().unwrap().to_owned(),
            key: made["operator_key"].as_str().unwrap().to_owned(),
        }
    }
}

impl NewClient {
    #[track_caller]
    fn of(answer: &Answer) -> Self {
        let view = answer.ok()["m2m_client"].take();
        let text = |name: &str| view[name].as_str().unwrap().to_owned();
        Self {
            id: text("client_id"),
            secret: text("client_secret"),
            view,
        }
    }
}

/// A token request for all scopes, as JSON.
pub(crate) fn token_request(client_id: &str, client_secret: &str) -> Value {
    json!({ "client_id": client_id, "client_secret": client_secret, "grant_type": "client_credentials" })
}

pub(crate) fn token_path(project_id: &str) -> String {
    format!("/v1/public/{project_id}/oauth2/token")
}

pub(crate) fn client_path(client_id: &str) -> String {
    format!("/v1/m2m/clients/{client_id}")
}
