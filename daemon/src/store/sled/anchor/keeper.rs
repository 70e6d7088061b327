//! Keeps manifest and anchor in step with the database; the writer's, and the opening's before.

use std::{fs::File, io};

use sled::{Batch, Db};

use super::{
    super::{
        ledger::{Book, Delta},
        medium::{Disk, Medium},
        shelf::Shelf,
        writer::Outage,
    },
    Anchor, AnchorPlace, Close, House, Judged, Manifest, Marks,
    marks::{cold_marks, write_hot},
};
use crate::store::{Freshness, Heat};

/// Whether the database has marks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Marking {
    /// It is counted at each opening.
    None,
    /// It is so large that it has some.
    Kept,
}

/// What the database says of itself, and where else that stands.
pub(in super::super) struct Keeper {
    place: AnchorPlace,
    house: House,
    generation: u64,
    /// The cold sums are those of now. The hot ones are those that have come since the opening, if
    /// the database was not counted then.
    book: Book,
    /// How the anchor stands while the store is open.
    open: Close,
    /// How it will stand once every shard has been checked.
    after_check: Close,
    marking: Marking,
}

/// How a store was left.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Left {
    /// It is known what is in it.
    Closed,
    /// As one that was not closed: it was not the last time, and has not been read to its end since.
    Unread,
}

/// What an opening has found.
pub(in super::super) struct Begin {
    /// Whether it may be opened, and what that means.
    pub(in super::super) judged: Judged,
    /// The sums of the records: counted, or claimed by the marks.
    pub(in super::super) book: Book,
    /// What the marks say.
    pub(in super::super) claimed: Book,
    /// Cold records from which on a database has marks.
    pub(in super::super) large: u64,
}

impl Keeper {
    /// Takes a database over, before anybody is answered: from now on the anchor says that it is
    /// open. One that never had an anchor gets both. While shards are still to be checked
    /// (`check.rs`), it says that the database is doubtful: who is killed meanwhile, perhaps by what
    /// the check met, counts everything at the next start before anybody is answered.
    pub(in super::super) fn begin(
        place: AnchorPlace,
        (file, shelf): (&File, &Shelf),
        begin: &Begin,
    ) -> io::Result<(Self, Freshness)> {
        let (db, sums) = (&shelf.db, begin.book.total());
        let (manifest, freshness) = match begin.judged {
            Judged::Fits(manifest, freshness) => (manifest, freshness),
            Judged::Begin => {
                let mut house = House([0; 16]);
                getrandom::fill(&mut house.0).map_err(io::Error::other)?;
                let manifest = Manifest::of(house, 0, &sums);
                put(db, file, &Marks { manifest, cold: Vec::new() })?;
                (manifest, Freshness::Fresh)
            }
        };
        let after_check = match freshness {
            Freshness::Doubtful => Close::Doubtful,
            Freshness::Fresh | Freshness::Unclosed => Close::Open,
        };
        let open = if shelf.was_counted() { after_check } else { Close::Doubtful };
        let Manifest { house, generation, .. } = manifest;
        let marking = if sums.count < begin.large { Marking::None } else { Marking::Kept };
        let mut book = begin.book.clone();
        if !shelf.was_counted() {
            // What they are is found by the check.
            book.clear_hot();
        }
        let mut keeper = Self { place, house, generation, book, open, after_check, marking };
        let (marked, cold) = (begin.claimed.total(), cold_marks(&begin.book));
        if marking == Marking::Kept && (marked.cold, marked.count) != (sums.cold, sums.count) {
            put(db, file, &Marks { manifest, cold })?;
        }
        keeper.anchor(open, &mut Disk)?;
        if generation == 0 {
            // There is an anchor now: from here on it must never be missing.
            keeper.generation = 1;
            let manifest = Manifest::of(house, 1, &sums);
            put(db, file, &Marks { manifest, cold: Vec::new() })?;
            keeper.anchor(open, &mut Disk)?;
        }
        Ok((keeper, freshness))
    }

    /// Returns which database it is.
    pub(in super::super) fn house(&self) -> House {
        self.house
    }

    /// Returns what is to be written in one batch with these changes; `None` if they are hot ones
    /// only.
    pub(in super::super) fn marks_after(&self, delta: &Delta) -> Option<Marks> {
        if delta.heat == Heat::Hot {
            return None;
        }
        let next = self.generation.checked_add(1).unwrap_or(self.generation);
        let mut book = self.book.clone();
        book.follow(delta);
        let manifest = Manifest::of(self.house, next, &book.total());
        let cold = match self.marking {
            Marking::Kept => self.book.after(delta).collect(),
            Marking::None => Vec::new(),
        };
        Some(Marks { manifest, cold })
    }

    /// Takes changes down that are durable now, and makes the anchor follow a manifest.
    ///
    /// # Errors
    ///
    /// The anchor may be the old one or the new one, and is not tried again.
    pub(in super::super) fn follow(
        &mut self,
        delta: &Delta,
        marks: Option<&Marks>,
        medium: &mut dyn Medium,
    ) -> io::Result<()> {
        self.book.follow(delta);
        let Some(Marks { manifest, .. }) = marks else { return Ok(()) };
        self.generation = manifest.generation;
        self.anchor(self.open, medium)
    }

    /// Takes down that every shard has been checked.
    ///
    /// # Errors
    ///
    /// As [`Keeper::follow`].
    pub(in super::super) fn checked(&mut self, medium: &mut dyn Medium) -> io::Result<()> {
        self.open = self.after_check;
        self.anchor(self.open, medium)
    }

    /// Takes the hot records down: nothing is written after it. Those of a shard that was not checked
    /// are what they should have been at the opening. If nobody knew that, the anchor says no more
    /// than that the store was not closed: that it ended in good order is known, so nothing of what
    /// the check met has ended it.
    ///
    /// # Errors
    ///
    /// As [`Keeper::follow`], and that a shard was not as it should be: the next opening finds a
    /// store that was not closed.
    pub(in super::super) fn close(
        &mut self,
        (file, shelf): (&File, &Shelf),
        medium: &mut dyn Medium,
    ) -> io::Result<Left> {
        let decayed = |outage: Outage| io::Error::other(outage.to_string());
        let Some(book) = shelf.with_hot(&self.book).map_err(decayed)? else {
            return self.anchor(self.after_check, medium).map(|()| Left::Unread);
        };
        self.book = book;
        if self.marking == Marking::Kept {
            let mut batch = Batch::default();
            write_hot(&self.book, &mut batch);
            shelf.db.apply_batch(batch)?;
            shelf.db.flush()?;
            medium.sync(file)?;
        }
        self.anchor(Close::Closed(self.book.total().hot), medium).map(|()| Left::Closed)
    }

    fn anchor(&mut self, close: Close, medium: &mut dyn Medium) -> io::Result<()> {
        let (house, generation, cold) = (self.house, self.generation, self.book.total().cold);
        medium.replace(&self.place, &Anchor { house, generation, cold, close }.encode())
    }
}

/// Writes a manifest and marks alone.
fn put(db: &Db, file: &File, marks: &Marks) -> io::Result<()> {
    let mut batch = Batch::default();
    marks.write(&mut batch);
    db.apply_batch(batch)?;
    db.flush()?;
    Disk.sync(file)
}
