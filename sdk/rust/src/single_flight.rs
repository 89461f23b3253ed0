//! Work that many ask for and that is done once.

use std::future::Future;
use std::sync::{Mutex, PoisonError};

use tokio::runtime::Handle;
use tokio::sync::watch;

/// At most one piece of work under way; whoever comes meanwhile gets its result.
///
/// The work is a task of its own. A caller that goes away does not stop it: otherwise somebody who hangs up again and again could
/// make it begin again and again.
#[derive(Debug)]
pub(crate) struct SingleFlight<T> {
    under_way: Mutex<Option<Flight<T>>>,
}

/// A piece of work under way.
#[derive(Debug)]
pub(crate) struct Flight<T>(watch::Receiver<Option<T>>);

impl<T> Default for SingleFlight<T> {
    fn default() -> Self {
        Self {
            under_way: Mutex::new(None),
        }
    }
}

impl<T: Clone + Send + Sync + 'static> SingleFlight<T> {
    /// The work under way, or else what `start` begins. `None` when `start` begins nothing, or outside of a Tokio runtime.
    ///
    /// `start` is called under the lock, so that nobody else can begin between its look around and its answer.
    pub(crate) fn join_or<F, W>(&self, start: F) -> Option<Flight<T>>
    where
        F: FnOnce() -> Option<W>,
        W: Future<Output = T> + Send + 'static,
    {
        let runtime = Handle::try_current().ok()?;
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(flight) = under_way.as_ref().filter(|flight| flight.is_in_the_air()) {
            return Some(flight.clone());
        }
        let work = start()?;
        let (result, flight) = watch::channel(None);
        runtime.spawn(async move {
            let value = work.await;
            // Nobody may be waiting. When the task ends without this, by a panic or with its runtime, the sender is dropped, and
            // that is what everybody sees.
            let _ = result.send(Some(value));
        });
        let flight = Flight(flight);
        *under_way = Some(flight.clone());
        Some(flight)
    }
}

impl<T> Clone for Flight<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: Clone> Flight<T> {
    fn is_in_the_air(&self) -> bool {
        self.0.borrow().is_none() && self.0.has_changed().is_ok()
    }

    /// The result, or `None` when the work was broken off.
    pub(crate) async fn result(mut self) -> Option<T> {
        self.0.wait_for(Option::is_some).await.ok()?.clone()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::sync::Notify;

    use super::*;

    #[tokio::test]
    async fn a_thousand_callers_share_one_piece_of_work() {
        let (flights, begun) = (SingleFlight::default(), AtomicUsize::default());
        let gate = Arc::new(Notify::new());
        let waiting: Vec<_> = (0..1000)
            .map(|_| {
                flights.join_or(|| {
                    let (number, gate) = (begun.fetch_add(1, Ordering::Relaxed), gate.clone());
                    Some(async move {
                        gate.notified().await;
                        number
                    })
                })
            })
            .collect();
        gate.notify_one();
        for flight in waiting {
            assert_eq!(flight.unwrap().result().await, Some(0));
        }
        let next = flights.join_or(|| Some(async { 7 }));
        assert_eq!(
            next.unwrap().result().await,
            Some(7),
            "it has landed, so another may begin"
        );
    }

    #[tokio::test]
    async fn work_goes_on_when_whoever_began_it_goes_away() {
        let flights = SingleFlight::default();
        let gate = Arc::new(Notify::new());
        let waits = gate.clone();
        drop(flights.join_or(|| {
            Some(async move {
                waits.notified().await;
                1
            })
        }));
        let joined = flights.join_or(|| Some(async { 2 })).unwrap();
        gate.notify_one();
        assert_eq!(joined.result().await, Some(1));
    }

    #[tokio::test]
    async fn work_that_broke_off_holds_nobody_up() {
        let flights = SingleFlight::<u8>::default();
        let broken = flights.join_or(|| Some(async { panic!("on purpose") })).unwrap();
        assert_eq!(broken.result().await, None);
        let next = flights.join_or(|| Some(async { 7 })).unwrap();
        assert_eq!(next.result().await, Some(7));
    }

    #[test]
    fn without_a_runtime_nothing_begins_and_nothing_panics() {
        assert!(SingleFlight::default().join_or(|| Some(async { 1 })).is_none());
    }
}
