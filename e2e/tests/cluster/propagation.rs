//! What is changed through one node is believed by no other for longer than a second, however bad the link between that
//! one and the database is.

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use countersign_cluster::{Cluster, Durability};
use countersign_e2e::{Answer, Backend};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::Pair;

/// Clients changed in each condition, and in each with `--full`.
const CLIENTS: usize = 250;
const CLIENTS_FULL: usize = 1000;
/// The promise.
const WITHIN: Duration = Duration::from_secs(1);
/// How long a bad link stays bad after the last answer that must not be old.
const STAYS_BAD: Duration = Duration::from_secs(2);

/// What is the matter with the far node's way to the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Condition {
    Healthy,
    Cut,
    Frozen,
    DatabasePaused,
    LongTransaction,
}

impl Condition {
    /// Whether the far node reaches the database all the time.
    fn is_healthy_enough(self) -> bool {
        matches!(self, Self::Healthy | Self::LongTransaction)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_node_believes_for_longer_than_a_second_what_another_has_changed() -> anyhow::Result<()> {
    let full = std::env::var_os("COUNTERSIGN_E2E_FULL").is_some();
    let clients = if full { CLIENTS_FULL } else { CLIENTS };
    let cluster = Cluster::start(Durability::Quick, &[])?;
    let pair = Pair::start(&cluster).await?;
    for condition in [
        Condition::Healthy,
        Condition::LongTransaction,
        Condition::Cut,
        Condition::Frozen,
        Condition::DatabasePaused,
    ] {
        let worst = changed_under(condition, &pair, &cluster, clients).await?;
        println!(
            "{clients} clients, {condition:?}: old truth for at most {} ms",
            worst.as_millis()
        );
    }
    pair.stop().await
}

/// A client that both nodes know, and what is done to it.
struct Subject {
    id: String,
    secret: String,
    kind: Kind,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Deactivated,
    Rotated,
    Deleted,
    Rescoped,
}

const KINDS: [Kind; 4] = [Kind::Deactivated, Kind::Rotated, Kind::Deleted, Kind::Rescoped];

async fn changed_under(
    condition: Condition,
    pair: &Pair,
    cluster: &Cluster,
    clients: usize,
) -> anyhow::Result<Duration> {
    let (near, far) = (pair.near.backend(), pair.far.backend());
    let subjects = in_turns(0..clients, |number| {
        let (near, far) = (near.clone(), far.clone());
        async move { subject(&near, &far, KINDS[number % KINDS.len()]).await }
    })
    .await?;
    let long =
        (condition == Condition::LongTransaction).then(|| LongTransaction::open(cluster, &pair.database));
    let long = long.transpose()?;
    match condition {
        Condition::Cut => pair.link.cut(),
        Condition::Frozen => pair.link.freeze(),
        _ => {}
    }
    // Each is watched from the moment on that its change was answered.
    let watches = in_turns(subjects, |subject| {
        let (near, far) = (near.clone(), far.clone());
        async move {
            change(&near, &subject).await?;
            Ok(tokio::spawn(watch(far, subject, condition, Instant::now())))
        }
    })
    .await?;
    if condition == Condition::DatabasePaused {
        cluster.pause()?;
    }
    tokio::time::sleep(WITHIN + STAYS_BAD).await;
    // Answers that were held back arrive now, and must not be old either.
    match condition {
        Condition::Cut | Condition::Frozen => pair.link.heal(),
        Condition::DatabasePaused => cluster.resume()?,
        _ => {}
    }
    let mut worst = Duration::ZERO;
    for watched in watches {
        worst = worst.max(watched.await??);
    }
    drop(long);
    Ok(worst)
}

/// Does something for each, a few at a time.
async fn in_turns<I, T, F>(
    items: impl IntoIterator<Item = I>,
    step: impl Fn(I) -> F,
) -> anyhow::Result<Vec<T>>
where
    F: Future<Output = anyhow::Result<T>> + Send + 'static,
    T: Send + 'static,
{
    let (mut under_way, mut done) = (JoinSet::new(), Vec::new());
    for item in items {
        if under_way.len() == 8
            && let Some(one) = under_way.join_next().await
        {
            done.push(one??);
        }
        under_way.spawn(step(item));
    }
    while let Some(one) = under_way.join_next().await {
        done.push(one??);
    }
    Ok(done)
}

async fn subject(near: &Backend, far: &Backend, kind: Kind) -> anyhow::Result<Subject> {
    let made = near.create(&json!({ "scopes": ["read:old"] })).await?.ok()?;
    let text = |name: &str| {
        made["m2m_client"][name]
            .as_str()
            .map(str::to_owned)
            .context("no client")
    };
    let subject = Subject {
        id: text("client_id")?,
        secret: text("client_secret")?,
        kind,
    };
    if matches!(kind, Kind::Rotated) {
        near.start_rotation(&subject.id).await?.ok()?;
    }
    // Both nodes have it in memory now. A node that has just got its link back may take a moment.
    far.token(&subject.id, &subject.secret).await?.ok()?;
    Ok(subject)
}

async fn change(near: &Backend, subject: &Subject) -> anyhow::Result<()> {
    let id = &subject.id;
    let answer = match subject.kind {
        Kind::Deactivated => near.update(id, &json!({ "status": "inactive" })).await,
        Kind::Rotated => near.complete_rotation(id).await,
        Kind::Deleted => near.delete(id).await,
        Kind::Rescoped => near.update(id, &json!({ "scopes": ["read:new"] })).await,
    };
    answer?.ok().map(drop)
}

/// Asks the far node all the time, and says for how long it gave old truth. An answer that was asked for later than the
/// promise allows must not be old, whenever it comes.
async fn watch(
    far: Backend,
    subject: Subject,
    condition: Condition,
    since: Instant,
) -> anyhow::Result<Duration> {
    let mut worst = Duration::ZERO;
    loop {
        let asked = since.elapsed();
        let is_last = asked >= WITHIN;
        let answer = far.token(&subject.id, &subject.secret).await?;
        // Who does not know must not guess; who can reach the database has no excuse.
        ensure!(
            answer.status != 503 || !condition.is_healthy_enough(),
            "503 under {condition:?}"
        );
        if is_old(&subject, &answer)? {
            if is_last {
                bail!("{:?}: old truth, asked for after {asked:?}", subject.kind);
            }
            worst = worst.max(asked);
        }
        if is_last {
            return Ok(worst);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn is_old(subject: &Subject, answer: &Answer) -> anyhow::Result<bool> {
    match answer.status {
        200 if matches!(subject.kind, Kind::Rescoped) => Ok(scope(&answer.body)? == "read:old"),
        200 => Ok(true),
        400 | 401 | 503 => Ok(false),
        other => bail!("{other}: {}", answer.body),
    }
}

fn scope(body: &Value) -> anyhow::Result<String> {
    let token = body["access_token"].as_str().context("no token")?;
    let claims = token.split('.').nth(1).context("no claims")?;
    let claims: Value = serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(claims)?)?;
    Ok(claims["scope"].as_str().context("no scope")?.to_owned())
}

/// A transaction that has written and does not end while this lives.
struct LongTransaction<'c> {
    cluster: &'c Cluster,
    database: &'c str,
    session: std::process::Child,
}

/// Finds the session: it sleeps.
const SLEEPERS: &str = "FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()";

impl<'c> LongTransaction<'c> {
    fn open(cluster: &'c Cluster, database: &'c str) -> anyhow::Result<Self> {
        let statements =
            "BEGIN; INSERT INTO change (at, kind) VALUES (0, 'operators'); SELECT pg_sleep(3600)";
        let session = cluster.session(database, statements)?;
        let open = Self {
            cluster,
            database,
            session,
        };
        // It has written once it sleeps.
        let deadline = Instant::now() + Duration::from_secs(30);
        while cluster.sql(database, &format!("SELECT count(*) {SLEEPERS}"))? == "0" {
            ensure!(Instant::now() < deadline, "the transaction did not begin");
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(open)
    }
}

impl Drop for LongTransaction<'_> {
    fn drop(&mut self) {
        // The server's side would sleep on without its client.
        let end = format!("SELECT pg_terminate_backend(pid) {SLEEPERS}");
        let _ended = (self.cluster.sql(self.database, &end), self.session.kill());
        let _reaped = self.session.wait();
    }
}
