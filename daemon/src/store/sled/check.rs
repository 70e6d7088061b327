//! The check of a large database, shard by shard, while it is served already.
//!
//! Reading a million tokens takes seconds, and minutes on a slow disk; nobody signs in meanwhile.
//! So a database that is large and says what each shard should hold (`anchor/marks.rs`) is opened
//! before all of it was read. What the reading proves stays proven for every answer:
//!
//! - No answer rests on a record that was not checked: whoever reads or writes a key waits until all
//!   records of its shard were read and add up to what they should. That a record is missing is
//!   noticed as well as that it is an older one, so "he has no token" is as sure as "he has".
//! - What a shard should hold is as sure as the whole was: the marks are believed only if they add
//!   up to the manifest, and the manifest fits the anchor. Hot records are compared if the store was
//!   closed; if it was not, the fence of an unclean end covers them, as it does where all is read.
//! - The rest is read in the background. The first shard that does not fit ends the service: nobody
//!   is answered any more, the daemon exits, and the next start, which the anchor tells that the
//!   check did not come to its end, reads everything first and refuses, or raises the fence of a
//!   doubtful store. The same goes for a daemon that dies of what it reads, or is killed meanwhile.
//!
//! So between a start and the end of its check some are answered by a database that has decayed
//! elsewhere. Each of those answers is the one that a whole database would have given.

use std::{
    path::PathBuf,
    sync::{Arc, OnceLock},
    thread,
    time::Duration,
};

use sled::Db;
use tokio::sync::mpsc;

use super::{
    OpenError,
    ledger::{Book, SHARDS, Sum, Sums, count_shard},
    progress::{self, Progress},
    shelf::Shelf,
    writer::{Outage, Request},
};

/// How long the check may stand still, as an opening may (three of 120 damaged databases let sled
/// wait for ever, threats.md F6).
const PATIENCE: Duration = Duration::from_secs(30);

/// Whether it is known what the hot records were.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Hot {
    /// The store was closed with them.
    Known,
    /// It was not closed.
    Unknown,
}

/// What is to be checked, and what was.
pub(super) struct Check {
    claimed: Option<Claimed>,
    progress: Progress,
}

struct Claimed {
    book: Book,
    hot: Hot,
    /// For each shard the sum of its hot records, once it was found as it should be.
    counted: Vec<OnceLock<Result<Sum, Outage>>>,
}

impl Check {
    /// There is nothing to check: everything was read at the opening.
    pub(super) fn needless() -> Self {
        Self { claimed: None, progress: Progress::default() }
    }

    /// Nothing was read yet; the shards should hold this.
    pub(super) fn of(book: Book, hot: Hot) -> Self {
        let counted = vec![OnceLock::new(); SHARDS];
        Self { claimed: Some(Claimed { book, hot, counted }), progress: Progress::default() }
    }

    /// Tells whether everything was read at the opening.
    pub(super) fn is_needless(&self) -> bool {
        self.claimed.is_none()
    }

    /// Returns what tells whether the reading gets on.
    pub(super) fn progress(&self) -> Progress {
        self.progress.clone()
    }

    /// Tells whether a shard is as it should be, without looking.
    pub(super) fn is_done(&self, shard: u8) -> bool {
        let Some(claimed) = &self.claimed else { return true };
        let counted = claimed.counted.get(usize::from(shard)).and_then(OnceLock::get);
        matches!(counted, Some(Ok(_)))
    }

    /// Reads a shard that nobody has written since the opening, unless that was done. Whoever comes
    /// while another one reads waits for him.
    pub(super) fn shard(&self, db: &Db, shard: u8) -> Result<(), Outage> {
        let Some(claimed) = &self.claimed else { return Ok(()) };
        let place = claimed.counted.get(usize::from(shard)).ok_or(Outage::Unread)?;
        place.get_or_init(|| claimed.count(db, shard, &self.progress)).map(drop)
    }

    /// Adds what was read of hot records to a book of what was written since.
    pub(super) fn add_hot(&self, book: &mut Book) {
        let counted = self.claimed.iter().flat_map(|claimed| &claimed.counted);
        for (shard, counted) in (0..=u8::MAX).zip(counted) {
            if let Some(Ok(hot)) = counted.get() {
                let before = Sums { hot: *hot, ..Sums::default() };
                book.set(shard, book.shard(shard).plus(&before));
            }
        }
    }
}

impl Claimed {
    fn count(&self, db: &Db, shard: u8, progress: &Progress) -> Result<Sum, Outage> {
        let sums = count_shard(db, shard, progress).map_err(|_| Outage::Unread)?;
        let claim = self.book.shard(shard);
        let cold_fits = (sums.cold, sums.count) == (claim.cold, claim.count);
        match self.hot {
            _ if !cold_fits => Err(Outage::Decayed),
            Hot::Known if sums.hot != claim.hot => Err(Outage::Decayed),
            Hot::Known | Hot::Unknown => Ok(sums.hot),
        }
    }
}

/// Checks all shards in a thread of its own, and tells the writer when all are as they should be.
pub(super) fn start(
    dir: PathBuf,
    shelf: Arc<Shelf>,
    queue: mpsc::Sender<Request>,
) -> std::io::Result<thread::JoinHandle<()>> {
    let body = move || {
        let (theirs, place) = (Arc::clone(&shelf), dir.clone());
        let all = move |_: &_| theirs.check_all().map_err(|_| OpenError::Damaged(place));
        let progress = shelf.check_progress();
        if progress::watched_by(&dir, PATIENCE, progress, all).is_ok() {
            // Nobody is there to be told: the store is being closed, and looks for itself.
            let _ = queue.blocking_send(Request::Checked);
        } else if shelf.in_service().is_ok() {
            shelf.end_service(Outage::Unread);
        }
    };
    thread::Builder::new().name("store-check".to_owned()).spawn(body)
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        path::{Path, PathBuf},
        slice,
    };

    use fob_api::Serial;
    use sled::{Config, Db};
    use tempfile::TempDir;

    use super::super::{
        Disk, Mismatch, OpenError, Outage, SledStore, open::open_settled, progress::Progress,
        shelf::encode,
    };
    use crate::store::{Committed, Freshness, Key, Store, StoreError, Write};

    /// Opens a store for which one record is many.
    fn open(dir: &Path) -> Result<SledStore, OpenError> {
        SledStore::open_as(dir, Disk, 1, &Progress::default())
    }

    fn state(number: u32) -> Key {
        Key::state(&Serial::parse(&format!("T{number}")).unwrap())
    }

    async fn write(store: &SledStore, writes: Vec<Write>) {
        assert_eq!(store.commit(Vec::new(), writes).await, Ok(Committed::Done));
    }

    async fn value(store: &SledStore, key: &Key) -> Result<Option<Vec<u8>>, StoreError> {
        let entries = store.get(slice::from_ref(key)).await?;
        Ok(entries[0].as_ref().map(|entry| entry.value.to_vec()))
    }

    /// Makes a store with marks: 300 users and a state for each. Returns it while it is open, as it
    /// was counted.
    async fn house() -> (TempDir, PathBuf, SledStore) {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().join("store");
        let store = open(&dir).unwrap();
        for number in 0..300 {
            let cold = Write::Put(Key::user(number), vec![1]);
            write(&store, vec![cold, Write::Put(state(number), vec![1])]).await;
        }
        drop(store);
        let store = open(&dir).unwrap();
        assert!(store.0.shelf.was_counted(), "it had no marks yet");
        let all = (0..300).map(|number| Write::Put(Key::user(number), vec![2])).collect();
        write(&store, all).await;
        write(&store, vec![Write::Put(Key::user(7), vec![3])]).await;
        write(&store, vec![Write::Put(state(7), vec![3])]).await;
        (home, dir, store)
    }

    /// Changes a closed database behind its back, as decay does that no checksum notices.
    fn decay(dir: &Path, change: impl FnOnce(&Db)) {
        let db = open_settled(&Config::new().path(dir)).unwrap();
        change(&db);
        db.flush().unwrap();
    }

    #[tokio::test]
    async fn a_large_store_is_served_before_it_was_read_and_is_fresh_all_the_same() {
        let (_home, dir, store) = house().await;
        drop(store);
        for round in 4..7 {
            let store = open(&dir).unwrap();
            assert!(!store.0.shelf.was_counted());
            assert_eq!(store.freshness(), Freshness::Fresh);
            assert_eq!(value(&store, &Key::user(7)).await, Ok(Some(vec![round - 1])));
            assert_eq!(value(&store, &state(7)).await, Ok(Some(vec![round - 1])));
            assert_eq!(value(&store, &Key::user(1000)).await, Ok(None));
            write(&store, vec![Write::Put(Key::user(7), vec![round])]).await;
            write(&store, vec![Write::Put(state(7), vec![round])]).await;
            store.close().await.unwrap();
        }
        // Without the marks it fits as well.
        let store = SledStore::open(&dir).unwrap();
        assert!(store.0.shelf.was_counted());
        assert_eq!(store.freshness(), Freshness::Fresh);
    }

    #[tokio::test]
    async fn a_store_that_was_not_closed_is_served_before_it_was_read_and_says_so() {
        let (home, dir, store) = house().await;
        let killed = home.path().join("killed");
        fs::create_dir(&killed).unwrap();
        fs::set_permissions(&killed, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
        for entry in fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap()) {
            if entry.file_type().unwrap().is_file() {
                fs::copy(entry.path(), killed.join(entry.file_name())).unwrap();
            }
        }
        drop(store);
        let store = open(&killed).unwrap();
        assert!(!store.0.shelf.was_counted());
        assert_eq!(store.freshness(), Freshness::Unclosed);
        assert_eq!(value(&store, &state(7)).await, Ok(Some(vec![3])));
        write(&store, vec![Write::Put(state(9), vec![9])]).await;
        store.close().await.unwrap();
        drop(store);
        let store = open(&killed).unwrap();
        assert_eq!(store.freshness(), Freshness::Fresh);
        assert_eq!(value(&store, &state(9)).await, Ok(Some(vec![9])));
    }

    #[tokio::test]
    async fn what_rests_on_an_older_or_a_missing_record_is_not_answered_and_then_nothing_is() {
        let key = Key::user(7);
        let older = |db: &Db| drop(db.insert(key.as_bytes(), encode(1, &[2])).unwrap());
        let missing = |db: &Db| drop(db.remove(key.as_bytes()).unwrap());
        for change in [&older as &dyn Fn(&Db), &missing] {
            let (_home, dir, store) = house().await;
            drop(store);
            decay(&dir, change);
            let store = open(&dir).unwrap();
            let poisoned = store.poisoned();
            assert_eq!(value(&store, &key).await, Err(StoreError::Unavailable));
            assert_eq!(poisoned.await, Outage::Decayed);
            assert_eq!(value(&store, &Key::user(8)).await, Err(StoreError::Unavailable));
            let put = Write::Put(Key::user(8), vec![1]);
            assert_eq!(store.commit(Vec::new(), vec![put]).await, Err(StoreError::Unavailable));
            assert_eq!(store.close().await, Err(StoreError::Unavailable));
            drop(store);
            let refused = open(&dir).map(drop);
            assert!(matches!(refused, Err(OpenError::Mismatched(_, Mismatch::Torn))));
        }
    }

    #[tokio::test]
    async fn a_sign_in_that_was_lost_is_noticed_before_its_record_is_used_and_raises_the_doubt() {
        let (_home, dir, store) = house().await;
        drop(store);
        decay(&dir, |db| drop(db.insert(state(7).as_bytes(), encode(1, &[1])).unwrap()));
        let store = open(&dir).unwrap();
        let poisoned = store.poisoned();
        let write = Write::Put(state(7), vec![4]);
        assert_eq!(store.commit(Vec::new(), vec![write]).await, Err(StoreError::Unavailable));
        assert_eq!(poisoned.await, Outage::Decayed);
        drop(store);
        let store = open(&dir).unwrap();
        assert!(store.0.shelf.was_counted(), "it was read first");
        assert_eq!(store.freshness(), Freshness::Doubtful);
    }

    #[tokio::test]
    async fn a_mark_that_decayed_costs_the_time_to_read_everything_and_nothing_else() {
        let (_home, dir, store) = house().await;
        drop(store);
        let mark = [0, 3, Key::user(7).shard()];
        decay(&dir, |db| drop(db.insert(mark, b"decayed").unwrap()));
        let store = open(&dir).unwrap();
        assert!(store.0.shelf.was_counted());
        assert_eq!(store.freshness(), Freshness::Fresh);
        drop(store);
        assert!(!open(&dir).unwrap().0.shelf.was_counted(), "the mark was not mended");
    }
}
