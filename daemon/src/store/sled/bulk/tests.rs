use std::{collections::BTreeMap, fs::File, sync::Arc};

use proptest::{collection::vec, option::of, prelude::any, proptest};
use sled::{Batch, Config, Db};
use tokio::sync::oneshot;

use super::{
    super::{check::Check, progress::Progress, shelf::Shelf},
    Bulk, Commit, Key, PIECE, SETTLED, Step, Write, encode, pack, roll_back, unpack,
};
use crate::store::MAX_VALUE;

/// Everything in the database, undo records included.
fn contents(db: &Db) -> BTreeMap<Vec<u8>, Vec<u8>> {
    db.iter().map(|pair| pair.unwrap()).map(|(k, v)| (k.to_vec(), v.to_vec())).collect()
}

/// A database in which every third key of a large commit has an entry, and the commit, which
/// deletes every fifth one and puts the others.
fn begun(count: usize) -> (Shelf, Bulk) {
    let db = Config::new().temporary(true).flush_every_ms(None).open().unwrap();
    let keys: Vec<_> = (0..count as u32).map(Key::user).collect();
    for key in keys.iter().step_by(3) {
        db.insert(key.as_bytes(), encode(1, b"old")).unwrap();
    }
    let writes = keys.into_iter().enumerate().map(|(place, key)| match place % 5 {
        0 => Write::Delete(key),
        _ => Write::Put(key, b"new".to_vec()),
    });
    let (reply, _) = oneshot::channel();
    let commit = Commit { guards: Vec::new(), writes: writes.collect(), reply };
    (
        Shelf::new(db, File::open("/dev/null").unwrap(), Check::needless()),
        Bulk::new(commit, Arc::default()),
    )
}

#[test]
fn what_was_cut_off_between_any_two_pieces_is_rolled_back_and_what_was_sealed_stays() {
    for pieces in (0..12).step_by(2) {
        let (shelf, mut bulk) = begun(4 * PIECE);
        let before = contents(&shelf.db);
        let mut version = 1;
        let mut sealed = None;
        for _ in 0..pieces {
            if bulk.step(&shelf, &mut version) == Ok(Step::Seal) {
                let mut batch = Batch::default();
                bulk.seal(&mut batch);
                shelf.db.apply_batch(batch).unwrap();
                bulk.finish(&shelf);
                sealed = Some(contents(&shelf.db));
            }
        }
        roll_back(&shelf.db, &Progress::default()).unwrap();
        let is_ours = |key: &[u8]| key.first() != Some(&0);
        let expected = sealed.unwrap_or(before);
        let expected: BTreeMap<_, _> =
            expected.into_iter().filter(|(key, _)| is_ours(key)).collect();
        assert_eq!(contents(&shelf.db), expected, "after {pieces} steps");
    }
}

#[test]
fn a_large_commit_is_synced_as_it_goes_and_once_more_when_its_records_are_gone() {
    let (shelf, mut bulk) = begun(SETTLED * PIECE + 1);
    let mut seen = Vec::new();
    loop {
        let step = bulk.step(&shelf, &mut 1).unwrap();
        if step == Step::Seal {
            bulk.finish(&shelf);
        }
        if step != Step::Again {
            seen.push((step, bulk.undo == 0));
        }
        if step == Step::Over {
            break;
        }
    }
    let (written, sealed) = ((Step::Settle, false), (Step::Seal, false));
    assert_eq!(seen, [written, sealed, (Step::Settle, true), (Step::Over, true)]);
}

#[test]
fn it_is_told_how_far_a_large_commit_is() {
    let (shelf, mut bulk) = begun(4 * PIECE);
    let gauge = Arc::clone(&bulk.gauge);
    let mut told = vec![gauge.read().unwrap()];
    while bulk.step(&shelf, &mut 1) == Ok(Step::Again) {
        told.push(gauge.read().unwrap());
    }
    told.push(gauge.read().unwrap());
    let parts: Vec<_> = told.iter().map(|(done, _)| done / PIECE).collect();
    // The first step looks at guards, of which there are none.
    assert_eq!(parts, [0, 0, 1, 2, 3, 4]);
    assert!(told.iter().all(|(_, of)| *of == 4 * PIECE));
}

proptest! {
    #[test]
    fn packed_old_values_come_back_and_no_record_grows_a_page_out_of_the_log(
        old in vec((any::<u32>(), of(vec(any::<u8>(), 8..MAX_VALUE + 8))), 1..40)
    ) {
        let old: Vec<_> = old.into_iter().map(|(uid, value)| (Key::user(uid), value)).collect();
        let stored: Vec<_> =
            old.iter().map(|(key, value)| (key.clone(), value.clone().map(Into::into))).collect();
        let records = pack(&stored);
        assert!(records.iter().all(|record| record.len() <= MAX_VALUE + 300));
        let back: Vec<_> = records.iter().flat_map(|record| unpack(record).unwrap()).collect();
        let expected: Vec<_> = old
            .iter()
            .map(|(key, value)| (key.as_bytes(), value.as_deref().unwrap_or_default()))
            .collect();
        assert_eq!(back, expected);
    }
}

#[test]
fn a_cut_undo_record_is_noticed() {
    let record = pack(&[(Key::user(1), Some(vec![7; 20].into()))]).remove(0);
    for end in 0..record.len() {
        assert_eq!(unpack(&record[..end]), None);
    }
}
