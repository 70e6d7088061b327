//! The files in `tests/fixtures/seed`, the samples of other projects, and what only a table
//! over all formats can show.

mod encrypted;
mod fixtures;
mod formats;
mod hostile;
mod lists;
mod samples;

use std::path::PathBuf;

use super::{Choice, Flaw, Format, Reading, SeedError, open, parse, testing::typed};

/// Returns a path relative to the workspace.
fn workspace(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

#[track_caller]
fn accepted(bytes: &[u8]) -> Reading {
    match parse(bytes, Choice::Detect) {
        Ok(reading) => reading,
        Err(error) => panic!("{error}"),
    }
}

#[track_caller]
fn refused(bytes: &[u8]) -> SeedError {
    parse(bytes, Choice::Detect).err().expect("a refusal")
}

#[test]
fn a_format_is_found_by_its_word() {
    for format in Format::ALL {
        assert_eq!(Format::from_word(format.word()), Some(format));
    }
    assert_eq!(Format::from_word("PSKC"), None);
}

#[test]
fn a_chosen_format_is_not_detected_again() {
    let text = b"A1,000102030405060708090a0b0c0d0e0f";
    assert!(parse(text, Choice::Is(Format::OathCsv)).is_ok());
    assert!(parse(text, Choice::Is(Format::EntraCsv)).is_err());
    assert!(parse(text, Choice::Is(Format::Pskc)).is_err());
}

#[test]
fn a_password_is_refused_with_every_format_that_is_not_encrypted_found_or_named() {
    let password = typed("qwerty");
    for format in Format::ALL {
        let example = format.sheet().example.as_bytes();
        for choice in [Choice::Detect, Choice::Is(format)] {
            let error = open(example, choice, Some(&password)).err().unwrap();
            assert_eq!(error.flaw(), &Flaw::NotEncrypted, "{format:?} {choice:?}");
        }
    }
}
