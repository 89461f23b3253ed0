//! `bench scale`: what a million clients cost, beside a thousand.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context;
use countersign::clock::SystemClock;
use countersign::config::Config;
use countersign::start::{self, Opened};
use countersign_core::Timestamp;
use countersign_core::audit::{Action, Origin};
use countersign_core::client::{Client, ClientDraft};
use countersign_core::ids::ProjectId;
use countersign_core::pepper::Peppers;
use countersign_core::project::{Project, TokenProfile};
use countersign_store::Store;
use rand::SeedableRng;
use rand::rngs::StdRng;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::countersign_process::{Asker, Countersign, project_id};
use crate::load::{FORM, Plan};
use crate::process::run_load;
use crate::report::{Figure, Reach, publish};
use crate::rounds::{LATENCY_ROUNDS, LATENCY_SECONDS, median, medians_of};

const SMALL: usize = 1_000;
/// Every so many-th client asks for tokens; more bodies would only fill the load's memory.
const ASKING: usize = 5;
/// Clients share a name and a scope in groups of this size, so that a filter has many pages.
const GROUP: usize = 10_000;
/// The rate for latencies: well under half of what one core signs with ES256.
const RATE: f64 = 2_000.0;
const PAGE: usize = 100;
/// Long enough for each asker to come by once.
const WARM_UP_SECONDS: f64 = 20.0;

struct Installation {
    countersign: Countersign,
    askers: Vec<Asker>,
    first_token_seconds: f64,
    _data_dir: tempfile::TempDir,
}

/// Measures and publishes.
pub(crate) fn bench(clients: usize) -> anyhow::Result<()> {
    let installations = [prepare(clients)?, prepare(SMALL)?];
    for installation in &installations {
        // Memory is full before anything is measured.
        run_load(&Plan {
            seconds: WARM_UP_SECONDS,
            ..installation.plan()
        })?;
    }
    let mut figures = Vec::new();
    let latencies = medians_of(LATENCY_ROUNDS, &installations, |installation| {
        let plan = Plan {
            seconds: LATENCY_SECONDS,
            rate: RATE,
            ..installation.plan()
        };
        Ok(run_load(&plan)?.p99)
    })?;
    figures.push(Figure {
        name: format!(
            "token p99 in µs at {RATE}/s with {clients} clients, most of them not in memory ÷ with {SMALL}"
        ),
        ours: latencies[0],
        other: latencies[1],
        reach: Reach::AtMost(1.3),
    });
    let large = &installations[0];
    for (name, query) in filters() {
        let (first, last) = pages(&large.countersign, &query)?;
        figures.push(Figure {
            name: format!("search page of {PAGE} in µs, {name}: the last page ÷ the first after its count"),
            ours: last,
            other: first,
            reach: Reach::AtMost(1.5),
        });
    }
    figures.push(Figure {
        name: format!("seconds from exec to the first token, {clients} clients ÷ 1 s"),
        ours: large.first_token_seconds,
        other: 1.0,
        reach: Reach::AtMost(1.0),
    });
    figures.push(Figure {
        name: format!("resident MiB with {clients} clients, cache bounded to 64 MiB ÷ 128 MiB"),
        ours: large.countersign.server.resident_mib()?,
        other: 128.0,
        reach: Reach::AtMost(1.0),
    });
    publish(
        "scale",
        "Clients share a name and a scope in groups of 10,000. ES256; the rest as for `token`.",
        &figures,
    )
}

impl Installation {
    /// All askers in turn, as fast as they are served.
    fn plan(&self) -> Plan {
        Plan {
            address: self.countersign.server.address,
            source: IpAddr::V4(Ipv4Addr::LOCALHOST),
            path: self.askers[0].path.clone(),
            headers: FORM.to_owned(),
            bodies: self.askers.iter().map(|asker| asker.body.clone()).collect(),
            connections: 16,
            seconds: 1.0,
            rate: 0.0,
            expect: 200,
            sleeps: false,
        }
    }
}

/// Fills a database, starts Countersign on it, and gets a first token.
fn prepare(clients: usize) -> anyhow::Result<Installation> {
    let data_dir = crate::process::folder()?;
    let askers = fill(data_dir.path(), clients)?;
    let started = Instant::now();
    let countersign = Countersign::start(data_dir.path(), &[])?;
    let first = Plan {
        address: countersign.server.address,
        source: IpAddr::V4(Ipv4Addr::LOCALHOST),
        path: askers[0].path.clone(),
        headers: FORM.to_owned(),
        bodies: vec![askers[0].body.clone()],
        connections: 1,
        seconds: 0.05,
        rate: 0.0,
        expect: 200,
        sleeps: false,
    };
    run_load(&first)?;
    let first_token_seconds = started.elapsed().as_secs_f64() - 0.05;
    Ok(Installation {
        countersign,
        askers,
        first_token_seconds,
        _data_dir: data_dir,
    })
}

/// Clients made through the store, many at a time; over HTTP a million would take the better part of an hour.
pub(crate) fn fill(data_dir: &Path, clients: usize) -> anyhow::Result<Vec<Asker>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let environment = [(
            "COUNTERSIGN_SERVER_DATA_DIR".to_owned(),
            data_dir.display().to_string(),
        )];
        let config = Config::load(None, environment, Vec::new())?;
        let opened = start::open(&config, &SystemClock).await?;
        let project_id = project_id()?;
        insert_first_project(&opened, &project_id).await?;
        let mut askers = Vec::new();
        for batch in (0..clients).collect::<Vec<_>>().chunks(512) {
            let mut inserts = tokio::task::JoinSet::new();
            for &number in batch {
                let (store, peppers, project_id) =
                    (opened.store.clone(), opened.peppers.clone(), project_id.clone());
                inserts.spawn(async move { insert(store, peppers, project_id, number).await });
            }
            while let Some(inserted) = inserts.join_next().await {
                askers.extend(inserted??);
            }
        }
        opened.store.close().await;
        Ok(askers)
    })
}

async fn insert(
    store: Arc<dyn Store>,
    peppers: Arc<Peppers>,
    project_id: ProjectId,
    number: usize,
) -> anyhow::Result<Option<Asker>> {
    let mut chance = StdRng::seed_from_u64(number as u64);
    let now = Timestamp::UNIX_EPOCH;
    let draft = ClientDraft {
        name: format!("service-{}", number / GROUP),
        scopes: vec![format!("read:group-{}", number / GROUP), "read:all".to_owned()],
        ..Default::default()
    };
    let (client, secret) = Client::create(draft, &project_id, now, &peppers, &mut chance)?;
    let id = client.client_id.as_str();
    let event = Origin::system().event(Action::ClientCreated, Some(&project_id), id, now, &mut chance);
    store.insert_client(&client, &event).await?;
    let asks = number.is_multiple_of(ASKING);
    Ok(asks.then(|| Asker::new(project_id.as_str(), id, secret.expose_secret())))
}

/// The project that the server is then started with, but with ES256, so that signing does not drown what is measured.
async fn insert_first_project(opened: &Opened, id: &ProjectId) -> anyhow::Result<()> {
    let now = Timestamp::UNIX_EPOCH;
    let profile = TokenProfile::StandardEs256;
    let project = Project::new(id.clone(), "bench", profile, "http://bench.example", now)?;
    let keys = countersign::keys::making::first_keys(id, opened.master_keys.present(), now)?;
    let secret = crate::countersign_process::project_secret(&opened.peppers, id, now);
    let event = Origin::system().event(
        Action::ProjectCreated,
        Some(id),
        id.as_str(),
        now,
        &mut StdRng::seed_from_u64(0),
    );
    opened
        .store
        .insert_project(&project, &secret, &keys, &event)
        .await?;
    Ok(())
}

/// A project for a store that no server will open.
pub(crate) async fn insert_bench_project(
    store: &dyn Store,
    id: &ProjectId,
    peppers: &Peppers,
) -> anyhow::Result<()> {
    let now = Timestamp::UNIX_EPOCH;
    let project = Project::new(
        id.clone(),
        "bench",
        TokenProfile::Stytch,
        "http://bench.example",
        now,
    )?;
    let secret = crate::countersign_process::project_secret(peppers, id, now);
    let mut chance = StdRng::seed_from_u64(0);
    let event = Origin::system().event(Action::ProjectCreated, Some(id), id.as_str(), now, &mut chance);
    store.insert_project(&project, &secret, &[], &event).await?;
    Ok(())
}

fn filters() -> Vec<(&'static str, Value)> {
    let operand = |name: &str, value: &str| json!([{ "filter_name": name, "filter_value": [value] }]);
    vec![
        ("no filter", json!({ "operator": "AND", "operands": [] })),
        (
            "client_name",
            json!({ "operator": "AND", "operands": operand("client_name", "service-0") }),
        ),
        (
            "scopes",
            json!({ "operator": "AND", "operands": operand("scopes", "read:group-0") }),
        ),
    ]
}

/// Microseconds of the first and the last page. The first page asked for counts the whole match, which its cursor then
/// carries; what is compared is walking, so the first page is taken after a count, by asking for one row before it.
fn pages(countersign: &Countersign, query: &Value) -> anyhow::Result<(f64, f64)> {
    let (mut cursor, mut times) = (first_row(countersign, query)?, Vec::new());
    loop {
        let started = Instant::now();
        let answer = countersign.search(&json!({ "query": query, "limit": PAGE, "cursor": cursor }))?;
        times.push(started.elapsed().as_secs_f64() * 1e6);
        let full = answer
            .pointer("/m2m_clients")
            .and_then(Value::as_array)
            .is_some_and(|page| page.len() == PAGE);
        match answer
            .pointer("/results_metadata/next_cursor")
            .and_then(Value::as_str)
        {
            Some(next) if full => cursor = next.to_owned(),
            _ => break,
        }
    }
    // A page is a fraction of a millisecond; the middle of twenty neighbours is compared instead of single ones.
    times.pop();
    let (first, last) = (
        times.get(..20).context("pages")?,
        times.get(times.len() - 20..).context("pages")?,
    );
    Ok((median(first.to_vec()), median(last.to_vec())))
}

fn first_row(countersign: &Countersign, query: &Value) -> anyhow::Result<String> {
    let answer = countersign.search(&json!({ "query": query, "limit": 1 }))?;
    let cursor = answer
        .pointer("/results_metadata/next_cursor")
        .and_then(Value::as_str);
    Ok(cursor.context("a filter with a single match")?.to_owned())
}
