//! Tokens: what the endpoint grants and refuses, and what the SDK's offline check makes of them.

use std::collections::HashMap;

use stytch::client::Vertical;
use stytch::consumer::m2m::{
    AuthenticateTokenRequest, AuthenticateTokenResponse, M2M, M2MClientWithClientSecret, TokenRequest,
};

use crate::surroundings::{
    Sdk, Server, Transport, assert_bad_jwt, assert_refused, is_id, kid, owned, unique,
};

everywhere!(
    a_token_of_all_scopes,
    a_token_of_some_scopes,
    a_client_without_scopes,
    a_scope_not_held,
    wrong_credentials,
    required_scopes,
    token_age,
    a_forged_token,
    the_project_next_door,
    a_wrong_audience,
    the_key_set,
);

const HELD: [&str; 3] = ["read:users", "write:*", "admin"];

/// A client that holds `HELD`, and a token of all of it.
async fn granted(sdk: &Sdk) -> (M2MClientWithClientSecret, String) {
    let client = sdk.make_with(&HELD).await;
    let token = sdk.token(&client).await;
    (client, token)
}

async fn grant_of(sdk: &Sdk, client: &M2MClientWithClientSecret, scopes: &[&str]) -> stytch::Result<String> {
    sdk.try_token_of(&client.client_id, &client.client_secret, Some(scopes))
        .await
}

async fn authenticate(
    sdk: &Sdk,
    token: &str,
    required_scopes: Option<&[&str]>,
    max_token_age_seconds: Option<u64>,
) -> stytch::Result<AuthenticateTokenResponse> {
    let request = AuthenticateTokenRequest {
        access_token: token.to_owned(),
        required_scopes: required_scopes.map(owned),
        max_token_age_seconds,
        scope_authorization_func: None,
    };
    sdk.m2m.authenticate_token(request).await
}

async fn a_token_of_all_scopes(sdk: Sdk) {
    let client = sdk.make_with(&HELD).await;
    let request = TokenRequest {
        client_id: client.client_id.clone(),
        client_secret: client.client_secret,
        scopes: None,
        grant_type: "client_credentials".to_owned(),
    };
    let answer = sdk.m2m.token(request).await.expect("a token");
    assert_eq!((answer.token_type.as_str(), answer.expires_in), ("bearer", 3600));
    let claims = sdk.authenticate(&answer.access_token).await.expect("claims");
    assert_eq!(claims.client_id, client.client_id);
    assert_eq!(claims.scopes, HELD);
    assert_eq!(claims.custom_claims, HashMap::new());
}

async fn a_token_of_some_scopes(sdk: Sdk) {
    // The SDK sends them as an array `scopes`, not as RFC 6749's `scope`; they come in the order of the client.
    let (client, _) = granted(&sdk).await;
    let token = grant_of(&sdk, &client, &["admin", "read:users"])
        .await
        .expect("a token");
    assert_eq!(
        sdk.authenticate(&token).await.expect("claims").scopes,
        ["read:users", "admin"]
    );
}

async fn a_client_without_scopes(sdk: Sdk) {
    let client = sdk.make_with(&[]).await;
    let token = sdk.token(&client).await;
    assert_eq!(sdk.authenticate(&token).await.expect("claims").scopes, [""; 0]);
}

async fn a_scope_not_held(sdk: Sdk) {
    let (client, _) = granted(&sdk).await;
    // Wildcards are for the one who checks a token, not for the one who grants it.
    for scope in ["delete:users", "write:users"] {
        assert_refused(
            grant_of(&sdk, &client, &["read:users", scope]).await,
            400,
            "invalid_scope",
        );
    }
}

async fn wrong_credentials(sdk: Sdk) {
    let (client, _) = granted(&sdk).await;
    assert_refused(
        sdk.try_token(&client.client_id, "csk_wrong").await,
        400,
        "invalid_client",
    );
    assert_refused(
        sdk.try_token(&unique("nobody"), &client.client_secret).await,
        400,
        "invalid_client",
    );
}

async fn required_scopes(sdk: Sdk) {
    let (client, token) = granted(&sdk).await;
    for enough in [
        &[][..],
        &["read:users"],
        &["admin", "read:users"],
        &["write:anything"],
    ] {
        let claims = authenticate(&sdk, &token, Some(enough), None)
            .await
            .expect("claims");
        assert_eq!(claims.client_id, client.client_id);
    }
    for missing in [&["read:anything"][..], &["read:users", "delete:users"]] {
        let outcome = authenticate(&sdk, &token, Some(missing), None).await;
        assert!(matches!(outcome, Err(stytch::Error::Unauthorized)), "{outcome:?}");
    }
}

async fn token_age(sdk: Sdk) {
    let (client, token) = granted(&sdk).await;
    let claims = authenticate(&sdk, &token, None, Some(3600))
        .await
        .expect("claims");
    assert_eq!(claims.client_id, client.client_id);
    assert_bad_jwt(authenticate(&sdk, &token, None, Some(0)).await, "JWT too old");
}

async fn a_forged_token(sdk: Sdk) {
    let (_, token) = granted(&sdk).await;
    let signature = token.rfind('.').expect("a signature") + 1;
    let other = if token[signature..].starts_with('A') {
        "B"
    } else {
        "A"
    };
    let forged = format!("{}{other}{}", &token[..signature], &token[signature + 1..]);
    assert_bad_jwt(sdk.authenticate(&forged).await, "InvalidSignature");
}

async fn the_project_next_door(sdk: Sdk) {
    let (_, token) = granted(&sdk).await;
    let project_id = unique(&format!("project-{}", sdk.server.env()));
    let stranger = sdk.another(Server {
        project_id,
        ..sdk.server.clone()
    });
    // No such project, so no keys.
    assert_bad_jwt(stranger.authenticate(&token).await, "Failed to fetch JWKS");
}

/// With the right keys at hand, issuer and audience alone must make another project's SDK refuse.
async fn a_wrong_audience(sdk: Sdk) {
    let (_, token) = granted(&sdk).await;
    let mut http = sdk.http.clone();
    http.project_id = unique(&format!("project-{}", sdk.server.env()));
    let request = AuthenticateTokenRequest {
        access_token: token,
        ..Default::default()
    };
    assert_bad_jwt(M2M::new(http).authenticate_token(request).await, "InvalidIssuer");
}

async fn the_key_set(sdk: Sdk) {
    let keys = sdk.keys().await;
    assert!(!keys.is_empty());
    for key in keys {
        assert!(
            is_id(&key.kid, &format!("jwk-{}", sdk.server.env())),
            "{}",
            key.kid
        );
        assert_eq!(
            [&key.kty, &key.use_, &key.alg, &key.e],
            ["RSA", "sig", "RS256", "AQAB"]
        );
        assert_eq!(key.key_ops, ["verify"]);
        assert_eq!(key.x5c.len(), 1);
        // 2048 bits in base64url without padding, 256 bits in base64 with it.
        assert_eq!((key.n.len(), key.x5tS256.len()), (342, 44));
    }
}

#[tokio::test]
async fn new_keys_while_tokens_are_checked() {
    let server = Server::main(Transport::Http).new_project().await;
    let fresh = || Sdk::open(server.clone(), Vertical::Consumer);
    let sdk = fresh();
    let published = async || {
        sdk.keys()
            .await
            .into_iter()
            .map(|key| key.kid)
            .collect::<Vec<_>>()
    };

    let (client, before) = granted(&sdk).await;
    assert_eq!(sdk.client_of(&before).await, client.client_id);
    assert_eq!(published().await, [kid(&before)]);

    server.rotate_key(false).await;

    // The new key is published but not yet used: an SDK that read the keys a while ago goes on without a hitch.
    let after = sdk.token(&client).await;
    assert_eq!(kid(&before), kid(&after));
    let both = published().await;
    assert!(both.len() == 2 && both.contains(&kid(&before)));
    for checker in [&sdk, &fresh()] {
        for token in [&before, &after] {
            assert_eq!(checker.client_of(token).await, client.client_id);
        }
    }

    server.rotate_key(true).await;

    // Every key before this one counts as stolen: what it signed is believed no more. Fresh SDKs, because one with keys
    // in its memory believes them for up to five minutes.
    let last = sdk.token(&client).await;
    assert_eq!(published().await, [kid(&last)]);
    assert!(!both.contains(&kid(&last)));
    assert_eq!(fresh().client_of(&last).await, client.client_id);
    // The text of the error is the id of the missing key.
    assert_bad_jwt(
        fresh().authenticate(&before).await,
        &format!("{:?}", kid(&before)),
    );
}
