//! Hints for caches: which keys changed.

use tokio::sync::broadcast::{self, error::RecvError};

use super::{Key, Kind};

/// Changes that a slow reader may lag behind before it is told that it missed some. A cache that
/// is so far behind starts afresh anyway.
const BACKLOG: usize = 1024;

/// What a watch tells.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Change {
    /// This key was written or deleted.
    Key(Key),
    /// More keys changed than were kept: all caches of the kind are stale.
    Lagged,
}

/// The changes of one kind since [`Store::watch`](super::Store::watch) was called.
#[derive(Debug)]
pub struct Watch(broadcast::Receiver<Key>);

impl Watch {
    /// Waits for the next change; `None` when the store is closed. Loses nothing if the caller
    /// stops waiting.
    pub async fn next(&mut self) -> Option<Change> {
        match self.0.recv().await {
            Ok(key) => Some(Change::Key(key)),
            Err(RecvError::Lagged(_)) => Some(Change::Lagged),
            Err(RecvError::Closed) => None,
        }
    }
}

/// The engine's end of all its watches. Each kind has its own backlog, so that sign-ins do not
/// make a watch of users lag.
#[derive(Debug)]
pub struct Watchers([broadcast::Sender<Key>; Kind::ALL.len()]);

impl Watchers {
    /// Starts without watches.
    pub fn new() -> Self {
        Self(Kind::ALL.map(|_| broadcast::Sender::new(BACKLOG)))
    }

    /// Adds a watch of a kind.
    pub fn watch(&self, kind: Kind) -> Watch {
        Watch(self.of(kind).subscribe())
    }

    /// Tells the watches of its kind that the key changed; the engine calls it in the order of
    /// the commits, after a read can see the change.
    pub fn tell(&self, key: &Key) {
        let sender = self.of(key.kind());
        if sender.receiver_count() > 0 {
            // An error means that the last reader has just left.
            let _ = sender.send(key.clone());
        }
    }

    fn of(&self, kind: Kind) -> &broadcast::Sender<Key> {
        let [fingerprint, meta, nobody, seed, state, user, recovery] = &self.0;
        match kind {
            Kind::Fingerprint => fingerprint,
            Kind::Meta => meta,
            Kind::Nobody => nobody,
            Kind::Seed => seed,
            Kind::State => state,
            Kind::User => user,
            Kind::Recovery => recovery,
        }
    }
}

impl Default for Watchers {
    fn default() -> Self {
        Self::new()
    }
}
