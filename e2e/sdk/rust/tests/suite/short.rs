//! The server whose tokens live a minute.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jsonwebtoken::dangerous::insecure_decode;
use serde_json::Value;
use stytch::client::Vertical;

use crate::surroundings::{Sdk, Server, assert_bad_jwt};

/// How long the SDK takes a token after its end: its JWT library's default, which it does not change.
const LEEWAY: u64 = 60;

#[tokio::test]
async fn an_expired_token() {
    let sdk = Sdk::open(Server::short(), Vertical::Consumer);
    let client = sdk.make_with(&[]).await;
    let token = sdk.token(&client).await;
    let claims = insecure_decode::<Value>(&token).expect("a JWT").claims;
    let end = claims["exp"].as_u64().expect("an end");
    assert_eq!(Some(end - 60), claims["iat"].as_u64());
    assert_eq!(sdk.client_of(&token).await, client.client_id);

    let dead = UNIX_EPOCH + Duration::from_secs(end + LEEWAY + 1);
    tokio::time::sleep(dead.duration_since(SystemTime::now()).expect("a time to come")).await;
    // This very SDK object took it while it lived.
    assert_bad_jwt(sdk.authenticate(&token).await, "ExpiredSignature");
}
