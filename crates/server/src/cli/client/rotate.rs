//! `countersign client rotate …`: a new secret without downtime, and who still has to move to it.

use clap::{Args, Subcommand};
use countersign_core::Timestamp;
use serde_json::Value;

use super::{COLUMNS, Connection};
use crate::cli::calling::Call;
use crate::cli::connection::id;
use crate::cli::printing::{Columns, Output, cell, note, print, table};
use crate::cli::shown_once::SaveArgs;

const SECRET_COLUMNS: &Columns = &[
    ("slot", "/slot"),
    ("ends in", "/last_four"),
    ("created", "/created_at"),
    ("last used", "/last_used_at"),
    ("tokens", "/tokens"),
    ("address", "/last_used_address"),
    ("user agent", "/last_used_user_agent"),
    ("dual run", "/dual_run"),
];

/// Rotate a client's secret without downtime.
///
/// `start` makes a next secret beside the current one; both get tokens. When `status` says that nobody uses the old one any
/// more, `complete` ends it. `cancel` ends the new one instead.
#[derive(Debug, Args)]
pub(super) struct RotateArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Make the next secret. Both work from now on.
    #[command(after_help = "Example:\n  countersign client rotate start billing --save billing-next.env")]
    Start {
        /// The client.
        #[arg(value_parser = id)]
        client_id: String,
        #[command(flatten)]
        save: SaveArgs,
    },
    /// Put the next secret in force. The old one stops working at once.
    #[command(after_help = "Example:\n  countersign client rotate complete billing")]
    Complete {
        /// The client.
        #[arg(value_parser = id)]
        client_id: String,
    },
    /// Discard the next secret. The current one stays.
    #[command(after_help = "Example:\n  countersign client rotate cancel billing")]
    Cancel {
        /// The client.
        #[arg(value_parser = id)]
        client_id: String,
    },
    /// Show both secrets with their last use, and who still uses the old one. Needs an operator's key.
    #[command(after_help = "Example:\n  countersign client rotate status billing")]
    Status {
        /// The client.
        #[arg(value_parser = id)]
        client_id: String,
    },
}

impl RotateArgs {
    pub(super) async fn run(&self, connection: &Connection, output: Output) -> anyhow::Result<()> {
        match &self.verb {
            Verb::Start { client_id, save } => {
                let connected = connection.as_project()?;
                let place = save.prepare()?;
                let answer = connected
                    .send(Call::post(&secrets(client_id, &["rotate", "start"])))
                    .await?;
                connection.bring(
                    answer,
                    "/m2m_client/next_client_secret",
                    place,
                    output,
                    &connected,
                )
            }
            Verb::Complete { client_id } => {
                let call = Call::post(&secrets(client_id, &["rotate"]));
                let answer = connection.as_project()?.send(call).await?;
                output.object(&answer, "/m2m_client", COLUMNS)
            }
            Verb::Cancel { client_id } => {
                let call = Call::post(&secrets(client_id, &["rotate", "cancel"]));
                let answer = connection.as_project()?.send(call).await?;
                output.object(&answer, "/m2m_client", COLUMNS)
            }
            Verb::Status { client_id } => status(connection, client_id, output).await,
        }
    }
}

fn secrets<'a>(client_id: &'a str, rest: &[&'a str]) -> Vec<&'a str> {
    let path = ["v1", "m2m", "clients", client_id, "secrets"];
    path.iter().chain(rest).copied().collect()
}

async fn status(connection: &Connection, client_id: &str, output: Output) -> anyhow::Result<()> {
    let (connected, project_id) = (connection.as_operator()?, connection.project.id()?);
    let call = Call::get(&["admin", "v1", "projects", &project_id, "clients", client_id]);
    let answer = connected.send(call).await?;
    if output.json {
        return output.as_it_came(&answer);
    }
    let secrets = answer.array("/secrets");
    print(&format!(
        "{}\n{}\n",
        table(SECRET_COLUMNS, secrets),
        advice(client_id, secrets)
    ))?;
    note("Uses of the last ten seconds may be missing.");
    Ok(())
}

/// What to do now.
fn advice(client_id: &str, secrets: &[Value]) -> String {
    let [old, new] = secrets else {
        return "No rotation is open.".to_owned();
    };
    if time(new, "/last_used_at").is_none() {
        return "The new secret has not got a token yet: give it to whoever uses the old one.".to_owned();
    }
    match time(old, "/last_used_at").zip(time(new, "/created_at")) {
        Some((last_used, started)) if last_used >= started => format!(
            "The old secret is still in use. It got its last token at {} from {} ({}).",
            cell(old, "/last_used_at"),
            cell(old, "/last_used_address"),
            cell(old, "/last_used_user_agent"),
        ),
        _ => format!(
            "The old secret got no token since the rotation began. When every user has run once:\n  \
             countersign client rotate complete {client_id}"
        ),
    }
}

fn time(secret: &Value, pointer: &str) -> Option<Timestamp> {
    secret.pointer(pointer)?.as_str()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn said(old_used: Option<&str>, new_used: Option<&str>) -> String {
        let old = json!({"last_used_at": old_used, "last_used_address": "10.0.0.7", "last_used_user_agent": "cron"});
        let new = json!({"created_at": "2026-11-02T00:00:00Z", "last_used_at": new_used});
        advice("c", &[old, new])
    }

    #[test]
    fn the_advice_follows_from_the_uses() {
        let (before, after) = (Some("2026-11-01T00:00:00Z"), Some("2026-11-03T00:00:00Z"));
        assert!(advice("c", &[json!({})]).contains("No rotation"));
        assert!(said(after, None).contains("not got a token yet"));
        assert!(said(after, after).contains("2026-11-03T00:00:00Z from 10.0.0.7 (cron)"));
        assert!(said(before, after).contains("client rotate complete c"));
        assert!(said(None, after).contains("client rotate complete c"));
    }
}
