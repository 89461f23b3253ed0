//! How an intention is carried out: in a transaction of its own, again when it may pass, and never twice.
//!
//! A lost connection leaves open whether its commit came to be. The intention is carried out again all the same, and its
//! audit event decides: the event's id is unique, so a second copy cannot be written while the first is there. What is
//! refused after a loss is therefore asked for its event: if that is there, the first copy was the one that was written.
//! A first copy still under way holds its rows locked, and the second waits for its fate.

use std::future::Future;
use std::hash::{Hash as _, Hasher as _};
use std::pin::Pin;
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::{Connection, PgConnection, Postgres};
use tokio::time::Instant;

use super::connect::Servers;
use super::{audit, outage};
use crate::{Result, StoreError};

/// How long an intention is tried. Longer than a promotion that is done by a machine, shorter than the time for a request.
const TRIED_FOR: Duration = Duration::from_secs(15);
/// How long one attempt may take: somewhat longer than the server lets a statement run. A link that froze shows by it.
const ATTEMPT: Duration = Duration::from_secs(6);
/// The same for what changes every client: tens of millions of rows, and a disk that is slow.
const ATTEMPT_AT_LEISURE: Duration = Duration::from_secs(30 * 60);
/// How long a look may take.
const LOOK: Duration = Duration::from_secs(1);
/// The first pause between attempts; each is twice as long as the one before, up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// How a transaction begins that reads several tables as of one moment.
pub(super) const SNAPSHOT: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// What an intention does, on a connection lent to it.
pub(super) type Work<'c, T> = Pin<Box<dyn Future<Output = Attempted<T>> + Send + 'c>>;

/// What came of it, still in the words of the driver where it failed there.
pub(super) type Attempted<T> = std::result::Result<T, Trouble>;

/// How to carry out an intention, as often as it takes.
pub(super) type Steps<I, T> = for<'c> fn(&'c mut PgConnection, &'c I) -> Work<'c, T>;

/// Why an attempt failed.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The store refuses: stale, inconsistent.
    Refused(StoreError),
    /// The driver says so.
    Driver(sqlx::Error),
    /// No answer came in time.
    TooLong,
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::Refused(error)
    }
}

impl From<sqlx::Error> for Trouble {
    fn from(error: sqlx::Error) -> Self {
        Self::Driver(error)
    }
}

impl Trouble {
    fn may_pass(&self) -> bool {
        match self {
            Self::Refused(_) => false,
            Self::Driver(error) => outage::may_pass(error),
            Self::TooLong => true,
        }
    }

    fn is_loss(&self) -> bool {
        match self {
            Self::Refused(_) => false,
            Self::Driver(error) => outage::is_loss(error),
            Self::TooLong => true,
        }
    }

    fn into_error(self) -> StoreError {
        match self {
            Self::Refused(error) => error,
            Self::Driver(error) => error.into(),
            Self::TooLong => StoreError::Unavailable("the database did not answer in time".to_owned()),
        }
    }
}

/// How a transaction sees others.
#[derive(Clone, Copy)]
pub(super) enum Isolation {
    /// One statement, which is a transaction by itself: all of it or nothing, and one way to the server and back.
    OneStatement,
    /// What others committed shows at once; versions and unique keys decide races.
    ReadCommitted,
    /// As if alone: for what is decided by rows that it does not write.
    Serializable,
    /// The same without hurry: for what changes every client, while no node is at work.
    SerializableAtLeisure,
}

impl Isolation {
    fn begin(self) -> Option<&'static str> {
        match self {
            Self::OneStatement => None,
            Self::ReadCommitted => Some("BEGIN ISOLATION LEVEL READ COMMITTED"),
            Self::Serializable => Some("BEGIN ISOLATION LEVEL SERIALIZABLE"),
            Self::SerializableAtLeisure => Some(
                "BEGIN ISOLATION LEVEL SERIALIZABLE; SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0",
            ),
        }
    }

    /// How long an attempt may take.
    fn attempt(self) -> Duration {
        match self {
            Self::OneStatement | Self::ReadCommitted | Self::Serializable => ATTEMPT,
            Self::SerializableAtLeisure => ATTEMPT_AT_LEISURE,
        }
    }
}

/// Carries out an intention with its event, as often as it takes. Whoever stops waiting stops nothing.
pub(super) async fn carry_out<I>(
    servers: &Servers,
    event_id: &str,
    isolation: Isolation,
    intention: I,
    steps: Steps<I, ()>,
) -> Result<()>
where
    I: Send + Sync + 'static,
{
    let (servers, event_id) = (servers.clone(), event_id.to_owned());
    let task = tokio::spawn(async move {
        let mut pauses = Pauses::new(&event_id);
        let mut in_doubt = false;
        loop {
            let trouble = match attempt(&servers, isolation, &intention, steps).await {
                Ok(()) => return Ok(()),
                Err(trouble) => trouble,
            };
            if trouble.may_pass() {
                in_doubt |= trouble.is_loss();
                if trouble.is_loss() {
                    servers.lost().await;
                }
                if pauses.pause().await {
                    servers.repeated();
                    continue;
                }
            }
            return match trouble.into_error() {
                // What was written before the loss is the only thing that can stand in its own way.
                error @ (StoreError::Duplicate | StoreError::Stale) if in_doubt => {
                    match is_settled(&servers, &event_id).await {
                        Ok(true) => Ok(()),
                        Ok(false) => Err(error),
                        Err(_) => Err(StoreError::OutcomeUnknown),
                    }
                }
                StoreError::Unavailable(_) if in_doubt => Err(StoreError::OutcomeUnknown),
                error => Err(error),
            };
        }
    });
    // The task panics with the whole process or not at all.
    task.await.unwrap_or(Err(StoreError::OutcomeUnknown))
}

/// Carries out what does no harm when it is done twice, reading above all, as often as it takes.
pub(super) async fn repeat<I, T>(servers: &Servers, intention: I, steps: Steps<I, T>) -> Result<T>
where
    I: Sync,
{
    let mut pauses = Pauses::new("");
    loop {
        match on_connection(servers, &intention, ATTEMPT, steps).await {
            Ok(done) => return Ok(done),
            Err(trouble) => {
                if trouble.is_loss() {
                    servers.lost().await;
                }
                if !trouble.may_pass() || !pauses.pause().await {
                    return Err(trouble.into_error());
                }
                servers.repeated();
            }
        }
    }
}

/// Reads once, and soon or not at all: for whoever asks again by himself. An answer that is late costs its own connection and no
/// other: a server that is slow for a second is not one that was lost.
pub(super) async fn look<I, T>(servers: &Servers, question: I, steps: Steps<I, T>) -> Result<T>
where
    I: Sync,
{
    match on_connection(servers, &question, LOOK, steps).await {
        Ok(seen) => Ok(seen),
        Err(late @ Trouble::TooLong) => Err(late.into_error()),
        Err(trouble) => {
            if trouble.is_loss() {
                servers.lost().await;
            }
            Err(trouble.into_error())
        }
    }
}

/// Carries out what has no event and must not be done twice: after a loss nobody can tell.
pub(super) async fn carry_out_once<I>(servers: &Servers, intention: I, steps: Steps<I, ()>) -> Result<()>
where
    I: Send + Sync + 'static,
{
    let servers = servers.clone();
    let task = tokio::spawn(async move {
        match attempt(&servers, Isolation::ReadCommitted, &intention, steps).await {
            Ok(()) => Ok(()),
            Err(trouble) if trouble.is_loss() => {
                servers.lost().await;
                Err(StoreError::OutcomeUnknown)
            }
            Err(trouble) => Err(trouble.into_error()),
        }
    });
    task.await.unwrap_or(Err(StoreError::OutcomeUnknown))
}

/// Whether an event was written, and is wherever a commit has to be. It may have been written and not yet have reached the
/// standby that its commit waited for when it was cut off; so this commits after it, which waits for everything before.
async fn is_settled(servers: &Servers, event_id: &str) -> Result<bool> {
    let question = event_id.to_owned();
    attempt(
        servers,
        Isolation::ReadCommitted,
        &question,
        |connection, event_id| {
            Box::pin(async move {
                sqlx::query("SELECT pg_current_xact_id()")
                    .execute(&mut *connection)
                    .await?;
                Ok(audit::exists(connection, event_id).await?)
            })
        },
    )
    .await
    .map_err(Trouble::into_error)
}

async fn attempt<I: Sync, T>(
    servers: &Servers,
    isolation: Isolation,
    intention: &I,
    steps: Steps<I, T>,
) -> Attempted<T> {
    let mut connection = servers.acquire().await?;
    let attempted = tokio::time::timeout(isolation.attempt(), async {
        let Some(begin) = isolation.begin() else {
            return steps(&mut connection, intention).await;
        };
        let mut transaction = connection.begin_with(begin).await?;
        let done = steps(&mut transaction, intention).await?;
        transaction.commit().await?;
        Ok(done)
    });
    let attempted = attempted.await.unwrap_or(Err(Trouble::TooLong));
    put_back(connection, attempted)
}

/// Lends a connection for one attempt without a transaction around it.
async fn on_connection<I, T>(
    servers: &Servers,
    intention: &I,
    within: Duration,
    steps: Steps<I, T>,
) -> Attempted<T> {
    let until = Instant::now() + within;
    let acquired = tokio::time::timeout_at(until, servers.acquire()).await;
    let mut connection = acquired.map_err(|_| Trouble::TooLong)??;
    let attempted = tokio::time::timeout_at(until, steps(&mut connection, intention)).await;
    put_back(connection, attempted.unwrap_or(Err(Trouble::TooLong)))
}

/// A connection that was lost, or from which an answer may still come, is not used again.
fn put_back<T>(connection: PoolConnection<Postgres>, attempted: Attempted<T>) -> Attempted<T> {
    if attempted.as_ref().is_err_and(Trouble::is_loss) {
        drop(connection.detach());
    }
    attempted
}

/// Pauses between attempts, each for a random part of its length, so that nodes that were thrown out together do not come
/// back together. The chance in them is that of the event's id.
struct Pauses<'a> {
    seed: &'a str,
    next: Duration,
    until: Instant,
}

impl<'a> Pauses<'a> {
    fn new(seed: &'a str) -> Self {
        Self {
            seed,
            next: FIRST_PAUSE,
            until: Instant::now() + TRIED_FOR,
        }
    }

    /// Waits, and says whether there is time for another attempt.
    async fn pause(&mut self) -> bool {
        let mut hasher = std::hash::DefaultHasher::new();
        (self.seed, self.next).hash(&mut hasher);
        let part = hasher.finish() % 1000;
        let pause = self.next / 2 + self.next.mul_f64(part as f64 / 2000.0);
        self.next = (self.next * 2).min(LONGEST_PAUSE);
        if Instant::now() + pause > self.until {
            return false;
        }
        tokio::time::sleep(pause).await;
        true
    }
}
