//! How a token source is set up.

use std::fmt;
use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Client;
use secrecy::{ExposeSecret as _, SecretString};

use super::TokenSource;
use super::endpoint::Endpoint;
use super::retry::Patience;
use super::secret::Secret;
use crate::chance::{Chance, SystemChance};
use crate::config::{self, ConfigError, variable};
use crate::http;

/// How long one request for a token may take, with the time in which the client's secret is brought.
pub const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long all requests for one token may take, with the pauses between them.
pub const TOTAL_TIMEOUT: Duration = Duration::from_secs(30);

/// Sets up a [`TokenSource`].
///
/// ```
/// use countersign_client::TokenSource;
///
/// # fn main() -> Result<(), countersign_client::ConfigError> {
/// let tokens = TokenSource::builder()
///     .url("https://id.example.com")
///     .project_id("project-live-11111111-1111-4111-8111-111111111111")
///     .client_id("m2m-client-live-22222222-2222-4222-8222-222222222222")
///     .client_secret_from(|| async {
///         // Read anew for each token, so that a rotated secret is picked up.
///         std::fs::read_to_string("/run/secrets/client").map(|text| text.trim_end().into())
///     })
///     .scopes(["read:users"])
///     .build()?;
/// # Ok(())
/// # }
/// ```
#[must_use]
#[derive(Clone)]
pub struct TokenSourceBuilder {
    lookup: Option<config::Lookup>,
    url: Option<String>,
    project_id: Option<String>,
    client_id: Option<String>,
    secret: Option<Secret>,
    scopes: Option<Vec<String>>,
    resources: Vec<String>,
    patience: Patience,
    http: Option<Client>,
    ca_file: Option<PathBuf>,
    chance: Arc<dyn Chance>,
}

impl Default for TokenSourceBuilder {
    fn default() -> Self {
        Self {
            lookup: None,
            url: None,
            project_id: None,
            client_id: None,
            secret: None,
            scopes: None,
            resources: Vec::new(),
            patience: Patience {
                attempt: ATTEMPT_TIMEOUT,
                all: TOTAL_TIMEOUT,
            },
            http: None,
            ca_file: None,
            chance: Arc::new(SystemChance),
        }
    }
}

impl TokenSourceBuilder {
    /// Takes from the environment what no method says: `COUNTERSIGN_URL`, `COUNTERSIGN_PROJECT_ID`, `COUNTERSIGN_CLIENT_ID`,
    /// `COUNTERSIGN_CLIENT_SECRET`, `COUNTERSIGN_CA_FILE`.
    pub fn from_env(mut self) -> Self {
        self.lookup = Some(config::environment);
        self
    }

    /// The server's URL.
    pub fn url(mut self, url: impl Into<String>) -> Self {
        self.url = Some(url.into());
        self
    }

    /// The project of the client.
    pub fn project_id(mut self, project_id: impl Into<String>) -> Self {
        self.project_id = Some(project_id.into());
        self
    }

    /// The client.
    pub fn client_id(mut self, client_id: impl Into<String>) -> Self {
        self.client_id = Some(client_id.into());
        self
    }

    /// The client's secret.
    pub fn client_secret(mut self, secret: impl Into<SecretString>) -> Self {
        self.secret = Some(Secret::Fixed(secret.into()));
        self
    }

    /// Asks for the client's secret before each request, so that a rotated one is picked up. What the function says when it fails
    /// is not repeated in [`crate::TokenError::SecretUnavailable`]: it may hold the secret. Log it in the function if you must.
    ///
    /// It has as long as one request ([`attempt_timeout`](Self::attempt_timeout)) to bring it. One that takes longer, panics or brings
    /// an empty secret has failed.
    pub fn client_secret_from<F, W, E>(mut self, bring: F) -> Self
    where
        F: Fn() -> W + Send + Sync + 'static,
        W: Future<Output = Result<SecretString, E>> + Send + 'static,
    {
        self.secret = Some(Secret::brought(bring));
        self
    }

    /// The scopes to ask for, at least one; without a call of this the token has all that the client holds.
    pub fn scopes<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.scopes = Some(scopes.into_iter().map(Into::into).collect());
        self
    }

    /// For whom the token is to be (RFC 8707), such as `https://id.example.com/gateway`; may be called more than once.
    pub fn resource(mut self, resource: impl Into<String>) -> Self {
        self.resources.push(resource.into());
        self
    }

    /// How long one request may take, with the time in which the secret is brought; otherwise [`ATTEMPT_TIMEOUT`].
    pub fn attempt_timeout(mut self, timeout: Duration) -> Self {
        self.patience.attempt = timeout;
        self
    }

    /// How long all requests for one token may take, with the pauses between them; otherwise [`TOTAL_TIMEOUT`].
    pub fn total_timeout(mut self, timeout: Duration) -> Self {
        self.patience.all = timeout;
        self
    }

    /// Gets tokens with this, with its proxy, authorities and so on. It should follow no redirect: the secret would be carried
    /// along.
    pub fn http(mut self, http: Client) -> Self {
        self.http = Some(http);
        self
    }

    /// Trusts the authorities in this file (PEM) beside those of the platform, for a server with a private authority. The file is
    /// read once, by [`build`](Self::build).
    pub fn ca_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.ca_file = Some(path.into());
        self
    }

    /// Where jitter comes from; otherwise the generator of aws-lc-rs.
    pub fn chance(mut self, chance: impl Chance) -> Self {
        self.chance = Arc::new(chance);
        self
    }

    /// The token source. Nothing is fetched before the first token is asked for.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] with the name of the first thing that is missing or wrong.
    pub fn build(self) -> Result<TokenSource, ConfigError> {
        let look_up = |name| self.lookup.and_then(|look_up| look_up(name));
        let url = config::base_url(self.url.or_else(|| look_up(variable::URL)))?;
        let project_id = config::project_id(self.project_id.or_else(|| look_up(variable::PROJECT_ID)))?;
        let client_id = config::required(
            self.client_id.or_else(|| look_up(variable::CLIENT_ID)),
            variable::CLIENT_ID,
        )?;
        let secret = self
            .secret
            .or_else(|| look_up(variable::CLIENT_SECRET).map(|secret| Secret::Fixed(secret.into())))
            .filter(|secret| !matches!(secret, Secret::Fixed(secret) if secret.expose_secret().is_empty()))
            .ok_or(ConfigError::Missing {
                name: variable::CLIENT_SECRET,
            })?;
        if let Some(scopes) = &self.scopes {
            config::scopes(scopes, "scopes")?;
        }
        for resource in &self.resources {
            config::http_url(resource, "resource")?;
        }
        let endpoint = Endpoint {
            url: config::http_url(
                &format!("{url}/v1/public/{project_id}/oauth2/token"),
                variable::URL,
            )?,
            http: http::given_or_own(self.http, self.ca_file.as_deref(), self.lookup)?,
            client_id,
            secret,
            scopes: self.scopes.unwrap_or_default(),
            resources: self.resources,
        };
        let patience = Patience {
            attempt: config::timeout(self.patience.attempt, "attempt_timeout")?,
            all: config::timeout(self.patience.all, "total_timeout")?,
        };
        Ok(TokenSource::new(endpoint, patience, self.chance))
    }
}

impl fmt::Debug for TokenSourceBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenSourceBuilder")
            .field("url", &self.url)
            .field("project_id", &self.project_id)
            .field("client_id", &self.client_id)
            .field("scopes", &self.scopes)
            .field("resources", &self.resources)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole() -> TokenSourceBuilder {
        TokenSource::builder()
            .url("https://id.example")
            .project_id("project-test-1")
            .client_id("m2m-client-test-1")
            .client_secret("hunter2hunter2")
    }

    fn nothing(_: &str) -> Option<String> {
        None
    }

    fn everything(name: &str) -> Option<String> {
        Some(match name {
            "COUNTERSIGN_CA_FILE" => return None,
            "COUNTERSIGN_URL" => "https://environment.example".into(),
            name => format!("from-{name}"),
        })
    }

    #[test]
    fn what_is_missing_is_named() {
        let missing = |builder: TokenSourceBuilder| match builder.build() {
            Err(ConfigError::Missing { name }) => name,
            other => panic!("{other:?}"),
        };
        let from_nothing = || TokenSourceBuilder {
            lookup: Some(nothing),
            ..TokenSourceBuilder::default()
        };
        assert_eq!(missing(from_nothing()), "COUNTERSIGN_URL");
        let builder = from_nothing().url("https://id.example");
        assert_eq!(missing(builder.clone()), "COUNTERSIGN_PROJECT_ID");
        let builder = builder.project_id("project-test-1");
        assert_eq!(missing(builder.clone()), "COUNTERSIGN_CLIENT_ID");
        let builder = builder.client_id("m2m-client-test-1");
        assert_eq!(missing(builder.clone()), "COUNTERSIGN_CLIENT_SECRET");
        assert_eq!(missing(builder.client_secret("")), "COUNTERSIGN_CLIENT_SECRET");
    }

    #[test]
    fn arguments_win_over_the_environment() {
        let builder = TokenSourceBuilder {
            lookup: Some(everything),
            ..TokenSourceBuilder::default()
        };
        let source = builder.url("https://id.example/").build().unwrap();
        assert_eq!(
            source.endpoint().url.as_str(),
            "https://id.example/v1/public/from-COUNTERSIGN_PROJECT_ID/oauth2/token"
        );
        assert_eq!(source.endpoint().client_id, "from-COUNTERSIGN_CLIENT_ID");
    }

    #[test]
    fn the_environment_may_name_an_authority() {
        fn a_file(name: &str) -> Option<String> {
            (name == "COUNTERSIGN_CA_FILE").then(|| "/nowhere/ca.pem".to_owned())
        }
        let named = || TokenSourceBuilder {
            lookup: Some(a_file),
            ..whole()
        };
        assert_eq!(named().build().unwrap_err().code(), "invalid_configuration");
        // Whoever brings HTTP brings its authorities.
        let own = Client::builder().no_proxy().build().unwrap();
        assert!(named().http(own).build().is_ok());
    }

    #[test]
    fn what_cannot_be_right_is_refused() {
        for builder in [
            whole().scopes(["read users"]),
            whole().scopes([""]),
            whole().scopes([] as [&str; 0]),
            whole().scopes(["read:\"users"]),
            whole().ca_file("/nowhere/ca.pem"),
            whole().ca_file("Cargo.toml"),
            whole()
                .ca_file("Cargo.toml")
                .http(Client::builder().no_proxy().build().unwrap()),
            whole().resource("gateway"),
            whole().total_timeout(Duration::ZERO),
            whole().attempt_timeout(Duration::MAX),
        ] {
            assert_eq!(builder.build().unwrap_err().code(), "invalid_configuration");
        }
    }

    #[test]
    fn nothing_that_holds_the_secret_prints_it() {
        let builder = whole();
        let printed = format!("{builder:?} {:?}", builder.clone().build().unwrap());
        assert!(printed.contains("m2m-client-test-1"), "{printed}");
        assert!(!printed.contains("hunter2"), "{printed}");
    }
}
