//! The sums over all records: what tells a database from an older copy of itself.
//!
//! sled 0.34 may open with an older state after a single flipped bit, without an error (platform.md,
//! "sled"). A record's own checksum does not notice: the older record was right once. So the
//! writer keeps a sum over all records, and writes down beside the database what it is.
//!
//! The sums find decay, not malice: they have no key, and whoever can write the database can
//! write the sums.

use std::{
    collections::BTreeMap,
    panic::resume_unwind,
    sync::atomic::{AtomicUsize, Ordering},
    thread::{self, available_parallelism},
};

use sha2::{Digest, Sha256};
use sled::Db;

use super::{progress::Progress, shelf::VERSION};
use crate::store::{Heat, Kind};

/// Shards of a database.
pub(super) const SHARDS: usize = 256;
/// Most threads that count. Each has a page or two of its own; the disk is kept busy by fewer.
const THREADS: usize = 8;
/// Records after which it is said that something was done: threads that say so of each one wait
/// for each other.
const STRIDE: usize = 64;

/// The sum of the SHA-256 hashes of records, as four numbers of 64 bits that wrap: in any order,
/// and as cheap to change by one record as to begin.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Sum(pub(super) [u64; 4]);

/// Bytes of a [`Sum`].
pub(super) const SUM: usize = 32;

impl Sum {
    fn of(key: &[u8], stored: &[&[u8]]) -> Self {
        let mut hash = Sha256::new();
        hash.update((key.len() as u64).to_be_bytes());
        hash.update(key);
        stored.iter().for_each(|part| hash.update(part));
        Self::from_bytes(&hash.finalize().into())
    }

    /// Reads a sum.
    pub(super) fn from_bytes(bytes: &[u8; SUM]) -> Self {
        let mut sum = [0; 4];
        let (lanes, _) = bytes.as_chunks::<8>();
        for (place, lane) in sum.iter_mut().zip(lanes) {
            *place = u64::from_be_bytes(*lane);
        }
        Self(sum)
    }

    /// Returns its bytes.
    pub(super) fn to_bytes(self) -> [u8; SUM] {
        let mut bytes = [0; SUM];
        let (lanes, _) = bytes.as_chunks_mut::<8>();
        for (lane, number) in lanes.iter_mut().zip(self.0) {
            *lane = number.to_be_bytes();
        }
        bytes
    }

    fn plus(self, other: Self) -> Self {
        self.each(other, u64::wrapping_add)
    }

    fn minus(self, other: Self) -> Self {
        self.each(other, u64::wrapping_sub)
    }

    fn each(mut self, other: Self, apply: fn(u64, u64) -> u64) -> Self {
        for (number, other) in self.0.iter_mut().zip(other.0) {
            *number = apply(*number, other);
        }
        self
    }
}

/// The sums over some records of a database: one shard of it, or all.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Sums {
    /// Of cold records.
    pub(super) cold: Sum,
    /// Of hot records.
    pub(super) hot: Sum,
    /// Cold records.
    pub(super) count: u64,
}

impl Sums {
    /// A record is there: its key, and its stored bytes in pieces.
    fn put(&mut self, key: &[u8], stored: &[&[u8]]) {
        let sum = Sum::of(key, stored);
        if Heat::of(key) == Heat::Hot {
            self.hot = self.hot.plus(sum);
        } else {
            self.cold = self.cold.plus(sum);
            self.count = self.count.wrapping_add(1);
        }
    }

    /// A record is no longer there.
    fn take(&mut self, key: &[u8], stored: &[&[u8]]) {
        let sum = Sum::of(key, stored);
        if Heat::of(key) == Heat::Hot {
            self.hot = self.hot.minus(sum);
        } else {
            self.cold = self.cold.minus(sum);
            self.count = self.count.wrapping_sub(1);
        }
    }

    /// Returns the sums over the records of both.
    pub(super) fn plus(self, other: &Self) -> Self {
        Self {
            cold: self.cold.plus(other.cold),
            hot: self.hot.plus(other.hot),
            count: self.count.wrapping_add(other.count),
        }
    }
}

/// What writes change about the sums.
#[derive(Clone, Debug)]
pub(super) struct Delta {
    shards: BTreeMap<u8, Sums>,
    /// The coldest record among them.
    pub(super) heat: Heat,
}

impl Delta {
    /// Nothing was written.
    pub(super) const NONE: Self = Self { shards: BTreeMap::new(), heat: Heat::Hot };

    /// A record is there: its key, and its stored bytes in pieces.
    pub(super) fn put(&mut self, key: &[u8], stored: &[&[u8]]) {
        self.note(key).put(key, stored);
    }

    /// A record is no longer there.
    pub(super) fn take(&mut self, key: &[u8], stored: &[&[u8]]) {
        self.note(key).take(key, stored);
    }

    fn note(&mut self, key: &[u8]) -> &mut Sums {
        if Heat::of(key) == Heat::Cold {
            self.heat = Heat::Cold;
        }
        self.shards.entry(shard_of(key)).or_default()
    }
}

/// The sums of each shard of a database.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Book(Vec<Sums>);

impl Default for Book {
    fn default() -> Self {
        Self(vec![Sums::default(); SHARDS])
    }
}

impl Book {
    /// Returns the sums over all records.
    pub(super) fn total(&self) -> Sums {
        self.0.iter().fold(Sums::default(), |all, shard| all.plus(shard))
    }

    /// Returns the sums of a shard.
    pub(super) fn shard(&self, shard: u8) -> Sums {
        self.0.get(usize::from(shard)).copied().unwrap_or_default()
    }

    /// Sets the sums of a shard.
    pub(super) fn set(&mut self, shard: u8, sums: Sums) {
        // The book has a line for each u8.
        if let Some(place) = self.0.get_mut(usize::from(shard)) {
            *place = sums;
        }
    }

    /// Forgets the hot sums.
    pub(super) fn clear_hot(&mut self) {
        self.0.iter_mut().for_each(|sums| sums.hot = Sum::default());
    }

    /// Takes a change in.
    pub(super) fn follow(&mut self, delta: &Delta) {
        for (shard, change) in &delta.shards {
            self.set(*shard, self.shard(*shard).plus(change));
        }
    }

    /// Returns the shards that a change is about, with their sums after it.
    pub(super) fn after<'a>(&'a self, delta: &'a Delta) -> impl Iterator<Item = (u8, Sums)> + 'a {
        delta.shards.iter().map(|(shard, change)| (*shard, self.shard(*shard).plus(change)))
    }

    /// Reads all records of a database that nobody writes. So each page is read once before
    /// anybody is answered, with sled's own checksum over it. On several threads: at a million
    /// tokens this is nearly all of the time that it takes to open it.
    pub(super) fn count(db: &Db, progress: &Progress) -> sled::Result<Self> {
        let next = AtomicUsize::new(0);
        let count = || -> sled::Result<Vec<(u8, Sums)>> {
            let mut counted = Vec::new();
            while let Ok(shard) = u8::try_from(next.fetch_add(1, Ordering::Relaxed)) {
                counted.push((shard, count_shard(db, shard, progress)?));
            }
            Ok(counted)
        };
        let others = available_parallelism().map_or(1, usize::from).min(THREADS).saturating_sub(1);
        let mut book = Self::default();
        thread::scope(|scope| -> sled::Result<()> {
            let start = |_| {
                let builder = thread::Builder::new().name("store-count".to_owned());
                // Where there is no thread to be had, the others do its part.
                builder.spawn_scoped(scope, count).ok()
            };
            let others: Vec<_> = (0..others).filter_map(start).collect();
            let mut all = count()?;
            for other in others {
                all.extend(other.join().unwrap_or_else(|panic| resume_unwind(panic))?);
            }
            all.into_iter().for_each(|(shard, sums)| book.set(shard, sums));
            Ok(())
        })?;
        for pair in unknown(db) {
            let (key, stored) = pair?;
            let mut sums = book.shard(shard_of(&key));
            sums.put(&key, &[&stored]);
            book.set(shard_of(&key), sums);
        }
        Ok(book)
    }
}

/// Adds up the records of a shard, of all kinds that are known.
pub(super) fn count_shard(db: &Db, shard: u8, progress: &Progress) -> sled::Result<Sums> {
    let mut sums = Sums::default();
    for kind in Kind::ALL.map(|kind| kind as u8) {
        // A key without a shard, which nobody writes, would lie before the first one.
        let start = if shard == 0 { vec![kind] } else { vec![kind, shard] };
        let end =
            shard.checked_add(1).map_or(vec![kind.saturating_add(1)], |next| vec![kind, next]);
        for (number, pair) in db.range(start..end).enumerate() {
            let (key, stored) = pair?;
            if stored.len() < VERSION {
                return Err(sled::Error::Corruption { at: None, bt: () });
            }
            sums.put(&key, &[&stored]);
            if number % STRIDE == 0 {
                progress.step();
            }
        }
    }
    Ok(sums)
}

/// Returns the records of kinds that this release does not know.
pub(super) fn unknown(db: &Db) -> sled::Iter {
    let last = Kind::ALL.map(|kind| kind as u8).into_iter().max().unwrap_or_default();
    db.range(vec![last.saturating_add(1)]..)
}

/// Returns the shard that a key lies in, by its bytes.
pub(super) fn shard_of(key: &[u8]) -> u8 {
    key.get(1).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use fob_api::Serial;
    use proptest::{collection::vec, prelude::any, prop_assert_eq, prop_assert_ne, proptest};

    use super::{Book, Delta, Progress, Sum};
    use crate::store::Key;

    fn key(number: u8) -> Key {
        match number % 2 {
            0 => Key::user(number.into()),
            _ => Key::state(&Serial::parse(&format!("T{number}")).unwrap()),
        }
    }

    fn of(delta: &Delta) -> Book {
        let mut book = Book::default();
        book.follow(delta);
        book
    }

    proptest! {
        #[test]
        fn sums_depend_on_what_is_there_and_not_on_how_it_came(
            writes in vec((0..8_u8, any::<[u8; 3]>()), 1..40)
        ) {
            let mut there = std::collections::BTreeMap::new();
            let mut book = Book::default();
            for (number, value) in writes {
                let mut delta = Delta::NONE;
                let key = key(number);
                if let Some(old) = there.insert(number, value) {
                    delta.take(key.as_bytes(), &[&old]);
                }
                delta.put(key.as_bytes(), &[&value[..1], &value[1..]]);
                prop_assert_eq!(book.after(&delta).count(), 1);
                book.follow(&delta);
            }
            let mut all = Delta::NONE;
            there.iter().rev().for_each(|(number, value)| all.put(key(*number).as_bytes(), &[value]));
            prop_assert_eq!(&of(&all), &book);
            let cold = book.total().cold;
            prop_assert_eq!(Sum::from_bytes(&cold.to_bytes()), cold);
            let mut less = Delta::NONE;
            let (number, value) = there.first_key_value().unwrap();
            less.take(key(*number).as_bytes(), &[value]);
            let before = book.total();
            book.follow(&less);
            prop_assert_ne!(book.total(), before);
        }
    }

    #[test]
    fn every_record_is_counted_once_whatever_its_key() {
        let home = tempfile::tempdir().unwrap();
        let db = sled::open(home.path()).unwrap();
        let mut all = Delta::NONE;
        let tails = [&[][..], &[0], &[7, 9], &[8, 0, 0], &[255, 255, 255, 255]];
        for kind in 0..=u8::MAX {
            for tail in tails {
                let key = [&[kind], tail].concat();
                db.insert(&key, &[kind; 9]).unwrap();
                // 0 is the engine's own.
                if kind > 0 {
                    all.put(&key, &[&[kind; 9]]);
                }
            }
        }
        assert_eq!(Book::count(&db, &Progress::default()).unwrap(), of(&all));
    }

    #[test]
    fn where_a_key_ends_and_its_value_begins_makes_a_difference() {
        assert_ne!(Sum::of(b"ab", &[b"c"]), Sum::of(b"a", &[b"bc"]));
    }
}
