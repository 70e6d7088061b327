use std::{collections::BTreeSet, fs};

use super::{Kind, Known, Wrong, check};
use crate::audit::testing::{Shelf, write};

/// Returns what is wrong after a change of the newest file.
fn wrong_after(change: impl FnOnce(&mut Vec<u8>)) -> Option<Wrong> {
    let shelf = Shelf::new();
    let head = shelf.written(5);
    shelf.change(change);
    shelf.check(Some(&head)).first_wrong()
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
    assert_eq!(report.first_wrong(), None);
}

#[test]
fn no_log_is_in_order_if_none_was_written() {
    assert_eq!(Shelf::new().check(None).first_wrong(), None);
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
            let wrong = shelf.check(Some(&head)).first_wrong();
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
        assert!(report.first_wrong().is_some(), "cut to {length} bytes");
        // The writer knows its end, whatever the database has heard of.
        let live = Known { kept: None, live: Some(&head) };
        assert!(
            check(&shelf.folder(), live).unwrap().first_wrong().is_some(),
            "cut to {length} bytes"
        );
    }
}

#[test]
fn a_chain_that_was_made_anew_is_found_by_the_head_in_the_database() {
    let shelf = Shelf::new();
    let head = shelf.written(5);
    fs::remove_dir_all(shelf.folder()).unwrap();
    let mut book = shelf.open(None).0;
    (11..=16).for_each(|line| write(&mut book, line));
    assert_eq!(shelf.check(None).first_wrong(), None, "by itself it is in order");
    let wrong = shelf.check(Some(&head)).first_wrong().unwrap();
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
    assert_eq!((report.first_wrong(), report.last), (None, 5));
}

#[test]
fn every_removed_file_is_found() {
    let shelf = Shelf::new();
    let mut book = shelf.open(None).0;
    for _ in 0..3 {
        Shelf::fill(&mut book);
    }
    let head = book.sync().unwrap();
    assert_eq!((shelf.files().len(), shelf.check(Some(&head)).first_wrong()), (4, None));
    for gone in shelf.files() {
        let bytes = fs::read(&gone).unwrap();
        fs::remove_file(&gone).unwrap();
        let wrong = shelf.check(Some(&head)).first_wrong().unwrap();
        let is_newest = shelf.files().iter().all(|file| *file < gone);
        let kind = if is_newest { Kind::Truncated } else { Kind::FileMissing };
        assert_eq!(wrong.kind, kind, "{gone:?}");
        fs::write(&gone, bytes).unwrap();
    }
    fs::remove_dir_all(shelf.folder()).unwrap();
    assert_eq!(shelf.check(Some(&head)).first_wrong().unwrap().kind, Kind::FileMissing);
}

#[test]
fn a_file_under_another_name_is_found() {
    let shelf = Shelf::new();
    let head = shelf.written(3);
    let other = shelf.folder().join("00000000000000000000.jsonl");
    fs::rename(shelf.newest(), other).unwrap();
    assert_eq!(shelf.check(Some(&head)).first_wrong().unwrap().kind, Kind::Altered);
}

/// Returns kind, line and number of what is wrong after a change of seven lines, and how many lines
/// are in order.
fn all_wrong_after(change: impl FnOnce(&mut Vec<Vec<u8>>)) -> (Vec<(Kind, u64, Option<u64>)>, u64) {
    let shelf = Shelf::new();
    let head = shelf.written(7);
    shelf.change(|bytes| {
        let mut all = lines(bytes);
        change(&mut all);
        *bytes = all.concat();
    });
    let report = shelf.check(Some(&head));
    let all = report.wrong.iter().map(|wrong| (wrong.kind, wrong.line, wrong.seq)).collect();
    (all, report.lines)
}

#[test]
fn one_break_hides_no_other() {
    let altered = all_wrong_after(|all| {
        for at in [1, 2, 5] {
            let line = &mut all[at];
            let place = line.windows(4).position(|part| part == b"user").unwrap();
            line[place] = b'v';
        }
    });
    let three = [2, 3, 6].map(|number| (Kind::Altered, number, Some(number)));
    assert_eq!(altered, (three.to_vec(), 4));
    let removed_and_altered = all_wrong_after(|all| {
        all.remove(1);
        let place = all[3].len() - 10;
        all[3][place] ^= 1; // a digit of its hash, or near one
    });
    let expected = vec![(Kind::LinesMissing, 2, Some(3)), (Kind::Altered, 4, Some(5))];
    assert_eq!(removed_and_altered, (expected, 4));
    let altered_and_cut = all_wrong_after(|all| {
        all[2] = b"nonsense\n".to_vec();
        all.truncate(5);
    });
    // The line behind the nonsense cannot be checked.
    let expected = vec![(Kind::Altered, 3, None), (Kind::Truncated, 6, None)];
    assert_eq!(altered_and_cut, (expected, 3));
}

#[test]
fn a_forged_line_that_says_it_is_the_last_hides_no_other_break() {
    for last in [8, 9, u64::MAX] {
        let shelf = Shelf::new();
        let head = shelf.written(8);
        shelf.change(|bytes| {
            let mut all = lines(bytes);
            all[2].splice(..8, format!("{{\"seq\":{last}").bytes());
            all[5][20] ^= 1;
            *bytes = all.concat();
        });
        let known = Known { kept: Some(&head), live: Some(&head) };
        let report = check(&shelf.folder(), known).unwrap();
        let broken: Vec<u64> = report.wrong.iter().map(|wrong| wrong.line).collect();
        assert!(broken.starts_with(&[3]) && broken.contains(&6), "{last}: {report:?}");
    }
}

#[test]
fn of_a_log_that_is_broken_everywhere_a_hundred_places_are_named() {
    let shelf = Shelf::new();
    let head = shelf.written(3);
    shelf.change(|bytes| *bytes = b"nonsense\n".repeat(150));
    let report = shelf.check(Some(&head));
    assert_eq!((report.wrong.len(), report.more, report.lines), (100, 50, 0));
}
