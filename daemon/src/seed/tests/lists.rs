//! Every file in `tests/fixtures/seed-lists`: CSV, text and other lists, with what comes of it.

use std::{collections::BTreeSet, fs};

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha512};

use super::workspace;
use crate::{
    record::{Algorithm, Moving},
    seed::{Choice, Encoding, Flaw, Format, Hints, SeedError, TokenKind, VendorToken, parse},
};

const CLOCK_30: Moving = Moving::Time { period: 30 };
const CLOCK_60: Moving = Moving::Time { period: 60 };

const fn button(next: u64) -> Moving {
    Moving::Counter { next }
}

/// Serial, moving factor, digits, hash, bytes of the seed, manufacturer and model.
type Row = (&'static str, Moving, u8, Algorithm, usize, &'static str);

/// A token with SHA-1 and a seed of 20 bytes.
const fn usual(serial: &'static str, moving: Moving, digits: u8) -> Row {
    (serial, moving, digits, Algorithm::Sha1, 20, "")
}

const WORKS: &str = "List Works, Ltd/";
const CLOCK: &str = "List Works, Ltd/Clock";
const SAFEID: &str = "Deepnet Security/SafeID/Classic";
const SHA1: Algorithm = Algorithm::Sha1;
const SHA256: Algorithm = Algorithm::Sha256;
const SHA512: Algorithm = Algorithm::Sha512;

/// Name, kind, format, tokens of a list.
type Good = (&'static str, &'static str, Format, &'static [Row]);

/// File, what the caller says of its tokens, the format that is found, and its tokens.
const GOOD: [Good; 18] = [
    (
        "good-privacyidea-1.csv",
        "",
        Format::PrivacyideaCsv,
        &[usual("LST-1001", button(12), 6), usual("LST-1002", CLOCK_60, 8)],
    ),
    (
        "good-privacyidea-2.csv",
        "",
        Format::PrivacyideaCsv,
        &[usual("LST-1003", CLOCK_30, 6), ("LST-1004", button(0), 8, SHA1, 32, "")],
    ),
    (
        "good-linotp.csv",
        "",
        Format::LinotpCsv,
        &[("LST-1101", CLOCK_30, 6, SHA256, 32, ""), ("LST-1102", button(0), 8, SHA512, 20, "")],
    ),
    (
        "good-semicolons.csv",
        "",
        Format::OathCsv,
        &[usual("LST-1201", CLOCK_30, 6), usual("LST-1202", button(0), 6)],
    ),
    (
        "good-duo.csv",
        "hotp-8",
        Format::PlainCsv,
        &[usual("LST-1301", button(5), 8), usual("LST-1302", button(0), 8)],
    ),
    (
        "good-pingid.txt",
        "totp-6-60",
        Format::OathCsv,
        &[usual("LST-1401", CLOCK_60, 6), usual("LST-1402", CLOCK_60, 6)],
    ),
    (
        "good-entra-tabs.csv",
        "",
        Format::EntraCsv,
        &[("LST-1501", CLOCK_30, 6, SHA1, 20, CLOCK), ("LST-1502", CLOCK_60, 6, SHA1, 20, WORKS)],
    ),
    (
        "good-entra-utf16be.csv",
        "totp-6-30",
        Format::EntraCsv,
        &[("LST-1503", CLOCK_30, 6, SHA1, 20, "\u{c9}tude/Clock")],
    ),
    (
        "good-safeid.csv",
        "",
        Format::SafeidCsv,
        &[("10001601", CLOCK_60, 6, SHA1, 20, SAFEID), ("10001602", CLOCK_60, 6, SHA1, 20, SAFEID)],
    ),
    (
        "good-multiotp.csv",
        "",
        Format::MultiotpCsv,
        &[("LST-1701", CLOCK_60, 6, SHA1, 20, WORKS), usual("LST-1702", button(0), 8)],
    ),
    (
        "good-multiotp-tabs.csv",
        "",
        Format::MultiotpCsv,
        &[("LST-1703", CLOCK_30, 6, SHA1, 20, WORKS)],
    ),
    (
        "good-yubico.csv",
        "",
        Format::YubicoCsv,
        &[usual("ccccccbcgujh", button(0), 6), usual("ccccccbcgujk", button(0), 8)],
    ),
    (
        "good-yubico-short.csv",
        "",
        Format::YubicoCsv,
        &[usual("5081803", button(0), 6), usual("5081804", button(0), 6)],
    ),
    (
        "good-feitian.txt",
        "totp-6-60",
        Format::FeitianText,
        &[usual("2600000001901", CLOCK_60, 6), usual("2600000001902", CLOCK_60, 6)],
    ),
    (
        "good-feitian-hex.txt",
        "hotp-6",
        Format::FeitianText,
        &[usual("1000000001903", button(0), 6)],
    ),
    (
        "good-nexus.txt",
        "",
        Format::NexusText,
        &[usual("LST-2001", button(0), 6), usual("LST-2002", button(7), 6)],
    ),
    (
        "good-safenet.xml",
        "",
        Format::SafenetXml,
        &[
            ("LST2101", button(1), 6, SHA1, 20, "/List Button"),
            ("LST2102", button(1), 6, SHA256, 32, "/List Button"),
        ],
    ),
    (
        "good-safeword.dat",
        "",
        Format::SafewordDat,
        &[usual("LST2201", button(0), 6), ("LST2202", button(0), 8, SHA256, 32, "")],
    ),
];

/// File, the whole fact, and the remedy.
const BAD: [(&str, &str, &str); 30] = [
    (
        "bad-column-twice.csv",
        "line 1, column 26: this column is in the header a second time.",
        "take the column out; known are upn, serial number, secret key, time interval, manufacturer and model.",
    ),
    (
        "bad-column.csv",
        "line 1, column 63: this column is not known.",
        "take the column out; known are upn, serial number, secret key, time interval, manufacturer and model.",
    ),
    ("bad-counter.csv", "line 1, column 48: this type is not supported; hotp and totp are.", ""),
    (
        "bad-damaged.csv",
        "line 2, column 39: this character is not base32 (A to Z, 2 to 7).",
        "if the seeds are in hexadecimal, add \"--format safeid-csv\" for a file with a header, else \"--encoding hex\".",
    ),
    ("bad-entry.dat", "line 6, column 84: this entry is not known.", ""),
    (
        "bad-event.csv",
        "line 1, column 66: it is not certain what this counter counts; 0 is supported.",
        "if no code of the token was used yet, write 0; assignment finds the counter again.",
    ),
    (
        "bad-hash.csv",
        "line 1, column 58: this hash is not supported; sha1, sha256 and sha512 are.",
        "ask the vendor for PSKC as in RFC 6030, which names the hash.",
    ),
    (
        "bad-mixed.csv",
        "line 3, column 7: this seed reads in another encoding than those before it.",
        "ask the vendor which of the two is right, or split the file and import each part with \"--encoding\".",
    ),
    ("bad-motp.csv", "line 1, column 18: this type is not supported; hotp and totp are.", ""),
    (
        "bad-nexus-counter.txt",
        "line 1, column 36: it is not certain what this counter counts; 0 is supported.",
        "if no code of the token was used yet, write 0; assignment finds the counter again.",
    ),
    ("bad-nexus-hex.txt", "line 1, column 7: this is not a whole number of base64 groups.", ""),
    (
        "bad-period.csv",
        "line 1, column 66: this period is not supported; 30 and 60 seconds are.",
        "",
    ),
    (
        "bad-safenet-cipher.xml",
        "line 9, column 9: this element does not belong here.",
        "ask the vendor for PSKC as in RFC 6030, or for OATH CSV.",
    ),
    (
        "bad-safenet-factor.xml",
        "line 8, column 7: MovingFactor is missing here.",
        "ask the vendor for PSKC as in RFC 6030, or for OATH CSV.",
    ),
    (
        "bad-safenet-length.xml",
        "line 9, column 15: this seed has neither 20 nor 32 bytes, so its hash is not known.",
        "ask the vendor for PSKC as in RFC 6030, which names the hash.",
    ),
    (
        "bad-same-serial.dat",
        "line 9, column 1: token lst-1 was described already, at line 2, column 1.",
        "ask the vendor which of the two tokens is right; each has its own serial and seed.",
    ),
    (
        "bad-sealed.dat",
        "line 6, column 22: the seed is encrypted for SafeWord.",
        "ask for an export with plain seeds, sent in a protected way.",
    ),
    (
        "bad-short.txt",
        "line 1, column 7: the seed has fewer than 128 bits.",
        "ask the vendor for the right seed, or for other tokens; such a seed protects nobody.",
    ),
    (
        "bad-time.dat",
        "line 6, column 71: this token counts time from a day of its own and not from 1970; that is not supported yet.",
        "ask the vendor for tokens that count from 1970, or for event tokens; if he can set the tokens anew, for a new file.",
    ),
    ("bad-version.csv", "line 1, column 1: this version is not supported; 1 and 2 are.", ""),
    (
        "bad-which-column.csv",
        "the file can be read as privacyidea-csv or linotp-csv, and not with the same tokens.",
        "add \"--format\" with one of these, or \"--kind\" if they differ in what the tokens are; \"fobctl import --list-formats\" explains them.",
    ),
    (
        "bad-which-encoding-entra.csv",
        "line 3, column 8: this seed reads as hexadecimal and as base32.",
        "add \"--encoding hex\" or \"--encoding base32\", whichever the vendor says.",
    ),
    (
        "bad-which-encoding.csv",
        "line 2, column 7: this seed reads as hexadecimal and as base32.",
        "add \"--encoding hex\" or \"--encoding base32\", whichever the vendor says.",
    ),
    (
        "bad-which-format.csv",
        "the file can be read as oath-csv or linotp-csv, and not with the same tokens.",
        "add \"--format\" with one of these, or \"--kind\" if they differ in what the tokens are; \"fobctl import --list-formats\" explains them.",
    ),
    (
        "bad-which-kind.csv",
        "the file can be read as oath-csv or plain-csv, and not with the same tokens.",
        "add \"--format\" with one of these, or \"--kind\" if they differ in what the tokens are; \"fobctl import --list-formats\" explains them.",
    ),
    (
        "bad-which-kind.txt",
        "line 1, column 1: the file does not say what the tokens are.",
        "add \"--kind totp-6-30\" or what else they are: hotp-6, hotp-8, totp-6-60, totp-8-30 or totp-8-60.",
    ),
    (
        "bad-yubico-factor.csv",
        "line 1, column 93: it is not certain what this counter counts; 0 is supported.",
        "if no code of the token was used yet, write 0; assignment finds the counter again.",
    ),
    ("bad-yubico-nameless.csv", "line 1, column 28: the OATH token identifier is empty.", ""),
    (
        "bad-yubico-otp.csv",
        "line 2, column 1: this slot is not OATH-HOTP.",
        "take the row out, or configure that slot for OATH-HOTP.",
    ),
    (
        "bad-yubico-static.csv",
        "line 1, column 10: this slot is not OATH-HOTP.",
        "take the row out, or configure that slot for OATH-HOTP.",
    ),
];

/// Names of the seeds of good tokens where they do not end the serial.
const NAMES: [(&str, &str); 2] = [("ccccccbcgujh", "1801"), ("ccccccbcgujk", "1802")];

/// Returns the seed of a good token: made of the last four digits of its serial.
fn seed_of(serial: &str, length: usize) -> Vec<u8> {
    let known = NAMES.iter().find(|(name, _)| *name == serial).map(|(_, number)| *number);
    let number = known.unwrap_or(&serial[serial.len() - 4..]);
    Sha512::digest(format!("list {number}"))[..length].to_vec()
}

fn fixture(name: &str) -> Vec<u8> {
    fs::read(workspace("tests/fixtures/seed-lists").join(name)).unwrap()
}

fn with_kind(word: &str) -> Hints {
    Hints { kind: TokenKind::from_word(word), ..Hints::from(Choice::Detect) }
}

#[track_caller]
fn assert_row(name: &str, token: &VendorToken, row: &Row) {
    let (serial, moving, digits, algorithm, length, labels) = *row;
    let text = |label: &Option<String>| label.clone().unwrap_or_default();
    let found = format!("{}/{}", text(&token.manufacturer), text(&token.model));
    assert_eq!((token.serial.as_str(), token.not_after), (serial, None), "{name}");
    let parameters = token.parameters;
    assert_eq!(
        (parameters.moving, parameters.digits, parameters.algorithm),
        (moving, digits, algorithm),
        "{name}"
    );
    assert_eq!(found, if labels.is_empty() { "/" } else { labels }, "{name}");
    let seed = HEXLOWER.encode(&seed_of(serial, length));
    assert_eq!(HEXLOWER.encode(token.seed.as_bytes()), seed, "{name}");
}

#[test]
fn good_lists_give_their_tokens() {
    for (name, kind, format, rows) in GOOD {
        let read = parse(&fixture(name), with_kind(kind));
        let read = read.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!((read.format, read.tokens.len()), (format, rows.len()), "{name}");
        assert_eq!(read.notices, [], "{name}");
        read.tokens.iter().zip(rows).for_each(|(token, row)| assert_row(name, token, row));
    }
}

#[test]
fn bad_lists_are_refused_with_place_reason_and_remedy() {
    for (name, fact, hint) in BAD {
        let error = refused(name, Choice::Detect);
        let said = (error.to_string(), error.hint().unwrap_or_default());
        assert_eq!((said.0.as_str(), said.1), (fact, hint), "{name}");
    }
}

#[test]
fn every_list_has_its_row() {
    let rows = GOOD.iter().map(|row| row.0).chain(BAD.iter().map(|row| row.0));
    let files = fs::read_dir(workspace("tests/fixtures/seed-lists")).unwrap();
    let files: BTreeSet<_> =
        files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(rows.map(str::to_owned).collect::<BTreeSet<_>>(), files);
}

#[test]
fn every_format_has_a_list_or_a_fixture_of_its_own() {
    let lists: BTreeSet<_> = GOOD.iter().map(|row| row.2.word()).collect();
    let elsewhere = ["pskc"];
    for format in Format::ALL {
        assert!(lists.contains(format.word()) || elsewhere.contains(&format.word()), "{format:?}");
    }
}

#[test]
fn what_was_refused_for_want_of_a_word_is_read_with_it() {
    let hints = |format, encoding, kind| Hints {
        format: Format::from_word(format).map_or(Choice::Detect, Choice::Is),
        encoding: Encoding::from_word(encoding),
        kind: TokenKind::from_word(kind),
    };
    let sha256 = |tokens: &[VendorToken]| tokens[0].parameters.algorithm == Algorithm::Sha256;
    let found =
        |name, hints| parse(&fixture(name), hints).unwrap_or_else(|e| panic!("{name}: {e}"));
    for (name, hints, format) in [
        ("bad-which-format.csv", hints("oath-csv", "", ""), "oath-csv"),
        ("bad-which-format.csv", hints("linotp-csv", "", ""), "linotp-csv"),
        ("bad-which-kind.csv", hints("", "", "totp-6-30"), "oath-csv"),
        ("bad-which-kind.csv", hints("plain-csv", "", "totp-6-30"), "plain-csv"),
        ("bad-which-kind.txt", hints("", "", "hotp-6"), "feitian-text"),
        ("bad-which-column.csv", hints("privacyidea-csv", "", ""), "privacyidea-csv"),
        ("bad-which-encoding.csv", hints("", "hex", ""), "safeid-csv"),
        ("bad-which-encoding.csv", hints("", "base32", ""), "safeid-csv"),
        ("bad-which-encoding-entra.csv", hints("", "base32", ""), "entra-csv"),
        ("bad-which-encoding-entra.csv", hints("entra-csv", "", ""), "entra-csv"),
    ] {
        let read = found(name, hints);
        assert_eq!(read.format.word(), format, "{name}");
        assert_eq!(sha256(&read.tokens), format == "linotp-csv", "{name}");
    }
}

#[test]
fn what_the_caller_says_is_not_set_against_the_file() {
    let kind = |word| with_kind(word);
    let hex = Hints { encoding: Some(Encoding::Hex), ..Hints::from(Choice::Detect) };
    for (name, hints, flaw) in [
        ("good-linotp.csv", kind("totp-6-30"), Flaw::NotThatKind),
        ("good-safenet.xml", kind("totp-6-30"), Flaw::NotThatKind),
        ("good-entra-tabs.csv", kind("totp-6-30"), Flaw::NotThatKind),
        ("good-nexus.txt", kind("totp-6-30"), Flaw::CounterOfTotp),
        ("good-nexus.txt", hex, Flaw::FixedEncoding),
        ("good-entra-tabs.csv", hex, Flaw::FixedEncoding),
        ("good-entra-tabs.csv", Choice::Is(Format::Pskc).into(), Flaw::StrayText),
    ] {
        assert_eq!(refused(name, hints).flaw(), &flaw, "{name}");
    }
}

#[track_caller]
fn refused(name: &str, hints: impl Into<Hints>) -> SeedError {
    parse(&fixture(name), hints).err().unwrap_or_else(|| panic!("{name} is read"))
}
