//! No secret and no token is anywhere but in the one answer that gave it: not in logs at trace level, the database, the
//! metrics, the audit, or an error's text.
//!
//! Two tests. One makes traffic of every kind, remembers what it was given, and looks for exactly that. The other looks at
//! what all servers of the run left under `target/e2e`, those of the SDK suites among them, for what has the form of a secret.
//! And whatever a test is about, [`Server::stop`] and [`Server::kill`] look at what that server leaves.

mod blunders;
mod h2c;
mod traffic;

use std::path::Path;

use anyhow::Context as _;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use countersign_e2e::leaks::{self, Search};
use countersign_e2e::{Options, Server, places};
use reqwest::Method;
use tempfile::TempDir;

#[tokio::test]
async fn what_was_issued_is_in_no_log_database_metric_or_audit() -> anyhow::Result<()> {
    for (name, tls) in [("leaks-http", false), ("leaks-https", true)] {
        let data = TempDir::new()?;
        let server = Server::start(Options {
            name,
            tls,
            data_dir: Some(data.path().to_owned()),
            environment: vec![
                ("COUNTERSIGN_METRICS_LISTEN", "127.0.0.1:0".into()),
                // The blunders come from one address.
                ("COUNTERSIGN_LIMITS_REFUSALS_PER_SOURCE_PER_MINUTE", "0".into()),
            ],
            ..Options::default()
        })
        .await?;
        let secrets = traffic::of_every_kind(&server).await?;
        let mut search = Search::default();
        for secret in &secrets {
            search.for_basic(secret.what, &secret.owner, &secret.text)?;
        }
        for (what, body) in blunders::with(&server, &secrets).await? {
            leaks::none(&search.bytes(Path::new(&format!("the answer to {what}")), &body)?)?;
        }
        for (page, body) in pages(&server).await? {
            leaks::none(&search.bytes(Path::new(&page), &body)?)?;
        }
        let [out, err] = server.log_files().map(Path::to_owned);
        // Now, with all that is in the write-ahead log, and again when the database was closed.
        leaks::none(&search.files(data.path())?)?;
        server.stop().await?;
        for path in [data.path(), &out, &err] {
            leaks::none(&search.files(path)?)?;
        }
        println!("{name}: looked for {} secrets and tokens", secrets.len());
    }
    Ok(())
}

#[test]
fn no_server_of_this_run_left_what_looks_like_a_secret() -> anyhow::Result<()> {
    let search = Search::default();
    let folders = ["logs", "sdk"].map(places::kept);
    for folder in folders {
        leaks::none(&search.files(&folder?)?)?;
    }
    Ok(())
}

#[test]
fn a_secret_in_a_file_is_found_by_itself_and_by_its_form() -> anyhow::Result<()> {
    let generated = "csk_6QkGeyzx0Y4UsOZNLFJFyWJhUaYFJ1Vf0bhbK5h8IAc32GTsB";
    let token = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJlLW9mLWl0";
    let basic = BASE64_STANDARD.encode("somebody:imported secret");
    let mut search = Search::default();
    search.for_basic("an imported secret", "somebody", "imported secret")?;
    for (text, times) in [
        ("nothing", 0),
        ("csk_ and eyJ.eyJ. are only beginnings", 0),
        (&format!("{{\"secret\":\"{generated}\"}}"), 1),
        (&generated.replace("6Qk", "7Qk"), 0),
        (&format!("at=\"{token}\" "), 1),
        ("with imported secret in it", 1),
        (&basic, 1),
        // By itself and by its form.
        (&format!("authorization: Basic {basic}"), 2),
        (
            &format!("authorization: Basic {}", BASE64_STANDARD.encode("user:word")),
            1,
        ),
        ("Basic authentication is used", 0),
    ] {
        let found = search.bytes(Path::new("-"), text.as_bytes())?;
        assert_eq!(found.len(), times, "{text}: {found:?}");
    }
    Ok(())
}

/// What people and machines look at.
async fn pages(server: &Server) -> anyhow::Result<Vec<(String, Vec<u8>)>> {
    let log = std::fs::read_to_string(server.log_files()[1])?;
    let line = log
        .lines()
        .find(|line| line.contains("\"message\":\"metrics\""))
        .context("no metrics listener")?;
    let line: serde_json::Value = serde_json::from_str(line)?;
    let metrics = format!(
        "http://{}/metrics",
        line["address"].as_str().context("no address")?
    );
    let answer = server.client().get(metrics).send().await?.error_for_status()?;
    let mut pages = vec![("the metrics".to_owned(), answer.bytes().await?.to_vec())];
    let projects = server
        .by_operator(Method::GET, "/admin/v1/projects")
        .send()
        .await?;
    let projects: serde_json::Value = projects.error_for_status()?.json().await?;
    let projects = projects["projects"].as_array().context("no projects")?.clone();
    let mut paths = vec![
        "/admin/v1/audit?limit=1000".to_owned(),
        "/admin/v1/operators".to_owned(),
    ];
    for project in projects {
        let id = project["project_id"].as_str().context("no id")?;
        for part in ["", "/audit?limit=1000", "/secrets", "/keys", "/clients", "/usage"] {
            paths.push(format!("/admin/v1/projects/{id}{part}"));
        }
    }
    for path in paths {
        let answer = server.by_operator(Method::GET, &path).send().await?;
        let answer = answer.error_for_status().context(path.clone())?;
        pages.push((path, answer.bytes().await?.to_vec()));
    }
    Ok(pages)
}
