//! The bytes of a log: cut at each of them, and with each bit flipped.

use super::super::{
    super::anchor::{House, Unreadable},
    form::{Entry, FRONT, Found, State, empty, encode, entries, read},
};
use crate::store::Key;

const HOUSE: House = House([7; 16]);
const EPOCH: u64 = 5;

/// A log of a house with entries of the last epoch under those of this one, and where the latter
/// end.
fn log() -> (Vec<u8>, Vec<usize>) {
    let mut bytes = empty(HOUSE);
    lay(&mut bytes, EPOCH - 1, 6);
    let ends = lay(&mut bytes, EPOCH, 4);
    (bytes, ends)
}

/// Writes entries from the beginning on, each a little longer than the one before.
fn lay(bytes: &mut [u8], epoch: u64, count: u64) -> Vec<usize> {
    let mut end = FRONT;
    let mut ends = Vec::new();
    for sequence in 0..count {
        let key = Key::nobody(sequence as u16);
        let value = vec![epoch as u8; 8 + sequence as usize];
        let writes = [(key.as_bytes(), value)].into_iter();
        let entry = encode(HOUSE, (epoch, sequence), writes).unwrap();
        bytes[end..end + entry.len()].copy_from_slice(&entry);
        end += entry.len();
        ends.push(end);
    }
    ends
}

fn found(bytes: &[u8]) -> Found<'_> {
    read(bytes, HOUSE, EPOCH).unwrap()
}

/// Reads the entries at the beginning: what lies far behind them is the same in each test.
fn near(bytes: &[u8]) -> Found<'_> {
    entries(&bytes[FRONT..FRONT + 1000], HOUSE, EPOCH)
}

fn sequences(found: &Found<'_>) -> Vec<u64> {
    assert!(found.entries.iter().all(|entry| entry.epoch == EPOCH));
    found.entries.iter().map(|entry| entry.sequence).collect()
}

#[test]
fn an_entry_is_read_as_it_was_written_and_removals_too() {
    let (one, other) = (Key::nobody(1), Key::nobody(2));
    let writes = [(one.as_bytes(), vec![1; 9]), (other.as_bytes(), Vec::new())];
    let mut bytes = empty(HOUSE);
    let entry = encode(HOUSE, (EPOCH, 0), writes.clone().into_iter()).unwrap();
    bytes[FRONT..FRONT + entry.len()].copy_from_slice(&entry);
    let found = found(&bytes);
    assert_eq!((found.highest, found.state), (Some(EPOCH), State::Whole));
    let read: Vec<_> = found.entries.iter().flat_map(|entry| entry.writes().unwrap()).collect();
    let wrote: Vec<_> = writes.iter().map(|(key, value)| (*key, value.as_slice())).collect();
    assert_eq!(read, wrote);
}

#[test]
fn a_record_that_sign_ins_do_not_write_is_not_put_back() {
    let key = Key::user(1000);
    let entry = encode(HOUSE, (EPOCH, 0), [(key.as_bytes(), vec![1; 9])].into_iter()).unwrap();
    let mut bytes = empty(HOUSE);
    bytes[FRONT..FRONT + entry.len()].copy_from_slice(&entry);
    assert!(found(&bytes).entries.iter().all(|entry| entry.writes().is_none()));
}

#[test]
fn a_log_that_was_torn_at_any_byte_gives_back_the_entries_before_it_and_nothing_else() {
    let (whole, ends) = log();
    for torn in FRONT..=ends[3] {
        let mut bytes = whole.clone();
        // What was there before: zeros, and what the last epoch left.
        let mut before = empty(HOUSE);
        lay(&mut before, EPOCH - 1, 6);
        bytes[torn..].copy_from_slice(&before[torn..]);
        let found = near(&bytes);
        let expected: Vec<u64> = (0..4).filter(|number| ends[*number as usize] <= torn).collect();
        assert_eq!((sequences(&found), found.state), (expected, State::Whole), "torn at {torn}");
    }
}

#[test]
fn a_log_that_was_cut_at_any_byte_gives_back_what_is_whole_and_is_not_taken_for_whole() {
    let (whole, ends) = log();
    for cut in (0..=ends[3]).chain([whole.len() - 1]) {
        let found = found(&whole[..cut]);
        let expected: Vec<u64> = (0..4).filter(|number| ends[*number as usize] <= cut).collect();
        assert_eq!((sequences(&found), found.state), (expected, State::Foreign), "cut at {cut}");
    }
    assert_eq!(found(&[&whole[..], &[0]].concat()).state, State::Foreign);
}

#[test]
fn a_flipped_bit_in_the_last_entry_is_a_torn_one_and_in_any_other_a_hole() {
    let (whole, ends) = log();
    for bit in FRONT * 8..ends[3] * 8 {
        let mut bytes = whole.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let hit = ends.iter().position(|end| bit / 8 < *end).unwrap() as u64;
        let found = near(&bytes);
        let expected: Vec<u64> = (0..4).filter(|number| *number != hit).collect();
        let state = if hit == 3 { State::Whole } else { State::Holed };
        assert_eq!((sequences(&found), found.state), (expected, state), "bit {bit}");
    }
}

#[test]
fn a_flipped_bit_in_the_front_makes_it_a_foreign_log_whose_entries_prove_themselves() {
    let (whole, _) = log();
    for byte in 0..49 {
        let mut bytes = whole.clone();
        bytes[byte] ^= 1 << (byte % 8);
        let found = found(&bytes);
        assert_eq!((sequences(&found), found.state), (vec![0, 1, 2, 3], State::Foreign));
    }
}

#[test]
fn a_flipped_bit_in_what_is_dead_makes_no_difference() {
    let (whole, ends) = log();
    for bit in ends[3] * 8..(ends[3] + 300) * 8 {
        let mut bytes = whole.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(near(&bytes), near(&whole), "bit {bit}");
    }
}

#[test]
fn entries_of_an_older_epoch_are_dead_and_those_of_a_newer_one_are_a_hole() {
    let (bytes, _) = log();
    let newer = read(&bytes, HOUSE, EPOCH + 1).unwrap();
    assert_eq!((newer.entries, newer.highest, newer.state), (vec![], Some(EPOCH), State::Whole));
    let older = read(&bytes, HOUSE, EPOCH - 1).unwrap();
    assert_eq!((older.highest, older.state), (Some(EPOCH), State::Holed));
}

#[test]
fn a_log_of_another_house_gives_nothing_back() {
    let (bytes, _) = log();
    let none: Vec<Entry<'_>> = Vec::new();
    let found = read(&bytes, House([8; 16]), EPOCH).unwrap();
    assert_eq!(found, Found { entries: none, highest: None, state: State::Foreign });
    let newer = super::super::super::anchor::sealed(&[&[2], &[7; 16]]);
    assert_eq!(read(&newer, HOUSE, EPOCH), Err(Unreadable::Newer));
}
