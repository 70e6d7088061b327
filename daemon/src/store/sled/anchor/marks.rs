//! The sums of each shard in the database itself, so that a start need not count them all.
//!
//! A mark is believed only together with all others: what they add up to is what the manifest and
//! the anchor say. A mark that decayed, or that was rolled back, leaves a sum that is another one;
//! then everything is counted, as if there were no marks.

use sled::{Batch, Db, IVec};

use super::{
    super::{
        bulk::ENGINE,
        ledger::{Book, SHARDS, SUM, Sum, Sums},
    },
    MANIFEST, Manifest,
    form::{FORM, opened, part, sealed},
};

/// What the keys of cold marks start with; the shard follows. They are written in one batch with
/// the manifest.
const COLD: [u8; 2] = [ENGINE, 3];
/// What the keys of hot marks start with; the number of a group of shards follows. They are written
/// when the store is closed.
const HOT: [u8; 2] = [ENGINE, 4];
/// Hot sums of one mark: 2 KiB.
const GROUP: usize = 64;
/// Bytes of a cold mark: form, count, sum, checksum.
const COLD_MARK: usize = 1 + 8 + SUM + 32;
/// Bytes of a hot mark: form, sums, checksum.
const HOT_MARK: usize = 1 + GROUP * SUM + 32;

/// A manifest, and the marks of the shards that its change is about.
pub(in super::super) struct Marks {
    pub(in super::super) manifest: Manifest,
    pub(in super::super) cold: Vec<(u8, Sums)>,
}

impl Marks {
    /// Adds them to a batch.
    pub(in super::super) fn write(&self, batch: &mut Batch) {
        batch.insert(&MANIFEST, self.manifest.encode());
        for (shard, sums) in &self.cold {
            let body = [&[FORM][..], &sums.count.to_be_bytes(), &sums.cold.to_bytes()];
            batch.insert(&[COLD[0], COLD[1], *shard], sealed(&body));
        }
    }
}

/// Returns the marks of all shards, to be added to a batch: the cold ones, or the hot ones.
pub(in super::super) fn cold_marks(book: &Book) -> Vec<(u8, Sums)> {
    (0..=u8::MAX).map(|shard| (shard, book.shard(shard))).collect()
}

/// Adds the hot marks of all shards to a batch.
pub(in super::super) fn write_hot(book: &Book, batch: &mut Batch) {
    let shards: Vec<u8> = (0..=u8::MAX).collect();
    for (number, group) in (0..).zip(shards.chunks(GROUP)) {
        let sums = group.iter().flat_map(|shard| book.shard(*shard).hot.to_bytes());
        let sums: Vec<u8> = sums.collect();
        batch.insert(&[HOT[0], HOT[1], number], sealed(&[&[FORM], &sums]));
    }
}

/// Reads the marks: what each shard should hold, as far as anybody knows. A mark that is missing
/// or cannot be read is that of an empty shard: then the whole fits nothing.
pub(in super::super) fn read(db: &Db) -> sled::Result<Book> {
    let mut book = Book::default();
    for pair in db.scan_prefix(COLD) {
        let (key, mark) = pair?;
        if let (Some(shard), Some((count, cold))) = (key.get(2), cold_of(&mark)) {
            book.set(*shard, Sums { cold, count, hot: Sum::default() });
        }
    }
    for pair in db.scan_prefix(HOT) {
        let (key, mark) = pair?;
        let first = key.get(2).map_or(SHARDS, |number| usize::from(*number) * GROUP);
        for (place, hot) in hot_of(&mark).unwrap_or_default().into_iter().enumerate() {
            if let Ok(shard) = u8::try_from(first + place) {
                book.set(shard, Sums { hot, ..book.shard(shard) });
            }
        }
    }
    Ok(book)
}

fn cold_of(mark: &IVec) -> Option<(u64, Sum)> {
    let mut rest = opened(mark, COLD_MARK).ok()?;
    let count = u64::from_be_bytes(part(&mut rest).ok()?);
    Some((count, Sum::from_bytes(&part(&mut rest).ok()?)))
}

fn hot_of(mark: &IVec) -> Option<Vec<Sum>> {
    let rest = opened(mark, HOT_MARK).ok()?;
    let (sums, _) = rest.as_chunks::<SUM>();
    Some(sums.iter().map(Sum::from_bytes).collect())
}

#[cfg(test)]
mod tests {
    use sled::{Batch, Config};

    use super::{
        super::{House, Manifest},
        Book, Marks, Sum, Sums, cold_marks, read, write_hot,
    };

    fn book() -> Book {
        let mut book = Book::default();
        for shard in 0..=u8::MAX {
            let number = u64::from(shard) + 1;
            let (cold, hot) = (Sum([number; 4]), Sum([number * 7; 4]));
            book.set(shard, Sums { cold, hot, count: number });
        }
        book
    }

    #[test]
    fn what_is_marked_is_read_and_a_flipped_bit_makes_another_sum() {
        let db = Config::new().temporary(true).open().unwrap();
        let mut batch = Batch::default();
        let manifest = Manifest::of(House([1; 16]), 5, &book().total());
        Marks { manifest, cold: cold_marks(&book()) }.write(&mut batch);
        write_hot(&book(), &mut batch);
        db.apply_batch(batch).unwrap();
        assert_eq!(read(&db).unwrap(), book());
        let marks: Vec<_> = db.iter().map(Result::unwrap).filter(|(key, _)| key[1] > 2).collect();
        assert_eq!(marks.len(), 256 + 4);
        for (key, mark) in marks {
            let mut flipped = mark.to_vec();
            flipped[9] ^= 1;
            db.insert(&key, flipped).unwrap();
            assert_ne!(read(&db).unwrap().total(), book().total(), "{key:?}");
            db.insert(&key, mark).unwrap();
        }
    }
}
