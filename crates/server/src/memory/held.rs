//! One kind of thing held in memory.

use std::collections::HashMap;
use std::future::Future;
use std::hash::{Hash, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use countersign_store::StoreError;
use quick_cache::Weighter;
use quick_cache::sync::{Cache, DefaultLifecycle};

use super::feed::{BELIEVED_FOR, Freshness};

/// How often a value is asked for, when the answer comes too late to be believed.
const LOADS: usize = 3;

/// Values by key, bounded in bytes, loaded on demand.
pub struct Held<K: Hash + Eq + Clone + Send + Sync + 'static, V: Clone + Send + Sync + 'static> {
    values: Cache<K, V, Weigh<K, V>, RandomState>,
    loads: Mutex<HashMap<K, Load>>,
    freshness: Arc<Freshness>,
    hits: AtomicU64,
    misses: AtomicU64,
}

struct Weigh<K, V>(fn(&K, &V) -> u64);

impl<K, V> Clone for Weigh<K, V> {
    fn clone(&self) -> Self {
        Self(self.0)
    }
}

impl<K, V> Weighter<K, V> for Weigh<K, V> {
    fn weight(&self, key: &K, value: &V) -> u64 {
        (self.0)(key, value)
    }
}

/// Loads of one key under way. A value read before a change must not be kept after it, and the change may become known
/// while the read is still on its way; then its generation no longer fits.
#[derive(Default)]
struct Load {
    under_way: usize,
    generation: u64,
}

impl<K: Hash + Eq + Clone + Send + Sync + 'static, V: Clone + Send + Sync + 'static> Held<K, V> {
    pub(super) fn new(
        max_bytes: u64,
        usual_bytes: u64,
        freshness: Arc<Freshness>,
        weigh: fn(&K, &V) -> u64,
    ) -> Self {
        // The number of shards follows from what an entry usually weighs, and so the most that one shard can hold.
        let items = usize::try_from(max_bytes / usual_bytes).unwrap_or(usize::MAX);
        // Callers choose the keys, so the hash is one that cannot be steered into collisions.
        let hash = RandomState::new();
        Self {
            values: Cache::with(items, max_bytes, Weigh(weigh), hash, DefaultLifecycle::default()),
            loads: Mutex::default(),
            freshness,
            hits: AtomicU64::default(),
            misses: AtomicU64::default(),
        }
    }

    /// The value, from memory when that may be believed, else from `load`.
    ///
    /// An answer that was long on its way is as old as memory that is not believed: a link that froze may bring it after
    /// everybody was told of a change. So it is asked for again.
    pub async fn get_or_load<E, F>(&self, key: &K, load: impl Fn() -> F) -> Result<V, E>
    where
        F: Future<Output = Result<V, E>>,
        E: From<StoreError>,
    {
        if self.freshness.is_fresh()
            && let Some(value) = self.values.get(key)
        {
            self.hits.fetch_add(1, Ordering::Relaxed);
            return Ok(value);
        }
        self.misses.fetch_add(1, Ordering::Relaxed);
        for _ in 0..LOADS {
            let ticket = self.begin(key);
            let started = Instant::now();
            let value = load().await?;
            if started.elapsed() < BELIEVED_FOR {
                ticket.keep(&value);
                return Ok(value);
            }
        }
        Err(StoreError::Unavailable("the database answers too slowly".to_owned()).into())
    }

    /// Forgets a key; a load of it under way will not be kept.
    pub fn forget(&self, key: &K) {
        let mut loads = self.lock();
        self.values.remove(key);
        if let Some(load) = loads.get_mut(key) {
            load.generation += 1;
        }
    }

    /// Forgets everything; no load under way will be kept.
    pub fn forget_all(&self) {
        let mut loads = self.lock();
        self.values.clear();
        for load in loads.values_mut() {
            load.generation += 1;
        }
    }

    /// Entries and bytes held, by the weights given.
    pub fn size(&self) -> (u64, u64) {
        (self.values.len() as u64, self.values.weight())
    }

    /// How often memory had the answer so far, and how often the database was asked.
    pub fn use_so_far(&self) -> (u64, u64) {
        (
            self.hits.load(Ordering::Relaxed),
            self.misses.load(Ordering::Relaxed),
        )
    }

    fn begin(&self, key: &K) -> Ticket<'_, K, V> {
        let mut loads = self.lock();
        let load = loads.entry(key.clone()).or_default();
        load.under_way += 1;
        Ticket {
            held: self,
            key: key.clone(),
            generation: load.generation,
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<K, Load>> {
        // Nothing panics while it is held; and if something did, the map would still be sound.
        self.loads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A load under way; dropped also when the request that wanted it goes away.
struct Ticket<'h, K: Hash + Eq + Clone + Send + Sync + 'static, V: Clone + Send + Sync + 'static> {
    held: &'h Held<K, V>,
    key: K,
    generation: u64,
}

impl<K: Hash + Eq + Clone + Send + Sync + 'static, V: Clone + Send + Sync + 'static> Ticket<'_, K, V> {
    /// Keeps the value unless the key was forgotten since the load began. Under the lock, so that no forgetting can fall
    /// between the question and the insertion.
    fn keep(&self, value: &V) {
        let loads = self.held.lock();
        if loads
            .get(&self.key)
            .is_some_and(|load| load.generation == self.generation)
        {
            self.held.values.insert(self.key.clone(), value.clone());
        }
    }
}

impl<K: Hash + Eq + Clone + Send + Sync + 'static, V: Clone + Send + Sync + 'static> Drop
    for Ticket<'_, K, V>
{
    fn drop(&mut self) {
        let mut loads = self.held.lock();
        if let Some(load) = loads.get_mut(&self.key) {
            load.under_way -= 1;
            if load.under_way == 0 {
                loads.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Duration;

    use super::*;

    fn held() -> (Held<u8, u64>, Arc<Freshness>) {
        let freshness = Arc::new(Freshness::new(Duration::from_secs(3600)));
        freshness.poll_completed(freshness.poll_started());
        (Held::new(1 << 20, 1, freshness.clone(), |_, _| 1), freshness)
    }

    async fn load(held: &Held<u8, u64>, value: u64) -> u64 {
        held.get_or_load(&1, || async move { Ok::<_, StoreError>(value) })
            .await
            .unwrap()
    }

    #[tokio::test]
    async fn a_value_is_loaded_once_until_forgotten() {
        let (held, _) = held();
        assert_eq!(load(&held, 1).await, 1);
        assert_eq!(load(&held, 2).await, 1);
        held.forget(&1);
        assert_eq!(load(&held, 3).await, 3);
        held.forget_all();
        assert_eq!(load(&held, 4).await, 4);
    }

    #[tokio::test]
    async fn a_value_read_before_a_change_is_not_kept_after_it() {
        let (held, _) = held();
        for forget in [Held::forget_all as fn(&Held<u8, u64>), |held: &Held<u8, u64>| {
            held.forget(&1);
        }] {
            let old = held.get_or_load(&1, || async {
                forget(&held);
                Ok::<_, StoreError>(1)
            });
            assert_eq!(old.await.unwrap(), 1);
            assert_eq!(load(&held, 2).await, 2);
            held.forget(&1);
        }
    }

    #[tokio::test]
    async fn nothing_is_believed_while_the_feed_is_stale() {
        let freshness = Arc::new(Freshness::new(Duration::ZERO));
        let held = Held::new(1 << 20, 1, freshness, |_: &u8, _: &u64| 1);
        assert_eq!(load(&held, 1).await, 1);
        assert_eq!(load(&held, 2).await, 2);
    }

    #[tokio::test]
    async fn an_abandoned_load_leaves_nothing_behind() {
        let (held, _) = held();
        let pending = held.get_or_load(&1, std::future::pending::<Result<u64, StoreError>>);
        assert!(
            tokio::time::timeout(Duration::from_millis(1), pending)
                .await
                .is_err()
        );
        assert!(held.lock().is_empty());
    }

    #[tokio::test]
    async fn an_answer_that_was_long_on_its_way_is_asked_for_again() {
        let (held, _) = held();
        let asked = AtomicU64::new(0);
        let late = |late: u64| {
            let number = asked.fetch_add(1, Ordering::Relaxed);
            async move {
                if number < late {
                    tokio::time::sleep(BELIEVED_FOR).await;
                }
                Ok::<_, StoreError>(number)
            }
        };
        assert_eq!(held.get_or_load(&1, || late(1)).await.unwrap(), 1);
        assert_eq!(load(&held, 9).await, 1);
        held.forget(&1);
        asked.store(0, Ordering::Relaxed);
        let refused = held.get_or_load(&1, || late(9)).await;
        assert!(matches!(refused, Err(StoreError::Unavailable(_))));
    }
}
