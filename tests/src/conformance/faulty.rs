//! Engines with one fault each. They show that the cases can fail: a suite that a faulty engine
//! passes proves nothing about the others.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use fobd::store::{
    Committed, Entry, Guard, Key, Kind, Store, StoreError, Watch, Watchers, Write,
    memory::MemoryStore,
};
use tokio::task::yield_now;

use super::Engine;

/// What is wrong with an engine.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fault {
    /// Compares the bytes and not the version.
    BytesOnly,
    /// Checks the guards, and writes later.
    CheckThenWrite,
    /// Does not delete.
    DeletesNothing,
    /// Conflicts carry nothing.
    EmptyConflict,
    /// Looks at the first guard only.
    FirstGuardOnly,
    /// Says `Done` and writes nothing when a commit is over a limit.
    Limitless,
    /// Pages begin with the key that they should come after.
    PageBeginsEarly,
    /// Pages know no kinds and no shards.
    PageOfEverything,
    /// Writes one after the other, with time between them.
    Piecemeal,
    /// Tells watches before it writes.
    TellsEarly,
    /// Tells watches nothing.
    TellsNothing,
    /// Tells the keys of three commits at a time, the last one first.
    TellsOutOfOrder,
    /// A handle keeps what it has read and never looks again.
    StaleHandle,
    /// Looks at no guard.
    Unguarded,
}

/// An engine with a fault.
pub struct FaultyEngine {
    fault: Fault,
    store: MemoryStore,
    watchers: Arc<Watchers>,
    untold: Arc<Mutex<Vec<Key>>>,
}

impl FaultyEngine {
    /// Starts empty.
    pub fn new(fault: Fault) -> Self {
        let (watchers, untold) = (Arc::default(), Arc::default());
        Self { fault, store: MemoryStore::new(), watchers, untold }
    }
}

impl Engine for FaultyEngine {
    type Handle = FaultyStore;

    fn handle(&self) -> FaultyStore {
        FaultyStore {
            fault: self.fault,
            store: self.store.clone(),
            watchers: Arc::clone(&self.watchers),
            untold: Arc::clone(&self.untold),
            kept: Mutex::default(),
        }
    }
}

/// A handle of an engine with a fault.
pub struct FaultyStore {
    fault: Fault,
    store: MemoryStore,
    watchers: Arc<Watchers>,
    untold: Arc<Mutex<Vec<Key>>>,
    kept: Mutex<HashMap<Key, Option<Entry>>>,
}

impl FaultyStore {
    /// Returns the guards that the fault leaves.
    async fn guards(&self, guards: Vec<Guard>) -> Result<Vec<Guard>, StoreError> {
        match self.fault {
            Fault::Unguarded => Ok(Vec::new()),
            Fault::FirstGuardOnly => Ok(guards.into_iter().take(1).collect()),
            Fault::BytesOnly => {
                let keys: Vec<_> = guards.iter().map(|guard| guard.key().clone()).collect();
                let now = self.store.get(&keys).await?;
                let renew = |(guard, now): (Guard, Option<Entry>)| match (&guard, now) {
                    (Guard::Same(key, read), Some(now)) if read.value() == now.tag.value() => {
                        Guard::Same(key.clone(), now.tag)
                    }
                    _ => guard,
                };
                Ok(guards.into_iter().zip(now).map(renew).collect())
            }
            _ => Ok(guards),
        }
    }

    async fn apply(
        &self,
        guards: Vec<Guard>,
        mut writes: Vec<Write>,
    ) -> Result<Committed, StoreError> {
        match self.fault {
            Fault::CheckThenWrite => {
                let checked = self.store.commit(guards, Vec::new()).await?;
                yield_now().await;
                match checked {
                    Committed::Done => self.store.commit(Vec::new(), writes).await,
                    conflict @ Committed::Conflict(_) => Ok(conflict),
                }
            }
            Fault::DeletesNothing => {
                writes.retain(|write| matches!(write, Write::Put(..)));
                self.store.commit(guards, writes).await
            }
            Fault::EmptyConflict => Ok(match self.store.commit(guards, writes).await? {
                Committed::Conflict(now) => Committed::Conflict(vec![None; now.len()]),
                Committed::Done => Committed::Done,
            }),
            Fault::Limitless => match self.store.commit(guards, writes).await {
                Err(StoreError::TooLarge) => Ok(Committed::Done),
                answer => answer,
            },
            Fault::Piecemeal => {
                for (place, write) in writes.into_iter().enumerate() {
                    let guards = if place == 0 { guards.clone() } else { Vec::new() };
                    let committed = self.store.commit(guards, vec![write]).await?;
                    if committed != Committed::Done {
                        return Ok(committed);
                    }
                    yield_now().await;
                }
                Ok(Committed::Done)
            }
            _ => self.store.commit(guards, writes).await,
        }
    }

    fn tell(&self, keys: &[Key]) {
        if self.fault != Fault::TellsOutOfOrder {
            return keys.iter().for_each(|key| self.watchers.tell(key));
        }
        let mut untold = self.untold.lock().unwrap_or_else(PoisonError::into_inner);
        untold.extend_from_slice(keys);
        if untold.len() >= 3 {
            untold.drain(..).rev().for_each(|key| self.watchers.tell(&key));
        }
    }
}

impl Store for FaultyStore {
    async fn get(&self, keys: &[Key]) -> Result<Vec<Option<Entry>>, StoreError> {
        let now = self.store.get(keys).await?;
        if self.fault != Fault::StaleHandle {
            return Ok(now);
        }
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let keep = |(key, now): (&Key, _)| kept.entry(key.clone()).or_insert(now).clone();
        Ok(keys.iter().zip(now).map(keep).collect())
    }

    async fn list(
        &self,
        kind: Kind,
        shard: u8,
        after: Option<&Key>,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        let mut page = match self.fault {
            Fault::PageOfEverything => {
                let mut all = Vec::new();
                for kind in Kind::ALL {
                    for shard in 0..=255 {
                        all.extend(self.store.list(kind, shard, after, limit).await?);
                    }
                }
                all
            }
            _ => self.store.list(kind, shard, after, limit).await?,
        };
        if let (Fault::PageBeginsEarly, Some(after)) = (self.fault, after) {
            let first = self.store.get(std::slice::from_ref(after)).await?;
            page.splice(0..0, first.into_iter().flatten());
        }
        page.truncate(limit);
        Ok(page)
    }

    async fn commit(
        &self,
        guards: Vec<Guard>,
        writes: Vec<Write>,
    ) -> Result<Committed, StoreError> {
        let keys: Vec<_> = writes.iter().map(|write| write.key().clone()).collect();
        if self.fault == Fault::TellsEarly {
            self.tell(&keys);
            yield_now().await;
        }
        let guards = self.guards(guards).await?;
        let committed = self.apply(guards, writes).await?;
        if committed == Committed::Done
            && !matches!(self.fault, Fault::TellsEarly | Fault::TellsNothing)
        {
            self.tell(&keys);
        }
        Ok(committed)
    }

    fn watch(&self, kind: Kind) -> Watch {
        self.watchers.watch(kind)
    }
}
