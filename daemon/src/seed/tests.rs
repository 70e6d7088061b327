//! The files in `tests/fixtures/seed`, the samples of other projects, and what only a table
//! over all formats can show.

mod fixtures;
mod formats;
mod hostile;
mod lists;
mod samples;

use std::path::PathBuf;

use super::{Choice, Format, SeedError, VendorToken, parse};

/// Returns a path relative to the workspace.
fn workspace(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

#[track_caller]
fn accepted(bytes: &[u8]) -> (Format, Vec<VendorToken>) {
    match parse(bytes, Choice::Detect) {
        Ok(parsed) => parsed,
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
