//! Signing keys and the master key of several nodes: no node signs with a key that another one does not show yet, and none
//! starts with another master key.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use countersign_cluster::{Cluster, Durability, PASSWORD};
use countersign_e2e::engine::MASTER_KEY;
use countersign_e2e::leaks::{self, Search};
use countersign_e2e::{Backend, Server, identity, program};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{new_database, node, options, url};

/// The least that the configuration takes.
const ANNOUNCE: &str = "20s";
/// Rotations of `cargo xtask e2e --full`.
const ROTATIONS_FULL: usize = 3;
/// Longest wait for a key to sign.
const PATIENCE: Duration = Duration::from_secs(60);
/// What one node changes, another one knows after this.
const WITHIN: Duration = Duration::from_secs(1);
/// Sealed with no database of these tests.
const OTHER_MASTER_KEY: &str = "77c1de45aa0098bb12fe3467900dc5a1be23f4d6078899aabbccddeeff001122";

#[tokio::test(flavor = "multi_thread")]
async fn no_node_signs_with_a_key_that_another_does_not_show() -> anyhow::Result<()> {
    let full = std::env::var_os("COUNTERSIGN_E2E_FULL").is_some();
    let cluster = Cluster::start(Durability::Quick, &[])?;
    let database = new_database(&cluster)?;
    let start = || {
        let mut options = options("keys", cluster.port(), &database);
        let announce = ("COUNTERSIGN_KEYS_ANNOUNCE", ANNOUNCE.to_owned());
        options.environment.push(announce);
        Server::start(options)
    };
    let (one, two) = tokio::try_join!(start(), start())?;
    let (id, secret) = client(&one.backend()).await?;
    for rotation in 0..if full { ROTATIONS_FULL } else { 1 } {
        let rotating = if rotation % 2 == 0 { &one } else { &two };
        let stop = Arc::new(AtomicBool::new(false));
        let mut watches = JoinSet::new();
        for (signing, showing) in [(&one, &two), (&two, &one), (&one, &one), (&two, &two)] {
            let watched = Watch {
                signing: signing.backend(),
                showing: showing.backend(),
                client: (id.clone(), secret.clone()),
                stop: stop.clone(),
            };
            watches.spawn(watched.run());
        }
        let new = rotate(rotating, false).await?;
        let deadline = Instant::now() + PATIENCE;
        for node in [&one, &two] {
            while kid_of_token(&node.backend(), &id, &secret).await? != new {
                ensure!(Instant::now() < deadline, "{new} does not sign");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        stop.store(true, Ordering::SeqCst);
        let mut tokens = 0;
        while let Some(watched) = watches.join_next().await {
            let (seen, signed_by) = watched??;
            tokens += seen;
            ensure!(signed_by.contains(&new) && signed_by.len() == 2, "{signed_by:?}");
        }
        println!(
            "rotation {rotation}: {tokens} tokens, each of a key that both nodes showed before and after"
        );
    }
    one.stop().await?;
    two.stop().await
}

/// Tokens of one node against the key set of one.
struct Watch {
    signing: Backend,
    showing: Backend,
    client: (String, String),
    stop: Arc<AtomicBool>,
}

impl Watch {
    /// How many tokens were looked at, and which keys had signed them.
    async fn run(self) -> anyhow::Result<(usize, BTreeSet<String>)> {
        let (mut tokens, mut signed_by) = (0, BTreeSet::new());
        let mut before = kids(&self.showing).await?;
        while !self.stop.load(Ordering::SeqCst) {
            let kid = kid_of_token(&self.signing, &self.client.0, &self.client.1).await?;
            let after = kids(&self.showing).await?;
            // Shown before it was asked to sign, and shown to whoever gets the token.
            ensure!(before.contains(&kid), "{kid} signs and was not shown: {before:?}");
            ensure!(after.contains(&kid), "{kid} signs and is not shown: {after:?}");
            tokens += 1;
            signed_by.insert(kid);
            before = after;
        }
        Ok((tokens, signed_by))
    }
}

/// The new key signs and the old ones are gone: on the node that was told at once, on the other one within a second.
#[tokio::test(flavor = "multi_thread")]
async fn an_emergency_holds_on_every_node_within_a_second() -> anyhow::Result<()> {
    let cluster = Cluster::start(Durability::Quick, &[])?;
    let database = new_database(&cluster)?;
    let start = || node("keys-emergency", cluster.port(), &database);
    let (one, two) = tokio::try_join!(start(), start())?;
    let (id, secret) = client(&one.backend()).await?;
    let old = kid_of_token(&two.backend(), &id, &secret).await?;
    ensure!(kids(&two.backend()).await?.contains(&old), "{old} is not shown");

    let new = rotate(&one, true).await?;
    let answered = Instant::now();
    ensure!(new != old, "the same key");
    let only = BTreeSet::from([new.clone()]);
    assert_eq!(kids(&one.backend()).await?, only);
    assert_eq!(kid_of_token(&one.backend(), &id, &secret).await?, new);
    // What is asked for later than the promise allows must not be old.
    tokio::time::sleep((answered + WITHIN).saturating_duration_since(Instant::now())).await;
    assert_eq!(kids(&two.backend()).await?, only);
    assert_eq!(kid_of_token(&two.backend(), &id, &secret).await?, new);
    one.stop().await?;
    two.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_with_another_master_key_says_so_and_changes_nothing() -> anyhow::Result<()> {
    let cluster = Cluster::start(Durability::Quick, &[])?;
    let database = new_database(&cluster)?;
    let first = node("keys-master", cluster.port(), &database).await?;
    let (id, secret) = client(&first.backend()).await?;
    first.stop().await?;
    // Nobody is at work on it, so nothing but the refused node could change it.
    let everything = || {
        cluster.sql(
            &database,
            "SELECT md5(schema_to_xml('public', true, true, '')::text)",
        )
    };
    let before = everything()?;

    let folder = tempfile::TempDir::new()?;
    let mut refused = program::countersign(&[])?;
    refused
        .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
        .arg(folder.path())
        .env("COUNTERSIGN_DATABASE_URL", url(cluster.port(), &database))
        .env("COUNTERSIGN_MASTER_KEY", OTHER_MASTER_KEY)
        .env(
            "COUNTERSIGN_BOOTSTRAP_OPERATOR_KEY",
            "an-operator-key-of-an-intruder-0123456789",
        )
        .env("COUNTERSIGN_LOG_LEVEL", "trace");
    let refused = program::run(refused).await?;
    assert_eq!(refused.status.code(), Some(1));
    let said = String::from_utf8_lossy(&refused.stderr);
    ensure!(said.contains("wrong master key"), "{said}");
    let mut search = Search::default();
    search.for_secret("the master key", MASTER_KEY)?;
    search.for_secret("the other master key", OTHER_MASTER_KEY)?;
    search.for_secret("the database's password", PASSWORD)?;
    leaks::none(&search.bytes("standard error".as_ref(), &refused.stderr)?)?;
    leaks::none(&search.bytes("standard output".as_ref(), &refused.stdout)?)?;
    leaks::none(&search.files(folder.path())?)?;
    assert_eq!(everything()?, before);

    let again = node("keys-master", cluster.port(), &database).await?;
    again.backend().token(&id, &secret).await?.ok()?;
    again.stop().await
}

/// Makes a client: its id and secret.
async fn client(backend: &Backend) -> anyhow::Result<(String, String)> {
    let made = backend.create(&json!({})).await?.ok()?;
    let text = |name: &str| {
        made["m2m_client"][name]
            .as_str()
            .map(str::to_owned)
            .context("no client")
    };
    Ok((text("client_id")?, text("client_secret")?))
}

/// Rotates the key that signs, through this node: the kid of the new one.
async fn rotate(server: &Server, emergency: bool) -> anyhow::Result<String> {
    let path = format!("/admin/v1/projects/{}/keys/rotate", identity::PROJECT_ID);
    let request = server.by_operator(Method::POST, &path);
    let answer = request.json(&json!({ "emergency": emergency })).send().await?;
    let body: Value = answer.error_for_status()?.json().await?;
    Ok(body["key"]["kid"].as_str().context("no kid")?.to_owned())
}

async fn kids(backend: &Backend) -> anyhow::Result<BTreeSet<String>> {
    let set = backend.jwk_set().await?.ok()?;
    let keys = set["keys"].as_array().context("no keys")?;
    let kid = |key: &Value| key["kid"].as_str().map(str::to_owned).context("no kid");
    keys.iter().map(kid).collect()
}

async fn kid_of_token(backend: &Backend, id: &str, secret: &str) -> anyhow::Result<String> {
    let body = backend.token(id, secret).await?.ok()?;
    let token = body["access_token"].as_str().context("no token")?;
    let header = token.split('.').next().context("no header")?;
    let header: Value = serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(header)?)?;
    Ok(header["kid"].as_str().context("no kid")?.to_owned())
}
