//! How a verifier is set up.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use countersign_token::{JwkSet, TokenType};
use reqwest::Client;
use tokio::time::Instant;

use super::keys::{Held, Keys};
use super::profile::{Accepted, Profile, Terms};
use super::remote_keys::{Pace, RemoteKeys};
use super::seen::SeenTokens;
use super::{Inner, Verifier};
use crate::chance::{Chance, SystemChance};
use crate::clock::{Clock, SystemClock};
use crate::config::{self, ConfigError, variable};
use crate::http;

/// How old keys get before they are fetched again. A key withdrawn in an emergency is believed at most this long.
pub const REFRESH_EVERY: Duration = Duration::from_secs(5 * 60);
/// How long keys are used when the issuer is away.
pub const KEYS_USABLE_FOR: Duration = Duration::from_secs(24 * 3600);
/// How often tokens with unknown keys may have keys fetched.
pub const UNKNOWN_KEY_COOL_DOWN: Duration = Duration::from_secs(30);
/// How long a fetch of keys may take.
pub const FETCH_TIMEOUT: Duration = Duration::from_secs(5);
/// How much memory tokens take that were good before: some 8,000 of a usual size.
pub const SEEN_TOKENS_BYTES: usize = 8 * 1024 * 1024;

/// Sets up a [`Verifier`].
///
/// A project of a Countersign server needs [`url`](Self::url) and [`project_id`](Self::project_id). Any other issuer needs
/// [`issuer`](Self::issuer), [`jwks_url`](Self::jwks_url) (or [`keys`](Self::keys)) and [`audience`](Self::audience).
///
/// ```
/// use countersign_client::Verifier;
///
/// # fn main() -> Result<(), countersign_client::ConfigError> {
/// let verifier = Verifier::builder()
///     .url("https://id.example.com")
///     .project_id("project-live-11111111-1111-4111-8111-111111111111")
///     .build()?;
///
/// let foreign = Verifier::builder()
///     .issuer("https://tenant.auth0.com/")
///     .jwks_url("https://tenant.auth0.com/.well-known/jwks.json")
///     .audience("https://api.example.com")
///     .build()?;
/// # Ok(())
/// # }
/// ```
#[must_use]
#[derive(Clone)]
pub struct VerifierBuilder {
    lookup: Option<config::Lookup>,
    url: Option<String>,
    project_id: Option<String>,
    profile: Option<Profile>,
    issuer: Option<String>,
    token_types: Option<Vec<TokenType>>,
    jwks_url: Option<String>,
    keys: Option<JwkSet>,
    audience: Option<String>,
    clock_tolerance: Duration,
    max_age: Option<Duration>,
    pace: Pace,
    seen_tokens_bytes: usize,
    http: Option<Client>,
    ca_file: Option<PathBuf>,
    scope_claim: Option<String>,
    clock: Arc<dyn Clock>,
    chance: Arc<dyn Chance>,
}

impl Default for VerifierBuilder {
    fn default() -> Self {
        Self {
            lookup: None,
            url: None,
            project_id: None,
            profile: None,
            issuer: None,
            token_types: None,
            jwks_url: None,
            keys: None,
            audience: None,
            clock_tolerance: Duration::ZERO,
            max_age: None,
            pace: Pace {
                refresh_every: REFRESH_EVERY,
                usable_for: KEYS_USABLE_FOR,
                unknown_key_cool_down: UNKNOWN_KEY_COOL_DOWN,
                timeout: FETCH_TIMEOUT,
            },
            seen_tokens_bytes: SEEN_TOKENS_BYTES,
            http: None,
            ca_file: None,
            scope_claim: None,
            clock: Arc::new(SystemClock),
            chance: Arc::new(SystemChance),
        }
    }
}

impl VerifierBuilder {
    /// Takes from the environment what no method says: `COUNTERSIGN_URL`, `COUNTERSIGN_PROJECT_ID`, `COUNTERSIGN_AUDIENCE`,
    /// `COUNTERSIGN_CA_FILE`. An issuer of its own takes only the last from there.
    pub fn from_env(mut self) -> Self {
        self.lookup = Some(config::environment);
        self
    }

    /// The server's public URL, as its operator set it.
    pub fn url(mut self, url: impl Into<String>) -> Self {
        self.url = Some(url.into());
        self
    }

    /// The project whose tokens are accepted.
    pub fn project_id(mut self, project_id: impl Into<String>) -> Self {
        self.project_id = Some(project_id.into());
        self
    }

    /// Accepts one profile only. Otherwise both are accepted, each with its own type and issuer.
    ///
    /// With [`Profile::Stytch`] keys come from where the Stytch SDKs fetch them, so that this also checks tokens of Stytch itself.
    pub fn profile(mut self, profile: Profile) -> Self {
        self.profile = Some(profile);
        self
    }

    /// Accepts tokens of this issuer instead of a project's: what stands in `iss`, to the letter.
    pub fn issuer(mut self, issuer: impl Into<String>) -> Self {
        self.issuer = Some(issuer.into());
        self
    }

    /// The types to accept from [`issuer`](Self::issuer); otherwise `JWT` and `at+jwt`.
    pub fn token_types(mut self, types: impl IntoIterator<Item = TokenType>) -> Self {
        self.token_types = Some(types.into_iter().collect());
        self
    }

    /// Where the keys are: for an issuer of its own, or when the server is reached by another URL than its public one.
    pub fn jwks_url(mut self, url: impl Into<String>) -> Self {
        self.jwks_url = Some(url.into());
        self
    }

    /// These keys and no others. Nothing is fetched.
    pub fn keys(mut self, keys: JwkSet) -> Self {
        self.keys = Some(keys);
        self
    }

    /// Who you are: what must be in `aud`. Otherwise the project's id.
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audience = Some(audience.into());
        self
    }

    /// By how much the clocks of issuer and verifier may differ, in whole seconds; otherwise not at all.
    pub fn clock_tolerance(mut self, tolerance: Duration) -> Self {
        self.clock_tolerance = tolerance;
        self
    }

    /// How long ago a token may have been issued at most, in whole seconds; otherwise `exp` decides alone.
    pub fn max_age(mut self, max_age: Duration) -> Self {
        self.max_age = Some(max_age);
        self
    }

    /// How old keys get before they are fetched again in the background; otherwise [`REFRESH_EVERY`].
    pub fn refresh_every(mut self, interval: Duration) -> Self {
        self.pace.refresh_every = interval;
        self
    }

    /// How long keys are used after they were last fetched, when the issuer is away; otherwise [`KEYS_USABLE_FOR`]. A key that is
    /// withdrawn while the issuer cannot be reached is believed this long.
    pub fn keys_usable_for(mut self, time: Duration) -> Self {
        self.pace.usable_for = time;
        self
    }

    /// How often tokens with unknown keys may have keys fetched, all together; otherwise [`UNKNOWN_KEY_COOL_DOWN`].
    pub fn unknown_key_cool_down(mut self, time: Duration) -> Self {
        self.pace.unknown_key_cool_down = time;
        self
    }

    /// How long a fetch of keys may take; otherwise [`FETCH_TIMEOUT`].
    pub fn fetch_timeout(mut self, timeout: Duration) -> Self {
        self.pace.timeout = timeout;
        self
    }

    /// How many bytes tokens may take that were good before; otherwise [`SEEN_TOKENS_BYTES`]. With 0 every signature is checked
    /// every time.
    pub fn seen_tokens_bytes(mut self, bytes: usize) -> Self {
        self.seen_tokens_bytes = bytes;
        self
    }

    /// Fetches keys with this, with its proxy, authorities and so on. A redirect that it follows is refused afterwards.
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

    /// The claim in which the issuer keeps scopes, such as `scp`; otherwise `scope`. It is one text with spaces between the scopes
    /// or an array of texts; a token without it has no scopes, whatever stands in `scope`, and one in which it is anything else is
    /// refused as `malformed`.
    pub fn scope_claim(mut self, name: impl Into<String>) -> Self {
        self.scope_claim = Some(name.into());
        self
    }

    /// The clock to judge tokens by; otherwise the system's.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Where jitter comes from; otherwise the generator of aws-lc-rs.
    pub fn chance(mut self, chance: impl Chance) -> Self {
        self.chance = Arc::new(chance);
        self
    }

    /// The verifier. Nothing is fetched before the first token comes.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] with the name of the first thing that is missing or wrong.
    pub fn build(self) -> Result<Verifier, ConfigError> {
        let (accepted, usual_jwks_url) = match &self.issuer {
            Some(issuer) => (self.foreign(issuer)?, None),
            None => self.of_project()?,
        };
        let terms = Terms {
            audience: self.whom()?,
            leeway_seconds: seconds(self.clock_tolerance, "clock_tolerance")?,
            max_age_seconds: self.max_age.map(|age| seconds(age, "max_age")).transpose()?,
        };
        let keys = match self.keys {
            Some(set) => Keys::Fixed(Arc::new(Held::first(set, Instant::now()))),
            None => {
                let url = config::required(self.jwks_url.or(usual_jwks_url), "jwks_url")?;
                let url = config::http_url(&url, "jwks_url")?;
                for (name, time) in [
                    ("refresh_every", self.pace.refresh_every),
                    ("keys_usable_for", self.pace.usable_for),
                    ("fetch_timeout", self.pace.timeout),
                ] {
                    config::timeout(time, name)?;
                }
                config::bounded(self.pace.unknown_key_cool_down, "unknown_key_cool_down")?;
                let http = http::given_or_own(self.http, self.ca_file.as_deref(), self.lookup)?;
                Keys::Remote(Arc::new(RemoteKeys::new(http, url, self.pace, self.chance)))
            }
        };
        if self.scope_claim.as_ref().is_some_and(String::is_empty) {
            return Err(config::invalid("scope_claim", "it is empty"));
        }
        Ok(Verifier {
            each: Arc::new([Arc::new(Inner {
                accepted,
                terms,
                keys,
                seen: (self.seen_tokens_bytes > 0).then(|| SeenTokens::new(self.seen_tokens_bytes)),
                clock: self.clock,
                scope_claim: self.scope_claim,
            })]),
        })
    }

    fn foreign(&self, issuer: &str) -> Result<Vec<Accepted>, ConfigError> {
        let both = || vec![TokenType::Jwt, TokenType::AtJwt];
        let types = self.token_types.clone().unwrap_or_else(both);
        if issuer.is_empty() {
            return Err(ConfigError::Missing { name: "issuer" });
        }
        if types.is_empty() {
            return Err(config::invalid("token_types", "there is none"));
        }
        for (name, is_set) in [
            ("url", self.url.is_some()),
            ("project_id", self.project_id.is_some()),
            ("profile", self.profile.is_some()),
        ] {
            if is_set {
                return Err(config::invalid(name, "it does not go together with an issuer"));
            }
        }
        Ok(vec![Accepted {
            types,
            issuer: issuer.to_owned(),
        }])
    }

    /// The issuers of a project, and where its keys are.
    fn of_project(&self) -> Result<(Vec<Accepted>, Option<String>), ConfigError> {
        if self.token_types.is_some() {
            return Err(config::invalid(
                "token_types",
                "without an issuer, the profile decides",
            ));
        }
        let project_id = self.project()?;
        // Keys that are given and tokens that name no URL need none.
        let needs_url =
            self.profile != Some(Profile::Stytch) || self.keys.is_none() && self.jwks_url.is_none();
        let url = if needs_url { self.server()? } else { String::new() };
        let standard_issuer = format!("{url}/v1/public/{project_id}");
        let jwks_url = match self.profile {
            Some(Profile::Stytch) => format!("{url}/v1/sessions/jwks/{project_id}"),
            // It has the keys of both profiles.
            Some(Profile::Standard) | None => format!("{standard_issuer}/jwks.json"),
        };
        let stytch = Accepted {
            types: vec![TokenType::Jwt],
            issuer: format!("stytch.com/{project_id}"),
        };
        let standard = Accepted {
            types: vec![TokenType::AtJwt],
            issuer: standard_issuer,
        };
        let accepted = match self.profile {
            Some(Profile::Stytch) => vec![stytch],
            Some(Profile::Standard) => vec![standard],
            None => vec![stytch, standard],
        };
        Ok((accepted, Some(jwks_url)))
    }

    fn whom(&self) -> Result<String, ConfigError> {
        if self.issuer.is_some() {
            return config::required(self.audience.clone(), "audience");
        }
        match self.audience.clone().or_else(|| self.look_up(variable::AUDIENCE)) {
            Some(audience) => config::required(Some(audience), variable::AUDIENCE),
            None => self.project(),
        }
    }

    fn project(&self) -> Result<String, ConfigError> {
        config::project_id(
            self.project_id
                .clone()
                .or_else(|| self.look_up(variable::PROJECT_ID)),
        )
    }

    fn server(&self) -> Result<String, ConfigError> {
        config::base_url(self.url.clone().or_else(|| self.look_up(variable::URL)))
    }

    fn look_up(&self, name: &str) -> Option<String> {
        self.lookup.and_then(|look_up| look_up(name))
    }
}

impl fmt::Debug for VerifierBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifierBuilder")
            .field("url", &self.url)
            .field("project_id", &self.project_id)
            .field("issuer", &self.issuer)
            .field("audience", &self.audience)
            .finish_non_exhaustive()
    }
}

fn seconds(time: Duration, name: &'static str) -> Result<i64, ConfigError> {
    // A year of seconds fits.
    config::bounded(time, name).map(|time| time.as_secs().cast_signed())
}
