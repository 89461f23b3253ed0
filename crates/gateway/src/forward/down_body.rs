//! The body of an answer on its way down.

use std::future::Future as _;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::Either;
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep};

use super::flow::Place;
use super::meter::Meter;
use super::up_body::BoxError;
use crate::headers::DownRules;
use crate::headers::down::prepare_trailers;
use crate::scrub::{ScrubHits, ScrubbedBody, Scrubber};

/// How a call ended, when all of it has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ended {
    /// How its answer ended.
    pub how: HowEnded,
    /// Bytes of bodies that went up.
    pub bytes_up: u64,
    /// Bytes of bodies that came down.
    pub bytes_down: u64,
    /// How often the credential was taken out of the answer.
    pub scrub_hits: u64,
}

/// How an answer ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HowEnded {
    /// Whole.
    Complete,
    /// The provider broke off, stood still, or sent more than it may.
    BrokeOff,
    /// The caller hung up.
    HungUp,
}

/// Is told, once, how a call ended.
pub type OnEnd = Box<dyn FnOnce(Ended) + Send>;

/// A body that is scrubbed, counted and watched.
pub struct DownBody {
    inner: Either<ScrubbedBody<Paced>, Paced>,
    rules: DownRules,
    tally: Tally,
}

/// What is told at the end.
pub(super) struct Tally {
    pub(super) meter: Arc<Meter>,
    /// Those in the head of the answer.
    pub(super) scrubbed_in_head: u64,
    pub(super) scrubbed: Option<ScrubHits>,
    pub(super) on_end: Option<OnEnd>,
    /// Given back when the call has ended.
    pub(super) place: Option<Place>,
}

impl Tally {
    /// Of an answer whose call goes on elsewhere.
    pub(super) fn of_nothing() -> Self {
        Self {
            meter: Arc::new(Meter::new()),
            scrubbed_in_head: 0,
            scrubbed: None,
            on_end: None,
            place: None,
        }
    }

    pub(super) fn end(&mut self, how: HowEnded) {
        self.place = None;
        if let Some(on_end) = self.on_end.take() {
            let in_body = self.scrubbed.as_ref().map_or(0, ScrubHits::count);
            on_end(Ended {
                how,
                bytes_up: self.meter.bytes_up(),
                bytes_down: self.meter.bytes_down(),
                scrub_hits: self.scrubbed_in_head + in_body,
            });
        }
    }
}

impl DownBody {
    pub(super) fn new(body: Paced, scrubber: Option<&Scrubber>, rules: DownRules, mut tally: Tally) -> Self {
        let inner = match scrubber {
            None => Either::Right(body),
            Some(scrubber) => {
                let scrubbed = ScrubbedBody::new(body, scrubber);
                tally.scrubbed = Some(scrubbed.hits());
                Either::Left(scrubbed)
            }
        };
        Self { inner, rules, tally }
    }
}

impl Body for DownBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let polled = ready!(Pin::new(&mut self.inner).poll_frame(context));
        match polled {
            Some(Ok(mut frame)) => {
                if let Some(data) = frame.data_ref() {
                    self.tally.meter.received(data.len() as u64);
                }
                if let Some(trailers) = frame.trailers_mut() {
                    prepare_trailers(trailers, self.rules);
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Some(Err(error)) => {
                self.tally.end(HowEnded::BrokeOff);
                Poll::Ready(Some(Err(error)))
            }
            None => {
                self.tally.end(HowEnded::Complete);
                Poll::Ready(None)
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

impl Drop for DownBody {
    fn drop(&mut self) {
        // A server asks no more once it knows that nothing is to come.
        let is_complete = self.inner.is_end_stream();
        self.tally.end(if is_complete {
            HowEnded::Complete
        } else {
            HowEnded::HungUp
        });
    }
}

/// The provider's body, as long as it goes on and is not too long.
pub(super) struct Paced {
    inner: Incoming,
    idle_for: Duration,
    /// Made when the body stands still for the first time: most come in one piece.
    idle: Option<Pin<Box<Sleep>>>,
    left: u64,
}

#[derive(Debug, thiserror::Error)]
enum PaceError {
    #[error("the provider's answer stood still for too long")]
    Idle,
    #[error("the provider's answer is larger than it may be")]
    TooLarge,
}

impl Paced {
    pub(super) fn new(inner: Incoming, idle_for: Duration, limit: Option<u64>) -> Self {
        Self {
            inner,
            idle_for,
            idle: None,
            left: limit.unwrap_or(u64::MAX),
        }
    }

    fn poll_idle(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let idle_for = self.idle_for;
        let idle = self
            .idle
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(idle_for)));
        idle.as_mut().poll(context)
    }
}

impl Body for Paced {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let Poll::Ready(polled) = Pin::new(&mut self.inner).poll_frame(context) else {
            ready!(self.poll_idle(context));
            return Poll::Ready(Some(Err(PaceError::Idle.into())));
        };
        let idle_for = self.idle_for;
        if let Some(idle) = &mut self.idle {
            idle.as_mut().reset(Instant::now() + idle_for);
        }
        let Some(frame) = polled.transpose()? else {
            return Poll::Ready(None);
        };
        let bytes = frame.data_ref().map_or(0, |data| data.len() as u64);
        match self.left.checked_sub(bytes) {
            Some(left) => self.left = left,
            None => return Poll::Ready(Some(Err(PaceError::TooLarge.into()))),
        }
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
