//! What a collector reads of the real program, held against the guide's page.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::server::{RawAnswer, Server};

const GUIDE: &str = include_str!("../../../../docs/guide/monitoring.md");

/// SQLite has no clock of its own.
const POSTGRES_ALONE: &str = "countersign_clock_ahead_of_database_seconds";

/// Nothing of the kind happens here.
const RARE: [&str; 2] = [
    "countersign_gateway_lines_lost_total",
    "countersign_gateway_scrubbed_total",
];

/// The metrics, from where the log says that they are.
pub(crate) fn metrics(log: &str) -> String {
    let listening = log
        .lines()
        .find(|line| line.contains(r#""message":"metrics""#))
        .unwrap();
    let listening: Value = serde_json::from_str(listening).unwrap();
    let mut stream = std::net::TcpStream::connect(listening["address"].as_str().unwrap()).unwrap();
    stream
        .write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        .unwrap();
    let answer = RawAnswer::read(&mut stream);
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.body
}

/// The names in the guide's table.
fn documented() -> BTreeSet<String> {
    let rows = GUIDE.lines().filter(|line| line.starts_with("| `countersign_"));
    let cells = rows.filter_map(|row| row.split('|').nth(1));
    let quoted = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2));
    let names = quoted.filter(|word| word.starts_with("countersign_"));
    let bare = names.map(|name| name.split(['{', ' ']).next().unwrap().to_owned());
    bare.collect()
}

#[test]
fn the_guide_names_every_metric_and_no_other() {
    let mut server = Server::start(&[("COUNTERSIGN_METRICS_LISTEN", "127.0.0.1:0")]);
    server.admin("GET", "/admin/v1/projects", "");
    server.request("GET", "/gateway/p/countersign/", "", "");
    let deadline = Instant::now() + Duration::from_secs(60);
    let mut text = String::new();
    // Housekeeping looks at the keys first, a moment after the start.
    while !text.contains("countersign_oldest_signing_key_seconds") {
        assert!(Instant::now() < deadline, "{text}");
        text = metrics(&server.log());
    }
    server.stop();
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let mut there: BTreeSet<String> = types
        .map(|line| line.split(' ').next().unwrap().to_owned())
        .collect();
    there.insert(POSTGRES_ALONE.to_owned());
    there.extend(RARE.map(str::to_owned));
    assert_eq!(there, documented());
}
