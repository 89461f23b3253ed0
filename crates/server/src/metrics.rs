//! Prometheus metrics, on a listener of their own so that no proxy rule can expose them by mistake.
//!
//! Labels are routes, methods and statuses: bounded, and never an id, a name or anything a caller wrote.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use axum::routing::get;
use http::{Method, StatusCode};
use metrics::{counter, gauge, histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use crate::app::App;

/// Bounds of the time histogram, in seconds.
const SECONDS: &[f64] = &[
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0,
];

/// Whether anybody collects: labels are built for nobody else.
static COLLECTED: AtomicBool = AtomicBool::new(false);

/// A listener, and what it serves.
pub struct Listener {
    listener: std::net::TcpListener,
    handle: PrometheusHandle,
}

/// Binds the listener and starts to collect; `None` when no metrics are wanted.
pub fn bind(config: &crate::config::Metrics) -> anyhow::Result<Option<Listener>> {
    if config.listen.is_empty() {
        return Ok(None);
    }
    let address: SocketAddr = config.listen.parse().context("metrics.listen")?;
    let listener = std::net::TcpListener::bind(address)
        .with_context(|| format!("cannot listen on {address} for metrics"))?;
    listener.set_nonblocking(true)?;
    COLLECTED.store(true, Ordering::Relaxed);
    let matcher = Matcher::Suffix("_seconds".to_owned());
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(matcher, SECONDS)
        .and_then(PrometheusBuilder::install_recorder)
        .context("metrics")?;
    Ok(Some(Listener { listener, handle }))
}

/// Serves the metrics until the process ends.
pub async fn serve(bound: Listener, app: App) -> anyhow::Result<()> {
    let Listener { listener, handle } = bound;
    tracing::info!(address = %listener.local_addr()?, "metrics");
    let router = Router::new().route(
        "/metrics",
        get(move || {
            observe(&app);
            let text = handle.render();
            async move { text }
        }),
    );
    axum::serve(tokio::net::TcpListener::from_std(listener)?, router).await?;
    Ok(())
}

/// Counts an answered request.
pub fn request(method: &Method, route: &str, status: StatusCode, took: Duration) {
    if !COLLECTED.load(Ordering::Relaxed) {
        return;
    }
    let route = route.to_owned();
    let status = status.as_str().to_owned();
    let method = method_label(method);
    counter!("countersign_requests_total", "method" => method, "route" => route.clone(), "status" => status)
        .increment(1);
    histogram!("countersign_request_seconds", "route" => route).record(took.as_secs_f64());
}

/// Counts a call through the gateway, and how often the provider's credential was taken out of its answer. The provider is named only
/// where its caller may know of it, so that there are no more labels than providers.
pub fn gateway_call(provider: &str, decision: &'static str, status: u16, scrub_hits: u64) {
    if !COLLECTED.load(Ordering::Relaxed) {
        return;
    }
    let provider = provider.to_owned();
    let labels = [
        ("provider", provider.clone()),
        ("decision", decision.to_owned()),
        ("status", status.to_string()),
    ];
    counter!("countersign_gateway_calls_total", &labels).increment(1);
    if scrub_hits > 0 {
        counter!("countersign_gateway_scrubbed_total", "provider" => provider).increment(scrub_hits);
    }
}

/// Counts a line about a call that could not be written.
pub fn gateway_line_lost() {
    counter!("countersign_gateway_lines_lost_total").increment(1);
}

/// A caller may invent methods, and write anything into them; a label or a line of the log may not.
pub fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

/// Reads what is measured rather than counted.
fn observe(app: &App) {
    let (entries, bytes) = app.memory.clients.size();
    gauge!("countersign_cached_clients").set(as_float(entries));
    gauge!("countersign_cached_clients_bytes").set(as_float(bytes));
    let (hits, misses) = app.memory.clients.use_so_far();
    counter!("countersign_cached_clients_hits_total").absolute(hits);
    counter!("countersign_cached_clients_misses_total").absolute(misses);
    if let Some(age) = app.memory.age() {
        gauge!("countersign_changes_age_seconds").set(age.as_secs_f64());
    }
    if let Some(ahead) = app.memory.clock.ahead_ms() {
        gauge!("countersign_clock_ahead_of_database_seconds").set(ahead as f64 / 1000.0);
    }
    if let Some(age) = app.oldest_key.age(app.now()) {
        gauge!("countersign_oldest_signing_key_seconds").set(age.as_secs_f64());
    }
    let database = app.store.condition();
    gauge!("countersign_database_connections").set(f64::from(database.connections));
    gauge!("countersign_database_connections_idle").set(f64::from(database.idle));
    gauge!("countersign_database_waiting").set(as_float(database.waiting));
    counter!("countersign_database_retries_total").absolute(database.repeated);
    gauge!("countersign_signing_queue").set(as_float(app.signer.waiting() as u64));
    gauge!("countersign_memory_fresh").set(f64::from(u8::from(app.memory.is_fresh())));
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a gauge of entries or bytes is far below 2^52"
)]
fn as_float(count: u64) -> f64 {
    count as f64
}
