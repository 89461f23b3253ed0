//! A WebSocket, once the provider has agreed: bytes both ways until one side has said all.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::down_body::{HowEnded, Tally};

/// Room for each direction. Thousands of WebSockets stand idle; each keeps this.
const BUFFER_BYTES: usize = 2 * 1024;

/// Joins the two connections when both have been upgraded.
pub(super) async fn join(caller: OnUpgrade, provider: OnUpgrade, idle_for: Duration, mut tally: Tally) {
    let (Ok(caller), Ok(provider)) = tokio::join!(caller, provider) else {
        return tally.end(HowEnded::BrokeOff);
    };
    let (up, down) = (Arc::default(), Arc::default());
    let mut caller = Counted::new(caller, &up);
    let mut provider = Counted::new(provider, &down);
    let copying =
        tokio::io::copy_bidirectional_with_sizes(&mut caller, &mut provider, BUFFER_BYTES, BUFFER_BYTES);
    let how = tokio::select! {
        copied = copying => if copied.is_ok() { HowEnded::Complete } else { HowEnded::BrokeOff },
        () = standstill(&up, &down, idle_for) => HowEnded::BrokeOff,
    };
    tally.meter.sent(up.load(Relaxed));
    tally.meter.received(down.load(Relaxed));
    tally.end(how);
}

/// Waits until nothing came from either side for one to two times this.
async fn standstill(up: &AtomicU64, down: &AtomicU64, idle_for: Duration) {
    let count = || (up.load(Relaxed), down.load(Relaxed));
    let mut before = count();
    loop {
        tokio::time::sleep(idle_for).await;
        let now = count();
        if now == before {
            return;
        }
        before = now;
    }
}

/// A connection of which is counted what comes from it.
struct Counted {
    inner: TokioIo<Upgraded>,
    read: Arc<AtomicU64>,
}

impl Counted {
    fn new(connection: Upgraded, read: &Arc<AtomicU64>) -> Self {
        Self {
            inner: TokioIo::new(connection),
            read: read.clone(),
        }
    }
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(context, buffer))?;
        let bytes = buffer.filled().len() - before;
        self.read.fetch_add(bytes as u64, Relaxed);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Counted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}
