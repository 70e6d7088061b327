//! Every file in `tests/fixtures/seed`, with what comes of it.

use std::{collections::BTreeSet, fs};

use data_encoding::HEXLOWER;

use super::{accepted, refused, workspace};
use crate::{
    record::{Algorithm, Moving},
    seed::Format,
};

/// Serial, hash, digits, moving factor, manufacturer, model, end of validity, seed.
type Row = (&'static str, Algorithm, u8, Moving, &'static str, &'static str, u64, &'static str);

const CLOCK_30: Moving = Moving::Time { period: 30 };
const CLOCK_60: Moving = Moving::Time { period: 60 };
const BUTTON: Moving = Moving::Counter { next: 0 };

const GOOD: [(&str, Format, &[Row]); 4] = [
    (
        "good-totp.pskcxml",
        Format::Pskc,
        &[
            (
                "FOB-1001",
                Algorithm::Sha1,
                6,
                CLOCK_30,
                "Fob & Friends Ltd",
                "Clock 6",
                1_956_441_600,
                "9b59d72c2f5c746cd7b54ed9d7851fb3e9bb5699",
            ),
            (
                "FOB-1002",
                Algorithm::Sha256,
                8,
                CLOCK_60,
                "",
                "",
                0,
                "1cce638c060afe2df3123d0462d6986ba413092829781ac9c8219cb2303a80d7",
            ),
            (
                "FOB-1003",
                Algorithm::Sha512,
                7,
                CLOCK_30,
                "",
                "",
                0,
                "6eaac70a44acc9b8cbf0089d99cdd34ce00ac277270f1fc063598cd3346002a33b42da6b652dbc08e09635b7570962b18508be10b776c0147a10d3144bf27e40",
            ),
        ],
    ),
    (
        "good-hotp.pskcxml",
        Format::Pskc,
        &[
            (
                "FOB-2001",
                Algorithm::Sha1,
                6,
                Moving::Counter { next: 7 },
                "Fob Works",
                "",
                0,
                "b3d8232b5187fec012c93de50e06b626",
            ),
            (
                "FOB-2002",
                Algorithm::Sha1,
                6,
                Moving::Counter { next: i64::MAX.cast_unsigned() },
                "Fob Works",
                "",
                0,
                "fa0fe36ca0cbd08bcb800d93ebb792a4f7b6f1e4",
            ),
        ],
    ),
    (
        "good-oath.csv",
        Format::OathCsv,
        &[
            (
                "FOB-3001",
                Algorithm::Sha1,
                6,
                BUTTON,
                "",
                "",
                0,
                "279332043b6e814db89615036fd39c301d77edba",
            ),
            (
                "FOB-3002",
                Algorithm::Sha1,
                6,
                CLOCK_30,
                "",
                "",
                0,
                "93abf8e2b053e77dd1cef032dced950c2bb3ace2",
            ),
            (
                "FOB-3003",
                Algorithm::Sha1,
                8,
                CLOCK_60,
                "",
                "",
                0,
                "bf2a1e1567de2b4a3b54ddd2790d4c4444747b7b98f427",
            ),
            (
                "fob/3004_a.b",
                Algorithm::Sha1,
                7,
                BUTTON,
                "",
                "",
                0,
                "7f2777b4a29943144fc597e545b83f4e",
            ),
        ],
    ),
    (
        "good-entra.csv",
        Format::EntraCsv,
        &[
            (
                "FOB-4001",
                Algorithm::Sha1,
                6,
                CLOCK_30,
                "Fob Works",
                "Clock",
                0,
                "e25848b100682e1aaa95ba3ae236fb4e2b35589a",
            ),
            (
                "FOB-4002",
                Algorithm::Sha1,
                6,
                CLOCK_60,
                "Fob \"Works\", Ltd",
                "",
                0,
                "e557f576a12eef1613ed07d4e2af77c7",
            ),
        ],
    ),
];

/// File and the whole fact.
const BAD: [(&str, &str); 36] = [
    (
        "bad-attribute-entity.xml",
        "line 5, column 5: only the five entities that XML predefines are accepted.",
    ),
    ("bad-base32.csv", "line 2, column 29: this character is not base32 (A to Z, 2 to 7)."),
    ("bad-base64.xml", "line 9, column 13: this character is not base64."),
    ("bad-behind-root.xml", "line 14, column 1: this element does not belong here."),
    (
        "bad-certificate.xml",
        "line 3, column 3: the seeds are encrypted for an X.509 certificate (RSA), which is not supported.",
    ),
    ("bad-depth.xml", "line 4, column 511: the elements are nested more than 32 deep."),
    ("bad-doctype.xml", "line 2, column 1: a document type declaration (DOCTYPE) is not accepted."),
    ("bad-empty.csv", "the file is empty."),
    ("bad-encoding.xml", "line 1, column 1: the file says that it is not in UTF-8."),
    (
        "bad-encrypted-value.xml",
        "line 8, column 33: the seeds are encrypted with RSA, which is not supported.",
    ),
    (
        "bad-entity.xml",
        "line 4, column 35: only the five entities that XML predefines are accepted.",
    ),
    ("bad-escape.xml", "line 4, column 34: this control character does not belong in a seed file."),
    ("bad-header.csv", "line 1, column 1: the header lacks the column \"secret key\"."),
    ("bad-hex.csv", "line 3, column 24: this character is not a hexadecimal digit."),
    ("bad-interval.csv", "line 2, column 46: this period is not supported; 30 and 60 seconds are."),
    ("bad-latin1.csv", "line 2, column 6: this is not UTF-8 text."),
    ("bad-laughs.xml", "line 1, column 1: a document type declaration (DOCTYPE) is not accepted."),
    (
        "bad-namespace.xml",
        "line 2, column 1: this is another version of PSKC than 1.0 of RFC 6030.",
    ),
    ("bad-no-secret.xml", "line 5, column 5: this key has no secret in the file."),
    ("bad-nul.csv", "line 2, column 1: this control character does not belong in a seed file."),
    ("bad-ocra.csv", "line 1, column 49: this type is not supported; hotp and totp are."),
    ("bad-other.xml", "line 2, column 1: this is not a PSKC KeyContainer."),
    ("bad-password.xml", "line 3, column 3: the seeds are encrypted with a passphrase."),
    (
        "bad-pin.xml",
        "line 15, column 5: this is a PIN (pskc:pin); only keys of hotp and totp tokens are supported.",
    ),
    ("bad-quote.csv", "line 1, column 7: a quotation mark has to stand around a whole field."),
    (
        "bad-same-seed.csv",
        "line 3, column 1: token FOB-2 has the same seed as token FOB-1 of line 1, column 1.",
    ),
    (
        "bad-same-seed.xml",
        "line 15, column 5: token FOB-2 has the same seed as token FOB-1 of line 5, column 5.",
    ),
    (
        "bad-same-serial.csv",
        "line 3, column 1: token fob-A1 was described already, at line 1, column 1.",
    ),
    (
        "bad-same-serial.xml",
        "line 15, column 5: token fob-1 was described already, at line 5, column 5.",
    ),
    ("bad-shared-key.xml", "line 3, column 3: the seeds are encrypted with a pre-shared key."),
    ("bad-short.csv", "line 1, column 7: the seed has fewer than 128 bits."),
    ("bad-short.xml", "line 8, column 29: the seed has fewer than 128 bits."),
    ("bad-truncated.xml", "line 12, column 3: the file ends in the middle."),
    (
        "bad-users.oath",
        "line 2, column 1: this is a users file of pam_oath (oath-toolkit): its tokens have no serials.",
    ),
    ("bad-utf16.csv", "line 2, column 1: this is not UTF-16 text."),
    ("bad-zero.csv", "line 1, column 7: the seed is all zeroes."),
];

fn fixture(name: &str) -> Vec<u8> {
    fs::read(workspace("tests/fixtures/seed").join(name)).unwrap()
}

#[test]
fn good_files_give_their_tokens() {
    for (name, format, rows) in GOOD {
        let read = accepted(&fixture(name));
        assert_eq!((read.format, read.tokens.len()), (format, rows.len()), "{name}");
        for (token, row) in read.tokens.iter().zip(rows) {
            let parameters = token.parameters;
            let got = (
                token.serial.as_str(),
                parameters.algorithm,
                parameters.digits,
                parameters.moving,
                token.manufacturer.as_deref().unwrap_or_default(),
                token.model.as_deref().unwrap_or_default(),
                token.not_after.unwrap_or_default(),
                HEXLOWER.encode(token.seed.as_bytes()),
            );
            let (serial, hash, digits, moving, manufacturer, model, not_after, seed) = *row;
            let want =
                (serial, hash, digits, moving, manufacturer, model, not_after, seed.to_owned());
            assert_eq!(got, want, "{name}");
        }
    }
}

#[test]
fn bad_files_are_refused_with_place_and_reason() {
    for (name, fact) in BAD {
        assert_eq!(refused(&fixture(name)).to_string(), fact, "{name}");
    }
}

#[test]
fn every_fixture_has_its_row() {
    let rows = GOOD.iter().map(|row| row.0).chain(BAD.iter().map(|row| row.0));
    let rows = rows.chain(super::encrypted::FILES.iter().map(|row| row.0));
    let files = fs::read_dir(workspace("tests/fixtures/seed")).unwrap();
    let files: BTreeSet<_> =
        files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(rows.map(str::to_owned).collect::<BTreeSet<_>>(), files);
}
