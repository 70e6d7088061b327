//! The store of one machine: sled 0.34, written by one thread and made durable by our own sync.
//!
//! sled's flush calls sync_file_range(2), which does not survive a power cut (sled issue 1452).
//! The writer thread takes all that has queued, checks guards, writes, flushes, calls
//! fdatasync(2) once and then answers all; sign-ins alone are written into a log of our own
//! (`redo.rs`), which takes the flush out of their way. Reads never wait for that and see only what
//! is durable. Any error of a write, flush or sync ends the service until the daemon restarts.
//!
//! sled may also open with an older state without an error (`ledger.rs`); what is there is compared
//! with an anchor beside the database (`anchor.rs`).

mod anchor;
mod bulk;
mod check;
mod group;
mod ledger;
mod medium;
mod open;
mod progress;
mod redo;
mod reserve;
mod shelf;
mod writer;

use std::{
    fs,
    future::{Future, pending},
    io,
    ops::Bound,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use tokio::{
    sync::{mpsc, oneshot},
    task::spawn_blocking,
};

use self::{
    anchor::Keeper,
    bulk::{Bulk, PIECE},
    check::Extent,
    open::Opened,
    progress::Progress,
    redo::Redo,
    shelf::Shelf,
    writer::{Commit, Request, Writer},
};
pub use self::{
    anchor::{AnchorPlace, Left, Mismatch},
    medium::{Disk, Medium},
    open::{Flaw, OpenError},
    writer::Outage,
};
use super::{
    Committed, Entry, Freshness, Gauge, Guard, Key, Kind, Store, StoreError, Watch, Write,
    check_limits,
};

/// Commits that may wait for the writer; a caller beyond that waits for a place. Sixteen times
/// the 64 callers at whom the throughput of a group stopped growing when it was measured.
const QUEUE: usize = 1024;

/// Cold records from which on a database is checked while it is served (`check.rs`), and not
/// before: as many as are read within a tenth of a second or two, those of some 16 000 tokens.
const LARGE: u64 = 50_000;

/// A handle of the database in one folder; clones are handles of the same database. Used inside
/// a Tokio runtime.
///
/// Dropping the last handle waits for the writer thread and closes the database.
#[derive(Clone)]
pub struct SledStore(Arc<Inner>);

struct Inner {
    shelf: Arc<Shelf>,
    freshness: Freshness,
    /// Something outside says that it is not the one that was left.
    distrusted: AtomicBool,
    queue: Option<mpsc::Sender<Request>>,
    writer: Option<JoinHandle<()>>,
    /// Reads what was not read at the opening.
    checker: Option<JoinHandle<()>>,
}

impl SledStore {
    /// Tells whether there is a database in `dir`, without touching anything.
    #[must_use]
    pub fn is_there(dir: &Path) -> bool {
        open::is_there(dir)
    }

    /// Opens the database in `dir`, which belongs to the caller with mode 0700; creates both if
    /// they are missing (the folder's parent must be there). Blocks.
    ///
    /// # Errors
    ///
    /// [`OpenError`]; nothing of an existing database was changed then, except that leftovers of
    /// a killed daemon may have been cleared away, and its log's records put back.
    pub fn open(dir: &Path) -> Result<Self, OpenError> {
        Self::open_on(dir, Disk)
    }

    /// As [`SledStore::open`], but gives up when nothing gets on for so long. Whoever is told that
    /// ends the process: what hangs still has the database.
    ///
    /// # Errors
    ///
    /// As [`SledStore::open`], and [`OpenError::Stuck`].
    pub fn open_within(dir: &Path, patience: Duration) -> Result<Self, OpenError> {
        let theirs = dir.to_owned();
        let open = move |progress: &_| Self::open_as(&theirs, Disk, LARGE, progress);
        progress::watched(dir, patience, open)
    }

    /// Returns the anchor beside a database that is not open: no two databases that were closed
    /// have the same, unless nothing was changed between.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    pub fn anchor(dir: &Path) -> io::Result<Vec<u8>> {
        fs::read(dir.join(anchor::FILE))
    }

    /// Has the store be taken for one that has lost changes, for a reason outside of it.
    pub fn distrust(&self) {
        self.0.distrusted.store(true, Ordering::Relaxed);
    }

    /// Opens the database on another medium, so that a test can make a sync fail or hang.
    ///
    /// # Errors
    ///
    /// As [`SledStore::open`].
    pub fn open_on(dir: &Path, medium: impl Medium) -> Result<Self, OpenError> {
        Self::open_as(dir, medium, LARGE, &Progress::default())
    }

    /// As [`SledStore::open_within`], but takes a database for large from so many cold records on, so
    /// that a test need not make a large one.
    ///
    /// # Errors
    ///
    /// As [`SledStore::open_within`].
    #[doc(hidden)]
    pub fn open_large_from(dir: &Path, large: u64, patience: Duration) -> Result<Self, OpenError> {
        let theirs = dir.to_owned();
        let open = move |progress: &_| Self::open_as(&theirs, Disk, large, progress);
        progress::watched(dir, patience, open)
    }

    fn open_as(
        dir: &Path,
        medium: impl Medium,
        large: u64,
        progress: &Progress,
    ) -> Result<Self, OpenError> {
        let mut inner = Inner::open(dir, medium, large, progress)?;
        inner.start_check(dir).map_err(|error| OpenError::Io(dir.to_owned(), error))?;
        Ok(Self(Arc::new(inner)))
    }

    /// Waits until all records are known to be those that were left; for ever if the service ends
    /// before.
    #[doc(hidden)]
    pub async fn was_read(&self) {
        let mut news = self.0.shelf.read();
        if news.wait_for(|read| *read == Extent::All).await.is_err() {
            pending().await
        }
    }

    /// Closes the store after the commits that were begun before: what comes later is refused, and
    /// a large one that is half written. The
    /// next opening can tell whether it finds what was there. Dropping the last handle does the
    /// same, where nobody has to know when. What was not read since the opening is not waited for.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`]: the next opening finds a store that was not closed.
    pub async fn close(&self) -> Result<Left, StoreError> {
        let queue = self.0.queue.as_ref().ok_or(StoreError::Unavailable)?;
        let (reply, closed) = oneshot::channel();
        queue.send(Request::Close(reply)).await.map_err(|_| StoreError::Unavailable)?;
        closed.await.unwrap_or(Err(StoreError::Unavailable))
    }

    /// Waits until the records of these shards are known to be those that were left.
    async fn checked(&self, shards: impl Iterator<Item = u8>) -> Result<(), StoreError> {
        for shard in shards {
            if !self.0.shelf.is_checked(shard) {
                let shelf = Arc::clone(&self.0.shelf);
                let check = spawn_blocking(move || shelf.check(shard));
                check.await.map_err(|_| StoreError::Unavailable)??;
            }
        }
        Ok(())
    }

    /// Waits until the writer thread has answered, which it does between two groups: a thread
    /// that waits for the disk answers later. Nothing is written. `None` if the service has ended.
    pub async fn answers(&self) -> Option<()> {
        let queue = self.0.queue.as_ref()?;
        let (reply, answer) = oneshot::channel();
        queue.send(Request::Ping(reply)).await.ok()?;
        answer.await.ok()
    }

    /// Waits until an error has ended the service and returns it; forever if none does. The
    /// daemon then exits, and its service manager starts it again.
    pub fn poisoned(&self) -> impl Future<Output = Outage> + Send + use<> {
        let mut news = self.0.shelf.outage();
        async move {
            if let Ok(outage) = news.wait_for(Option::is_some).await
                && let Some(outage) = *outage
            {
                return outage;
            }
            // The store was closed in good order.
            pending().await
        }
    }
}

impl Store for SledStore {
    async fn get(&self, keys: &[Key]) -> Result<Vec<Option<Entry>>, StoreError> {
        self.checked(keys.iter().map(Key::shard)).await?;
        self.0.shelf.get(keys)
    }

    async fn list(
        &self,
        kind: Kind,
        shard: u8,
        after: Option<&Key>,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        self.checked([shard].into_iter()).await?;
        let floor = Key::floor(kind, shard);
        let after = after.filter(|key| **key > floor);
        self.0.shelf.list(&floor, after.map_or(Bound::Included(&floor), Bound::Excluded), limit)
    }

    async fn commit(
        &self,
        guards: Vec<Guard>,
        writes: Vec<Write>,
    ) -> Result<Committed, StoreError> {
        self.commit_watched(guards, writes, Arc::default()).await
    }

    async fn commit_watched(
        &self,
        guards: Vec<Guard>,
        writes: Vec<Write>,
        gauge: Arc<Gauge>,
    ) -> Result<Committed, StoreError> {
        check_limits(&guards, &writes)?;
        let guarded = guards.iter().map(|guard| guard.key().shard());
        self.checked(guarded.chain(writes.iter().map(|write| write.key().shard()))).await?;
        let queue = self.0.queue.as_ref().ok_or(StoreError::Unavailable)?;
        let (reply, answer) = oneshot::channel();
        let large = guards.len() + writes.len() > PIECE;
        let commit = Commit { guards, writes, reply };
        let request = if large {
            let sort = move || Request::Large(Box::new(Bulk::new(commit, gauge)));
            spawn_blocking(sort).await.map_err(|_| StoreError::Unavailable)?
        } else {
            Request::Small(commit)
        };
        queue.send(request).await.map_err(|_| StoreError::Unavailable)?;
        // No answer: the writer thread died with the request in its hands.
        answer.await.unwrap_or(Err(StoreError::Indeterminate))
    }

    fn watch(&self, kind: Kind) -> Watch {
        self.0.shelf.watchers.watch(kind)
    }

    fn freshness(&self) -> Freshness {
        match self.0.distrusted.load(Ordering::Relaxed) {
            true => Freshness::Doubtful,
            false => self.0.freshness,
        }
    }
}

impl Inner {
    /// Opens the database, and does not begin to read what is to be read while it is served.
    fn open(
        dir: &Path,
        medium: impl Medium,
        large: u64,
        progress: &Progress,
    ) -> Result<Self, OpenError> {
        let io = |error| OpenError::Io(dir.to_owned(), error);
        let Opened { db, file, lock, place, begin, check, recovered, reserve } =
            open::open(dir, large, progress)?;
        let shelf = Arc::new(Shelf::new(db, lock, check));
        let (keeper, freshness) = Keeper::begin(place, (&file, &*shelf), &begin).map_err(io)?;
        let redo = Redo::begin(dir, (&shelf.db, &file), keeper.house(), recovered).map_err(io)?;
        let (queue, requests) = mpsc::channel(QUEUE);
        let disk = (Box::new(medium) as Box<dyn Medium>, reserve);
        let writer = Writer::new(Arc::clone(&shelf), (file, keeper, redo), disk, requests);
        let writer = Some(writer.and_then(Writer::start).map_err(io)?);
        let (queue, distrusted) = (Some(queue), AtomicBool::new(false));
        Ok(Self { shelf, freshness, distrusted, queue, writer, checker: None })
    }

    /// Begins with it.
    fn start_check(&mut self, dir: &Path) -> io::Result<()> {
        if let Some(queue) = self.queue.as_ref().filter(|_| !self.shelf.was_counted()) {
            let shelf = Arc::clone(&self.shelf);
            self.checker = Some(check::start(dir.to_owned(), shelf, queue.downgrade())?);
        }
        Ok(())
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.shelf.stop_check();
        // The writer ends when nobody can send any more.
        drop(self.queue.take());
        // In that thread itself an errand may hold the last handle (`errand.rs`).
        let is_another = |writer: &JoinHandle<()>| writer.thread().id() != thread::current().id();
        if let Some(writer) = self.writer.take().filter(is_another) {
            // A panic of the writer has been reported by the panic hook and has poisoned the store.
            let _ = writer.join();
        }
        if let Some(checker) = self.checker.take() {
            // The same of the checker, which ends with the shard that it reads.
            let _ = checker.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs::File, io, sync::mpsc::Receiver};

    use super::{Disk, Medium, QUEUE, SledStore};
    use crate::store::{Committed, Guard, Key, Store, Write};

    /// A disk whose syncs wait for the word, until nobody is there to give it.
    struct Held(Receiver<()>);

    impl Medium for Held {
        fn room(&mut self, file: &File) -> io::Result<u64> {
            Disk.room(file)
        }

        fn sync(&mut self, _: &File) -> io::Result<()> {
            let _ = self.0.recv();
            Ok(())
        }
    }

    #[tokio::test]
    async fn what_does_not_fit_into_the_queue_waits_outside_and_is_answered_all_the_same() {
        let home = tempfile::tempdir().unwrap();
        let (go, word) = std::sync::mpsc::channel();
        let store = SledStore::open_on(&home.path().join("store"), Held(word)).unwrap();
        let commit = |number| {
            let (store, write) = (store.clone(), Write::Put(Key::user(number), vec![7]));
            tokio::spawn(async move { store.commit(Vec::new(), vec![write]).await })
        };
        // More than one group and the queue behind it hold.
        let flood: Vec<_> = (0..2 * QUEUE as u32).map(commit).collect();
        // Each of them gets as far as it can: there is one thread.
        for _ in 0..2 * QUEUE {
            tokio::task::yield_now().await;
        }
        let queue = store.0.queue.as_ref().unwrap();
        assert_eq!((queue.capacity(), queue.max_capacity()), (0, QUEUE));
        drop(go);
        for one in flood {
            assert_eq!(one.await.unwrap(), Ok(Committed::Done));
        }
    }

    #[tokio::test]
    async fn an_entry_is_there_after_the_database_was_closed_and_opened_again() {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().join("store");
        let key = Key::user(1000);
        let store = SledStore::open(&dir).unwrap();
        let (guards, writes) = (Guard::Absent(key.clone()), Write::Put(key.clone(), vec![7]));
        assert_eq!(store.commit(vec![guards], vec![writes]).await, Ok(Committed::Done));
        let before = store.get(std::slice::from_ref(&key)).await.unwrap();
        drop(store);
        let store = SledStore::open(&dir).unwrap();
        assert_eq!(store.get(&[key]).await.unwrap(), before);
        assert_eq!(*before[0].as_ref().unwrap().value, [7]);
    }
}
