//! One at a time per owner: who checks a secret in a way that costs more than a computation waits for a turn.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use quick_cache::sync::Cache;
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::Busy;

/// Owners whose queue is remembered. One that is forgotten while somebody waits in it gets a second one, which costs a
/// check and nothing else.
const QUEUES: usize = 10_000;
/// Most checks of one owner that may wait; more are refused unseen, so that a flood against one client cannot fill the way
/// for the others. A client that starts with as many connections at once is still served.
const WAITING_PER_OWNER: usize = 64;

/// The queues.
pub struct Turns(Cache<String, Arc<Queue>>);

#[derive(Default)]
struct Queue {
    turn: Arc<Mutex<()>>,
    waiting: AtomicUsize,
}

/// An owner's turn, until dropped.
pub struct Turn {
    _place: Place,
    _turn: OwnedMutexGuard<()>,
}

impl Default for Turns {
    fn default() -> Self {
        Self(Cache::new(QUEUES))
    }
}

impl Turns {
    /// Waits for the owner's turn.
    pub async fn wait(&self, owner: &str) -> Result<Turn, Busy> {
        let queue = self.queue(owner);
        let place = Place::take(&queue)?;
        Ok(Turn {
            _turn: queue.turn.clone().lock_owned().await,
            _place: place,
        })
    }

    fn queue(&self, owner: &str) -> Arc<Queue> {
        let made = || Ok::<_, Infallible>(Arc::default());
        match self.0.get_or_insert_with(owner, made) {
            Ok(queue) => queue,
        }
    }
}

/// A place in an owner's queue, until dropped.
struct Place(Arc<Queue>);

impl Place {
    fn take(queue: &Arc<Queue>) -> Result<Self, Busy> {
        let place = Self(queue.clone());
        if queue.waiting.fetch_add(1, Ordering::Relaxed) < WAITING_PER_OWNER {
            Ok(place)
        } else {
            Err(Busy)
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    impl Turns {
        /// How many have a turn or wait for it.
        pub(in crate::secret_check) fn waiting(&self, owner: &str) -> usize {
            self.queue(owner).waiting.load(Ordering::Relaxed)
        }
    }

    #[test]
    fn a_flood_against_one_owner_is_turned_away() {
        let queue = Arc::new(Queue::default());
        let enter = || Place::take(&queue);
        let places: Vec<_> = (0..WAITING_PER_OWNER).map(|_| enter().unwrap()).collect();
        assert!(enter().is_err());
        drop(places);
        assert!(enter().is_ok());
    }

    #[tokio::test]
    async fn one_owner_does_not_wait_for_another() {
        let turns = Turns::default();
        let first = turns.wait("a").await.unwrap();
        turns.wait("b").await.unwrap();
        let mut second = Box::pin(turns.wait("a"));
        assert!((&mut second).now_or_never().is_none());
        drop(first);
        assert!(second.await.is_ok());
    }
}
