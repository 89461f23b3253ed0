//! `countersign import --from …`: clients come from elsewhere and log in with the secrets they have.

mod exports;
mod hostile;
mod stytch;

use std::path::PathBuf;

use serde_json::Value;

use crate::support::Deployment;

/// A sample export, made for these tests in the form that the other service documents.
fn export(name: &str) -> String {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/cli/import/exports")
        .join(name);
    file.display().to_string()
}

/// Whether a client gets a token with this secret.
fn gets_token(deployment: &Deployment, client_id: &str, secret: &str) -> i32 {
    let arguments = ["token", "get", "--client", client_id, "--secret-file", "-"];
    deployment.run_on(secret, &arguments).code
}

/// A client as operators see it.
fn client(deployment: &Deployment, client_id: &str) -> Value {
    deployment.json(&["client", "rotate", "status", client_id])["client"].take()
}

/// What the report says of a client.
#[track_caller]
fn line<'r>(report: &'r Value, client_id: &str) -> &'r Value {
    let lines = report["clients"].as_array().unwrap();
    let found = lines.iter().find(|line| line["client_id"] == client_id);
    found.unwrap_or_else(|| panic!("no {client_id} in {report:#}"))
}

/// Names of the fields that did not come along with a client.
#[track_caller]
fn not_carried<'r>(report: &'r Value, client_id: &str) -> Vec<&'r str> {
    let fields = line(report, client_id)["not_carried"].as_array().unwrap();
    fields
        .iter()
        .map(|field| field["field"].as_str().unwrap())
        .collect()
}
