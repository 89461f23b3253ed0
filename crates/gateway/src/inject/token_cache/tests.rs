use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::join_all;
use http::StatusCode;
use http::request::Parts;
use tokio::time::{advance, sleep};

use super::*;
use crate::inject::{ClientAuthentication, OauthClientCredentialsFields};

/// Issues `token-1`, `token-2` and so on, each for 100 seconds, after one second.
#[derive(Default)]
struct Issuer {
    asked: AtomicUsize,
    is_down: std::sync::atomic::AtomicBool,
}

#[async_trait]
impl TokenEndpoint for Issuer {
    async fn ask(&self, _: TokenRequest) -> Result<TokenAnswer, TokenFailure> {
        let number = self.asked.fetch_add(1, Ordering::Relaxed) + 1;
        sleep(Duration::from_secs(1)).await;
        if self.is_down.load(Ordering::Relaxed) {
            return Err(TokenFailure::TimedOut);
        }
        let body =
            format!("{{\"access_token\":\"token-{number}\",\"token_type\":\"bearer\",\"expires_in\":100}}");
        Ok(TokenAnswer {
            status: StatusCode::OK,
            body: body.into_bytes().into(),
        })
    }
}

struct Bench {
    cache: TokenCache,
    issuer: Arc<Issuer>,
    credential: OauthClientCredentials,
}

impl Bench {
    fn new() -> Self {
        let credential = OauthClientCredentials::new(OauthClientCredentialsFields {
            token_url: "https://login.test/token".into(),
            client_id: "id".into(),
            client_secret: "secret".into(),
            authentication: ClientAuthentication::Basic,
            scope: None,
            audience: None,
            resource: vec![],
        });
        Self {
            cache: TokenCache::default(),
            issuer: Arc::default(),
            credential: credential.unwrap(),
        }
    }

    async fn token_of(&self, key: &TokenKey, jitter: u16) -> Outcome {
        let endpoint: Arc<dyn TokenEndpoint> = self.issuer.clone();
        self.cache
            .token(key, &self.credential, &endpoint, Jitter(jitter))
            .await
    }

    async fn token(&self) -> Outcome {
        self.token_of(&key(1), 0).await
    }

    fn asked(&self) -> usize {
        self.issuer.asked.load(Ordering::Relaxed)
    }
}

fn key(version: u64) -> TokenKey {
    TokenKey {
        credential_id: "credential-1".into(),
        version,
        scope: None,
        audience: None,
    }
}

fn text(token: &Arc<AccessToken>) -> String {
    let mut parts: Parts = http::Request::new(()).into_parts().0;
    token.apply(&mut parts).unwrap();
    parts.headers["authorization"].to_str().unwrap().to_owned()
}

async fn pass(seconds: u64) {
    advance(Duration::from_secs(seconds)).await;
}

#[tokio::test(start_paused = true)]
async fn many_callers_share_one_request_and_its_token() {
    let bench = Bench::new();
    for outcome in join_all((0..100).map(|_| bench.token())).await {
        assert_eq!(text(&outcome.unwrap()), "Bearer token-1");
    }
    assert_eq!(bench.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_goes_away_does_not_stop_the_request() {
    let bench = Bench::new();
    let gone = tokio::time::timeout(Duration::from_millis(1), bench.token()).await;
    assert!(gone.is_err());
    bench.token().await.unwrap();
    assert_eq!(bench.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_token_is_renewed_early_while_the_old_one_serves() {
    let bench = Bench::new();
    // Asked for at 0 s, answered at 1 s: from 75 s on it is renewed.
    bench.token().await.unwrap();
    pass(73).await;
    assert_eq!(text(&bench.token().await.unwrap()), "Bearer token-1");
    assert_eq!(bench.asked(), 1);
    pass(1).await;
    assert_eq!(
        text(&bench.token().await.unwrap()),
        "Bearer token-1",
        "nobody waits for the new one"
    );
    sleep(Duration::from_secs(2)).await;
    assert_eq!(text(&bench.token().await.unwrap()), "Bearer token-2");
    assert_eq!(bench.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn chance_moves_the_renewal_to_four_fifths_at_most() {
    let bench = Bench::new();
    bench.token_of(&key(1), u16::MAX).await.unwrap();
    pass(78).await;
    bench.token().await.unwrap();
    sleep(Duration::from_millis(1)).await;
    assert_eq!(bench.asked(), 1, "79 s");
    pass(1).await;
    bench.token().await.unwrap();
    sleep(Duration::from_millis(1)).await;
    assert_eq!(bench.asked(), 2, "80 s");
}

#[tokio::test(start_paused = true)]
async fn while_the_endpoint_is_down_the_old_token_serves_until_it_expires() {
    let bench = Bench::new();
    bench.token().await.unwrap();
    bench.issuer.is_down.store(true, Ordering::Relaxed);
    pass(80).await;
    for _ in 0..4 {
        assert_eq!(text(&bench.token().await.unwrap()), "Bearer token-1");
        sleep(Duration::from_millis(1_500)).await;
    }
    pass(15).await;
    assert_eq!(bench.token().await.unwrap_err(), TokenFailure::TimedOut);
}

#[tokio::test(start_paused = true)]
async fn after_a_failure_nobody_asks_for_a_while_that_grows() {
    let bench = Bench::new();
    bench.issuer.is_down.store(true, Ordering::Relaxed);
    for (asked, pause) in [(1, 1), (2, 2), (3, 4), (4, 8), (5, 16), (6, 32), (7, 60), (8, 60)] {
        for _ in 0..3 {
            assert_eq!(bench.token().await.unwrap_err(), TokenFailure::TimedOut);
        }
        assert_eq!(bench.asked(), asked);
        pass(pause - 1).await;
        assert!(bench.token().await.is_err());
        assert_eq!(bench.asked(), asked, "the pause is not over");
        pass(1).await;
    }
    bench.issuer.is_down.store(false, Ordering::Relaxed);
    bench.token().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_is_given_up_once_in_ten_seconds() {
    let bench = Bench::new();
    let first = bench.token().await.unwrap();
    assert!(bench.cache.evict(&key(1), &first));
    let second = bench.token().await.unwrap();
    assert_eq!(text(&second), "Bearer token-2");
    assert!(
        bench.cache.evict(&key(1), &first),
        "whoever comes late tries the new one"
    );
    assert!(
        !bench.cache.evict(&key(1), &second),
        "the upstream refuses any token"
    );
    assert_eq!(text(&bench.token().await.unwrap()), "Bearer token-2");
    pass(10).await;
    assert!(bench.cache.evict(&key(1), &second));
    assert_eq!(text(&bench.token().await.unwrap()), "Bearer token-3");
}

#[tokio::test(start_paused = true)]
async fn versions_scopes_and_audiences_have_tokens_of_their_own() {
    let bench = Bench::new();
    let keys = [
        key(1),
        TokenKey {
            scope: Some("read".into()),
            ..key(1)
        },
        TokenKey {
            audience: Some("read".into()),
            ..key(1)
        },
        TokenKey {
            credential_id: "credential-2".into(),
            ..key(1)
        },
        key(2),
    ];
    for (index, key) in keys.iter().enumerate() {
        let token = bench.token_of(key, 0).await.unwrap();
        assert_eq!(text(&token), format!("Bearer token-{}", index + 1));
    }
    assert_eq!(bench.cache.lock().len(), 2, "a new version drops the old one's");
    bench.cache.forget("credential-1");
    assert_eq!(bench.cache.lock().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_panics_holds_nobody_up() {
    struct Panics;
    #[async_trait]
    impl TokenEndpoint for Panics {
        async fn ask(&self, _: TokenRequest) -> Result<TokenAnswer, TokenFailure> {
            panic!("on purpose")
        }
    }
    let bench = Bench::new();
    let endpoint: Arc<dyn TokenEndpoint> = Arc::new(Panics);
    let outcome = bench
        .cache
        .token(&key(1), &bench.credential, &endpoint, Jitter(0))
        .await;
    assert_eq!(outcome.unwrap_err(), TokenFailure::BrokenOff);
    assert_eq!(text(&bench.token().await.unwrap()), "Bearer token-1");
}
