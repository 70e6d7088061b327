//! Files that were made to hurt.

use std::fs;

use proptest::prelude::*;

use super::{refused, workspace};
use crate::seed::{Choice, Flaw, Format, MAX_FILE, SeedError, parse};

/// Where fixtures lie.
const FOLDERS: [&str; 2] = ["tests/fixtures/seed", "tests/fixtures/seed-lists"];

/// Fixtures that are changed at random.
const STARTS: [&str; 14] = [
    "good-totp.pskcxml",
    "good-hotp.pskcxml",
    "good-oath.csv",
    "good-entra.csv",
    "bad-laughs.xml",
    "bad-shared-key.xml",
    "good-entra-tabs.csv",
    "good-feitian.txt",
    "good-multiotp.csv",
    "good-nexus.txt",
    "good-privacyidea-2.csv",
    "good-safenet.xml",
    "good-safeword.dat",
    "good-yubico.csv",
];

/// What is written over a file: pieces on which parsers trip.
const PIECES: [&[u8]; 20] = [
    b"<",
    b">",
    b"&",
    b"&x;",
    b"&#0;",
    b"&#xD800;",
    b"<!DOCTYPE a [",
    b"<!--",
    b"<![CDATA[",
    b"]]>",
    b"<?xml version='1.0'?>",
    b"</",
    b"/>",
    b" xmlns:p='urn:x'",
    b"\"",
    b",",
    b"\r",
    b"=",
    b"\0",
    b"\xff",
];

#[derive(Clone, Debug)]
enum Change {
    Write(usize, usize),
    Byte(usize, u8),
    Cut(usize, usize),
    Repeat(usize, usize),
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>) {
        let length = bytes.len().max(1);
        match *self {
            Self::Write(at, piece) => {
                let at = at % length;
                bytes.splice(at..at, PIECES[piece % PIECES.len()].iter().copied());
            }
            Self::Byte(at, byte) => bytes[at % length] = byte,
            Self::Cut(at, count) => {
                let at = at % length;
                bytes.drain(at..(at + count).min(length - 1).max(at));
            }
            Self::Repeat(at, count) => {
                let at = at % length;
                let copy = bytes[at..(at + count).min(bytes.len())].to_vec();
                bytes.splice(at..at, copy);
            }
        }
    }
}

fn change() -> impl Strategy<Value = Change> {
    let at = any::<prop::sample::Index>().prop_map(|index| index.index(1 << 20));
    prop_oneof![
        (at.clone(), 0..PIECES.len()).prop_map(|(at, piece)| Change::Write(at, piece)),
        (at.clone(), any::<u8>()).prop_map(|(at, byte)| Change::Byte(at, byte)),
        (at.clone(), 1..200_usize).prop_map(|(at, count)| Change::Cut(at, count)),
        (at, 1..200_usize).prop_map(|(at, count)| Change::Repeat(at, count)),
    ]
}

fn choice() -> impl Strategy<Value = Choice> {
    prop_oneof![
        Just(Choice::Detect),
        prop::sample::select(Format::ALL.to_vec()).prop_map(Choice::Is),
    ]
}

/// Returns every stretch that is long enough to be a seed. One without digits is a word of the
/// format, one without letters a number.
fn seeds(bytes: &[u8]) -> Vec<Vec<u8>> {
    let word = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    let has = |run: &[u8], kind: fn(&u8) -> bool| run.iter().any(kind);
    bytes
        .split(|byte| !word(byte))
        .filter(|run| {
            run.len() >= 18 && has(run, u8::is_ascii_digit) && has(run, u8::is_ascii_alphabetic)
        })
        .map(<[u8]>::to_vec)
        .collect()
}

#[track_caller]
fn assert_keeps_secrets(error: &SeedError, seeds: &[Vec<u8>]) {
    let said = format!("{error} {:?} {error:?}", error.hint());
    for window in seeds.iter().flat_map(|seed| seed.windows(8)) {
        assert!(!said.contains(str::from_utf8(window).unwrap()), "part of a seed in: {said}");
    }
}

fn fixture(name: &str) -> Vec<u8> {
    let read = |folder| fs::read(workspace(folder).join(name)).ok();
    FOLDERS.into_iter().find_map(read).unwrap()
}

#[test]
fn no_refusal_quotes_a_seed() {
    let mut checked = 0;
    for file in FOLDERS.into_iter().flat_map(|folder| fs::read_dir(workspace(folder)).unwrap()) {
        let bytes = fs::read(file.unwrap().path()).unwrap();
        for choice in [Choice::Detect].into_iter().chain(Format::ALL.map(Choice::Is)) {
            if let Err(error) = parse(&bytes, choice) {
                assert_keeps_secrets(&error, &seeds(&bytes));
                checked += seeds(&bytes).len();
            }
        }
    }
    assert!(checked > 100, "only {checked} seeds were looked for");
}

#[test]
fn a_file_over_the_limit_is_refused_before_it_is_read() {
    let mut bytes = vec![b' '; MAX_FILE];
    assert_eq!(refused(&bytes).flaw(), &Flaw::Empty);
    bytes.push(b'\xff');
    assert_eq!(refused(&bytes).flaw(), &Flaw::TooLarge);
}

#[test]
fn ten_thousand_levels_are_refused_at_the_limit() {
    let text = "<a>".repeat(10_000);
    let text = format!(
        "<KeyContainer Version=\"1.0\" xmlns=\"urn:ietf:params:xml:ns:keyprov:pskc\"><Extensions>{text}"
    );
    assert_eq!(refused(text.as_bytes()).flaw(), &Flaw::TooDeep);
}

#[test]
fn thousands_of_attributes_and_namespaces_are_refused_or_read_in_time() {
    let attributes: String = (0..50_000).map(|n| format!(" a{n}=''")).collect();
    let spaces: String = (0..5_000).map(|n| format!(" xmlns:a{n}='u'")).collect();
    for junk in [attributes, spaces] {
        let text = format!("<KeyContainer{junk}/>");
        assert!(matches!(refused(text.as_bytes()).flaw(), Flaw::WrongVersion | Flaw::Malformed));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_damaged_file_never_panics_and_its_refusal_keeps_the_seeds(
        start in prop::sample::select(STARTS.to_vec()),
        changes in prop::collection::vec(change(), 1..8),
        choice in choice(),
    ) {
        let mut bytes = fixture(start);
        let seeds = seeds(&bytes);
        for change in &changes {
            change.apply(&mut bytes);
        }
        if let Err(error) = parse(&bytes, choice) {
            assert_keeps_secrets(&error, &seeds);
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..600),
        choice in choice(),
    ) {
        let _ = parse(&bytes, choice);
    }

    #[test]
    fn arbitrary_pieces_never_panic(
        pieces in prop::collection::vec(prop::sample::select(PIECES.to_vec()), 0..40),
        choice in choice(),
    ) {
        let _ = parse(&pieces.concat(), choice);
    }
}
