//! The table of formats: what it shows is what is read.

use std::fs;

use super::workspace;
use crate::seed::{Choice, Encoding, Format, Hints, TokenKind, parse};
use fob_api::SeedScript;

#[test]
fn every_example_is_read_as_its_format() {
    for format in Format::ALL {
        let kind = TokenKind::from_word("totp-6-30").filter(|_| format.sheet().needs_kind);
        let hints = Hints { kind, ..Hints::from(Choice::Is(format)) };
        let read = parse(format.sheet().example.as_bytes(), hints);
        let tokens = read.unwrap_or_else(|error| panic!("{format:?}: {error}")).tokens;
        assert_eq!(tokens.len(), 1, "{format:?}");
        assert_eq!(tokens[0].seed.as_bytes(), (0..20).collect::<Vec<u8>>(), "{format:?}");
    }
}

#[test]
fn an_example_is_found_to_be_of_its_format_unless_another_reads_it_the_same() {
    for format in Format::ALL {
        let kind = TokenKind::from_word("totp-6-30").filter(|_| format.sheet().needs_kind);
        let read =
            parse(format.sheet().example.as_bytes(), Hints { kind, ..Choice::Detect.into() });
        let found = read.unwrap_or_else(|error| panic!("{format:?}: {error}")).format;
        let want = if format == Format::PlainCsv { Format::OathCsv } else { format };
        assert_eq!(found, want);
    }
}

#[test]
fn a_format_takes_the_encodings_that_its_sheet_names() {
    for format in Format::ALL {
        for encoding in Encoding::ALL {
            let hints = Hints { encoding: Some(encoding), ..Choice::Is(format).into() };
            let error = parse(b"no seed file", hints).err().unwrap();
            let fixed = *error.flaw() == crate::seed::Flaw::FixedEncoding;
            let other = matches!(format.sheet().script, SeedScript::Always(own) if own != encoding);
            assert_eq!(fixed, other, "{format:?} {encoding:?}");
        }
    }
}

#[test]
fn the_documents_name_every_format_in_the_order_of_the_table() {
    let page = fs::read_to_string(workspace("packaging/seed-files.md")).unwrap();
    let names: Vec<_> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once('`'))
        .map(|(name, _)| name)
        .collect();
    assert_eq!(names, Format::ALL.map(Format::word));
}
