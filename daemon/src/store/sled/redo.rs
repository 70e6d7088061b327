//! The redo log: what makes sign-ins durable by one write and one sync.
//!
//! sled's own way costs a sign-in more than the disk does: its flush goes through a pool of threads
//! that are all woken for each write, and ours is a second sync behind its own. So a group of
//! commits that the anchor has nothing to follow for (`anchor/keeper.rs`) is written as one entry
//! into a file that was made once and keeps its size; after one fdatasync(2) it is durable, and
//! answered. Its records lie above the database from then on, in memory (`shelf.rs`), and sled
//! learns of them with the next batch that is written anyway. Everything else, and what does not
//! fit any more, is such a batch: it takes along what lies above the database, and the number of
//! the next epoch, and is synced as it always was. With that the log is empty, without being
//! written: entries of an older epoch are dead.
//!
//! Why the records are not given to sled at once: it writes a full segment by itself, and believes
//! that what it has written is on the disk, although that is only so when we have synced. It then
//! writes over the segments in which the older pages lay. Between two syncs of ours it is given one
//! batch, or some pieces of a large commit; what has been confirmed since lies in the log alone.
//!
//! # What an opening does
//!
//! Before anything is counted or judged, the entries of the database's epoch are put back in their
//! order (`redo/recover.rs`), made durable, and the epoch is ended once the anchor says that the
//! store is open. Cut off at any moment, the next opening puts the same records back once more:
//! nobody was answered in between. A large commit that was half written has none of the keys that
//! are in the log: it begins with an empty log, and its keys are locked. So it makes no difference
//! that it is rolled back first.
//!
//! Never is an older value put over a newer one:
//!
//! - Whatever sled is given is in one batch with a new epoch, if the log has entries. So a database
//!   of an epoch has nothing of what was written after the first entry of that epoch; the pieces of
//!   a large commit aside, whose keys are in no entry.
//! - Entries of an epoch are put back from the first one on, and no epoch is ever used twice: the
//!   next one is above all that are found in the log, too.
//!
//! # What may be missing
//!
//! A store that was closed in good order has an empty log. Every other end raises the fence at the
//! next start anyway: the codes of that moment are refused, whatever the log says
//! ([`Freshness::Unclosed`]). Beyond that:
//!
//! - Entries that end in one that is not whole are what a power cut leaves of a write that nobody
//!   was answered for: the next one is written only after the sync of the one before. That rests on
//!   a disk that writes a sector whole or not at all, as sled's own log does: the page in which an
//!   entry ends is written again with the next one.
//! - An entry that is not whole before one of the same epoch that is, a log of a newer epoch than the
//!   database, one of another database, or none at all where there was one, are no power cuts: what
//!   sign-ins wrote may be lost. The store is in doubt then ([`Freshness::Doubtful`]), as one whose
//!   hot records are not those that were left. What is whole of the database's own epoch is put back
//!   all the same.
//! - That the last entry has decayed looks like a power cut, as it does in sled's own log: the fence
//!   is what stands before it.
//!
//! A log whose sync has failed is read as the kernel has it: what is put back is synced with the
//! database, and what lies on the disk in its place is dead then.
//!
//! An entry holds what sled's pages hold: sealed seeds are not among it, as they are cold.
//!
//! [`Freshness::Unclosed`]: crate::store::Freshness::Unclosed
//! [`Freshness::Doubtful`]: crate::store::Freshness::Doubtful

mod form;
mod recover;
#[cfg(test)]
mod tests;

use std::{fs::File, io};

use sled::Batch;

pub(super) use self::recover::{Loss, Recovered, Trouble, recover};
use self::{
    form::{FRONT, ROOM},
    recover::write_epoch,
};
use super::{anchor::House, medium::Medium};

/// The log in the database's folder.
pub(super) const FILE: &str = "redo";
/// What it is called until it is whole.
pub(super) const FRESH: &str = "redo.new";

/// The log of a database that is served.
pub(super) struct Redo {
    file: File,
    house: House,
    epoch: u64,
    /// The number of the next entry.
    sequence: u64,
    /// Bytes of entries of this epoch.
    end: usize,
}

impl Redo {
    /// Returns the next entry: keys and stored values, which are empty where the record is removed.
    /// `None` if it does not fit.
    pub(super) fn entry<'a>(
        &self,
        writes: impl Iterator<Item = (&'a [u8], Vec<u8>)>,
    ) -> Option<Vec<u8>> {
        let entry = form::encode(self.house, (self.epoch, self.sequence), writes)?;
        (self.end.checked_add(entry.len())? <= ROOM).then_some(entry)
    }

    /// Writes the next entry; when this has returned, it survives a power cut.
    ///
    /// # Errors
    ///
    /// It may be there or not, and is not tried again.
    pub(super) fn append(&mut self, entry: &[u8], medium: &mut dyn Medium) -> io::Result<()> {
        medium.write(&self.file, entry, (FRONT + self.end) as u64)?;
        medium.sync(&self.file)?;
        self.end += entry.len();
        self.sequence += 1;
        Ok(())
    }

    /// Returns how many bytes it holds.
    pub(super) fn size(&self) -> u64 {
        self.end as u64
    }

    /// Tells whether the database has all that was confirmed.
    pub(super) fn is_empty(&self) -> bool {
        self.end == 0
    }

    /// Ends the epoch in a batch that takes all along that the log holds.
    pub(super) fn end(&self, batch: &mut Batch) {
        if !self.is_empty() {
            write_epoch(self.epoch + 1, batch);
        }
    }

    /// Begins with the next epoch, once that batch is durable.
    pub(super) fn restart(&mut self) {
        if !self.is_empty() {
            (self.epoch, self.sequence, self.end) = (self.epoch + 1, 0, 0);
        }
    }
}
