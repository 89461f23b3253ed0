//! A body without the secrets.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes, BytesMut};
use http::HeaderMap;
use http_body::{Body, Frame};
use pin_project_lite::pin_project;

use super::{ScrubStream, Scrubber};

pin_project! {
    /// A body whose data and trailers go through a [`Scrubber`].
    ///
    /// It asks the inner body for a frame when it is asked for one, and keeps nothing but what [`ScrubStream`] holds back: back-pressure
    /// stays as it is. Its length is unknown beforehand, so whoever sends it drops the `Content-Length` of the answer.
    #[derive(Debug)]
    pub struct ScrubbedBody<B> {
        #[pin]
        inner: B,
        scrubber: Scrubber,
        stream: ScrubStream,
        // What the inner body gave after its data, until the last of the data is out.
        trailers: Option<HeaderMap>,
        has_ended: bool,
        hits: ScrubHits,
    }
}

/// How many secrets were taken out of a body until now; it goes on counting while the body is read elsewhere.
#[derive(Clone, Default, Debug)]
pub struct ScrubHits(Arc<AtomicU64>);

impl ScrubHits {
    /// The count.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl<B> ScrubbedBody<B> {
    /// The body without what the scrubber looks for.
    pub fn new(inner: B, scrubber: &Scrubber) -> Self {
        Self {
            inner,
            scrubber: scrubber.clone(),
            stream: scrubber.stream(),
            trailers: None,
            has_ended: false,
            hits: ScrubHits::default(),
        }
    }

    /// A count that stays readable when the body is given away.
    #[must_use]
    pub fn hits(&self) -> ScrubHits {
        self.hits.clone()
    }
}

impl<B: Body> Body for ScrubbedBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let mut this = self.project();
        while !*this.has_ended {
            let mut clean = BytesMut::new();
            let seen = this.stream.hits();
            match ready!(this.inner.as_mut().poll_frame(context)) {
                // What is held back may be half a secret, and the body is broken in any case: it is not given out.
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(mut data) => {
                        while data.has_remaining() {
                            let piece = data.chunk();
                            let length = piece.len();
                            this.stream.push(piece, &mut clean);
                            data.advance(length);
                        }
                    }
                    Err(other) => {
                        if let Ok(mut trailers) = other.into_trailers() {
                            let found = this.scrubber.scrub_headers(&mut trailers);
                            this.hits.0.fetch_add(found, Ordering::Relaxed);
                            *this.trailers = Some(trailers);
                        }
                        *this.has_ended = true;
                        this.stream.finish(&mut clean);
                    }
                },
                None => {
                    *this.has_ended = true;
                    this.stream.finish(&mut clean);
                }
            }
            this.hits
                .0
                .fetch_add(this.stream.hits() - seen, Ordering::Relaxed);
            // A frame of which everything is held back says nothing yet.
            if !clean.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(clean.freeze()))));
            }
        }
        Poll::Ready(this.trailers.take().map(|trailers| Ok(Frame::trailers(trailers))))
    }

    fn is_end_stream(&self) -> bool {
        let nothing_to_come = self.has_ended || self.inner.is_end_stream();
        nothing_to_come && self.stream.held_back() == 0 && self.trailers.is_none()
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures_util::FutureExt as _;
    use futures_util::stream::{self, StreamExt as _};
    use http::HeaderValue;
    use http_body_util::{BodyExt as _, Full, StreamBody};
    use tokio::sync::mpsc;

    use super::*;

    fn scrubber() -> Scrubber {
        Scrubber::new(&["hunter2hunter2".into()]).unwrap()
    }

    fn data(text: &'static str) -> Result<Frame<Bytes>, Infallible> {
        Ok(Frame::data(Bytes::from_static(text.as_bytes())))
    }

    #[tokio::test]
    async fn data_and_trailers_come_without_the_secret_and_in_order() {
        let mut trailers = HeaderMap::new();
        trailers.insert("x-echo", HeaderValue::from_static("hunter2hunter2"));
        let frames = [
            data("a hunter2"),
            data("hunt"),
            data("er2 b hunt"),
            Ok(Frame::trailers(trailers)),
        ];
        let body = ScrubbedBody::new(StreamBody::new(stream::iter(frames)), &scrubber());
        let hits = body.hits();
        let whole = body.collect().await.unwrap();
        assert_eq!(whole.trailers().unwrap()["x-echo"], "[redacted]");
        assert_eq!(whole.to_bytes(), "a [redacted] b hunt");
        assert_eq!(hits.count(), 2);
    }

    #[tokio::test]
    async fn what_is_held_back_comes_when_the_body_ends() {
        let body = ScrubbedBody::new(Full::new(Bytes::from_static(b"hunter2")), &scrubber());
        assert!(!body.is_end_stream());
        assert_eq!(body.collect().await.unwrap().to_bytes(), "hunter2");
        let empty = ScrubbedBody::new(Full::new(Bytes::new()), &scrubber());
        assert!(empty.is_end_stream());
        assert!(empty.collect().await.unwrap().to_bytes().is_empty());
    }

    #[tokio::test]
    async fn an_event_passes_before_the_next_one_is_there() {
        let (events, coming) = mpsc::channel(1);
        let coming = stream::unfold(coming, |mut coming| async {
            Some((coming.recv().await?, coming))
        });
        let mut body = Box::pin(ScrubbedBody::new(StreamBody::new(coming), &scrubber()));
        for event in ["data: 1\n\n", "data: {\"hunter\":2}\n\n"] {
            assert!(body.frame().now_or_never().is_none(), "nothing is there yet");
            events.send(data(event)).await.unwrap();
            let frame = body.frame().now_or_never().unwrap().unwrap().unwrap();
            assert_eq!(frame.into_data().unwrap(), event);
        }
    }

    #[tokio::test]
    async fn the_inner_body_is_read_no_faster_than_this_one() {
        let mut read = 0;
        {
            let frames = stream::repeat_with(|| data("0123456789")).inspect(|_| read += 1);
            let mut body = Box::pin(ScrubbedBody::new(StreamBody::new(frames), &scrubber()));
            for _ in 0..3 {
                body.frame().await.unwrap().unwrap();
            }
        }
        assert_eq!(read, 3);
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_gives_out_nothing_more() {
        let frames = [
            Ok(Frame::data(Bytes::from_static(b"x hunter2hunter"))),
            Err("broke off"),
        ];
        let mut body = ScrubbedBody::new(StreamBody::new(stream::iter(frames)), &scrubber());
        let first = body.frame().await.unwrap().unwrap();
        assert_eq!(first.into_data().unwrap(), "x ");
        assert_eq!(body.frame().await.unwrap().unwrap_err(), "broke off");
    }
}
