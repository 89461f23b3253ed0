//! `countersign serve`: open, announce, listen, and stop without dropping a request.

use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;

use crate::app::App;
use crate::clock::{Clock, SystemClock};
use crate::config::Config;
use crate::config::own_listener;
use crate::listen::{self, Door, StopSignals};
use crate::start::Urls;
use crate::start::bootstrap::Bootstrap;
use crate::start::first_start::{self, FirstStart};
use crate::tls::CurrentConfig;
use crate::{jobs, logging, metrics, router, start, tls};

/// Serves until told to stop.
pub async fn serve(mut config: Config) -> anyhow::Result<()> {
    logging::start(&config.log)?;
    tls::install_provider();
    let bootstrap = Bootstrap::from_environment()?;
    // Bound before anything is made, so that a port in use changes nothing.
    let listeners = Listeners::bind(&mut config)?;
    let urls = listeners.urls(&config);

    let clock = SystemClock;
    let opened = start::open(&config, &clock).await?;
    // Everything that may fail comes before the first credentials are made: nobody would see them.
    let tls_files = tls::files(&config)?;
    let ca_file = tls_files.as_ref().and_then(|files| files.ca.clone());
    let tls_config = tls_files.map(tls::serve_with).transpose()?;
    let metrics_listener = metrics::bind(&config.metrics)?;
    let first_start = make_first(&bootstrap, &opened, &urls.public, ca_file.as_deref(), &clock).await?;
    let (app, follower, data_dir) = start::assemble(config, urls, opened, Arc::new(clock)).await?;

    // Listened for before anybody is told that we are here, and so could tell us to go.
    let signals = StopSignals::listen()?;
    let mut jobs = jobs::start(&app, follower);
    if let Some(listener) = metrics_listener {
        jobs.spawn(report_end(metrics::serve(listener, app.clone())));
    }
    announce(&app, &listeners, first_start.as_ref(), ca_file.as_deref())?;
    let doors = listeners.open(&app, tls_config)?;
    tokio::select! {
        served = listen::serve(&app, doors, signals) => served?,
        panicked = jobs::first_panic(&mut jobs) => return Err(panicked).context("a background job panicked"),
    }
    jobs.shutdown().await;
    // What is in memory only is written before the process ends.
    jobs::flush_usage(&app).await;
    app.store.close().await;
    drop(data_dir);
    tracing::info!("stopped");
    Ok(())
}

async fn make_first(
    bootstrap: &Bootstrap,
    opened: &start::Opened,
    public_url: &str,
    ca_file: Option<&Path>,
    clock: &dyn Clock,
) -> anyhow::Result<Option<FirstStart>> {
    bootstrap.apply(opened, public_url, clock.now()).await?;
    if bootstrap.is_empty() {
        return first_start::make_if_empty(opened, public_url, ca_file, clock.now()).await;
    }
    Ok(None)
}

/// Where callers come in.
struct Listeners {
    service: (TcpListener, SocketAddr),
    /// The gateway's own.
    gateway: Option<(TcpListener, SocketAddr)>,
}

impl Listeners {
    /// Takes the ports, and writes into the settings which they are where those leave it open: the gateway must know its own.
    fn bind(config: &mut Config) -> anyhow::Result<Self> {
        let service = bind(config.server.listen)?;
        config.server.listen = service.1;
        let gateway = own_listener("gateway.listen", &config.gateway.listen)?;
        let gateway = gateway.map(bind).transpose()?;
        if let Some((_, address)) = &gateway {
            config.gateway.listen = address.to_string();
        }
        Ok(Self { service, gateway })
    }

    fn urls(&self, config: &Config) -> Urls {
        let gateway = self.gateway.as_ref();
        Urls {
            public: url(config, &config.server.public_url, self.service.1),
            gateway: gateway.map(|(_, address)| url(config, &config.gateway.public_url, *address)),
        }
    }

    fn open(self, app: &App, tls: Option<CurrentConfig>) -> anyhow::Result<Vec<Door>> {
        let (service, _) = self.service;
        let doors = match self.gateway {
            None => vec![Door::open(service, router::router(app.clone()), tls)?],
            Some((gateway, _)) => vec![
                Door::open(service, router::service_router(app.clone()), tls.clone())?,
                Door::open(gateway, router::gateway_router(app.clone()), tls)?,
            ],
        };
        Ok(doors)
    }
}

fn bind(address: SocketAddr) -> anyhow::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(address).with_context(|| format!("cannot listen on {address}"))?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

fn url(config: &Config, public_url: &str, address: SocketAddr) -> String {
    if public_url.is_empty() {
        return format!("{}://{address}", scheme(config));
    }
    public_url.trim_end_matches('/').to_owned()
}

fn scheme(config: &Config) -> &'static str {
    if config.has_tls() { "https" } else { "http" }
}

/// One line a listener that scripts can read, and on the first start what to do next.
fn announce(
    app: &App,
    listeners: &Listeners,
    first_start: Option<&FirstStart>,
    ca_file: Option<&Path>,
) -> anyhow::Result<()> {
    let scheme = scheme(&app.config);
    let mut out = std::io::stdout().lock();
    if let Some((_, address)) = &listeners.gateway {
        writeln!(out, "gateway listening on {scheme}://{address}")?;
    }
    writeln!(out, "listening on {scheme}://{}", listeners.service.1)?;
    if let Some(ca) = ca_file {
        writeln!(out, "certificate authority for development: {}", ca.display())?;
    }
    out.flush()?;
    drop(out);
    match first_start {
        Some(first) => first.announce(),
        None => Ok(()),
    }
}

async fn report_end(job: impl Future<Output = anyhow::Result<()>>) {
    if let Err(error) = job.await {
        tracing::error!(error = format!("{error:#}"), "the metrics listener ended");
    }
}
