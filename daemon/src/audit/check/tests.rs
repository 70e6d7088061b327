use std::{collections::BTreeSet, fs};

use super::{Kind, Known, Wrong, check};
use crate::audit::testing::{Shelf, write};

/// Returns what is wrong after a change of the newest file.
fn wrong_after(change: impl FnOnce(&mut Vec<u8>)) -> Option<Wrong> {
    let shelf = Shelf::new();
    let head = shelf.written(5);
    shelf.change(change);
    shelf.check(Some(&head)).wrong
}

fn lines(bytes: &[u8]) -> Vec<Vec<u8>> {
    bytes.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect()
}

#[test]
fn a_log_as_it_was_written_is_in_order() {
    let shelf = Shelf::new();
    let head = shelf.written(5);
    let report = shelf.check(Some(&head));
    assert_eq!((report.files, report.lines, report.first, report.last), (1, 5, 1, 5));
    assert_eq!(report.wrong, None);
}

#[test]
fn no_log_is_in_order_if_none_was_written() {
    assert_eq!(Shelf::new().check(None).wrong, None);
}

#[test]
fn every_flipped_byte_is_found_in_its_line() {
    let shelf = Shelf::new();
    let head = shelf.written(3);
    let original = fs::read(shelf.newest()).unwrap();
    let mut places = BTreeSet::new();
    for at in 0..original.len() {
        for flip in [0x01, 0x20, 0x80] {
            shelf.change(|bytes| bytes[at] ^= flip);
            let wrong = shelf.check(Some(&head)).wrong;
            let line = original[..at].iter().filter(|byte| **byte == b'\n').count() as u64 + 1;
            let found = wrong.unwrap_or_else(|| panic!("byte {at} with {flip:x}"));
            assert_eq!(found.line, line, "byte {at} with {flip:x}: {found:?}");
            places.insert(found.line);
            fs::write(shelf.newest(), &original).unwrap();
        }
    }
    assert_eq!(places.len(), 3);
}

#[test]
fn every_removed_line_is_found() {
    for gone in 0..5 {
        let wrong = wrong_after(|bytes| {
            let mut left = lines(bytes);
            left.remove(gone);
            *bytes = left.concat();
        });
        let kind = match gone {
            // The next one does not begin a file.
            0 => Kind::Altered,
            4 => Kind::Truncated,
            _ => Kind::LinesMissing,
        };
        let wrong = wrong.unwrap();
        assert_eq!((wrong.kind, wrong.line), (kind, gone as u64 + 1));
    }
}

#[test]
fn swapped_and_doubled_lines_are_found() {
    let swapped = wrong_after(|bytes| {
        let mut all = lines(bytes);
        all.swap(1, 2);
        *bytes = all.concat();
    });
    assert_eq!(swapped.map(|wrong| (wrong.kind, wrong.line)), Some((Kind::LinesMissing, 2)));
    let doubled = wrong_after(|bytes| {
        let mut all = lines(bytes);
        all.insert(2, all[1].clone());
        *bytes = all.concat();
    });
    assert_eq!(doubled.map(|wrong| (wrong.kind, wrong.line)), Some((Kind::LinesMissing, 3)));
}

#[test]
fn a_tail_that_was_cut_off_is_found_wherever_it_was_cut() {
    let shelf = Shelf::new();
    let head = shelf.written(3);
    let original = fs::read(shelf.newest()).unwrap();
    for length in 0..original.len() {
        fs::write(shelf.newest(), &original[..length]).unwrap();
        let report = shelf.check(Some(&head));
        assert!(report.wrong.is_some(), "cut to {length} bytes");
        // The writer knows its end, whatever the database has heard of.
        let live = Known { kept: None, live: Some(&head) };
        assert!(check(&shelf.folder(), live).unwrap().wrong.is_some(), "cut to {length} bytes");
    }
}

#[test]
fn a_chain_that_was_made_anew_is_found_by_the_head_in_the_database() {
    let shelf = Shelf::new();
    let head = shelf.written(5);
    fs::remove_dir_all(shelf.folder()).unwrap();
    let mut book = shelf.open(None).0;
    (11..=16).for_each(|line| write(&mut book, line));
    assert_eq!(shelf.check(None).wrong, None, "by itself it is in order");
    let wrong = shelf.check(Some(&head)).wrong.unwrap();
    assert_eq!((wrong.kind, wrong.line), (Kind::Altered, 5));
}

#[test]
fn lines_behind_the_writers_head_are_not_looked_at() {
    let shelf = Shelf::new();
    let head = shelf.written(5);
    let mut book = shelf.open(Some(&head)).0;
    write(&mut book, 6);
    shelf.change(|bytes| bytes.truncate(bytes.len() - 3));
    let report = check(&shelf.folder(), Known { kept: Some(&head), live: Some(&head) }).unwrap();
    assert_eq!((report.wrong, report.last), (None, 5));
}

#[test]
fn every_removed_file_is_found() {
    let shelf = Shelf::new();
    let mut book = shelf.open(None).0;
    for _ in 0..3 {
        Shelf::fill(&mut book);
    }
    let head = book.sync().unwrap();
    assert_eq!((shelf.files().len(), shelf.check(Some(&head)).wrong), (4, None));
    for gone in shelf.files() {
        let bytes = fs::read(&gone).unwrap();
        fs::remove_file(&gone).unwrap();
        let wrong = shelf.check(Some(&head)).wrong.unwrap();
        let is_newest = shelf.files().iter().all(|file| *file < gone);
        let kind = if is_newest { Kind::Truncated } else { Kind::FileMissing };
        assert_eq!(wrong.kind, kind, "{gone:?}");
        fs::write(&gone, bytes).unwrap();
    }
    fs::remove_dir_all(shelf.folder()).unwrap();
    assert_eq!(shelf.check(Some(&head)).wrong.unwrap().kind, Kind::FileMissing);
}

#[test]
fn a_file_under_another_name_is_found() {
    let shelf = Shelf::new();
    let head = shelf.written(3);
    let other = shelf.folder().join("00000000000000000000.jsonl");
    fs::rename(shelf.newest(), other).unwrap();
    assert_eq!(shelf.check(Some(&head)).wrong.unwrap().kind, Kind::Altered);
}
