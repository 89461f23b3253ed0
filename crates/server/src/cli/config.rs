//! `countersign config …`: which settings hold, and where each comes from.

use anyhow::Context;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::printing::{Output, text_table};
use super::serve::ServeArgs;
use crate::config::{Config, Setting};
use crate::start::master_key;
use crate::tls;

/// Settings: which hold, and whether they are sound.
#[derive(Debug, Args)]
pub(crate) struct ConfigNounArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Print every setting and where it comes from: default, file, environment or flag. None is a secret.
    #[command(after_help = "Example:\n  countersign config show --config /etc/countersign.toml")]
    Show {
        #[command(flatten)]
        serve: ServeArgs,
    },
    /// Check settings as `serve` would, and that the files they name can be used. Changes nothing.
    #[command(after_help = "Example:\n  countersign config check --config /etc/countersign.toml")]
    Check {
        #[command(flatten)]
        serve: ServeArgs,
    },
}

impl ConfigNounArgs {
    pub(super) fn run(&self, output: Output) -> anyhow::Result<()> {
        match &self.verb {
            Verb::Show { serve } => {
                let layers = serve.layers()?;
                layers.config()?;
                show(&layers.settings(), output)
            }
            Verb::Check { serve } => {
                check(&serve.layers()?.config()?)?;
                output.own(&json!({ "sound": true }), || {
                    "The settings are sound.\n".to_owned()
                })
            }
        }
    }
}

fn show(settings: &[Setting], output: Output) -> anyhow::Result<()> {
    let as_json = |setting: &Setting| json!({ "name": setting.name, "value": shown(setting), "origin": setting.origin.to_string() });
    let value = Value::Array(settings.iter().map(as_json).collect());
    output.own(&value, || {
        let headings = ["SETTING", "VALUE", "FROM"].map(str::to_owned).to_vec();
        let row = |setting: &Setting| vec![setting.name.clone(), shown(setting), setting.origin.to_string()];
        text_table(headings, settings.iter().map(row))
    })
}

/// The value as it would stand in the file. A database's URL may hold a password.
fn shown(setting: &Setting) -> String {
    match &setting.value {
        toml::Value::Array(urls) if setting.name == "database.url" => {
            let urls = urls
                .iter()
                .filter_map(toml::Value::as_str)
                .map(without_credentials);
            toml::Value::Array(urls.map(toml::Value::String).collect()).to_string()
        }
        value => value.to_string(),
    }
}

fn without_credentials(url: &str) -> String {
    match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, place))) => format!("{scheme}://…@{place}"),
        _ => url.to_owned(),
    }
}

/// What only fails later, when `serve` comes to use it.
fn check(config: &Config) -> anyhow::Result<()> {
    tls::check(config).context("server.tls")?;
    // There need not be a key yet: the first start makes one.
    master_key::configured(config, &config.server.data_dir)?;
    tracing_subscriber::EnvFilter::try_new(&config.log.level).context("log.level")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Origin;

    #[test]
    fn a_password_in_a_url_is_not_shown() {
        let setting = |url: &str| Setting {
            name: "database.url".to_owned(),
            value: toml::Value::Array(vec![toml::Value::String(url.to_owned())]),
            origin: Origin::File,
        };
        assert_eq!(shown(&setting("postgres://u:pw@h/db")), "[\"postgres://…@h/db\"]");
        assert_eq!(shown(&setting("sqlite:a.db")), "[\"sqlite:a.db\"]");
    }
}
