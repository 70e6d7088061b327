//! The reading side: the database as it is on stable storage.
//!
//! sled shows a write at once. While writes are in flight, their old values hide them here, so
//! that a reader neither sees them before the sync nor waits for it. What sign-ins have written is
//! durable in the log before sled knows of it (`redo.rs`): it lies here in the same way.

use std::{
    collections::BTreeMap,
    fs::File,
    mem::take,
    ops::Bound,
    sync::{PoisonError, RwLock},
};

use sled::{Db, IVec};
use tokio::sync::watch;

use super::{
    check::{Check, Extent},
    ledger::Book,
    progress::Progress,
    writer::Outage,
};
use crate::store::{Entry, Key, StoreError, Tag, Watchers};

/// Bytes of the version before each stored value.
pub(super) const VERSION: usize = size_of::<u64>();

/// Old values by key; `None` hides an entry that was not there.
pub(super) type Hidden = BTreeMap<Key, Option<Tag>>;

/// The database with what hides the writes in flight.
pub(super) struct Shelf {
    /// Dropped before the lock.
    pub(super) db: Db,
    /// The watches of this store.
    pub(super) watchers: Watchers,
    hidden: RwLock<Layers>,
    outage: watch::Sender<Option<Outage>>,
    check: Check,
    /// All that is there was read, and the anchor says so.
    read: watch::Sender<Extent>,
    _lock: File,
}

/// What hides the writes in flight.
#[derive(Default)]
pub(super) struct Layers {
    /// By [`Layer`].
    maps: [Hidden; 3],
    /// Keys that the large commit writes and that were not there before, ascending. Nearly all that an
    /// import writes is new; in a map each of them takes four times as much.
    new: Vec<Key>,
}

impl Layers {
    /// Returns what is shown of a key in place of sled's value, if anything is.
    fn get(&self, key: &Key) -> Option<Option<&Tag>> {
        let old = self.maps.iter().find_map(|layer| layer.get(key));
        let is_new = || self.new.binary_search(key).is_ok();
        old.map(Option::as_ref).or_else(|| is_new().then_some(None))
    }
}

/// Whose writes are hidden.
#[derive(Clone, Copy, Debug)]
pub(super) enum Layer {
    /// Those of a commit that is applied piece by piece.
    Bulk,
    /// Those of the commits that wait for the next sync.
    Group,
    /// Nobody's: these values are newer than sled's, and durable in the log (`redo.rs`).
    Redo,
}

impl Shelf {
    pub(super) fn new(db: Db, lock: File, check: Check) -> Self {
        let read = if check.is_needless() { Extent::All } else { Extent::Part };
        Self {
            db,
            watchers: Watchers::new(),
            hidden: RwLock::default(),
            outage: watch::Sender::new(None),
            check,
            read: watch::Sender::new(read),
            _lock: lock,
        }
    }

    /// Ends the service: from now on every call is refused.
    pub(super) fn end_service(&self, outage: Outage) {
        self.outage.send_replace(Some(outage));
    }

    /// Returns the news of the end of the service.
    pub(super) fn outage(&self) -> watch::Receiver<Option<Outage>> {
        self.outage.subscribe()
    }

    /// Refuses when the service has ended.
    pub(super) fn in_service(&self) -> Result<(), StoreError> {
        if self.outage.borrow().is_some() { Err(StoreError::Unavailable) } else { Ok(()) }
    }

    /// Tells whether all that is there was read at the opening.
    pub(super) fn was_counted(&self) -> bool {
        self.check.is_needless()
    }

    /// Tells whether the records of a shard are known to be those that were left.
    pub(super) fn is_checked(&self, shard: u8) -> bool {
        self.check.is_done(shard)
    }

    /// Reads a shard if nobody has since the opening. What does not fit ends the service.
    pub(super) fn check(&self, shard: u8) -> Result<(), StoreError> {
        self.in_service()?;
        self.check.shard(&self.db, shard).map_err(|outage| {
            self.end_service(outage);
            StoreError::Unavailable
        })
    }

    /// As [`Shelf::check`], by somebody who takes his time.
    #[cfg(test)]
    pub(super) fn check_after(&self, shard: u8, wait: impl FnOnce()) {
        self.check.shard_after(&self.db, shard, wait);
    }

    /// Reads all shards that nobody has read since the opening, until it is told to stop.
    pub(super) fn check_all(&self) -> Result<Extent, StoreError> {
        for shard in 0..=u8::MAX {
            if self.check.is_stopped() {
                return Ok(Extent::Part);
            }
            self.check(shard)?;
        }
        Ok(Extent::All)
    }

    /// Has the reading of all shards end before the next one.
    pub(super) fn stop_check(&self) {
        self.check.stop();
    }

    /// Takes down that all was read.
    pub(super) fn end_check(&self) {
        self.read.send_replace(Extent::All);
    }

    /// Returns the news of how much was read.
    pub(super) fn read(&self) -> watch::Receiver<Extent> {
        self.read.subscribe()
    }

    /// Returns what tells whether the check gets on.
    pub(super) fn check_progress(&self) -> Progress {
        self.check.progress()
    }

    /// Adds the hot records that were there at the opening to a book of what was written since;
    /// `None` if nobody knows what some of them are.
    pub(super) fn with_hot(&self, since: &Book) -> Result<Option<Book>, Outage> {
        self.check.with_hot(since)
    }

    /// Reads the durable entries of the keys as one snapshot.
    pub(super) fn get(&self, keys: &[Key]) -> Result<Vec<Option<Entry>>, StoreError> {
        self.in_service()?;
        // Held to the end: what is not hidden now is not written before it is hidden.
        let hidden = self.hidden.read().unwrap_or_else(PoisonError::into_inner);
        let entry = |key: &Key| {
            let tag = hidden.get(key).map_or_else(|| self.stored(key), |old| Ok(old.cloned()))?;
            Ok(tag.map(|tag| Entry::new(key.clone(), tag)))
        };
        keys.iter().map(entry).collect()
    }

    /// Reads a page of durable entries: the first `limit` from `start` that begin as `floor`.
    pub(super) fn list(
        &self,
        floor: &Key,
        start: Bound<&Key>,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        self.in_service()?;
        let ours = |bytes: &[u8]| bytes.starts_with(floor.as_bytes());
        let hidden = self.hidden.read().unwrap_or_else(PoisonError::into_inner);
        let mut page = Hidden::new();
        for layer in &hidden.maps {
            let old = layer
                .range((start, Bound::Unbounded))
                .take_while(|(key, _)| ours(key.as_bytes()))
                .filter(|(_, old)| old.is_some());
            page.extend(old.take(limit).map(|(key, old)| (key.clone(), old.clone())));
        }
        let mut found = 0;
        let from = (start.map(Key::as_bytes), Bound::Unbounded);
        for pair in self.db.range::<&[u8], _>(from) {
            let (key, value) = pair.map_err(|error| trouble(&error))?;
            if found == limit || !ours(&key) {
                break;
            }
            let key = Key::from_stored(&key).ok_or(StoreError::Corrupt)?;
            if hidden.get(&key).is_none() {
                page.insert(key, Some(decode(&value)?));
                found += 1;
            }
        }
        let entries = page.into_iter().filter_map(|(key, tag)| Some(Entry::new(key, tag?)));
        Ok(entries.take(limit).collect())
    }

    /// Reads the newest value, durable or not; for the writer.
    pub(super) fn newest(&self, key: &Key) -> Result<Option<Tag>, StoreError> {
        let [.., redo] = &self.hidden.read().unwrap_or_else(PoisonError::into_inner).maps;
        redo.get(key).map_or_else(|| self.stored(key), |tag| Ok(tag.clone()))
    }

    /// Returns what is durable in the log alone; the writer puts it into its next batch.
    pub(super) fn above(&self) -> Hidden {
        let [.., redo] = &self.hidden.read().unwrap_or_else(PoisonError::into_inner).maps;
        redo.clone()
    }

    fn stored(&self, key: &Key) -> Result<Option<Tag>, StoreError> {
        let stored = self.db.get(key.as_bytes()).map_err(|error| trouble(&error))?;
        stored.map(|value| decode(&value)).transpose()
    }

    /// Shows these values in place of sled's: of what it is to write, the old ones, or what is durable
    /// in the log. The writer calls it before it writes, or after the log is synced. What the large
    /// commit writes comes in the order of the keys.
    pub(super) fn hide(&self, layer: Layer, old: Hidden) {
        let mut hidden = self.hidden.write().unwrap_or_else(PoisonError::into_inner);
        let Layers { maps: [bulk, group, redo], new } = &mut *hidden;
        match layer {
            Layer::Bulk => {
                for (key, old) in old {
                    match old {
                        Some(old) => drop(bulk.insert(key, Some(old))),
                        None => new.push(key),
                    }
                }
            }
            Layer::Group => *group = old,
            Layer::Redo => redo.extend(old),
        }
    }

    /// Shows what sled has again; the writer calls it after the sync. Returns the values of the layer,
    /// so that a large map is freed where nobody waits.
    pub(super) fn show(&self, layer: Layer) -> Layers {
        let mut hidden = self.hidden.write().unwrap_or_else(PoisonError::into_inner);
        let mut shown = Layers::default();
        let Layers { maps: [bulk, group, redo], new } = &mut *hidden;
        let [map, ..] = &mut shown.maps;
        match layer {
            Layer::Bulk => (*map, shown.new) = (take(bulk), take(new)),
            Layer::Group => *map = take(group),
            Layer::Redo => *map = take(redo),
        }
        shown
    }
}

/// Returns the stored form of a value.
pub(super) fn encode(version: u64, value: &[u8]) -> Vec<u8> {
    [&version.to_le_bytes(), value].concat()
}

/// Reads the stored form of a value.
pub(super) fn decode(stored: &IVec) -> Result<Tag, StoreError> {
    let (version, value) = stored.split_first_chunk::<VERSION>().ok_or(StoreError::Corrupt)?;
    Ok(Tag::new(u64::from_le_bytes(*version), value.into()))
}

/// Sorts an error of a read.
pub(super) fn trouble(error: &sled::Error) -> StoreError {
    match error {
        sled::Error::Corruption { .. } => StoreError::Corrupt,
        _ => StoreError::Unavailable,
    }
}
