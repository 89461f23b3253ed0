//! Where settings come from, one layer over the other.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, bail};
use strum::Display;
use toml::{Table, Value};

use super::{Config, DEFAULT_FILE};

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
    "COUNTERSIGN_EXPORT_PASSPHRASE",
    "COUNTERSIGN_MASTER_KEY",
    "COUNTERSIGN_OLD_PROJECT_ID",
    "COUNTERSIGN_OLD_PROJECT_SECRET",
    "COUNTERSIGN_OPERATOR_KEY",
    "COUNTERSIGN_PROJECT_ID",
    "COUNTERSIGN_PROJECT_SECRET",
    "COUNTERSIGN_URL",
];

/// Settings given as flags: dotted name and value as it would stand in the file.
pub type Overrides = Vec<(&'static str, Value)>;

/// Who set a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Display)]
#[strum(serialize_all = "lowercase")]
pub enum Origin {
    /// Nobody.
    Default,
    /// The configuration file.
    File,
    /// A variable.
    Environment,
    /// An argument.
    Flag,
}

/// A setting as it holds.
#[derive(Debug, Clone)]
pub struct Setting {
    /// Its dotted name.
    pub name: String,
    /// Its value as it would stand in the file.
    pub value: Value,
    /// Who set it.
    pub origin: Origin,
}

/// All settings as they were found, not yet judged.
#[derive(Debug)]
pub struct Layers {
    table: Table,
    origins: BTreeMap<String, Origin>,
}

impl Layers {
    /// Reads the settings. `file` must exist when it is given; without one, `countersign.toml` in the current folder is read
    /// when it is there.
    pub fn read(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (String, String)>,
        overrides: Overrides,
    ) -> anyhow::Result<Self> {
        let table: Table = DEFAULT_FILE.parse().context("config.default.toml")?;
        let names = environment_names(&table);
        let mut layers = Self {
            table,
            origins: BTreeMap::new(),
        };
        if let Some(text) = read_file(file)? {
            let table = text.parse().context("the configuration file is not TOML")?;
            layers.put(table, Origin::File);
        }
        layers.put(from_environment(&names, environment)?, Origin::Environment);
        for (name, value) in overrides {
            layers.put(nested(name, value), Origin::Flag);
        }
        Ok(layers)
    }

    /// The settings, judged.
    pub fn config(&self) -> anyhow::Result<Config> {
        let config: Config = Value::Table(self.table.clone())
            .try_into()
            .context("configuration")?;
        config.check()?;
        Ok(config)
    }

    /// Every setting and who set it, by name.
    pub fn settings(&self) -> Vec<Setting> {
        let origin = |name: &String| self.origins.get(name).copied().unwrap_or(Origin::Default);
        leaves(&self.table)
            .into_iter()
            .map(|(name, value)| Setting {
                origin: origin(&name),
                name,
                value,
            })
            .collect()
    }

    fn put(&mut self, layer: Table, origin: Origin) {
        let names = leaves(&layer).into_keys();
        self.origins.extend(names.map(|name| (name, origin)));
        merge(&mut self.table, layer);
    }
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

/// Every value that is not a section, by its dotted name.
fn leaves(table: &Table) -> BTreeMap<String, Value> {
    fn visit(table: &Table, path: &str, found: &mut BTreeMap<String, Value>) {
        for (key, value) in table {
            let path = if path.is_empty() {
                key.clone()
            } else {
                format!("{path}.{key}")
            };
            match value {
                Value::Table(table) => visit(table, &path, found),
                leaf => {
                    found.insert(path, leaf.clone());
                }
            }
        }
    }
    let mut found = BTreeMap::new();
    visit(table, "", &mut found);
    found
}

/// Every setting's environment variable, with its dotted name and its default, which tells its type.
fn environment_names(defaults: &Table) -> BTreeMap<String, (String, Value)> {
    let variable = |path: &str| format!("{ENV_PREFIX}{}", path.replace('.', "_").to_uppercase());
    leaves(defaults)
        .into_iter()
        .map(|(path, default)| (variable(&path), (path, default)))
        .collect()
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

    #[test]
    fn every_setting_knows_who_set_it() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("c.toml");
        std::fs::write(&file, "[tokens]\nlifetime = '2h'\n[limits]\nbody_kib = 1\n").unwrap();
        let environment = [("COUNTERSIGN_LIMITS_BODY_KIB".to_owned(), "2".to_owned())];
        let overrides = vec![("server.listen", Value::String("0.0.0.0:1".into()))];
        let layers = Layers::read(Some(&file), environment, overrides).unwrap();
        let settings = layers.settings();
        let of = |name: &str| settings.iter().find(|setting| setting.name == name).unwrap();
        assert_eq!(of("tokens.lifetime").origin, Origin::File);
        assert_eq!(of("limits.body_kib").origin, Origin::Environment);
        assert_eq!(of("limits.body_kib").value, Value::Integer(2));
        assert_eq!(of("server.listen").origin, Origin::Flag);
        assert_eq!(of("server.tls.self_signed").origin, Origin::Default);
    }
}
