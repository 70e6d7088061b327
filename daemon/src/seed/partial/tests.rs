use fob_api::{SeedEncoding, TokenKind};

use super::{MOST, open_partly};
use crate::seed::{Choice, Format, Hints, SeedError, error::Flaw, testing::work};

/// Seeds of 16 bytes, in hexadecimal and in base32.
const HEX: [&str; 3] = [
    "000102030405060708090a0b0c0d0e0f",
    "100102030405060708090a0b0c0d0e0f",
    "200102030405060708090a0b0c0d0e0f",
];
const BASE32: &str = "AAAQEAYEAUDAOCAJBIFQYDIOB4";

fn of(format: Format) -> Hints {
    Hints::from(Choice::Is(format))
}

/// A serial and its line.
type Good = (String, u32);
/// Line, column and flaw of what is set aside.
type Bad = (u32, u32, Flaw);

/// Reads a text and says which serials came in, with their lines, and which places did not.
#[track_caller]
fn sifted(text: &str, hints: Hints) -> (Vec<Good>, Vec<Bad>) {
    let (reading, rejects) = open_partly(text.as_bytes(), hints, None).ok().unwrap();
    let tokens = reading.tokens.iter();
    let good = tokens.map(|token| (token.serial.to_string(), token.place.line)).collect();
    let bad = rejects.iter().map(|reject| {
        let place = reject.error.place().unwrap();
        (place.line, place.column, reject.error.flaw().clone())
    });
    (good, bad.collect())
}

#[track_caller]
fn refused(text: &str, hints: impl Into<Hints>) -> SeedError {
    open_partly(text.as_bytes(), hints, None).err().unwrap()
}

fn named(rows: &[(&str, u32)]) -> Vec<Good> {
    rows.iter().map(|(serial, line)| ((*serial).to_owned(), *line)).collect()
}

#[test]
fn good_rows_come_in_and_bad_ones_are_told_with_their_places() {
    let text = format!(
        "# a list\nA1,{},totp\r\n\r\nA2,12,totp\nA3,{},motp\r,{},totp\nA4,{},totp\nA\"5,x",
        HEX[0], HEX[1], HEX[1], HEX[2]
    );
    let (good, bad) = sifted(&text, of(Format::OathCsv));
    assert_eq!(good, named(&[("A1", 2), ("A4", 7)]));
    let places: Vec<_> = bad.iter().map(|(line, column, _)| (*line, *column)).collect();
    assert_eq!(places, [(4, 4), (5, 37), (6, 1), (8, 2)]);
    assert_eq!(bad[0].2, Flaw::SeedTooShort);
    assert_eq!(bad[1].2, Flaw::OtherType);
    assert_eq!(bad[3].2, Flaw::StrayQuote);
}

#[test]
fn a_file_without_a_flaw_is_read_as_ever() {
    let text = format!("A1,{},totp\nA2,{},totp,6,60\n", HEX[0], HEX[1]);
    let (good, bad) = sifted(&text, Hints::from(Choice::Detect));
    assert_eq!((good, bad.len()), (named(&[("A1", 1), ("A2", 2)]), 0));
}

#[test]
fn the_header_stands_before_each_row() {
    let header = "upn,secret key,serial number,manufacturer,model,time interval";
    let text = format!("\n{header}\n,{BASE32},A1,,,30\n,{BASE32}1,A2,,,30\n,{BASE32},A3,,,45\n");
    let (good, bad) = sifted(&text, of(Format::EntraCsv));
    assert_eq!(good, named(&[("A1", 3)]));
    assert_eq!(bad, [(4, 28, Flaw::NotBase32), (5, 34, Flaw::BadPeriod)]);
    // It is not certain whether it is SafeID's.
    assert!(matches!(
        refused(&text, Choice::Detect).flaw(),
        Flaw::AmbiguousFormat { candidates } if candidates.len() == 2
    ));
    let bad = refused(&text.replace("model", "colour"), of(Format::EntraCsv));
    assert_eq!((bad.flaw(), bad.place().unwrap().line), (&Flaw::UnknownColumn, 2));
}

#[test]
fn a_row_with_another_separator_than_the_first_one_is_set_aside() {
    let text = format!("A1;{};totp\nA2,{},totp\nA3;{};totp\nA4\n", HEX[0], HEX[1], HEX[2]);
    let (good, bad) = sifted(&text, of(Format::OathCsv));
    assert_eq!(good, named(&[("A1", 1), ("A3", 3)]));
    let few = Flaw::TooFewFields { wanted: 2 };
    assert_eq!(bad, [(2, 3, Flaw::OtherSeparator), (4, 3, few)]);
    // The first row says which one it is, whether it is good or not.
    let (good, bad) = sifted(&format!("A0,12\n{text}"), of(Format::OathCsv));
    assert_eq!(good, named(&[("A2", 3)]));
    assert_eq!(bad[1], (2, 3, Flaw::OtherSeparator));
    let multiotp = format!("A1;M, N;totp;{};6;30\nA2,M; N,totp,{},6,30\n", HEX[0], HEX[1]);
    assert_eq!(sifted(&multiotp, of(Format::MultiotpCsv)).0, named(&[("A1", 1)]));
}

#[test]
fn a_long_head_costs_no_more_with_many_rows() {
    let header = format!("upn,secret key,serial number,manufacturer,model,time{:9000}interval", "");
    let version = format!("# version: {:9000}2", "");
    for (head, row, format) in [
        (header, ",xyz,A2,,,30\n", Format::EntraCsv),
        (version, "u,r,r,A2,xyz,totp\n", Format::PrivacyideaCsv),
    ] {
        let text = format!("{head}\n{}", row.repeat(1000));
        let done = work(|| drop(refused(&text, of(format))));
        // Each row is split once for the file as a whole and once by itself, and so are places.
        assert!(done <= 5 * text.len(), "{done} bytes of work for {}", text.len());
    }
}

#[test]
fn the_version_of_a_list_stands_before_each_row() {
    let text =
        format!("# version: 2\nalice,r,r,A1,{},hotp,6,12\nbob,r,r,A2,{},hotp,9\n", HEX[0], HEX[1]);
    let (good, bad) = sifted(&text, Hints::from(Choice::Detect));
    assert_eq!(good, named(&[("A1", 2)]));
    assert_eq!(bad, [(3, 50, Flaw::BadDigits)]);
}

#[test]
fn of_tokens_that_share_a_serial_or_a_seed_none_comes_in() {
    let text =
        format!("A1,{},totp\na1,{},totp\nA2,{},totp\nA3,{},totp\n", HEX[0], HEX[1], HEX[2], HEX[2]);
    let extra = format!("{text}A4,{},totp\n", HEX[2].replace('2', "3"));
    let (good, bad) = sifted(&extra, of(Format::OathCsv));
    assert_eq!(good, named(&[("A4", 5)]));
    let lines: Vec<_> = bad.iter().map(|(line, ..)| *line).collect();
    assert_eq!(lines, [1, 2, 3, 4]);
    assert!(matches!(bad[0].2, Flaw::DuplicateSerial { .. }));
    assert!(matches!(bad[2].2, Flaw::DuplicateSeed { .. }));
    assert!(matches!(refused(&text, of(Format::OathCsv)).flaw(), Flaw::DuplicateSerial { .. }));
}

#[test]
fn a_row_in_another_encoding_refuses_the_file_and_one_in_both_only_itself() {
    let kind = TokenKind::from_word("totp-6-30");
    let hints = Hints { kind, ..of(Format::FeitianText) };
    let bad = "A9 xyz\n";
    let mixed = format!("{bad}A1 {}\nA2 {BASE32}\n", HEX[0]);
    assert_eq!(*refused(&mixed, hints).flaw(), Flaw::MixedEncodings);
    let both = format!("{bad}A1 {}\nA2 22334455667722334455667722334455\n", HEX[0]);
    let (good, flaws) = sifted(&both, hints);
    assert_eq!(good, named(&[("A1", 2)]));
    assert_eq!(flaws[1], (3, 4, Flaw::AmbiguousEncoding));
    let said = Hints { encoding: Some(SeedEncoding::Hex), ..hints };
    assert_eq!(sifted(&both, said).0, named(&[("A1", 2), ("A2", 3)]));
}

#[test]
fn what_is_wrong_with_the_whole_file_refuses_it() {
    let row = format!("A1,{}\nA2,xyz\n", HEX[0]);
    assert_eq!(
        *refused(&format!("A1,{}\n", HEX[0]), of(Format::PlainCsv)).flaw(),
        Flaw::KindIsMissing
    );
    assert!(matches!(refused(&row, Choice::Detect).flaw(), Flaw::AmbiguousFormat { .. }));
    assert_eq!(*refused("", Choice::Detect).flaw(), Flaw::Empty);
    assert!(matches!(refused("<a/>", Choice::Detect).flaw(), Flaw::NotPskc | Flaw::Missing { .. }));
    // No row is good: the first flaw is told.
    assert_eq!(refused("A1,xyz\nA2,xyz\n", of(Format::OathCsv)).place().unwrap().line, 1);
}

#[test]
fn a_file_of_bad_rows_is_given_up() {
    let rows = "A2,xyz\n".repeat(MOST + 2);
    let error = refused(&format!("A1,{}\n{rows}", HEX[0]), of(Format::OathCsv));
    assert_eq!(error.place().unwrap().line, 2);
}
