//! Settings: defaults, file, environment, flags, in this order.
//!
//! The annotated `config.default.toml` is compiled in and is the only source of defaults, so what the documentation says
//! is what happens. Unknown names are errors everywhere: a mistyped limit must not be a missing one.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use ipnet::IpNet;
use serde::Deserialize;
use toml::{Table, Value};

/// The defaults, as they are documented.
pub const DEFAULT_FILE: &str = include_str!("config.default.toml");

/// Prefix of all environment variables.
const ENV_PREFIX: &str = "COUNTERSIGN_";

/// Variables with the prefix that are not settings: secrets, the bootstrap, and what the command line reads.
const NOT_SETTINGS: &[&str] = &[
    "COUNTERSIGN_BOOTSTRAP_OPERATOR_KEY",
    "COUNTERSIGN_BOOTSTRAP_PROJECT_ID",
    "COUNTERSIGN_BOOTSTRAP_PROJECT_SECRET",
    "COUNTERSIGN_CA_FILE",
    "COUNTERSIGN_CLIENT_ID",
    "COUNTERSIGN_CLIENT_SECRET",
    "COUNTERSIGN_CONFIG",
    "COUNTERSIGN_MASTER_KEY",
    "COUNTERSIGN_OPERATOR_KEY",
    "COUNTERSIGN_PROJECT_ID",
    "COUNTERSIGN_PROJECT_SECRET",
    "COUNTERSIGN_URL",
];

/// Shortest and longest life of a token.
const LIFETIME: std::ops::RangeInclusive<Duration> = Duration::from_secs(60)..=Duration::from_secs(24 * 3600);

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
    shutdown_timeout: Duration as "humantime_serde",
    tls: Tls,
});
section!(Tls {
    cert_file: PathBuf,
    key_file: PathBuf,
    self_signed: bool
});
section!(Database {
    url: String,
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
section!(Log {
    level: String,
    format: LogFormat
});
section!(Metrics { listen: String });

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

/// Settings given as flags: dotted name and value as it would stand in the file.
pub type Overrides = Vec<(&'static str, Value)>;

impl Config {
    /// Reads the settings. `file` must exist when it is given; without one, `countersign.toml` in the current folder is read
    /// when it is there.
    pub fn load(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (String, String)>,
        overrides: Overrides,
    ) -> anyhow::Result<Self> {
        let mut table: Table = DEFAULT_FILE.parse().context("config.default.toml")?;
        let leaves = environment_names(&table);
        if let Some(text) = read_file(file)? {
            merge(
                &mut table,
                text.parse().context("the configuration file is not TOML")?,
            );
        }
        merge(&mut table, from_environment(&leaves, environment)?);
        for (path, value) in overrides {
            merge(&mut table, nested(path, value));
        }
        let config: Config = Value::Table(table).try_into().context("configuration")?;
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> anyhow::Result<()> {
        if !LIFETIME.contains(&self.tokens.lifetime) {
            bail!("tokens.lifetime must be from 60s to 24h");
        }
        if self.server.tls.cert_file.as_os_str().is_empty() != self.server.tls.key_file.as_os_str().is_empty()
        {
            bail!("server.tls needs both cert_file and key_file, or neither");
        }
        if self.server.tls.self_signed && !self.server.tls.cert_file.as_os_str().is_empty() {
            bail!("server.tls takes files or self_signed, not both");
        }
        if !self.server.public_url.is_empty() {
            let url = url::Url::parse(&self.server.public_url).context("server.public_url")?;
            let at_root =
                matches!(url.scheme(), "http" | "https") && url.path() == "/" && url.query().is_none();
            if !at_root || !url.username().is_empty() || url.password().is_some() {
                bail!("server.public_url must be http(s)://host[:port]: SDKs drop a path prefix");
            }
        }
        if self.limits.signing_queue == 0
            || self.limits.concurrent_requests == 0
            || self.database.readers == 0
        {
            bail!("limits.signing_queue, limits.concurrent_requests and database.readers must be at least 1");
        }
        if !self.metrics.listen.is_empty() {
            self.metrics
                .listen
                .parse::<SocketAddr>()
                .context("metrics.listen")?;
        }
        Ok(())
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

fn read_file(file: Option<&Path>) -> anyhow::Result<Option<String>> {
    let (path, required) = match file {
        Some(path) => (path, true),
        None => (Path::new("countersign.toml"), false),
    };
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if !required && error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

/// Every setting's environment variable, with its dotted name and its default, which tells its type.
fn environment_names(defaults: &Table) -> BTreeMap<String, (String, Value)> {
    fn visit(table: &Table, path: &str, names: &mut BTreeMap<String, (String, Value)>) {
        for (key, value) in table {
            let path = if path.is_empty() {
                key.clone()
            } else {
                format!("{path}.{key}")
            };
            match value {
                Value::Table(table) => visit(table, &path, names),
                leaf => {
                    let name = format!("{ENV_PREFIX}{}", path.replace('.', "_").to_uppercase());
                    names.insert(name, (path, leaf.clone()));
                }
            }
        }
    }
    let mut names = BTreeMap::new();
    visit(defaults, "", &mut names);
    names
}

fn from_environment(
    names: &BTreeMap<String, (String, Value)>,
    environment: impl IntoIterator<Item = (String, String)>,
) -> anyhow::Result<Table> {
    let mut table = Table::new();
    for (name, text) in environment {
        if !name.starts_with(ENV_PREFIX) || NOT_SETTINGS.contains(&name.as_str()) {
            continue;
        }
        let Some((path, default)) = names.get(&name) else {
            bail!("{name} is not a setting of Countersign")
        };
        let value = match default {
            Value::Integer(_) => {
                Value::Integer(text.parse().with_context(|| format!("{name} must be a number"))?)
            }
            Value::Boolean(_) => Value::Boolean(
                text.parse()
                    .with_context(|| format!("{name} must be true or false"))?,
            ),
            Value::Array(_) => {
                let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
                Value::Array(parts.map(|part| Value::String(part.to_owned())).collect())
            }
            _ => Value::String(text),
        };
        merge(&mut table, nested(path, value));
    }
    Ok(table)
}

fn nested(path: &str, value: Value) -> Table {
    match path.split_once('.') {
        None => Table::from_iter([(path.to_owned(), value)]),
        Some((section, rest)) => Table::from_iter([(section.to_owned(), Value::Table(nested(rest, value)))]),
    }
}

fn merge(into: &mut Table, from: Table) {
    for (key, value) in from {
        match (into.get_mut(&key), value) {
            (Some(Value::Table(old)), Value::Table(new)) => merge(old, new),
            (_, value) => {
                into.insert(key, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
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
            ("COUNTERSIGN_SERVER_PUBLIC_URL", "https://id.example/prefix"),
            ("COUNTERSIGN_SERVER_PUBLIC_URL", "https://user:pw@id.example"),
            ("COUNTERSIGN_SERVER_TLS_CERT_FILE", "only-one.pem"),
            ("COUNTERSIGN_LIMITS_SIGNING_QUEUE", "0"),
            ("COUNTERSIGN_LIMITS_BODY_KIB", "many"),
        ] {
            assert!(load(&[(name, value)], vec![]).is_err(), "{name}={value}");
        }
        assert!(load(&[("COUNTERSIGN_TOKENS_LIFETIME", "60s")], vec![]).is_ok());
    }
}
