//! `countersign master-key rotate`, killed before each thing that it changes: the installation works with one key or the
//! other, and the next rotation goes through.
//!
//! The points to kill at are found by watching one rotation under strace: every call of the kernel that changes something in
//! the data folder. Then as many rotations are killed, each when it is about to make one of those calls.

mod installation;
mod points;

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use countersign_e2e::{Options, Server, program, strace};
use installation::Installation;
use points::{CHANGES, Point};
use tokio::task::JoinSet;

/// Rotations killed at the same time: each mostly waits for disks and processes.
const AT_ONCE: usize = 4;
const SIGKILL: i32 = 9;

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_killed_before_any_of_its_changes_leaves_a_working_installation() -> anyhow::Result<()> {
    let installation = Arc::new(Installation::make().await?);
    let points = watch(&installation).await?;
    let (mut waiting, mut running) = (points.iter().cloned(), JoinSet::new());
    let mut outcomes = BTreeMap::new();
    loop {
        while running.len() < AT_ONCE
            && let Some(point) = waiting.next()
        {
            let installation = installation.clone();
            running.spawn(async move {
                let outcome = killed_at(&installation, &point)
                    .await
                    .with_context(|| format!("killed before {point}"))?;
                anyhow::Ok((point, outcome))
            });
        }
        let Some(killed) = running.join_next().await else {
            break;
        };
        let (point, outcome) = killed??;
        println!("killed before {point}: {outcome:?}");
        *outcomes.entry(outcome).or_insert(0) += 1;
    }
    println!("{outcomes:?}");
    for outcome in [Outcome::TakenBack, Outcome::Finished, Outcome::Done] {
        ensure!(
            outcomes.contains_key(&outcome),
            "no kill had the outcome {outcome:?}"
        );
    }
    Ok(())
}

/// Killed while it waits for the disk, the rotation leaves a commit that a power failure would still undo. The next start must
/// not give up the old key before it is there to stay.
#[tokio::test]
async fn the_next_start_syncs_a_commit_that_it_found_before_it_drops_the_old_key() -> anyhow::Result<()> {
    let installation = Installation::make().await?;
    let points = watch(&installation).await?;
    let is_commit = |point: &&Point| point.file.ends_with("-wal") && point.call.ends_with("sync");
    let commit = points.iter().rfind(is_commit).context("no commit")?;
    let copy = installation.copy()?;
    ensure!(kill_at(commit, copy.path()).await?, "it was not killed");

    let log = copy.path().with_extension("log");
    let server = Server::start(Options {
        name: "master-key",
        data_dir: Some(copy.path().to_owned()),
        under: strace::words(&log, &CHANGES)?,
        ..Options::default()
    })
    .await?;
    server.stop().await?;
    let calls = strace::calls(&std::fs::read_to_string(&log)?)?;
    std::fs::remove_file(&log)?;
    let renamed = calls
        .iter()
        .find(|call| call.name.starts_with("rename") && call.target.ends_with("master.key.next"));
    let renamed = renamed.context("the rotation was not finished")?.began;
    let synced = calls
        .iter()
        .filter(|call| call.target.ends_with("-wal") && call.name.ends_with("sync"));
    ensure!(
        synced.filter_map(|call| call.ended).any(|ended| ended < renamed),
        "the old key was dropped before a sync"
    );
    Ok(())
}

/// What the next start made of an interrupted rotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    /// It was killed before the database moved: the old key goes on.
    TakenBack,
    /// It was killed between the database's commit and the renaming of the key's file: the new key takes its place.
    Finished,
    /// The new key was in its place already.
    Done,
    /// It was not killed: this time two threads shared the syncs of the folder in another way ([`points::of`]).
    OutOfReach,
}

async fn killed_at(installation: &Installation, point: &Point) -> anyhow::Result<Outcome> {
    let copy = installation.copy()?;
    let data_dir = copy.path();
    if !kill_at(point, data_dir).await? {
        ensure!(point.is_sync_of_the_folder(), "it was not killed");
        return Ok(Outcome::OutOfReach);
    }

    let (old, left) = (installation.master_key()?, key_files(data_dir)?);
    installation.works_in(data_dir).await.context("after the kill")?;
    let now = key_files(data_dir)?.0;
    let outcome = match left {
        (left, _) if left != old => Outcome::Done,
        _ if now == old => Outcome::TakenBack,
        (_, next) if next.as_ref() == Some(&now) => Outcome::Finished,
        _ => anyhow::bail!("a key from nowhere is in place"),
    };
    ensure!(outcome != Outcome::Done || now != old, "the old key came back");

    let again = program::run(rotation(&[], data_dir)?).await?;
    ensure!(
        again.status.success(),
        "the next rotation failed: {}",
        said(&again)
    );
    let (key, next) = key_files(data_dir)?;
    ensure!(
        key != now && key != old && next.is_none(),
        "the next rotation did not put a new key in place"
    );
    installation
        .works_in(data_dir)
        .await
        .context("after the next rotation")?;
    Ok(outcome)
}

/// Whether the rotation got to the point, and was killed there; else it is done.
async fn kill_at(point: &Point, data_dir: &Path) -> anyhow::Result<bool> {
    let mut under = strace::words(Path::new("/dev/null"), &[&point.call])?;
    under.extend(["-P".to_owned(), point.path(data_dir).display().to_string()]);
    under.extend([
        "-e".to_owned(),
        format!("inject={}:signal=SIGKILL:when={}", point.call, point.number),
    ]);
    let killed = program::run(rotation(&under, data_dir)?).await?;
    let was_killed = killed.status.signal() == Some(SIGKILL);
    ensure!(was_killed || killed.status.success(), "{}", said(&killed));
    Ok(was_killed)
}

/// One rotation that nobody interrupts.
async fn watch(installation: &Installation) -> anyhow::Result<Vec<Point>> {
    let copy = installation.copy()?;
    let log = copy.path().with_extension("log");
    let done = program::run(rotation(&strace::words(&log, &CHANGES)?, copy.path())?).await?;
    ensure!(done.status.success(), "{}", said(&done));
    let calls = strace::calls(&std::fs::read_to_string(&log)?)?;
    std::fs::remove_file(&log)?;
    points::of(&calls, copy.path())
}

fn rotation(under: &[String], data_dir: &Path) -> anyhow::Result<Command> {
    let mut command = program::countersign(under)?;
    command.args(["master-key", "rotate", "--data-dir"]).arg(data_dir);
    Ok(command)
}

/// The text of `master.key`, and of `master.key.next` if there is one.
fn key_files(data_dir: &Path) -> anyhow::Result<(String, Option<String>)> {
    let key = std::fs::read_to_string(data_dir.join("master.key")).context("master.key")?;
    Ok((
        key,
        std::fs::read_to_string(data_dir.join("master.key.next")).ok(),
    ))
}

fn said(output: &Output) -> String {
    format!("{}; {}", output.status, String::from_utf8_lossy(&output.stderr))
}
