//! Imported secrets that a person may have chosen: digested slowly, few at a time, once per secret.

use futures_util::future::join_all;
use serde_json::json;

use crate::support::answer::Answer;
use crate::support::{NewClient, TestApp, token_request};

const WEAK: &str = "ardent-Mulberry/Quilt.92";

async fn weak_client(app: &TestApp, id: &str) -> NewClient {
    app.create_client(json!({ "client_id": id, "client_secret": WEAK }))
        .await
}

/// Now a token request for it reaches its secret without asking the database.
async fn take_into_memory(app: &TestApp, client: &NewClient) {
    app.ask_token(&client.id, "wrong")
        .await
        .oauth(400, "invalid_client");
}

/// More guesses at `target` at the same time than may wait, each from an address of its own.
async fn flood(app: &TestApp) -> Vec<Answer> {
    let guesses = (0..100).map(|number| async move {
        let guess = format!("guess-number/{number}");
        let body = token_request("target", &guess);
        app.anonymous()
            .at(&format!("203.0.113.{number}"))
            .post(&app.token_path(), body)
            .await
    });
    join_all(guesses).await
}

/// Lets everything else run that can.
async fn let_others_run() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_weak_secret_works_and_a_wrong_one_does_not() {
    let app = TestApp::new().await;
    let client = weak_client(&app, "worker").await;
    app.ask_token("worker", "ardent-Mulberry/Quilt.93")
        .await
        .oauth(400, "invalid_client");
    app.token(&client).await;
    app.ask_token("worker", "ardent-Mulberry/Quilt.93")
        .await
        .oauth(400, "invalid_client");
    let row = app.stored_client(&app.project, "worker").await.unwrap();
    assert!(row.secret.digest.to_string().starts_with("$argon2id$"));
    assert_eq!(row.version, 1, "an own digest is not upgraded");
}

/// Shown by counting: whoever holds the pool's only place keeps every slow digest from being computed.
#[tokio::test]
async fn the_slow_digest_is_paid_once() {
    let app = TestApp::new().await;
    let client = weak_client(&app, "worker").await;
    app.token(&client).await;
    let everything = app.app.secrets.slow_permit().await.unwrap();
    let (_, asked) = app.store.asked_during(app.token(&client)).await;
    assert!(asked.is_empty(), "{asked:?}");
    app.token(&client).await;
    drop(everything);
}

#[tokio::test]
async fn the_first_login_waits_for_its_place_in_the_pool() {
    let app = TestApp::new().await;
    let client = weak_client(&app, "worker").await;
    take_into_memory(&app, &client).await;
    let everything = app.app.secrets.slow_permit().await.unwrap();
    let login = async { app.token(&client).await };
    tokio::pin!(login);
    tokio::select! {
        biased;
        _ = &mut login => panic!("computed without a place"),
        () = let_others_run() => {}
    }
    drop(everything);
    login.await;
}

/// The memo is of one secret of one client, and of the digest that it has now.
#[tokio::test]
async fn what_is_remembered_is_forgotten_with_the_secret() {
    let app = TestApp::new().await;
    let client = weak_client(&app, "worker").await;
    weak_client(&app, "twin").await;
    app.token(&client).await;
    app.backend()
        .post("/v1/m2m/clients/worker/secrets/rotate/start", json!({}))
        .await
        .ok();
    app.token(&client).await;
    app.backend()
        .post("/v1/m2m/clients/worker/secrets/rotate", json!({}))
        .await
        .ok();
    app.ask_token("worker", WEAK).await.oauth(400, "invalid_client");
    app.ask_token("twin", WEAK).await.ok();
    app.backend().delete("/v1/m2m/clients/twin").await.ok();
    app.ask_token("twin", WEAK).await.oauth(400, "invalid_client");
    let again = weak_client(&app, "twin").await;
    app.backend()
        .put("/v1/m2m/clients/twin", json!({ "status": "inactive" }))
        .await
        .ok();
    app.ask_token("twin", &again.secret)
        .await
        .oauth(400, "invalid_client");
}

/// A flood against one client turns away its own kind and nobody else.
#[tokio::test]
async fn a_flood_of_guesses_at_one_client_holds_up_no_other() {
    let app = TestApp::new().await;
    let target = weak_client(&app, "target").await;
    let bystander = weak_client(&app, "bystander").await;
    let random = app.create_client(json!({})).await;
    take_into_memory(&app, &target).await;
    app.token(&bystander).await;
    let everything = app.app.secrets.slow_permit().await.unwrap();
    let others = async {
        let_others_run().await;
        app.token(&bystander).await;
        app.token(&random).await;
        drop(everything);
    };
    let (answers, ()) = tokio::join!(flood(&app), others);
    let (turned_away, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 503);
    assert!(
        !turned_away.is_empty() && !refused.is_empty(),
        "some may wait, more may not: {}",
        refused.len()
    );
    turned_away
        .iter()
        .for_each(|answer| assert_eq!(answer.header("retry-after"), Some("1")));
    refused
        .iter()
        .for_each(|answer| drop(answer.oauth(400, "invalid_client")));
}

/// A login that is remembered needs no place, so a flood cannot turn it away.
#[tokio::test]
async fn a_remembered_client_passes_its_own_flood() {
    let app = TestApp::new().await;
    let target = weak_client(&app, "target").await;
    app.token(&target).await;
    let everything = app.app.secrets.slow_permit().await.unwrap();
    let others = async {
        let_others_run().await;
        app.token(&target).await;
        drop(everything);
    };
    tokio::join!(flood(&app), others);
}
