//! The engine in memory: the oracle of the conformance suite, and the store of the engine's unit
//! tests. Keeps nothing: "durable" here lasts as long as a handle.

use std::{
    collections::BTreeMap,
    ops::Bound,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{
    Committed, Entry, Guard, Key, Kind, Store, StoreError, Tag, Watch, Watchers, Write,
    check_limits,
};

/// A handle of an engine in memory; clones are handles of the same entries.
#[derive(Clone, Default)]
pub struct MemoryStore(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    watchers: Watchers,
}

#[derive(Default)]
struct State {
    entries: BTreeMap<Key, Tag>,
    version: u64,
}

impl MemoryStore {
    /// Starts empty.
    pub fn new() -> Self {
        Self::default()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn entry(&self, key: &Key) -> Option<Entry> {
        self.entries.get(key).map(|tag| Entry::new(key.clone(), tag.clone()))
    }

    fn apply(&mut self, write: Write) {
        match write {
            Write::Delete(key) => drop(self.entries.remove(&key)),
            Write::Put(key, value) => {
                self.version += 1;
                self.entries.insert(key, Tag::new(self.version, value.into()));
            }
        }
    }
}

impl Store for MemoryStore {
    async fn get(&self, keys: &[Key]) -> Result<Vec<Option<Entry>>, StoreError> {
        let state = self.state();
        Ok(keys.iter().map(|key| state.entry(key)).collect())
    }

    async fn list(
        &self,
        kind: Kind,
        shard: u8,
        after: Option<&Key>,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        let start = after.map_or(Bound::Unbounded, |key| Bound::Excluded(key.clone()));
        let state = self.state();
        let page = state
            .entries
            .range((start, Bound::Unbounded))
            .filter(|(key, _)| key.kind() == kind && key.shard() == shard)
            .take(limit)
            .map(|(key, tag)| Entry::new(key.clone(), tag.clone()));
        Ok(page.collect())
    }

    async fn commit(
        &self,
        guards: Vec<Guard>,
        writes: Vec<Write>,
    ) -> Result<Committed, StoreError> {
        check_limits(&guards, &writes)?;
        let mut state = self.state();
        if !guards.iter().all(|guard| guard.holds(state.entries.get(guard.key()))) {
            let now = guards.iter().map(|guard| state.entry(guard.key()));
            return Ok(Committed::Conflict(now.collect()));
        }
        let keys: Vec<Key> = writes.iter().map(|write| write.key().clone()).collect();
        writes.into_iter().for_each(|write| state.apply(write));
        // Told under the lock, so that the order is that of the commits.
        keys.iter().for_each(|key| self.0.watchers.tell(key));
        Ok(Committed::Done)
    }

    fn watch(&self, kind: Kind) -> Watch {
        self.0.watchers.watch(kind)
    }
}
