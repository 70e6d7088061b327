//! The sums over all records: what tells a database from an older copy of itself.
//!
//! sled 0.34 may open with an older state after a single flipped bit, without an error (platform.md,
//! "sled"). A record's own checksum does not notice: the older record was right once. So the
//! writer keeps a sum over all records, and writes down beside the database what it is.
//!
//! The sums find decay, not malice: they have no key, and whoever can write the database can
//! write the sums.

use std::{
    ops::Bound,
    panic::resume_unwind,
    sync::atomic::{AtomicUsize, Ordering},
    thread::{self, available_parallelism},
};

use sha2::{Digest, Sha256};
use sled::Db;

use super::{bulk, progress::Progress, shelf::VERSION};
use crate::store::{Heat, Kind};

/// Most threads that count. Each has a page or two of its own; the disk is kept busy by fewer.
const THREADS: usize = 8;
/// Into how many parts the shards of a kind are cut for them: with a few hundred parts in all no
/// thread waits long for the last one.
const PARTS: u8 = 32;

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

/// The sums over the records of a database.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Sums {
    /// Of cold records.
    pub(super) cold: Sum,
    /// Of hot records.
    pub(super) hot: Sum,
    /// Cold records.
    pub(super) count: u64,
}

/// What writes change about the sums.
#[derive(Clone, Copy, Debug)]
pub(super) struct Delta {
    sums: Sums,
    /// The coldest record among them.
    pub(super) heat: Heat,
}

impl Delta {
    /// Nothing was written.
    pub(super) const NONE: Self =
        Self { sums: Sums { cold: Sum([0; 4]), hot: Sum([0; 4]), count: 0 }, heat: Heat::Hot };

    /// A record is there: its key, and its stored bytes in pieces.
    pub(super) fn put(&mut self, key: &[u8], stored: &[&[u8]]) {
        let sum = Sum::of(key, stored);
        if self.note(key) == Heat::Hot {
            self.sums.hot = self.sums.hot.plus(sum);
        } else {
            self.sums.cold = self.sums.cold.plus(sum);
            self.sums.count = self.sums.count.wrapping_add(1);
        }
    }

    /// A record is no longer there.
    pub(super) fn take(&mut self, key: &[u8], stored: &[&[u8]]) {
        let sum = Sum::of(key, stored);
        if self.note(key) == Heat::Hot {
            self.sums.hot = self.sums.hot.minus(sum);
        } else {
            self.sums.cold = self.sums.cold.minus(sum);
            self.sums.count = self.sums.count.wrapping_sub(1);
        }
    }

    fn note(&mut self, key: &[u8]) -> Heat {
        let heat = Heat::of(key);
        if heat == Heat::Cold {
            self.heat = Heat::Cold;
        }
        heat
    }
}

impl Sums {
    /// Returns the sums after a change.
    pub(super) fn after(self, delta: &Delta) -> Self {
        self.plus(&delta.sums)
    }

    /// Reads all records of a database that nobody writes. So each page is read once before
    /// anybody is answered, with sled's own checksum over it. On several threads: at a million
    /// tokens this is nearly all of the time that a start takes.
    pub(super) fn count(db: &Db, progress: &Progress) -> sled::Result<Self> {
        let starts = starts();
        let next = AtomicUsize::new(0);
        let count = || -> sled::Result<Self> {
            let mut all = Delta::NONE;
            loop {
                let part = next.fetch_add(1, Ordering::Relaxed);
                let Some(start) = starts.get(part) else { return Ok(Self::default().after(&all)) };
                let end = starts.get(part + 1).map_or(Bound::Unbounded, Bound::Excluded);
                count_part(db, (start, end), &mut all, progress)?;
            }
        };
        let others = available_parallelism().map_or(1, usize::from).min(THREADS).saturating_sub(1);
        thread::scope(|scope| {
            let start = |_| {
                let builder = thread::Builder::new().name("store-count".to_owned());
                // Where there is no thread to be had, the others do its part.
                builder.spawn_scoped(scope, count).ok()
            };
            let others: Vec<_> = (0..others).filter_map(start).collect();
            let mut sums = count()?;
            for other in others {
                let part = other.join().unwrap_or_else(|panic| resume_unwind(panic))?;
                sums = sums.plus(&part);
            }
            Ok(sums)
        })
    }

    fn plus(self, other: &Self) -> Self {
        Self {
            cold: self.cold.plus(other.cold),
            hot: self.hot.plus(other.hot),
            count: self.count.wrapping_add(other.count),
        }
    }
}

/// Returns where the parts of a database begin that are counted one by one, ascending. The first
/// begins behind the engine's own keys and each ends where the next begins, so that every record
/// is in one of them, of whatever kind.
fn starts() -> Vec<Vec<u8>> {
    let first = vec![bulk::ENGINE + 1];
    let step = usize::from(u8::MAX / PARTS) + 1;
    let shards = || (0..=u8::MAX).step_by(step);
    let mut starts: Vec<_> =
        Kind::ALL.iter().flat_map(|kind| shards().map(|shard| vec![*kind as u8, shard])).collect();
    starts.push(first);
    starts.sort();
    starts
}

/// Adds up the records of a part.
fn count_part(
    db: &Db,
    part: (&Vec<u8>, Bound<&Vec<u8>>),
    all: &mut Delta,
    progress: &Progress,
) -> sled::Result<()> {
    for pair in db.range::<&Vec<u8>, _>((Bound::Included(part.0), part.1)) {
        let (key, stored) = pair?;
        if stored.len() < VERSION {
            return Err(sled::Error::Corruption { at: None, bt: () });
        }
        all.put(&key, &[&stored]);
        progress.step();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use fob_api::Serial;
    use proptest::{collection::vec, prelude::any, prop_assert_eq, prop_assert_ne, proptest};

    use super::{Delta, Progress, Sum, Sums};
    use crate::store::Key;

    fn key(number: u8) -> Key {
        match number % 2 {
            0 => Key::user(number.into()),
            _ => Key::state(&Serial::parse(&format!("T{number}")).unwrap()),
        }
    }

    proptest! {
        #[test]
        fn sums_depend_on_what_is_there_and_not_on_how_it_came(
            writes in vec((0..8_u8, any::<[u8; 3]>()), 1..40)
        ) {
            let mut there = std::collections::BTreeMap::new();
            let mut sums = Sums::default();
            for (number, value) in writes {
                let mut delta = Delta::NONE;
                let key = key(number);
                if let Some(old) = there.insert(number, value) {
                    delta.take(key.as_bytes(), &[&old]);
                }
                delta.put(key.as_bytes(), &[&value[..1], &value[1..]]);
                sums = sums.after(&delta);
            }
            let mut all = Delta::NONE;
            there.iter().rev().for_each(|(number, value)| all.put(key(*number).as_bytes(), &[value]));
            prop_assert_eq!(Sums::default().after(&all), sums);
            prop_assert_eq!(Sum::from_bytes(&sums.cold.to_bytes()), sums.cold);
            let mut less = Delta::NONE;
            let (number, value) = there.first_key_value().unwrap();
            less.take(key(*number).as_bytes(), &[value]);
            prop_assert_ne!(sums.after(&less), sums);
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
        let counted = Sums::count(&db, &Progress::default()).unwrap();
        assert_eq!(counted, Sums::default().after(&all));
    }

    #[test]
    fn where_a_key_ends_and_its_value_begins_makes_a_difference() {
        assert_ne!(Sum::of(b"ab", &[b"c"]), Sum::of(b"a", &[b"bc"]));
    }
}
