//! Creates on SQLite, beside one insert per commit.

use std::time::Instant;

use anyhow::bail;
use countersign_core::audit::{Action, Origin};
use countersign_core::client::{Client, ClientDraft};
use countersign_core::pepper::{PepperId, Peppers};
use countersign_store::{SqliteOptions, SqliteStore, Store};
use rand::SeedableRng;
use rand::rngs::StdRng;

use super::{SECONDS, creating};
use crate::countersign_process::{Countersign, project_id};
use crate::process::{SERVER_CORE, pinned, run_load};
use crate::report::{Figure, Reach};
use crate::rounds::medians;

/// Creates over HTTP beside inserts that cannot share a commit.
pub(super) fn figure() -> anyhow::Result<Figure> {
    let data_dir = crate::process::folder()?;
    let countersign = Countersign::start(data_dir.path(), &[])?;
    let rates = medians(&[true, false], |creates| {
        if *creates {
            Ok(run_load(&creating(&countersign.server, SECONDS))?.per_second)
        } else {
            alone()
        }
    })?;
    Ok(Figure {
        name: "creates/s over HTTP at 64 connections ÷ inserts/s, one per commit, on SQLite".to_owned(),
        ours: rates[0],
        other: rates[1],
        reach: Reach::AtLeast(4.0),
    })
}

/// One insert per commit, in a process of its own on the server's core.
fn alone() -> anyhow::Result<f64> {
    let output = pinned(SERVER_CORE, &std::env::current_exe()?)
        .arg("insert")
        .output()?;
    if !output.status.success() {
        bail!("inserting failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8(output.stdout)?.trim().parse()?)
}

/// That process: the same store, asked one at a time, so that no two inserts can share a commit.
#[expect(clippy::print_stdout, reason = "how this process answers its parent")]
pub(crate) fn one_insert_per_commit() -> anyhow::Result<()> {
    let dir = crate::process::folder()?;
    let options = SqliteOptions {
        file: dir.path().join("alone.db"),
        max_page_count: None,
        readers: 1,
        cache_kib: 8192,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let store = SqliteStore::open(options).await?;
        let project_id = project_id()?;
        let peppers = Peppers::new(PepperId::from_stored("bench"), &[1; 32]);
        let mut chance = StdRng::seed_from_u64(1);
        let now = jiff::Timestamp::UNIX_EPOCH;
        crate::scale::insert_bench_project(&store, &project_id, &peppers).await?;
        let started = Instant::now();
        let mut inserts = 0_u32;
        while started.elapsed().as_secs_f64() < SECONDS {
            let draft = ClientDraft {
                name: "bench".into(),
                scopes: vec!["read:bench".into()],
                ..Default::default()
            };
            let (client, _) = Client::create(draft, &project_id, now, &peppers, &mut chance)?;
            let event =
                Origin::system().event(Action::ClientCreated, Some(&project_id), "c", now, &mut chance);
            store.insert_client(&client, &event).await?;
            inserts += 1;
        }
        println!("{}", f64::from(inserts) / started.elapsed().as_secs_f64());
        Ok(())
    })
}
