//! Where the suite runs: servers from the environment, and the SDK in every shape it comes in.

use std::env;
use std::fmt::Debug;

use jsonwebtoken::decode_header;
use serde::Serialize;
use serde_json::{Value, json};
use stytch::client::{Client, Vertical};
use stytch::consumer::m2m::{
    AuthenticateTokenRequest, AuthenticateTokenResponse, M2M, M2MClientWithClientSecret, TokenRequest,
};
use stytch::consumer::m2m_clients::CreateRequest;
use stytch::consumer::sessions::JWK;
use stytch::{b2b, consumer};
use uuid::Uuid;

/// Makes each named check a test over http and https, with the consumer and with the B2B client.
macro_rules! everywhere {
    ($($check:ident),+ $(,)?) => {
        everywhere!(@ http_consumer Http Consumer $($check)+);
        everywhere!(@ http_b2b Http B2B $($check)+);
        everywhere!(@ https_consumer Https Consumer $($check)+);
        everywhere!(@ https_b2b Https B2B $($check)+);
    };
    (@ $place:ident $transport:ident $vertical:ident $($check:ident)+) => {
        mod $place {
            use crate::surroundings::{Sdk, Server, Transport};
            use stytch::client::Vertical;

            $(#[tokio::test]
            async fn $check() {
                super::$check(Sdk::open(Server::main(Transport::$transport), Vertical::$vertical)).await;
            })+
        }
    };
}

fn required(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("the suite needs the environment variable {name}"))
}

pub enum Transport {
    Http,
    Https,
}

/// One running server and the keys to one of its projects.
#[derive(Clone)]
pub struct Server {
    pub url: String,
    pub project_id: String,
    pub project_secret: String,
    pub operator_key: String,
}

impl Server {
    pub fn main(transport: Transport) -> Self {
        let url = match transport {
            Transport::Http => required("COUNTERSIGN_HTTP_URL"),
            Transport::Https => {
                // The SDK's TLS reads the private CA from there; without it these tests would fail with a riddle.
                required("SSL_CERT_FILE");
                required("COUNTERSIGN_HTTPS_URL")
            }
        };
        Self {
            url,
            project_id: required("COUNTERSIGN_PROJECT_ID"),
            project_secret: required("COUNTERSIGN_PROJECT_SECRET"),
            operator_key: required("COUNTERSIGN_OPERATOR_KEY"),
        }
    }

    /// The server whose tokens live as short as a server allows.
    pub fn short() -> Self {
        let own = |name| {
            env::var(format!("COUNTERSIGN_SHORT_{name}"))
                .unwrap_or_else(|_| required(&format!("COUNTERSIGN_{name}")))
        };
        Self {
            url: required("COUNTERSIGN_SHORT_HTTP_URL"),
            project_id: own("PROJECT_ID"),
            project_secret: own("PROJECT_SECRET"),
            operator_key: own("OPERATOR_KEY"),
        }
    }

    /// `test` or `live`, as it stands in the project id and in every id the server makes.
    pub fn env(&self) -> &str {
        self.project_id
            .split('-')
            .nth(1)
            .expect("an environment in the project id")
    }

    /// A project on this server for one test alone, whose keys it may throw away.
    pub async fn new_project(&self) -> Self {
        let made = self
            .administer("projects", json!({ "name": unique("sdk") }))
            .await;
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        Self {
            project_id: text(&made["project"]["project_id"]),
            project_secret: text(&made["project_secret"]["secret"]),
            ..self.clone()
        }
    }

    pub async fn rotate_key(&self, emergency: bool) {
        let path = format!("projects/{}/keys/rotate", self.project_id);
        self.administer(&path, json!({ "algorithm": "RS256", "emergency": emergency }))
            .await;
    }

    async fn administer(&self, path: &str, body: Value) -> Value {
        let request = reqwest::Client::new().post(format!("{}/admin/v1/{path}", self.url));
        let answer = request
            .bearer_auth(&self.operator_key)
            .json(&body)
            .send()
            .await
            .expect("an answer");
        let status = answer.status().as_u16();
        let answered: Value = answer.json().await.expect("a JSON body");
        assert_eq!(status, 200, "{answered}");
        answered
    }
}

/// The parts of the SDK that this suite is about; the consumer and the B2B client share all but `sessions`.
pub struct Sdk {
    pub server: Server,
    pub http: Client,
    pub m2m: M2M,
    pub debug: consumer::debug::Debug,
    sessions: Sessions,
}

enum Sessions {
    Consumer(consumer::sessions::Sessions),
    B2B(b2b::sessions::Sessions),
}

impl Sdk {
    pub fn open(server: Server, vertical: Vertical) -> Self {
        let is_b2b = matches!(vertical, Vertical::B2B);
        let url = server.url.parse().expect("a URL");
        let http = Client::new_with_base_url(&server.project_id, &server.project_secret, url, vertical)
            .expect("an SDK client");
        if is_b2b {
            let sdk = b2b::client::Client::new_with_http_client(http.clone(), http.clone());
            let (m2m, debug, sessions) = (sdk.m2m, sdk.debug, Sessions::B2B(sdk.sessions));
            Self {
                server,
                http,
                m2m,
                debug,
                sessions,
            }
        } else {
            let sdk = consumer::client::Client::new_with_http_client(http.clone(), http.clone());
            let (m2m, debug, sessions) = (sdk.m2m, sdk.debug, Sessions::Consumer(sdk.sessions));
            Self {
                server,
                http,
                m2m,
                debug,
                sessions,
            }
        }
    }

    /// Another SDK client of the same kind, with nothing in its memory.
    pub fn another(&self, server: Server) -> Self {
        Self::open(
            server,
            match self.sessions {
                Sessions::Consumer(_) => Vertical::Consumer,
                Sessions::B2B(_) => Vertical::B2B,
            },
        )
    }

    /// The published keys, by the SDK's typed call.
    pub async fn keys(&self) -> Vec<JWK> {
        let project_id = self.server.project_id.clone();
        let (status, request_id, keys) = match &self.sessions {
            Sessions::Consumer(sessions) => {
                let request = consumer::sessions::GetJWKSRequest { project_id };
                let answer = sessions.get_jwks(request).await.expect("keys");
                (answer.status_code, answer.request_id, answer.keys)
            }
            Sessions::B2B(sessions) => {
                let request = b2b::sessions::GetJWKSRequest { project_id };
                let answer = sessions.get_jwks(request).await.expect("keys");
                (answer.status_code, answer.request_id, answer.keys)
            }
        };
        assert_eq!(status.as_u16(), 200);
        assert_request_id(&request_id);
        keys
    }

    /// Creates a client of the given fields; the answer holds its secret.
    pub async fn make(&self, fields: CreateRequest) -> M2MClientWithClientSecret {
        self.m2m
            .clients
            .create(fields)
            .await
            .expect("a client")
            .m2m_client
    }

    /// A client that holds these scopes.
    pub async fn make_with(&self, scopes: &[&str]) -> M2MClientWithClientSecret {
        self.make(CreateRequest {
            scopes: owned(scopes),
            ..Default::default()
        })
        .await
    }

    /// Asks for a token of all scopes as that client with that secret.
    pub async fn try_token(&self, client_id: &str, client_secret: &str) -> stytch::Result<String> {
        self.try_token_of(client_id, client_secret, None).await
    }

    /// The same for some scopes.
    pub async fn try_token_of(
        &self,
        client_id: &str,
        client_secret: &str,
        scopes: Option<&[&str]>,
    ) -> stytch::Result<String> {
        let request = TokenRequest {
            client_id: client_id.to_owned(),
            client_secret: client_secret.to_owned(),
            scopes: scopes.map(owned),
            grant_type: "client_credentials".to_owned(),
        };
        Ok(self.m2m.token(request).await?.access_token)
    }

    /// A token of all scopes, which must be granted.
    pub async fn token(&self, client: &M2MClientWithClientSecret) -> String {
        self.try_token(&client.client_id, &client.client_secret)
            .await
            .expect("a token")
    }

    /// Checks a token offline, as a resource server does.
    pub async fn authenticate(&self, token: &str) -> stytch::Result<AuthenticateTokenResponse> {
        let access_token = token.to_owned();
        self.m2m
            .authenticate_token(AuthenticateTokenRequest {
                access_token,
                ..Default::default()
            })
            .await
    }

    /// The client of a token that must pass the check.
    pub async fn client_of(&self, token: &str) -> String {
        self.authenticate(token).await.expect("claims").client_id
    }
}

/// A name no other test, suite or earlier run uses, so that a used server does as well as a fresh one.
pub fn unique(word: &str) -> String {
    format!("{word}-{}", Uuid::new_v4())
}

pub fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}

pub fn last_four(secret: &str) -> &str {
    &secret[secret.len() - 4..]
}

/// The fields every answer about a client shares, without the secret that only one answer holds.
pub fn plain(client: impl Serialize) -> Value {
    let mut client = serde_json::to_value(client).expect("a client as JSON");
    let fields = client.as_object_mut().expect("an object");
    fields.remove("client_secret");
    fields.remove("next_client_secret");
    client
}

/// `base` with the members of `changes` in place of its own.
pub fn with(base: &Value, changes: &Value) -> Value {
    let mut merged = base.clone();
    for (name, value) in changes.as_object().expect("an object") {
        merged[name] = value.clone();
    }
    merged
}

/// Whether the text is `{prefix}-{uuid}`.
pub fn is_id(text: &str, prefix: &str) -> bool {
    text.strip_prefix(prefix)
        .and_then(|rest| rest.strip_prefix('-'))
        .is_some_and(|uuid| Uuid::parse_str(uuid).is_ok())
}

pub fn assert_request_id(id: &str) {
    assert!(
        is_id(id, "request-id-test") || is_id(id, "request-id-live"),
        "{id}"
    );
}

/// The call must have ended in the SDK's typed error, filled in completely.
///
/// One check for both styles of error body: the SDK reads them into one type, and only if they do not mix.
pub fn assert_refused<T: Debug>(outcome: stytch::Result<T>, status: u16, error_type: &str) {
    match outcome {
        Err(stytch::Error::Response(error)) => {
            assert_eq!(
                (error.status_code.as_u16(), error.error_type.as_str()),
                (status, error_type)
            );
            assert_request_id(&error.request_id);
            assert!(!error.error_message.is_empty() && !error.error_url.is_empty());
        }
        other => panic!("instead of {error_type}: {other:?}"),
    }
}

/// The check must fail within the JWT. Its error's type is not public in the SDK, but its text is.
pub fn assert_bad_jwt<T: Debug>(outcome: stytch::Result<T>, text: &str) {
    match outcome {
        Err(stytch::Error::JWTError(error)) => assert_eq!(error.to_string(), text),
        other => panic!("instead of {text}: {other:?}"),
    }
}

/// The id of the key that signed the token.
pub fn kid(token: &str) -> String {
    decode_header(token).expect("a header").kid.expect("a kid")
}
