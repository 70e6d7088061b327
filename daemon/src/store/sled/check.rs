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
//!   doubtful store. The same goes for a daemon that dies of what it reads, or is killed meanwhile:
//!   nobody knows then which shards have been written since, so what their hot records were when
//!   the store was closed proves nothing any more.
//! - A store that is closed before its check has come to its end is not read for that. Nobody writes
//!   a shard that was not read, so what it should hold is what it should have held at the opening:
//!   that is left, and the next opening looks for itself. Where it was not known what the hot
//!   records were, it still is not, and the store is left as one that was not closed.
//!
//! So between a start and the end of its check some are answered by a database that has decayed
//! elsewhere. Each of those answers is the one that a whole database would have given.

use std::{
    path::PathBuf,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
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
    /// The store is being closed.
    stopped: AtomicBool,
}

/// How far the reading of all shards has come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Extent {
    /// To its end.
    All,
    /// To where it was when the store was closed.
    Part,
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
        Self { claimed: None, progress: Progress::default(), stopped: AtomicBool::new(false) }
    }

    /// Nothing was read yet; the shards should hold this.
    pub(super) fn of(book: Book, hot: Hot) -> Self {
        let counted = vec![OnceLock::new(); SHARDS];
        Self { claimed: Some(Claimed { book, hot, counted }), ..Self::needless() }
    }

    /// Tells whether everything was read at the opening.
    pub(super) fn is_needless(&self) -> bool {
        self.claimed.is_none()
    }

    /// Returns what tells whether the reading gets on.
    pub(super) fn progress(&self) -> Progress {
        self.progress.clone()
    }

    /// Has the reading of all shards end before the next one.
    pub(super) fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// Tells whether the reading of all shards is to end.
    pub(super) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
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

    /// As [`Check::shard`], by somebody who takes his time.
    #[cfg(test)]
    pub(super) fn shard_after(&self, db: &Db, shard: u8, wait: impl FnOnce()) {
        let claimed = self.claimed.as_ref().unwrap();
        let read = || {
            wait();
            claimed.count(db, shard, &self.progress)
        };
        claimed.counted[usize::from(shard)].get_or_init(read).unwrap();
    }

    /// Adds the hot records that were there at the opening to a book of what was written since;
    /// `None` if nobody knows what some of them are. Reads nothing.
    ///
    /// # Errors
    ///
    /// A shard was found to be none that was left.
    pub(super) fn with_hot(&self, since: &Book) -> Result<Option<Book>, Outage> {
        let mut book = since.clone();
        let Some(claimed) = &self.claimed else { return Ok(Some(book)) };
        for (shard, counted) in (0..=u8::MAX).zip(&claimed.counted) {
            let hot = match (counted.get(), claimed.hot) {
                (Some(counted), _) => (*counted)?,
                // Nobody has written it: it still should hold what it should have held.
                (None, Hot::Known) => claimed.book.shard(shard).hot,
                (None, Hot::Unknown) => return Ok(None),
            };
            book.set(shard, book.shard(shard).plus(&Sums { hot, ..Sums::default() }));
        }
        Ok(Some(book))
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
/// It keeps no store open that everybody else has dropped.
pub(super) fn start(
    dir: PathBuf,
    shelf: Arc<Shelf>,
    queue: mpsc::WeakSender<Request>,
) -> std::io::Result<thread::JoinHandle<()>> {
    let body = move || {
        let (theirs, place) = (Arc::clone(&shelf), dir.clone());
        let all = move |_: &_| theirs.check_all().map_err(|_| OpenError::Damaged(place));
        let progress = shelf.check_progress();
        match progress::watched_by(&dir, PATIENCE, progress, all) {
            Ok(Extent::All) => {
                if let Some(queue) = queue.upgrade() {
                    // Nobody is there to be told: the store is being closed, and looks for itself.
                    let _ = queue.blocking_send(Request::Checked);
                }
            }
            Ok(Extent::Part) => {}
            Err(_) if shelf.in_service().is_ok() => shelf.end_service(Outage::Unread),
            Err(_) => {}
        }
    };
    thread::Builder::new().name("store-check".to_owned()).spawn(body)
}

#[cfg(test)]
mod tests;
