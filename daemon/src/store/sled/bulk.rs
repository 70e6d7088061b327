//! A large commit, applied piece by piece between the groups, still all or nothing.
//!
//! One sled batch of 300 000 writes takes 9 s and 1.4 GB, during which nobody can read
//! (measured, release build). So its keys are locked, its guards checked and its writes made in
//! pieces, each piece in one batch with the old values as undo records. A marker stands from the
//! first piece until the end; removing it is the commit. If it is found at open, the undo
//! records are played back. Readers see the old values until the end.

use std::{
    mem::{swap, take},
    sync::Arc,
    thread,
};

use sled::{Batch, Db, IVec};
use tokio::sync::oneshot;

use super::{
    group::Answer,
    ledger::Delta,
    progress::Progress,
    shelf::{Hidden, Layer, Shelf, decode, encode, trouble},
    writer::Commit,
};
use crate::store::{Committed, Entry, Gauge, Guard, Key, MAX_VALUE, StoreError, Write};

/// Guards and writes above which a commit is done in pieces, and the size of a piece: 5 to 8 ms
/// at 20 to 30 µs each, which is what a large commit adds to the wait of a sign-in.
pub(super) const PIECE: usize = 256;

/// The first byte of the engine's own keys: no kind has it.
pub(super) const ENGINE: u8 = 0;
/// The key that marks a large commit in progress.
const MARKER: [u8; 2] = [ENGINE, 0];
/// What the keys of undo records start with; a big-endian number follows.
const UNDO: [u8; 2] = [ENGINE, 1];

/// What a step led to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Step {
    /// There is more to do.
    Again,
    /// Nothing is left to do.
    Over,
    /// Everything is written: seal it, sync, finish it.
    Seal,
    /// There is more to do once this is synced.
    Settle,
}

/// Pieces after which what is written is synced, at about 1 ms: some 8 MiB. sled reuses the segments
/// of pages that it takes for written elsewhere (`redo.rs`), and nothing else syncs it meanwhile.
const SETTLED: usize = 64;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Phase {
    /// Looks at the guards.
    Check,
    /// A guard does not hold: looks up what all of them guard.
    Tell,
    /// Writes, with undo records.
    Write,
    /// Is answered and removes the undo records.
    Clear,
    /// Nothing.
    Done,
}

/// A large commit and how far it is.
pub(super) struct Bulk {
    guards: Vec<Guard>,
    /// Guards that were looked at.
    looked: usize,
    /// Ascending, each key once: neighbours share pages, which is several times faster.
    writes: Vec<(Key, Option<Vec<u8>>)>,
    /// The guarded keys that it does not write, ascending: together with `writes` they are locked. A
    /// hash table of all would take several times as much.
    locked: Vec<Key>,
    reply: Option<oneshot::Sender<Answer>>,
    phase: Phase,
    holds: bool,
    /// What the guards have, in their order, if one does not hold.
    found: Vec<Option<Entry>>,
    /// Writes that are made.
    made: usize,
    /// Undo records that stand.
    undo: u32,
    /// What the writes so far change about the sums.
    delta: Delta,
    /// Who wants to know how far it is reads it there.
    gauge: Arc<Gauge>,
}

impl Bulk {
    /// Sorts a large commit; takes seconds for a million tokens.
    pub(super) fn new(commit: Commit, gauge: Arc<Gauge>) -> Self {
        let mut writes: Vec<_> = commit.writes.into_iter().map(parts).collect();
        // Stable: of several writes of a key the last one stays last, and is kept.
        writes.sort_by(|(a, _), (b, _)| a.cmp(b));
        writes.dedup_by(|later, earlier| {
            let same = later.0 == earlier.0;
            if same {
                swap(later, earlier);
            }
            same
        });
        let guarded = commit.guards.iter().map(Guard::key);
        let mut locked: Vec<_> = guarded.filter(|key| !is_written(&writes, key)).cloned().collect();
        locked.sort_unstable();
        locked.dedup();
        locked.shrink_to_fit();
        gauge.begin(commit.guards.len() + writes.len());
        Self {
            guards: commit.guards,
            looked: 0,
            writes,
            locked,
            reply: Some(commit.reply),
            phase: Phase::Check,
            holds: true,
            found: Vec::new(),
            made: 0,
            undo: 0,
            delta: Delta::NONE,
            gauge,
        }
    }

    /// Says whether the other commit has to wait for this one.
    pub(super) fn locks(&self, other: &Commit) -> bool {
        let guarded = other.guards.iter().map(Guard::key);
        let mut keys = guarded.chain(other.writes.iter().map(Write::key));
        keys.any(|key| is_written(&self.writes, key) || self.locked.binary_search(key).is_ok())
    }

    /// Says whether it is about to write its first piece.
    pub(super) fn is_about_to_write(&self) -> bool {
        self.phase == Phase::Write && self.made == 0
    }

    /// Says whether some of it is written and not all.
    pub(super) fn is_half_written(&self) -> bool {
        self.phase == Phase::Write && self.made > 0
    }

    /// Returns what it changes about the sums, once everything is written.
    pub(super) fn delta(&self) -> &Delta {
        &self.delta
    }

    /// Returns about how many bytes it will write: three times the entries were measured, the
    /// rest is for the undo records.
    pub(super) fn size(&self) -> u64 {
        let size = |(key, value): &(Key, Option<Vec<u8>>)| {
            key.as_bytes().len() + value.as_ref().map_or(0, Vec::len)
        };
        4 * self.writes.iter().map(size).sum::<usize>() as u64
    }

    /// Answers with an error.
    pub(super) fn refuse(self, error: StoreError) {
        answer(self.reply, Err(error));
    }

    /// Does the next piece.
    ///
    /// An error means that a piece may have been written and not the whole: only opening the
    /// store again rolls it back.
    pub(super) fn step(&mut self, shelf: &Shelf, version: &mut u64) -> Result<Step, StoreError> {
        match self.phase {
            Phase::Check => Ok(self.check(shelf)),
            Phase::Tell => Ok(self.tell(shelf)),
            Phase::Write => self.write(shelf, version),
            Phase::Clear => self.clear(&shelf.db),
            Phase::Done => Ok(Step::Over),
        }
    }

    /// Removes the marker, in one batch with the change of the marks: with the next sync the whole
    /// commit is durable.
    pub(super) fn seal(&self, batch: &mut Batch) {
        batch.remove(&MARKER);
    }

    /// Shows the writes, tells the watches, answers and unlocks the keys; after the sync.
    pub(super) fn finish(&mut self, shelf: &Shelf) {
        let hidden = shelf.show(Layer::Bulk);
        self.writes.iter().for_each(|(key, _)| shelf.watchers.tell(key));
        answer(self.reply.take(), Ok(Committed::Done));
        self.phase = Phase::Clear;
        let waste = (hidden, take(&mut self.writes), take(&mut self.locked));
        // Freeing millions of keys takes a second for which no sign-in should wait. Where there
        // is no thread to be had, they are freed here.
        let free = thread::Builder::new().name("store-free".to_owned());
        let _ = free.spawn(move || drop(waste));
    }

    fn check(&mut self, shelf: &Shelf) -> Step {
        for guard in self.guards.iter().skip(self.looked).take(PIECE) {
            match shelf.newest(guard.key()) {
                Ok(tag) => self.holds &= guard.holds(tag.as_ref()),
                Err(error) => {
                    answer(self.reply.take(), Err(error));
                    return Step::Over;
                }
            }
        }
        let looked = (self.looked + PIECE).min(self.guards.len());
        self.gauge.advance(looked - self.looked);
        self.looked = looked;
        if self.looked < self.guards.len() {
            return Step::Again;
        }
        if !self.holds {
            (self.looked, self.phase) = (0, Phase::Tell);
            return Step::Again;
        }
        self.guards = Vec::new();
        if self.writes.is_empty() {
            answer(self.reply.take(), Ok(Committed::Done));
            return Step::Over;
        }
        self.phase = Phase::Write;
        Step::Again
    }

    /// Looks up what a conflict carries. To keep it of each guard while they are checked would cost
    /// every large commit more memory than its writes; the keys are locked, so it is the same.
    fn tell(&mut self, shelf: &Shelf) -> Step {
        for guard in self.guards.iter().skip(self.looked).take(PIECE) {
            match shelf.newest(guard.key()) {
                Ok(tag) => self.found.push(tag.map(|tag| Entry::new(guard.key().clone(), tag))),
                Err(error) => {
                    answer(self.reply.take(), Err(error));
                    return Step::Over;
                }
            }
        }
        self.looked = self.found.len();
        if self.looked < self.guards.len() {
            return Step::Again;
        }
        answer(self.reply.take(), Ok(Committed::Conflict(take(&mut self.found))));
        Step::Over
    }

    fn write(&mut self, shelf: &Shelf, version: &mut u64) -> Result<Step, StoreError> {
        let mut batch = Batch::default();
        if self.made == 0 {
            batch.insert(&MARKER, &[]);
        }
        let mut hidden = Hidden::new();
        let mut undo = Vec::new();
        for (key, value) in self.writes.iter_mut().skip(self.made).take(PIECE) {
            let old = shelf.db.get(key.as_bytes()).map_err(|error| trouble(&error))?;
            hidden.insert(key.clone(), old.as_ref().map(decode).transpose()?);
            if let Some(old) = &old {
                self.delta.take(key.as_bytes(), &[old]);
            }
            undo.push((key.clone(), old));
            match value.take() {
                None => batch.remove(key.as_bytes()),
                Some(value) => {
                    *version = version.wrapping_add(1);
                    let stored = encode(*version, &value);
                    self.delta.put(key.as_bytes(), &[&stored]);
                    batch.insert(key.as_bytes(), stored);
                }
            }
        }
        self.made += undo.len();
        self.gauge.advance(undo.len());
        for record in pack(&undo) {
            batch.insert(&undo_key(self.undo), record);
            self.undo += 1;
        }
        shelf.hide(Layer::Bulk, hidden);
        shelf.db.apply_batch(batch).map_err(|error| trouble(&error))?;
        Ok(match self.made {
            all if all == self.writes.len() => Step::Seal,
            made if made % (SETTLED * PIECE) == 0 => Step::Settle,
            _ => Step::Again,
        })
    }

    fn clear(&mut self, db: &Db) -> Result<Step, StoreError> {
        for _ in 0..PIECE {
            let Some(last) = self.undo.checked_sub(1) else {
                self.phase = Phase::Done;
                return Ok(Step::Settle);
            };
            db.remove(undo_key(last)).map_err(|error| trouble(&error))?;
            self.undo = last;
        }
        Ok(Step::Again)
    }
}

/// Rolls back a large commit that a killed daemon left behind, and clears away its records.
pub(super) fn roll_back(db: &Db, progress: &Progress) -> sled::Result<()> {
    let unfinished = db.contains_key(MARKER)?;
    for record in db.scan_prefix(UNDO) {
        let (key, packed) = record?;
        let mut batch = Batch::default();
        if unfinished {
            // Each key stands in one record only, so that their order does not matter, and a
            // second try after another kill finds just the records that are left.
            for (key, old) in unpack(&packed).ok_or_else(damaged)? {
                if old.is_empty() {
                    batch.remove(key);
                } else {
                    batch.insert(key, old);
                }
            }
        }
        batch.remove(key);
        db.apply_batch(batch)?;
        progress.step();
    }
    db.remove(MARKER)?;
    db.flush().map(drop)
}

fn damaged() -> sled::Error {
    sled::Error::Corruption { at: None, bt: () }
}

/// Says whether a key is among the writes, which ascend.
fn is_written(writes: &[(Key, Option<Vec<u8>>)], wanted: &Key) -> bool {
    writes.binary_search_by(|(key, _)| key.cmp(wanted)).is_ok()
}

fn parts(write: Write) -> (Key, Option<Vec<u8>>) {
    match write {
        Write::Delete(key) => (key, None),
        Write::Put(key, value) => (key, Some(value)),
    }
}

fn answer(reply: Option<oneshot::Sender<Answer>>, answer: Answer) {
    if let Some(reply) = reply {
        // Somebody who has stopped waiting needs no answer.
        let _ = reply.send(answer);
    }
}

fn undo_key(number: u32) -> [u8; 6] {
    let [a, b, c, d] = number.to_be_bytes();
    [UNDO[0], UNDO[1], a, b, c, d]
}

/// Packs old stored values into records of about [`MAX_VALUE`] bytes: for each key its length,
/// the key, the length of the value (0 if there was none), the value. Lengths are u16, little
/// endian; a stored value is never empty, because its version comes first.
fn pack(old: &[(Key, Option<IVec>)]) -> Vec<Vec<u8>> {
    let mut records = Vec::new();
    let mut record = Vec::new();
    for (key, value) in old {
        let value = value.as_deref().unwrap_or_default();
        if !record.is_empty() && record.len() + key.as_bytes().len() + value.len() > MAX_VALUE {
            records.push(take(&mut record));
        }
        for part in [key.as_bytes(), value] {
            put_part(&mut record, part);
        }
    }
    records.push(record);
    records
}

/// Adds a key or a value, with its length.
pub(super) fn put_part(record: &mut Vec<u8>, part: &[u8]) {
    // Limits keep both far below 64 KiB.
    let length = u16::try_from(part.len()).unwrap_or(u16::MAX);
    record.extend(length.to_le_bytes());
    record.extend(part);
}

/// Reads a record of [`pack`]; `None` if it is none.
pub(super) fn unpack(mut record: &[u8]) -> Option<Vec<(&[u8], &[u8])>> {
    let mut old = Vec::new();
    let mut part = || {
        let (length, rest) = record.split_first_chunk::<2>()?;
        let (part, rest) = rest.split_at_checked(u16::from_le_bytes(*length).into())?;
        record = rest;
        Some((part, rest.is_empty()))
    };
    loop {
        let (key, _) = part()?;
        let (value, last) = part()?;
        old.push((key, value));
        if last {
            return Some(old);
        }
    }
}

#[cfg(test)]
mod tests;
