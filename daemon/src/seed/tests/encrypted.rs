//! The encrypted files in `tests/fixtures/seed`: each is what the generator makes, and opens.

use std::fs;

use super::workspace;
use crate::seed::{
    Choice, Flaw, Notice, open,
    testing::{MacOf, Maker, OpenedBy, PASSPHRASE, SEED, typed, typed_key},
};

/// A file, how it is made, and what is told of it.
type Row = (&'static str, Maker, &'static [Notice]);

const BY_KEY: Maker = Maker {
    cipher: "aes128-cbc",
    hash: "hmac-sha1",
    mac: MacOf::Sealed,
    by: OpenedBy::Key,
    rounds: 1000,
};
const HMAC_SHA256: &str = "<PRF Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#hmac-sha256\"/>";

pub(super) const FILES: [Row; 6] = [
    ("encrypted-key.pskcxml", BY_KEY, &[]),
    (
        "encrypted-passphrase.pskcxml",
        Maker {
            cipher: "aes256-cbc",
            hash: "hmac-sha256",
            by: OpenedBy::Passphrase(HMAC_SHA256, true),
            ..BY_KEY
        },
        &[],
    ),
    ("encrypted-mac-key-missing.pskcxml", Maker { mac: MacOf::SealedByValueKey, ..BY_KEY }, &[]),
    (
        "encrypted-mac-over-plaintext.pskcxml",
        Maker { mac: MacOf::Plain, by: OpenedBy::Passphrase("<PRF/>", false), ..BY_KEY },
        &[Notice::MacOverPlaintext],
    ),
    (
        "encrypted-no-mac.pskcxml",
        Maker { cipher: "aes192-cbc", mac: MacOf::Nothing, ..BY_KEY },
        &[Notice::NoMac],
    ),
    ("encrypted-wrap.pskcxml", Maker { cipher: "kw-aes256", mac: MacOf::Nothing, ..BY_KEY }, &[]),
];

/// The seed of the second token, which the tests of the daemon's memory look for.
const OTHER: &[u8; 32] = b"\
    \x7c\x0a\x83\xe9\xea\x0e\x2c\x08\x2e\x88\x01\x34\x96\xec\x9f\xc5\
    \xe1\xc5\x74\x94\xa9\x30\x0c\xfd\x41\x84\x44\xd7\x9f\xa8\x34\xb8\
";

/// Returns the tokens of such a file. Key wrap takes no seed of 20 bytes.
fn text(maker: &Maker) -> String {
    let other = if maker.cipher.starts_with("kw") { &SEED[..16] } else { SEED };
    maker.file(&[("FOB-5001", other), ("FOB-5002", OTHER)])
}

#[test]
fn each_encrypted_fixture_opens_and_is_what_the_generator_makes() {
    for (name, maker, notices) in FILES {
        let bytes = fs::read(workspace("tests/fixtures/seed").join(name)).unwrap();
        assert!(bytes == text(&maker).as_bytes(), "{name}: see write_the_encrypted_fixtures");
        let password = match maker.by {
            OpenedBy::Key => typed_key(maker.key_length()),
            OpenedBy::Passphrase(..) => typed(PASSPHRASE),
        };
        let reading = open(&bytes, Choice::Detect, Some(&password)).ok().unwrap();
        assert_eq!(reading.notices, notices, "{name}");
        let serials: Vec<_> = reading.tokens.iter().map(|token| token.serial.as_str()).collect();
        assert_eq!(serials, ["FOB-5001", "FOB-5002"], "{name}");
        assert_eq!(reading.tokens[1].seed.as_bytes(), *OTHER, "{name}");
        let asked = open(&bytes, Choice::Detect, None).err().unwrap();
        assert!(matches!(asked.flaw(), Flaw::Encrypted(_)), "{name}");
        let wrong = open(&bytes, Choice::Detect, Some(&typed(&"0".repeat(64)))).err().unwrap();
        assert!(matches!(wrong.flaw(), Flaw::WrongPassword(_) | Flaw::KeySize { .. }), "{name}");
    }
}

/// Writes the fixtures anew, for the test above and for the corpus of the fuzz target:
/// `cargo test -p fobd --lib -- --ignored write_the_encrypted_fixtures`.
#[test]
#[ignore = "writes into the sources"]
fn write_the_encrypted_fixtures() {
    for (name, maker, _) in FILES {
        for folder in ["tests/fixtures/seed", "tests/fuzz/corpus/seed_pskc_encrypted"] {
            fs::write(workspace(folder).join(name), text(&maker)).unwrap();
        }
    }
}
