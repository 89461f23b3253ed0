//! The one writer, and how writes share a commit.
//!
//! A commit costs a wait for the disk, about a millisecond, whatever it contains. So one task owns the only connection
//! that writes, takes every intention that waits, carries each out in a savepoint of its own, and commits once. An
//! intention that is refused (taken, stale) is rolled back to its savepoint and takes nothing of the others with it.
//!
//! Nobody is answered before the fate of the commit is known, refusals included: a refusal may rest on a row of the same
//! batch that never came to be. Whoever stops waiting stops nothing: the queue owns its intentions.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::FutureExt as _;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection, Executor, SqliteConnection};
use tokio::sync::{mpsc, oneshot};

use crate::{Result, StoreError};

/// Most intentions in one commit. More share the wait for the disk no better, and the first would wait for the last.
const BATCH_MAX: usize = 64;
/// Most intentions that wait. At some 8,000 a second the last of them waits an eighth of a second; more are better
/// refused early.
const QUEUE_MAX: usize = 1024;

/// What an intention does, on a connection lent to it.
pub(super) type Work<'c, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'c>>;

/// The way to the writing task.
pub(super) struct Writer {
    /// None when the database is open for reading alone.
    queue: Option<mpsc::Sender<Message>>,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    transactions: AtomicU64,
    commits: AtomicU64,
}

enum Message {
    Carry(Box<dyn Job>),
    Close(oneshot::Sender<()>),
}

impl Writer {
    /// Starts the task around a connection, which it replaces by one of the same `options` when it fails. It ends when the
    /// writer is closed or dropped and nothing waits any more.
    pub(super) fn start(connection: SqliteConnection, options: SqliteConnectOptions) -> Self {
        let (queue, waiting) = mpsc::channel(QUEUE_MAX);
        let counts = Arc::<Counts>::default();
        let (connection, closers) = (Some(connection), Vec::new());
        let task = Task {
            waiting,
            connection,
            options,
            counts: counts.clone(),
            closers,
        };
        tokio::spawn(task.run());
        Self {
            queue: Some(queue),
            counts,
        }
    }

    /// No writer: everything is refused.
    pub(super) fn none() -> Self {
        Self {
            queue: None,
            counts: Arc::default(),
        }
    }

    /// How many intentions wait for their turn.
    pub(super) fn waiting(&self) -> u64 {
        let taken = |queue: &mpsc::Sender<Message>| queue.max_capacity() - queue.capacity();
        self.queue.as_ref().map_or(0, taken) as u64
    }

    /// Carries out an intention: what it did is on disk when this answers.
    pub(super) async fn write<T, W>(&self, work: W) -> Result<T>
    where
        T: Send + 'static,
        W: for<'c> FnOnce(&'c mut SqliteConnection) -> Work<'c, T> + Send + 'static,
    {
        let queue = self
            .queue
            .as_ref()
            .ok_or_else(|| unavailable("the database is open for reading alone"))?;
        let (sender, answer) = oneshot::channel();
        let job = Box::new(Intention {
            work: Some(work),
            outcome: None,
            sender,
        });
        queue
            .try_send(Message::Carry(job))
            .map_err(|refused| match refused {
                mpsc::error::TrySendError::Full(_) => unavailable("too many writes are waiting"),
                mpsc::error::TrySendError::Closed(_) => unavailable("the database is closed"),
            })?;
        // The task answers everything it took; it can only be gone together with the whole runtime.
        answer.await.unwrap_or(Err(StoreError::OutcomeUnknown))
    }

    /// Carries out what waits, refuses what comes later, and closes the connection.
    pub(super) async fn close(&self) {
        let Some(queue) = &self.queue else { return };
        let (sender, closed) = oneshot::channel();
        if queue.send(Message::Close(sender)).await.is_ok() {
            let _ended = closed.await;
        }
    }

    /// How many transactions were committed.
    pub(super) fn commits(&self) -> u64 {
        self.counts.commits.load(Ordering::Relaxed)
    }

    /// How many transactions have ended, in whatever way; while it stays, nothing was written. `None` when it is another
    /// process that writes.
    pub(super) fn transactions(&self) -> Option<u64> {
        let is_ours = self.queue.is_some();
        is_ours.then(|| self.counts.transactions.load(Ordering::Acquire))
    }
}

fn unavailable(reason: &str) -> StoreError {
    StoreError::Unavailable(reason.to_owned())
}

/// An intention with its type erased.
trait Job: Send {
    /// Carries it out and keeps the outcome.
    fn run<'j>(&'j mut self, connection: &'j mut SqliteConnection) -> Running<'j>;
    /// Tells its sender the outcome, or why the batch was lost.
    fn answer(self: Box<Self>, lost: Option<&str>);
}

type Running<'j> = Pin<Box<dyn Future<Output = Verdict> + Send + 'j>>;

/// What became of an intention within its transaction.
enum Verdict {
    /// It is to be committed.
    Wanted,
    /// It is to be undone.
    Refused,
    /// It is to be undone, because the database failed, in these words.
    Failed(String),
}

struct Intention<W, T> {
    work: Option<W>,
    outcome: Option<Result<T>>,
    sender: oneshot::Sender<Result<T>>,
}

impl<T, W> Job for Intention<W, T>
where
    T: Send + 'static,
    W: for<'c> FnOnce(&'c mut SqliteConnection) -> Work<'c, T> + Send + 'static,
{
    fn run<'j>(&'j mut self, connection: &'j mut SqliteConnection) -> Running<'j> {
        Box::pin(async move {
            let Some(work) = self.work.take() else {
                return Verdict::Refused;
            };
            let outcome = work(connection).await;
            let verdict = match &outcome {
                Ok(_) => Verdict::Wanted,
                Err(StoreError::Unavailable(reason)) => Verdict::Failed(reason.clone()),
                Err(_) => Verdict::Refused,
            };
            self.outcome = Some(outcome);
            verdict
        })
    }

    fn answer(self: Box<Self>, lost: Option<&str>) {
        let answer = match (lost, self.outcome) {
            (None, Some(outcome)) => outcome,
            (reason, _) => Err(unavailable(reason.unwrap_or("the write was not reached"))),
        };
        // Nobody may be waiting any more; what is written is written all the same.
        let _ = self.sender.send(answer);
    }
}

struct Task {
    waiting: mpsc::Receiver<Message>,
    /// None after a failure that left it in an unknown state.
    connection: Option<SqliteConnection>,
    options: SqliteConnectOptions,
    counts: Arc<Counts>,
    closers: Vec<oneshot::Sender<()>>,
}

impl Task {
    async fn run(mut self) {
        while let Some(message) = self.waiting.recv().await {
            if let Some(first) = self.job_in(message) {
                self.carry_out(first).await;
            }
        }
        if let Some(connection) = self.connection.take()
            && let Err(error) = connection.close().await
        {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "the database was not closed cleanly"
            );
        }
        for closer in self.closers {
            let _ = closer.send(());
        }
    }

    fn job_in(&mut self, message: Message) -> Option<Box<dyn Job>> {
        match message {
            Message::Carry(job) => Some(job),
            Message::Close(closer) => {
                // What already waits is still received.
                self.waiting.close();
                self.closers.push(closer);
                None
            }
        }
    }

    /// One batch: the first intention and whatever else comes while it is under way.
    async fn carry_out(&mut self, first: Box<dyn Job>) {
        let mut batch = Vec::new();
        let lost = match self.transaction(first, &mut batch).await {
            Ok(()) => None,
            Err(error) => Some(self.abandon(error, batch.len()).await),
        };
        self.counts.transactions.fetch_add(1, Ordering::Release);
        for job in batch {
            job.answer(lost.as_deref());
        }
    }

    async fn transaction(&mut self, first: Box<dyn Job>, batch: &mut Vec<Box<dyn Job>>) -> Result<()> {
        let mut next = Some(first);
        let opened = self.begin().await;
        let mut wanted = false;
        while let Some(job) = next.take() {
            batch.push(job);
            if let (Ok(()), Some(job), Some(connection)) = (&opened, batch.last_mut(), &mut self.connection) {
                wanted |= in_savepoint(connection, job.as_mut()).await?;
            }
            while batch.len() < BATCH_MAX && next.is_none() {
                let Ok(message) = self.waiting.try_recv() else {
                    break;
                };
                next = self.job_in(message);
            }
        }
        opened?;
        self.end(wanted).await
    }

    async fn begin(&mut self) -> Result<()> {
        if self.connection.is_none() {
            self.connection = Some(SqliteConnection::connect_with(&self.options).await?);
        }
        self.execute("BEGIN IMMEDIATE; SAVEPOINT intention").await
    }

    async fn end(&mut self, wanted: bool) -> Result<()> {
        if !wanted {
            return self.execute("ROLLBACK").await;
        }
        // The savepoint that is open is part of what is committed.
        self.execute("COMMIT").await?;
        self.counts.commits.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    async fn execute(&mut self, sql: &'static str) -> Result<()> {
        let Some(connection) = &mut self.connection else {
            return Err(unavailable("the database cannot be opened"));
        };
        connection.execute(sql).await?;
        Ok(())
    }

    /// Makes sure that nothing of a failed batch stays, and says why it failed.
    async fn abandon(&mut self, error: StoreError, intentions: usize) -> String {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            intentions,
            "a batch of writes was not committed"
        );
        // SQLite rolls back by itself after some errors, and then refuses this. A connection in any doubt is replaced:
        // closing it rolls back too.
        if self.execute("ROLLBACK").await.is_err()
            && let Some(doubtful) = self.connection.take()
        {
            let _ = doubtful.close().await;
        }
        match error {
            StoreError::Unavailable(reason) => reason,
            other => other.to_string(),
        }
    }
}

/// Carries out one intention in the open savepoint, so that it leaves nothing behind unless it is wanted; opens the next
/// one, and says whether it was wanted. An error here, unlike a refusal, means that the transaction itself is in doubt:
/// when the disk is full or broken SQLite may end it unasked, and another savepoint would then quietly begin a transaction
/// of its own.
async fn in_savepoint(connection: &mut SqliteConnection, job: &mut dyn Job) -> Result<bool> {
    // This task is the only one that can write: a panic in one intention must not be the end of all writing.
    let ran = AssertUnwindSafe(job.run(connection)).catch_unwind().await;
    let verdict = ran.unwrap_or_else(|_panic| Verdict::Failed("the write panicked".to_owned()));
    let (wanted, end) = match verdict {
        Verdict::Wanted => (
            true,
            connection.execute("RELEASE intention; SAVEPOINT intention").await,
        ),
        // Undone, the savepoint is as good as new.
        Verdict::Refused => (false, connection.execute("ROLLBACK TO intention").await),
        Verdict::Failed(reason) => {
            let undone = connection.execute("ROLLBACK TO intention").await;
            return undone.map(|_| false).map_err(|_| StoreError::Unavailable(reason));
        }
    };
    end?;
    Ok(wanted)
}

#[cfg(test)]
mod tests {
    use super::super::{SqliteOptions, connect};
    use super::*;

    #[tokio::test]
    async fn a_panic_undoes_its_own_write_and_ends_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let options = connect::writer(&SqliteOptions {
            file: folder.path().join("writer.db"),
            max_page_count: None,
            readers: 1,
            cache_kib: 0,
        })
        .create_if_missing(true);
        let mut connection = connect::open(&options).await.unwrap();
        connection.execute("CREATE TABLE t (x)").await.unwrap();
        let writer = Writer::start(connection, options);
        let panicked: Result<()> = writer
            .write(move |connection| {
                Box::pin(async move {
                    connection.execute("INSERT INTO t VALUES (1)").await?;
                    panic!("on purpose")
                })
            })
            .await;
        assert!(
            matches!(panicked, Err(StoreError::Unavailable(_))),
            "{panicked:?}"
        );
        let rows = writer.write(|connection| {
            let count = sqlx::query_scalar::<_, i64>("SELECT count(*) FROM t");
            Box::pin(async move { Ok(count.fetch_one(connection).await?) })
        });
        assert_eq!(rows.await.unwrap(), 0);
    }
}
