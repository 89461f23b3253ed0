//! Settings: defaults, file, environment, flags, in this order.
//!
//! The annotated `config.default.toml` is compiled in and is the only source of defaults, so what the documentation says
//! is what happens. Unknown names are errors everywhere: a mistyped limit must not be a missing one.

mod layers;

use std::collections::HashSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use ipnet::IpNet;
use serde::Deserialize;

use crate::dual_run::OldService;
pub use layers::{Layers, Origin, Overrides, Setting};

/// The defaults, as they are documented.
pub const DEFAULT_FILE: &str = include_str!("config.default.toml");

/// Shortest and longest life of a token.
const LIFETIME: std::ops::RangeInclusive<Duration> = Duration::from_secs(60)..=Duration::from_secs(24 * 3600);

/// The shortest announcement of a signing key. Every node publishes the key before any signs with it: a write may take 15
/// seconds while a primary is sought, other nodes learn of it within a second, and clocks differ.
const ANNOUNCE_MIN: Duration = Duration::from_secs(20);

/// All settings.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(
    missing_docs,
    reason = "config.default.toml documents each; two places would drift"
)]
pub struct Config {
    pub server: Server,
    pub database: Database,
    pub master_key: MasterKeyFiles,
    pub tokens: Tokens,
    pub keys: Keys,
    pub cache: Cache,
    pub limits: Limits,
    pub dual_run: DualRun,
    pub gateway: Gateway,
    pub log: Log,
    pub metrics: Metrics,
}

macro_rules! section {
    ($name:ident { $($field:ident: $type:ty $(as $with:literal)?),* $(,)? }) => {
        #[derive(Debug, Clone, Deserialize)]
        #[serde(deny_unknown_fields)]
        #[expect(missing_docs, reason = "config.default.toml documents each; two places would drift")]
        pub struct $name { $($(#[serde(with = $with)])? pub $field: $type),* }
    };
}

section!(Server {
    listen: SocketAddr,
    public_url: String,
    data_dir: PathBuf,
    trusted_proxies: Vec<IpNet>,
    request_timeout: Duration as "humantime_serde",
    drain_time: Duration as "humantime_serde",
    shutdown_timeout: Duration as "humantime_serde",
    tls: Tls,
});
section!(Tls {
    cert_file: PathBuf,
    key_file: PathBuf,
    self_signed: bool
});
section!(Database {
    url: Vec<String>,
    migrate: bool,
    connections: u32,
    sqlite_cache_mib: u32,
    readers: u32,
    sqlite_max_pages: u32,
    audit_retention: Duration as "humantime_serde",
    usage_retention: Duration as "humantime_serde",
});
section!(MasterKeyFiles {
    file: PathBuf,
    next_file: PathBuf
});
section!(Tokens { lifetime: Duration as "humantime_serde" });
section!(Keys { announce: Duration as "humantime_serde", rotate_every: Duration as "humantime_serde" });
section!(Cache { max_mib: u64 });
section!(Limits {
    body_kib: usize,
    concurrent_requests: usize,
    refusals_per_source_per_minute: u32,
    tokens_per_source_per_second: u32,
    tokens_per_project_per_second: u32,
    signing_queue: usize,
    slow_digests: usize,
});
section!(DualRun {
    services: Vec<OldService>,
    ca_file: PathBuf
});
section!(Gateway {
    allowed_origins: Vec<String>,
    listen: String,
    public_url: String,
});
section!(Log {
    level: String,
    format: LogFormat
});
section!(Metrics { listen: String });

/// Whether a text is an origin as browsers send it (RFC 6454 section 6.2): one that is written otherwise would never match.
fn is_origin(text: &str) -> bool {
    url::Url::parse(text).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https") && url.origin().ascii_serialization() == text
    })
}

fn check_public_url(setting: &'static str, text: &str) -> anyhow::Result<()> {
    if text.is_empty() {
        return Ok(());
    }
    let url = url::Url::parse(text).context(setting)?;
    let at_root = matches!(url.scheme(), "http" | "https") && url.path() == "/" && url.query().is_none();
    if !at_root || !url.username().is_empty() || url.password().is_some() {
        bail!("{setting} must be http(s)://host[:port]: SDKs drop a path prefix");
    }
    Ok(())
}

/// The address of a listener beside the service's; none where the setting is empty.
pub fn own_listener(setting: &'static str, listen: &str) -> anyhow::Result<Option<SocketAddr>> {
    match listen {
        "" => Ok(None),
        listen => Ok(Some(listen.parse().context(setting)?)),
    }
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people on a terminal, JSON otherwise.
    Auto,
    /// Coloured lines.
    People,
    /// One JSON object a line.
    Json,
}

impl Config {
    /// Reads and judges the settings; see [`Layers::read`].
    pub fn load(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (String, String)>,
        overrides: Overrides,
    ) -> anyhow::Result<Self> {
        Layers::read(file, environment, overrides)?.config()
    }

    fn check(&self) -> anyhow::Result<()> {
        if !LIFETIME.contains(&self.tokens.lifetime) {
            bail!("tokens.lifetime must be from 60s to 24h");
        }
        if let Some(origin) = self
            .gateway
            .allowed_origins
            .iter()
            .find(|origin| !is_origin(origin))
        {
            bail!("gateway.allowed_origins: {origin:?} is no origin such as https://app.example.com");
        }
        if self.keys.announce < ANNOUNCE_MIN {
            bail!("keys.announce must be at least 20s: every node publishes a key before any signs with it");
        }
        if self.server.tls.cert_file.as_os_str().is_empty() != self.server.tls.key_file.as_os_str().is_empty()
        {
            bail!("server.tls needs both cert_file and key_file, or neither");
        }
        if self.server.tls.self_signed && !self.server.tls.cert_file.as_os_str().is_empty() {
            bail!("server.tls takes files or self_signed, not both");
        }
        check_public_url("server.public_url", &self.server.public_url)?;
        check_public_url("gateway.public_url", &self.gateway.public_url)?;
        if self.gateway.listen.is_empty() && !self.gateway.public_url.is_empty() {
            bail!("gateway.public_url is for a port of its own: set gateway.listen, too");
        }
        if self.limits.signing_queue == 0
            || self.limits.concurrent_requests == 0
            || self.database.readers == 0
            || self.database.connections == 0
        {
            bail!(
                "limits.signing_queue, limits.concurrent_requests, database.readers and database.connections must be \
                 at least 1"
            );
        }
        let services = &self.dual_run.services;
        let names: HashSet<_> = services.iter().map(|service| &service.name).collect();
        if names.len() < services.len() {
            bail!("dual_run.services names a service twice");
        }
        own_listener("metrics.listen", &self.metrics.listen)?;
        own_listener("gateway.listen", &self.gateway.listen)?;
        Ok(())
    }

    /// Every address that this program listens on, so that the gateway can refuse to call it.
    pub fn listeners(&self) -> Vec<SocketAddr> {
        let own = [&self.metrics.listen, &self.gateway.listen];
        let own = own.into_iter().filter_map(|listen| listen.parse().ok());
        std::iter::once(self.server.listen).chain(own).collect()
    }

    /// Whether the server speaks TLS itself.
    pub fn has_tls(&self) -> bool {
        self.server.tls.self_signed || !self.server.tls.cert_file.as_os_str().is_empty()
    }
}

/// A duration of the configuration in the calendar library's type, which `core` counts with.
pub fn signed(duration: Duration) -> jiff::SignedDuration {
    jiff::SignedDuration::try_from(duration).unwrap_or(jiff::SignedDuration::MAX)
}

#[cfg(test)]
mod tests {
    use toml::Value;

    use super::*;

    fn load(environment: &[(&str, &str)], overrides: Overrides) -> anyhow::Result<Config> {
        let environment = environment
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Config::load(None, environment, overrides)
    }

    #[test]
    fn the_annotated_file_is_complete_and_loads() {
        let config = load(&[], vec![]).unwrap();
        assert_eq!(config.server.listen.to_string(), "127.0.0.1:4000");
        assert_eq!(config.tokens.lifetime, Duration::from_secs(3600));
    }

    #[test]
    fn every_setting_is_explained_above_its_line() {
        let mut explained = false;
        for line in DEFAULT_FILE.lines() {
            if line.starts_with('#') {
                explained = true;
            } else if line.is_empty() || line.starts_with('[') {
                explained = false;
            } else {
                assert!(
                    explained || line.starts_with("key_file"),
                    "no comment above {line:?}"
                );
            }
        }
    }

    #[test]
    fn environment_beats_file_and_flags_beat_environment() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("c.toml");
        std::fs::write(
            &file,
            "[tokens]\nlifetime = '2h'\n[limits]\nbody_kib = 1\nsigning_queue = 5\n",
        )
        .unwrap();
        let environment = [("COUNTERSIGN_LIMITS_BODY_KIB".to_owned(), "2".to_owned())];
        let overrides = vec![("server.listen", Value::String("0.0.0.0:1".into()))];
        let config = Config::load(Some(&file), environment, overrides).unwrap();
        assert_eq!(config.tokens.lifetime, Duration::from_secs(7200));
        assert_eq!((config.limits.body_kib, config.limits.signing_queue), (2, 5));
        assert_eq!(config.server.listen.port(), 1);
    }

    #[test]
    fn unknown_names_are_errors_wherever_they_stand() {
        assert!(load(&[("COUNTERSIGN_SERVER_LISTEM", "x")], vec![]).is_err());
        assert!(
            load(
                &[("COUNTERSIGN_MASTER_KEY", "not a setting, and not looked at here")],
                vec![]
            )
            .is_ok()
        );
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("c.toml");
        std::fs::write(&file, "[server]\nlisten_on = '1'\n").unwrap();
        let error = Config::load(Some(&file), [], vec![]).unwrap_err();
        assert!(format!("{error:#}").contains("listen_on"), "{error:#}");
    }

    #[test]
    fn settings_that_cannot_work_are_refused() {
        for (name, value) in [
            ("COUNTERSIGN_TOKENS_LIFETIME", "59s"),
            ("COUNTERSIGN_TOKENS_LIFETIME", "25h"),
            ("COUNTERSIGN_KEYS_ANNOUNCE", "19s"),
            ("COUNTERSIGN_SERVER_PUBLIC_URL", "https://id.example/prefix"),
            ("COUNTERSIGN_SERVER_PUBLIC_URL", "https://user:pw@id.example"),
            ("COUNTERSIGN_SERVER_TLS_CERT_FILE", "only-one.pem"),
            ("COUNTERSIGN_GATEWAY_PUBLIC_URL", "https://gateway.example"),
            ("COUNTERSIGN_GATEWAY_LISTEN", "4002"),
            ("COUNTERSIGN_LIMITS_SIGNING_QUEUE", "0"),
            ("COUNTERSIGN_LIMITS_BODY_KIB", "many"),
            ("COUNTERSIGN_DUAL_RUN_SERVICES", "old=http://old.example/token"),
            (
                "COUNTERSIGN_DUAL_RUN_SERVICES",
                "old=https://a/token,old=https://b/token",
            ),
        ] {
            assert!(load(&[(name, value)], vec![]).is_err(), "{name}={value}");
        }
        assert!(load(&[("COUNTERSIGN_TOKENS_LIFETIME", "60s")], vec![]).is_ok());
    }
}
