//! A run of the real program with everything switched on that could tell: the log at trace level, metrics, the audit, the
//! database files. Afterwards no secret and no token that was ever issued or presented stands in any of them.

use crate::metrics::metrics;
use crate::support::old_service::OldService;
use crate::support::server::Server;

mod life;
mod search;

use life::{live_through_everything, log_in_by_dual_run, present_wrong_ones};
use search::Secrets;

#[test]
fn no_secret_and_no_token_is_ever_written_down() {
    let old = OldService::start();
    let mut server = Server::start(&[
        ("COUNTERSIGN_DUAL_RUN_SERVICES", &old.setting("old")),
        ("COUNTERSIGN_LOG_LEVEL", "trace"),
        ("COUNTERSIGN_METRICS_LISTEN", "127.0.0.1:0"),
        ("RUST_BACKTRACE", "full"),
    ]);
    let mut secrets = Secrets::default();
    live_through_everything(&server, &mut secrets);
    log_in_by_dual_run(&server, &old, &mut secrets);
    present_wrong_ones(&server, &mut secrets);
    assert!(secrets.count() > 60, "{}", secrets.count());

    let audit = server.admin("GET", "/admin/v1/audit?limit=1000", "");
    assert!(audit["events"].as_array().unwrap().len() > 15);
    secrets.assert_absent("the audit", audit.to_string().as_bytes());
    secrets.assert_absent("the metrics", metrics(&server.log()).as_bytes());
    for file in server.database_files() {
        // Also the write-ahead log, before it is folded into the file.
        let bytes = std::fs::read(&file).unwrap();
        if !bytes.is_empty() {
            secrets.assert_absent(&file.display().to_string(), &bytes);
        }
    }
    server.stop();
    let log = server.log();
    assert!(
        log.contains("TRACE") && log.lines().count() > 100,
        "the log is at trace level"
    );
    secrets.assert_absent("the log", log.as_bytes());
    let database = server
        .database_files()
        .into_iter()
        .find(|file| file.ends_with("countersign.db"))
        .unwrap();
    secrets.assert_absent("the database", &std::fs::read(database).unwrap());
}
