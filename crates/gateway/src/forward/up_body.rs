//! The body of a request on its way up.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use http::HeaderName;
use http_body::{Body, Frame, SizeHint};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full};
use tokio::time::timeout;

use super::error::ForwardError;
use super::limits::Limits;
use super::meter::Meter;
use crate::headers::up::{UpRules, prepare_trailers};

/// Anything that can go wrong with a body.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A body as the caller sends it.
pub type CallerBody = UnsyncBoxBody<Bytes, BoxError>;

/// The largest body that is kept whole to be signed, in bytes: what AWS takes in one piece for most of its APIs, with room.
pub const MAX_SIGNED_BODY_BYTES: u64 = 10 * 1024 * 1024;
/// The largest body that is kept so that the call can be repeated, in bytes.
const MAX_REPEATED_BODY_BYTES: u64 = 64 * 1024;

/// What is sent as the body.
pub(super) enum Payload {
    /// All of it, which can be sent again.
    Whole(Bytes),
    /// It streams, once.
    Stream(CallerBody),
}

/// Why a body is kept whole.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Keep {
    /// The credential signs it: it must be.
    ToSign,
    /// The call may have to be repeated: if it is small.
    ToRepeat,
    /// It is not.
    No,
}

impl Payload {
    /// Takes the caller's body, of at most as many bytes as the provider may be sent.
    pub(super) async fn of(mut body: CallerBody, keep: Keep, limits: &Limits) -> Result<Self, ForwardError> {
        let limit = limits.request_body_bytes;
        let size = body.size_hint();
        if size.lower() > limit {
            return Err(ForwardError::BodyTooLarge { limit });
        }
        let is_empty = body.is_end_stream() || size.exact() == Some(0);
        let keeps = match keep {
            Keep::ToSign => true,
            Keep::ToRepeat => size.upper().is_some_and(|upper| upper <= MAX_REPEATED_BODY_BYTES),
            Keep::No => is_empty,
        };
        if !keeps {
            return Ok(Self::Stream(body));
        }
        let limit = limit.min(MAX_SIGNED_BODY_BYTES);
        let mut whole = BytesMut::new();
        // A caller that dribbles holds a place meanwhile.
        while let Some(frame) = timeout(limits.idle_for, body.frame())
            .await
            .map_err(|_| ForwardError::BodyBrokeOff)?
        {
            let frame = frame.map_err(|_| ForwardError::BodyBrokeOff)?;
            // Trailers of a body that is kept are not sent: a signature does not cover them.
            let data = frame.into_data().unwrap_or_default();
            if (whole.len() + data.len()) as u64 > limit {
                return Err(ForwardError::BodyTooLarge { limit });
            }
            whole.extend_from_slice(&data);
        }
        Ok(Self::Whole(whole.freeze()))
    }

    /// All of it, when it is kept.
    pub(super) fn whole(&self) -> Option<&Bytes> {
        match self {
            Self::Whole(bytes) => Some(bytes),
            Self::Stream(_) => None,
        }
    }
}

/// A body that is counted, bounded, and whose trailers are judged like its head.
pub(super) struct UpBody {
    inner: CallerBody,
    meter: Arc<Meter>,
    limit: u64,
    credential_names: Arc<[HeaderName]>,
}

/// Why a body does not go up to its end.
#[derive(Debug, thiserror::Error)]
pub(super) enum UpError {
    #[error("the body of the request is too large")]
    TooLarge,
    #[error("the body of the request broke off")]
    BrokeOff(#[source] BoxError),
}

impl UpBody {
    pub(super) fn whole(bytes: Bytes, meter: Arc<Meter>) -> Self {
        let inner = Full::new(bytes).map_err(|never| match never {}).boxed_unsync();
        Self {
            inner,
            meter,
            limit: u64::MAX,
            credential_names: Arc::new([]),
        }
    }

    pub(super) fn stream(
        inner: CallerBody,
        meter: Arc<Meter>,
        limit: u64,
        credential_names: Arc<[HeaderName]>,
    ) -> Self {
        Self {
            inner,
            meter,
            limit,
            credential_names,
        }
    }

    fn pass(&self, mut frame: Frame<Bytes>) -> Result<Frame<Bytes>, UpError> {
        if let Some(data) = frame.data_ref()
            && self.meter.sent(data.len() as u64) > self.limit
        {
            self.meter.found_too_large();
            return Err(UpError::TooLarge);
        }
        if let Some(trailers) = frame.trailers_mut() {
            let rules = UpRules {
                credential_names: &self.credential_names,
                websocket: false,
            };
            prepare_trailers(trailers, &rules);
        }
        Ok(frame)
    }
}

impl Body for UpBody {
    type Data = Bytes;
    type Error = UpError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, UpError>>> {
        let polled = Pin::new(&mut self.inner).poll_frame(context);
        match polled {
            Poll::Pending => {
                self.meter.wait_for_caller();
                Poll::Pending
            }
            Poll::Ready(None) => {
                self.meter.sent(0);
                Poll::Ready(None)
            }
            Poll::Ready(Some(Ok(frame))) => Poll::Ready(Some(self.pass(frame))),
            Poll::Ready(Some(Err(error))) => {
                self.meter.caller_broke_off();
                Poll::Ready(Some(Err(UpError::BrokeOff(error))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
