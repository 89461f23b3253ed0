//! `countersign serve`, and where its settings come from.

use std::path::PathBuf;

use clap::Args;
use toml::Value;

use crate::config::{Config, Layers, Overrides};

/// Where settings come from.
#[derive(Debug, Args)]
pub(crate) struct ConfigArgs {
    /// Configuration file [default: countersign.toml when it is there].
    #[arg(long, env = "COUNTERSIGN_CONFIG", hide_env_values = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Folder of the embedded database and the master key [default: ./countersign-data].
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<PathBuf>,
    /// Where the database is; again for each further server [default: SQLite in the data folder]. Everybody on the machine can
    /// read arguments: a password belongs into COUNTERSIGN_DATABASE_URL or the file.
    #[arg(long, value_name = "URL")]
    database_url: Vec<String>,
}

/// Run the service.
///
/// Everything has a default: the first start makes a data folder with database and master key, a project and an operator,
/// and prints what to do next. Settings come from defaults, file, environment and flags, in this order; `countersign config
/// show` prints them.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  countersign serve
  countersign serve --listen 0.0.0.0:4000 --public-url https://id.example.com
  countersign serve --gateway-listen 0.0.0.0:4002")]
pub(crate) struct ServeArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// Address and port; port 0 takes a free one and prints it [default: 127.0.0.1:4000].
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<String>,
    /// How callers reach this service [default: the address listened on].
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// A port of the gateway's own, which then is not at the other one [default: none].
    #[arg(long, value_name = "ADDRESS:PORT")]
    gateway_listen: Option<String>,
    /// Development: serve https with a certificate made here.
    #[arg(long)]
    tls_self_signed: bool,
}

impl ConfigArgs {
    /// Whether a flag says where settings come from. The environment may say so for other commands.
    pub(crate) fn is_given(&self) -> bool {
        self.data_dir.is_some() || !self.database_url.is_empty()
    }

    /// The settings.
    pub(crate) fn load(&self) -> anyhow::Result<Config> {
        self.layers(Overrides::new())?.config()
    }

    fn layers(&self, mut overrides: Overrides) -> anyhow::Result<Layers> {
        if let Some(dir) = &self.data_dir {
            overrides.push(("server.data_dir", Value::String(dir.display().to_string())));
        }
        if !self.database_url.is_empty() {
            let urls = self.database_url.iter().cloned().map(Value::String);
            overrides.push(("database.url", Value::Array(urls.collect())));
        }
        Layers::read(self.config.as_deref(), std::env::vars(), overrides)
    }
}

impl ServeArgs {
    /// The settings and where each comes from.
    pub(crate) fn layers(&self) -> anyhow::Result<Layers> {
        let mut overrides = Overrides::new();
        if let Some(listen) = &self.listen {
            overrides.push(("server.listen", Value::String(listen.clone())));
        }
        if let Some(listen) = &self.gateway_listen {
            overrides.push(("gateway.listen", Value::String(listen.clone())));
        }
        if let Some(url) = &self.public_url {
            overrides.push(("server.public_url", Value::String(url.clone())));
        }
        if self.tls_self_signed {
            overrides.push(("server.tls.self_signed", Value::Boolean(true)));
        }
        self.config.layers(overrides)
    }

    pub(super) async fn run(&self) -> anyhow::Result<()> {
        crate::serve::serve(self.layers()?.config()?).await
    }
}
