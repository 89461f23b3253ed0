//! An issuer that answers as it is told and records what it is asked, tokens of any shape, and time that tests move.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use countersign_client::{Chance, Clock, JwkSet, TokenType, Verifier, VerifierBuilder};
use countersign_token::issue::{SigningKey, sign};
use countersign_token::{Algorithm, Claims, test_keys};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// 2027-01-15T08:00:00Z, when all tests begin.
pub(crate) const NOW: i64 = 1_800_000_000;
pub(crate) const PROJECT: &str = "project-test-11111111-1111-4111-8111-111111111111";
pub(crate) const CLIENT: &str = "m2m-client-test-22222222-2222-4222-8222-222222222222";

/// Longest wait for something that has to come.
const PATIENCE: Duration = Duration::from_secs(20);

/// What reached the issuer.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

/// What it is to say.
#[derive(Clone, Debug)]
pub(crate) enum Say {
    Json(String),
    Status(u16, &'static [(&'static str, &'static str)], String),
    /// Nothing, for ever.
    Nothing,
}

/// A server on a port of its own.
pub(crate) struct Issuer {
    pub(crate) url: String,
    shared: Arc<Shared>,
    serving: JoinHandle<()>,
}

#[derive(Default)]
struct Shared {
    asked: Mutex<Vec<Asked>>,
    /// The last one stays.
    says: Mutex<VecDeque<Say>>,
}

impl Issuer {
    pub(crate) async fn start(say: Say) -> Self {
        let shared = Arc::new(Shared::default());
        shared.says.lock().unwrap().push_back(say);
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(answer).with_state(shared.clone());
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, shared, serving }
    }

    /// From now on it says these, one after the other, and the last one for ever.
    pub(crate) fn says(&self, says: impl IntoIterator<Item = Say>) {
        *self.shared.says.lock().unwrap() = says.into_iter().collect();
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.shared.asked.lock().unwrap().clone()
    }

    pub(crate) fn times(&self) -> usize {
        self.shared.asked.lock().unwrap().len()
    }

    /// Waits until it was asked so often.
    pub(crate) async fn was_asked(&self, times: usize) {
        until(&format!("{times} questions"), || self.times() >= times).await;
        assert_eq!(self.times(), times);
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn answer(
    State(shared): State<Arc<Shared>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    shared.asked.lock().unwrap().push(Asked {
        method,
        path: uri.to_string(),
        headers,
        body: String::from_utf8(body.to_vec()).unwrap(),
    });
    let say = {
        let mut says = shared.says.lock().unwrap();
        if says.len() > 1 {
            says.pop_front()
        } else {
            says.front().cloned()
        }
    };
    match say.unwrap() {
        Say::Json(body) => ([("content-type", "application/json")], body).into_response(),
        Say::Status(status, headers, body) => {
            let mut response = (StatusCode::from_u16(status).unwrap(), body).into_response();
            for (name, value) in headers {
                response.headers_mut().insert(*name, value.parse().unwrap());
            }
            response
        }
        Say::Nothing => std::future::pending().await,
    }
}

/// Waits until something is so, in real time and without moving any clock.
pub(crate) async fn until(what: &str, is_so: impl Fn() -> bool) {
    let begun = std::time::Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "{what} did not come");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Moves the timers of this test. Time is not left standing still: with real sockets, standing time would jump to the next
/// timeout whenever a byte is on its way.
pub(crate) async fn later(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

/// A wall clock that stands still until it is moved.
#[derive(Clone, Debug)]
pub(crate) struct Wall(Arc<AtomicI64>);

impl Wall {
    pub(crate) fn new() -> Self {
        Self(Arc::new(AtomicI64::new(NOW)))
    }

    pub(crate) fn set(&self, unix_seconds: i64) {
        self.0.store(unix_seconds, Ordering::Relaxed);
    }
}

impl Clock for Wall {
    fn unix_seconds(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Draws always the same.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fixed(pub(crate) f64);

impl Chance for Fixed {
    fn fraction(&self) -> f64 {
        self.0
    }
}

pub(crate) fn stytch_issuer() -> String {
    format!("stytch.com/{PROJECT}")
}

pub(crate) fn claims() -> Claims {
    Claims {
        iss: stytch_issuer(),
        sub: CLIENT.into(),
        aud: vec![PROJECT.into()],
        scope: "read:users write:*".into(),
        iat: NOW,
        nbf: NOW,
        exp: NOW + 3600,
        ..Claims::default()
    }
}

pub(crate) fn key(kid: &str, algorithm: Algorithm) -> SigningKey {
    SigningKey::from_pkcs8(kid, algorithm, test_keys::pkcs8(algorithm)).unwrap()
}

/// A token of the issuer, signed by its key of this id.
pub(crate) fn token(kid: &str, claims: &Claims) -> String {
    sign(&key(kid, Algorithm::EdDsa), TokenType::Jwt, claims).unwrap()
}

/// The set of these Ed25519 keys. All are the same key under different ids, which no verifier cares about.
pub(crate) fn key_set(kids: &[&str]) -> JwkSet {
    JwkSet {
        keys: kids
            .iter()
            .map(|kid| key(kid, Algorithm::EdDsa).public_jwk())
            .collect(),
    }
}

pub(crate) fn shows(kids: &[&str]) -> Say {
    Say::Json(serde_json::to_string(&key_set(kids)).unwrap())
}

/// A verifier of this issuer's tokens, at [`NOW`].
pub(crate) fn verifier(issuer: &Issuer) -> VerifierBuilder {
    Verifier::builder()
        .url(&issuer.url)
        .project_id(PROJECT)
        .clock(Wall::new())
        .chance(Fixed(1.0))
}
