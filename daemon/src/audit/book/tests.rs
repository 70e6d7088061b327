use std::{fs, os::unix::fs::PermissionsExt as _};

use super::KEPT;
use crate::audit::{
    check::Kind,
    testing::{Shelf, room, try_to_write, write},
};

fn mode(path: &std::path::Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn the_log_is_its_owners_alone() {
    let shelf = Shelf::new();
    shelf.written(1);
    assert_eq!((mode(&shelf.folder()), mode(&shelf.newest())), (0o700, 0o600));
}

#[test]
fn the_chain_goes_on_after_a_restart() {
    let shelf = Shelf::new();
    let mut head = shelf.written(2);
    for line in 3..6 {
        let (mut book, told) = shelf.open(Some(&head));
        assert!(told.is_empty(), "{told:?}");
        write(&mut book, line);
        head = book.sync().unwrap();
        assert_eq!(head.seq, line);
    }
    assert_eq!((shelf.check(Some(&head)).first_wrong(), shelf.files().len()), (None, 1));
}

#[test]
fn a_line_with_a_number_that_no_line_has_neither_ends_the_daemon_nor_goes_unnoticed() {
    let shelf = Shelf::new();
    let head = shelf.written(2);
    shelf.change(|bytes| {
        let mut line = bytes.split(|byte| *byte == b'\n').next().unwrap().to_vec();
        line.splice(..8, format!("{{\"seq\":{}", u64::MAX).bytes());
        bytes.extend(line);
        bytes.push(b'\n');
    });
    assert_eq!(shelf.check(Some(&head)).first_wrong().unwrap().kind, Kind::Altered);
    let mut book = shelf.open(Some(&head)).0;
    write(&mut book, 3);
    assert_eq!(book.head().seq, 3);
}

#[test]
fn a_torn_last_line_is_cut_off_and_told_and_the_chain_goes_on() {
    let shelf = Shelf::new();
    let head = shelf.written(2);
    let mut book = shelf.open(Some(&head)).0;
    write(&mut book, 3);
    let whole = fs::read(shelf.newest()).unwrap();
    let line = whole[..whole.len() - 1].iter().rposition(|byte| *byte == b'\n').unwrap() + 1;
    for length in line + 1..whole.len() {
        fs::write(shelf.newest(), &whole[..length]).unwrap();
        let (mut book, told) = shelf.open(Some(&head));
        let name = shelf.newest().file_name().unwrap().to_str().unwrap().to_owned();
        let expected = format!("log_mended file=\"{name}\" bytes=\"{}\"", length - line);
        assert_eq!(told, [expected]);
        write(&mut book, 4);
        assert_eq!(shelf.check(Some(&head)).first_wrong(), None, "torn after {length} bytes");
    }
}

#[test]
fn a_first_line_that_was_torn_leaves_no_empty_file() {
    let shelf = Shelf::new();
    let mut book = shelf.open(None).0;
    Shelf::fill(&mut book);
    let head = book.sync().unwrap();
    drop(book);
    shelf.change(|bytes| bytes.truncate(9));
    let (mut book, told) = shelf.open(None);
    assert_eq!((told.len(), shelf.files().len()), (1, 1));
    write(&mut book, 1);
    let report = shelf.check(None);
    assert_eq!((report.first_wrong(), report.files, report.last), (None, 2, head.seq));
}

#[test]
fn a_tail_that_was_removed_while_the_daemon_was_away_stays_visible() {
    let shelf = Shelf::new();
    let head = shelf.written(5);
    shelf.change(|bytes| {
        let third = bytes.split_inclusive(|byte| *byte == b'\n').take(3).map(<[u8]>::len).sum();
        bytes.truncate(third);
    });
    let (mut book, told) = shelf.open(Some(&head));
    assert_eq!(told, ["log_broken count=\"2\""]);
    write(&mut book, 6);
    let later = book.sync().unwrap();
    assert_eq!(later.seq, 6);
    // The database has heard of the lines that came since.
    let wrong = shelf.check(Some(&later)).first_wrong().unwrap();
    assert_eq!((wrong.kind, wrong.line), (Kind::LinesMissing, 4));
}

#[test]
fn a_log_that_was_removed_or_rewritten_while_the_daemon_was_away_stays_visible() {
    for is_made_anew in [false, true] {
        let shelf = Shelf::new();
        let mut book = shelf.open(None).0;
        (1..=5).for_each(|line| write(&mut book, line));
        let head = book.sync().unwrap();
        fs::remove_dir_all(shelf.folder()).unwrap();
        if is_made_anew {
            let mut forged = shelf.open(None).0;
            (11..=17).for_each(|line| write(&mut forged, line));
        }
        let (mut book, told) = shelf.open(Some(&head));
        assert_eq!(told.len(), 1);
        assert!(told[0].starts_with("log_broken"), "{told:?}");
        write(&mut book, 6);
        let later = book.sync().unwrap();
        let kind = if is_made_anew { Kind::Altered } else { Kind::FileMissing };
        assert_eq!(shelf.check(Some(&later)).first_wrong().unwrap().kind, kind);
    }
}

#[test]
fn a_line_for_which_there_is_no_room_is_not_there_and_the_next_is_whole() {
    let shelf = Shelf::new();
    let mut book = shelf.open(None).0;
    write(&mut book, 1);
    let before = fs::read(shelf.newest()).unwrap();
    for bytes in [0, 1, 50, 100] {
        room(bytes);
        assert!(try_to_write(&mut book, 2).is_err());
        assert_eq!(fs::read(shelf.newest()).unwrap(), before, "with room for {bytes} bytes");
    }
    room(usize::MAX);
    write(&mut book, 3);
    let head = book.sync().unwrap();
    assert_eq!((head.seq, shelf.check(Some(&head)).first_wrong()), (2, None));
}

#[test]
fn old_files_go_once_the_database_knows_and_nobody_misses_them() {
    let shelf = Shelf::new();
    let mut book = shelf.open(None).0;
    while shelf.files().len() < KEPT + 3 {
        Shelf::fill(&mut book);
    }
    let head = book.sync().unwrap();
    assert!(head.oldest > 1);
    assert_eq!(shelf.check(Some(&head)).first_wrong(), None, "they are still there");
    book.remove_before(head.oldest);
    assert_eq!((shelf.files().len(), shelf.check(Some(&head)).first_wrong()), (KEPT, None));
    // One more than rotation would have taken.
    fs::remove_file(&shelf.files()[0]).unwrap();
    assert_eq!(shelf.check(Some(&head)).first_wrong().unwrap().kind, Kind::FileMissing);
}

#[test]
fn a_file_that_somebody_removed_is_followed_by_a_new_one() {
    let shelf = Shelf::new();
    let mut book = shelf.open(None).0;
    (1..=5).for_each(|line| write(&mut book, line));
    book.sync().unwrap();
    fs::remove_dir_all(shelf.folder()).unwrap();
    book.sync().unwrap();
    write(&mut book, 6);
    let head = book.sync().unwrap();
    assert_eq!((head.seq, shelf.files().len()), (6, 1));
    assert_eq!(shelf.check(Some(&head)).first_wrong().unwrap().kind, Kind::FileMissing);
}

#[test]
fn a_symbolic_link_is_not_written_through() {
    let shelf = Shelf::new();
    let target = shelf.folder().with_extension("target");
    fs::create_dir(shelf.folder()).unwrap();
    let link = shelf.folder().join("00000000000000000001.jsonl");
    std::os::unix::fs::symlink(&target, link).unwrap();
    assert!(super::Book::<fs::File>::open(&shelf.folder(), None).is_err());
    assert!(!target.exists());
}
