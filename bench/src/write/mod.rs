//! `bench write`: durable creates per second, beside what the same database does with the least of inserts.

mod postgres;
mod sqlite;

use std::net::{IpAddr, Ipv4Addr};

use crate::countersign_process::project_headers;
use crate::load::Plan;
use crate::process::Server;
use crate::report::publish;

pub(crate) use sqlite::one_insert_per_commit;

/// Seconds of a round.
const SECONDS: f64 = 4.0;
/// Connections of a caller that creates, and of what it is held against.
const CONNECTIONS: usize = 64;

/// Measures and publishes.
pub(crate) fn bench() -> anyhow::Result<()> {
    let how = "Every create and every insert is on disk before it is answered (SQLite: WAL, synchronous=FULL; PostgreSQL: \
               fsync, synchronous_commit), its audit event with it.";
    let mut figures = vec![sqlite::figure()?];
    figures.extend(postgres::figures()?);
    publish("write", how, &figures)
}

/// Creates as fast as they are answered, in the bootstrap project.
pub(crate) fn creating(server: &Server, seconds: f64) -> Plan {
    Plan {
        address: server.address,
        source: IpAddr::V4(Ipv4Addr::LOCALHOST),
        path: "/v1/m2m/clients".to_owned(),
        headers: project_headers(),
        bodies: vec![r#"{"client_name":"bench","scopes":["read:bench"]}"#.to_owned()],
        connections: CONNECTIONS,
        seconds,
        rate: 0.0,
        expect: 200,
        sleeps: false,
    }
}
