//! How connections are opened, and which server is believed to be the primary.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, PgConnection, PgPool, Postgres};

use super::{PostgresStore, PostgresUrl, writer};
use crate::{Condition, Result, StoreError};

/// How long one statement may run on the server, or wait for a lock there.
const STATEMENT_TIMEOUT: &str = "5s";
/// How long the server keeps the locks of a transaction whose node has fallen silent.
const IDLE_IN_TRANSACTION_TIMEOUT: &str = "10s";
/// How long an intention waits for a connection, in all.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// After so long without a connection it is asked whether another server has become the primary.
const PATIENCE: Duration = Duration::from_millis(250);
/// How long a server may take to say what it is.
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);
/// The least time between two such questions.
const SEEK_EVERY: Duration = Duration::from_millis(200);

/// Whether the server takes writes, and the number of its timeline, which every promotion makes larger.
const WHAT_ARE_YOU: &str = "SELECT NOT pg_is_in_recovery() AND NOT current_setting('transaction_read_only')::bool,
    CASE WHEN pg_is_in_recovery() THEN 0
        ELSE ('x' || lpad(substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8), 16, '0'))::bit(64)::bigint END";

/// What was answered is on the disk, whatever the server's default. Where standbys are waited for, that stays.
const ON_DISK: &str = "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'";

/// Connections to whichever of the servers is the primary.
#[derive(Clone)]
pub(super) struct Servers(Arc<Inner>);

struct Inner {
    pool: PgPool,
    urls: Vec<PgConnectOptions>,
    known: Arc<Known>,
    sought_at: tokio::sync::Mutex<Option<Instant>>,
    waiting: AtomicU64,
    repeated: AtomicU64,
}

/// What one pool learns and all must heed: were the feed still read from a primary of before, memory would be believed that
/// the new one contradicts.
#[derive(Default)]
struct Known {
    /// The highest timeline seen. A server on a lower one was the primary before a failover: what it takes is lost.
    timeline: AtomicU64,
    /// When a connection was last lost; those that were open then are not used again.
    lost_at: Mutex<Option<Instant>>,
}

impl Known {
    fn lost_at(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        self.lost_at.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a server says of itself.
struct Answer {
    takes_writes: bool,
    timeline: u64,
}

impl Servers {
    /// Connections to one of `urls`, at most so many at a time. Nothing is connected yet.
    pub(super) fn new(urls: &[PostgresUrl], connections: u32) -> Result<Self> {
        let urls = urls.iter().map(|url| session(&url.0)).collect();
        Self::knowing(urls, connections, Arc::default())
    }

    /// Further connections to the same servers, in a pool of their own.
    pub(super) fn beside(&self, connections: u32) -> Result<Self> {
        Self::knowing(self.0.urls.clone(), connections, self.0.known.clone())
    }

    fn knowing(urls: Vec<PgConnectOptions>, connections: u32, known: Arc<Known>) -> Result<Self> {
        let first = urls
            .first()
            .ok_or_else(|| StoreError::Url("no server is named".to_owned()))?
            .clone();
        let (at_connect, at_acquire) = (known.clone(), known.clone());
        let pool = PgPoolOptions::new()
            .max_connections(connections.max(1))
            .acquire_timeout(ACQUIRE_TIMEOUT)
            // A lost connection shows at its next use, which is repeated; a question before each use would cost as much again.
            .test_before_acquire(false)
            .after_connect(move |connection, _| {
                let known = at_connect.clone();
                Box::pin(async move {
                    believe(&ask(connection).await?, &known)?;
                    sqlx::query(ON_DISK).execute(connection).await?;
                    Ok(())
                })
            })
            .before_acquire(move |_, meta| {
                let lost = *at_acquire.lost_at();
                Box::pin(async move { Ok(lost.is_none_or(|lost| meta.age < lost.elapsed())) })
            })
            .connect_lazy_with(first);
        Ok(Self(Arc::new(Inner {
            pool,
            urls,
            known,
            sought_at: tokio::sync::Mutex::default(),
            waiting: AtomicU64::default(),
            repeated: AtomicU64::default(),
        })))
    }

    /// A connection to the primary.
    pub(super) async fn acquire(&self) -> sqlx::Result<PoolConnection<Postgres>> {
        let _waiting = Waiting::begin(&self.0.waiting);
        let acquire = self.0.pool.acquire();
        tokio::pin!(acquire);
        match tokio::time::timeout(PATIENCE, &mut acquire).await {
            Ok(acquired) => acquired,
            Err(_) => {
                self.seek().await;
                acquire.await
            }
        }
    }

    /// Counts an attempt that is made again.
    pub(super) fn repeated(&self) {
        self.0.repeated.fetch_add(1, Ordering::Relaxed);
    }

    /// Gives up every connection that is open now, and asks which server is the primary.
    pub(super) async fn lost(&self) {
        *self.0.known.lost_at() = Some(Instant::now());
        self.seek().await;
    }

    /// Connects to the server of the newest timeline that takes writes, from now on.
    async fn seek(&self) {
        if self.0.urls.len() < 2 {
            return;
        }
        let mut sought_at = self.0.sought_at.lock().await;
        if sought_at.is_some_and(|at| at.elapsed() < SEEK_EVERY) {
            return;
        }
        let answers = futures_util::future::join_all(self.0.urls.iter().map(probe)).await;
        let primary = answers
            .into_iter()
            .zip(&self.0.urls)
            .filter_map(|(answer, url)| Some((answer?, url)))
            .filter(|(answer, _)| believe(answer, &self.0.known).is_ok())
            .max_by_key(|(answer, _)| answer.timeline);
        if let Some((_, url)) = primary {
            self.0.pool.set_connect_options(url.clone());
        }
        *sought_at = Some(Instant::now());
    }
}

/// Somebody who waits for a connection; also when that somebody goes away.
struct Waiting<'w>(&'w AtomicU64);

impl<'w> Waiting<'w> {
    fn begin(count: &'w AtomicU64) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What every session of ours has set.
fn session(url: &PgConnectOptions) -> PgConnectOptions {
    let named = match url.get_application_name() {
        Some(_) => url.clone(),
        None => url.clone().application_name("countersign"),
    };
    named
        .options([
            ("statement_timeout", STATEMENT_TIMEOUT),
            ("lock_timeout", STATEMENT_TIMEOUT),
            ("idle_in_transaction_session_timeout", IDLE_IN_TRANSACTION_TIMEOUT),
        ])
        .disable_statement_logging()
}

async fn ask(connection: &mut PgConnection) -> sqlx::Result<Answer> {
    let (takes_writes, timeline): (bool, i64) = sqlx::query_as(WHAT_ARE_YOU).fetch_one(connection).await?;
    Ok(Answer {
        takes_writes,
        timeline: timeline.unsigned_abs(),
    })
}

/// Whether a server may be the primary, as far as is known; remembers its timeline then.
fn believe(answer: &Answer, known: &Known) -> sqlx::Result<()> {
    if !answer.takes_writes {
        return Err(sqlx::Error::Configuration("the server is read-only".into()));
    }
    if known.timeline.fetch_max(answer.timeline, Ordering::Relaxed) > answer.timeline {
        return Err(sqlx::Error::Configuration(
            "the server was the primary before a failover".into(),
        ));
    }
    Ok(())
}

async fn probe(url: &PgConnectOptions) -> Option<Answer> {
    let asked = tokio::time::timeout(PROBE_TIMEOUT, async {
        let mut connection = url.connect().await?;
        let answer = ask(&mut connection).await;
        let _ = connection.close().await;
        answer
    });
    asked.await.ok()?.ok()
}

/// Whether the server takes writes: a connection is one to a primary.
pub(super) async fn ping(store: &PostgresStore) -> Result<()> {
    writer::look(&store.servers, (), |connection, ()| {
        Box::pin(async move {
            ask(connection).await.and_then(|answer| {
                answer
                    .takes_writes
                    .then_some(())
                    .ok_or_else(|| sqlx::Error::Configuration("the server is read-only".into()))
            })?;
            Ok(())
        })
    })
    .await
}

/// How busy the connections are; the one for the feed is not among them.
pub(super) fn condition(store: &PostgresStore) -> Condition {
    let servers = &store.servers.0;
    Condition {
        connections: servers.pool.size(),
        idle: u32::try_from(servers.pool.num_idle()).unwrap_or(u32::MAX),
        waiting: servers.waiting.load(Ordering::Relaxed),
        repeated: servers.repeated.load(Ordering::Relaxed),
    }
}

/// Ends all connections.
pub(super) async fn close(store: &PostgresStore) {
    store.feed.0.pool.close().await;
    store.servers.0.pool.close().await;
}
