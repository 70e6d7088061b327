//! The store's contract: the narrow waist between token logic and whatever keeps the records.
//!
//! Every engine is linearizable, all or nothing, and answers `Done` only for what is durable.
//! An engine knows keys and bytes; what the bytes mean, and their checksums, is one level up.

mod gauge;
mod key;
pub mod memory;
pub mod sled;
mod watch;

use std::{fmt, future::Future, sync::Arc};

pub use self::{
    gauge::Gauge,
    key::{Heat, Key, Kind},
    watch::{Change, Watch, Watchers},
};

/// Longest key in bytes, kind and shard included. The longest name, a serial, has 64 bytes; the
/// rest is room for later kinds.
pub const MAX_KEY: usize = 256;

/// Longest value in bytes. sled moves a page of more than 128 KiB (a quarter of its 512 KiB
/// segment) out of its log into a file that it never syncs. It splits a page above 16 entries,
/// and 21 entries of 4 KiB with their keys stay below that. Records have a few hundred bytes.
pub const MAX_VALUE: usize = 4096;

/// Most writes of one commit: the import of a million tokens with three records each.
pub const MAX_WRITES: usize = 3_000_000;

/// Which state of an entry was read: the engine's version of the write and the bytes themselves.
///
/// Versions alone could repeat after a restore of an old copy, bytes alone return with a
/// re-created entry; a guard compares both.
#[derive(Clone, Eq, PartialEq)]
pub struct Tag {
    version: u64,
    value: Arc<[u8]>,
}

impl Tag {
    /// Puts a tag together; for engines only.
    pub fn new(version: u64, value: Arc<[u8]>) -> Self {
        Self { version, value }
    }

    /// Returns the bytes that were read.
    pub fn value(&self) -> &[u8] {
        &self.value
    }

    /// Returns the engine's version of the write, unique for each write of an engine.
    pub fn version(&self) -> u64 {
        self.version
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tag({:016x}, {} bytes)", self.version, self.value.len())
    }
}

/// A key with its value and the tag to guard it by.
#[derive(Clone, Eq, PartialEq)]
pub struct Entry {
    /// The key.
    pub key: Key,
    /// The value, at most [`MAX_VALUE`] bytes; shared with the tag.
    pub value: Arc<[u8]>,
    /// What [`Guard::Same`] takes.
    pub tag: Tag,
}

impl Entry {
    /// Makes the entry of a key that has this tag.
    pub fn new(key: Key, tag: Tag) -> Self {
        Self { key, value: Arc::clone(&tag.value), tag }
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Entry({:?}, {:?})", self.key, self.tag)
    }
}

/// What must still be so for a commit to be applied.
#[derive(Clone, Debug)]
pub enum Guard {
    /// The key has no entry.
    Absent(Key),
    /// The key has the entry that was read with this tag, not written since.
    Same(Key, Tag),
}

impl Guard {
    /// Returns the guarded key.
    pub fn key(&self) -> &Key {
        match self {
            Self::Absent(key) | Self::Same(key, _) => key,
        }
    }

    /// Says whether the guard holds for the tag that its key has now.
    pub fn holds(&self, now: Option<&Tag>) -> bool {
        match (self, now) {
            (Self::Absent(_), None) => true,
            (Self::Same(_, read), Some(now)) => read == now,
            _ => false,
        }
    }

    /// Returns the guard for what a read of `key` returned.
    pub fn unchanged(key: &Key, read: Option<&Entry>) -> Self {
        match read {
            None => Self::Absent(key.clone()),
            Some(entry) => Self::Same(key.clone(), entry.tag.clone()),
        }
    }
}

/// One change of a commit. A later write of the same key in the same commit wins.
#[derive(Clone)]
pub enum Write {
    /// Removes the entry; nothing happens if there is none.
    Delete(Key),
    /// Creates or replaces the entry; at most [`MAX_VALUE`] bytes.
    Put(Key, Vec<u8>),
}

impl Write {
    /// Returns the written key.
    pub fn key(&self) -> &Key {
        match self {
            Self::Delete(key) | Self::Put(key, _) => key,
        }
    }
}

/// What became of a commit that the engine could decide.
#[derive(Clone, Debug, Eq, PartialEq)]
#[must_use = "a conflict means that nothing was written"]
pub enum Committed {
    /// A guard does not hold; nothing was applied. Carries the current entries of all guards, in
    /// their order, as one snapshot, so that the caller decides again without another read.
    Conflict(Vec<Option<Entry>>),
    /// Applied, durable, and visible to every later read on every handle.
    Done,
}

/// Trouble of the store. The docs say whether the commit was applied.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum StoreError {
    /// What is stored cannot be read. Surely not applied.
    Corrupt,
    /// Another writer owns the store now. Surely not applied.
    Fenced,
    /// No room. Surely not applied; works again when there is room.
    Full,
    /// The engine lost track half-way. **Perhaps applied**: read again and look for the attempt
    /// id, on a new handle if this one says [`StoreError::Unavailable`].
    Indeterminate,
    /// Over [`MAX_KEY`], [`MAX_VALUE`] or [`MAX_WRITES`]. Surely not applied; never will be.
    TooLarge,
    /// The store does not answer, or a past error ended its service. Surely not applied.
    Unavailable,
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Corrupt => "the store holds damaged data.",
            Self::Fenced => "another writer has taken over the store.",
            Self::Full => "the store has no room left.",
            Self::Indeterminate => "the store does not know whether the change was applied.",
            Self::TooLarge => "the change is larger than the store takes.",
            Self::Unavailable => "the store is not available.",
        })
    }
}

impl std::error::Error for StoreError {}

/// Whether what is stored is all that was stored.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Freshness {
    /// It is not what was there when the store was closed, or was not once before and the store
    /// was not closed since: what sign-ins wrote may be lost, which codes were used among it.
    Doubtful,
    /// As far as this engine can tell, yes.
    Fresh,
    /// The store was not closed in good order. What was acknowledged is there all the same, if
    /// the disk keeps what it was given.
    Unclosed,
}

/// An engine: a map from [`Key`] to bytes with conditional, durable, atomic changes.
///
/// A handle is cheap to share; all handles of an engine see the same entries.
pub trait Store: Send + Sync + 'static {
    /// Reads the keys as one linearizable snapshot, in their order. Never waits for a sync and
    /// never shows what is not durable.
    ///
    /// # Errors
    ///
    /// [`StoreError::Corrupt`], [`StoreError::Fenced`] or [`StoreError::Unavailable`].
    fn get(
        &self,
        keys: &[Key],
    ) -> impl Future<Output = Result<Vec<Option<Entry>>, StoreError>> + Send;

    /// Reads a page of one kind in one shard: the first `limit` entries after `after` (the first
    /// of all if `None`), ascending by key. A page is a snapshot, several pages are not; but what
    /// is there during the whole walk is met exactly once. A page shorter than `limit` ends the
    /// shard.
    ///
    /// # Errors
    ///
    /// [`StoreError::Corrupt`], [`StoreError::Fenced`] or [`StoreError::Unavailable`].
    fn list(
        &self,
        kind: Kind,
        shard: u8,
        after: Option<&Key>,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<Entry>, StoreError>> + Send;

    /// Applies all the writes if all the guards hold, else nothing. Linearizable with `get` and
    /// `list`; `Done` only when durable. A caller that stops waiting does not undo the commit.
    ///
    /// # Errors
    ///
    /// Any [`StoreError`]; only after [`StoreError::Indeterminate`] it may have been applied.
    fn commit(
        &self,
        guards: Vec<Guard>,
        writes: Vec<Write>,
    ) -> impl Future<Output = Result<Committed, StoreError>> + Send;

    /// As [`Store::commit`]; an engine that does a large commit in pieces says meanwhile how many of
    /// its guards and writes are done.
    ///
    /// # Errors
    ///
    /// As [`Store::commit`].
    fn commit_watched(
        &self,
        guards: Vec<Guard>,
        writes: Vec<Write>,
        _gauge: Arc<Gauge>,
    ) -> impl Future<Output = Result<Committed, StoreError>> + Send {
        self.commit(guards, writes)
    }

    /// Tells of changed keys of a kind, from now on: a hint for caches, never an input to a
    /// verdict. A key is told after its change can be read; the changes of a key are told in
    /// their order; a slow reader is told that it missed some.
    fn watch(&self, kind: Kind) -> Watch;

    /// Tells whether what was found at the opening is what was left.
    fn freshness(&self) -> Freshness {
        Freshness::Fresh
    }
}

/// Refuses a commit that is over the limits; every engine calls it first.
///
/// # Errors
///
/// [`StoreError::TooLarge`].
pub fn check_limits(guards: &[Guard], writes: &[Write]) -> Result<(), StoreError> {
    let short = |key: &Key| key.as_bytes().len() <= MAX_KEY;
    let small = |write: &Write| match write {
        Write::Delete(_) => true,
        Write::Put(_, value) => value.len() <= MAX_VALUE,
    };
    let fits = writes.len() <= MAX_WRITES
        && guards.len() <= MAX_WRITES
        && guards.iter().all(|guard| short(guard.key()))
        && writes.iter().all(|write| short(write.key()) && small(write));
    if fits { Ok(()) } else { Err(StoreError::TooLarge) }
}
