//! `countersign serve`: open, announce, listen, and stop without dropping a request.

use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;

use crate::app::App;
use crate::clock::{Clock, SystemClock};
use crate::config::Config;
use crate::listen::{self, StopSignals};
use crate::start::bootstrap::Bootstrap;
use crate::start::first_start::{self, FirstStart};
use crate::{jobs, logging, metrics, start, tls};

/// Serves until told to stop.
pub async fn serve(config: Config) -> anyhow::Result<()> {
    logging::start(&config.log)?;
    tls::install_provider();
    let bootstrap = Bootstrap::from_environment()?;
    // Bound before anything is made, so that a port in use changes nothing.
    let listener = TcpListener::bind(config.server.listen)
        .with_context(|| format!("cannot listen on {}", config.server.listen))?;
    let address = listener.local_addr()?;
    let public_url = public_url(&config, address);

    let clock = SystemClock;
    let opened = start::open(&config, &clock).await?;
    // Everything that may fail comes before the first credentials are made: nobody would see them.
    let tls_files = tls::files(&config)?;
    let ca_file = tls_files.as_ref().and_then(|files| files.ca.clone());
    let tls_config = tls_files.map(tls::serve_with).transpose()?;
    let metrics_listener = metrics::bind(&config.metrics)?;
    let first_start = make_first(&bootstrap, &opened, &public_url, ca_file.as_deref(), &clock).await?;
    let (app, follower, data_dir) = start::assemble(config, public_url, opened, Arc::new(clock)).await?;

    // Listened for before anybody is told that we are here, and so could tell us to go.
    let signals = StopSignals::listen()?;
    let mut jobs = jobs::start(&app, follower);
    if let Some(listener) = metrics_listener {
        jobs.spawn(report_end(metrics::serve(listener, app.clone())));
    }
    announce(&app, address, first_start.as_ref(), ca_file.as_deref())?;
    tokio::select! {
        served = listen::serve(&app, listener, tls_config, signals) => served?,
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

fn public_url(config: &Config, address: SocketAddr) -> String {
    if !config.server.public_url.is_empty() {
        return config.server.public_url.trim_end_matches('/').to_owned();
    }
    let scheme = if config.has_tls() { "https" } else { "http" };
    format!("{scheme}://{address}")
}

/// One line that scripts can read, and on the first start what to do next.
fn announce(
    app: &App,
    address: SocketAddr,
    first_start: Option<&FirstStart>,
    ca_file: Option<&Path>,
) -> anyhow::Result<()> {
    let scheme = if app.config.has_tls() { "https" } else { "http" };
    let mut out = std::io::stdout().lock();
    writeln!(out, "listening on {scheme}://{address}")?;
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
