//! Seed files: read or refused, and a refusal says nothing of a seed.

use fob_api::Password;
use fobd::{
    record::{MAX_SEED, MIN_SEED, Moving},
    seed::{
        Choice, Encoding, Flaw, Format, Hints, Reading, SeedError, TokenKind, VendorToken, open,
        parse,
    },
};
use zeroize::Zeroizing;

/// A file of which nobody says the format.
pub(super) fn detect(bytes: &[u8]) {
    check_all(bytes, Choice::Detect);
}

/// A file that is said to be an Entra CSV.
pub(super) fn entra_csv(bytes: &[u8]) {
    check_all(bytes, Choice::Is(Format::EntraCsv));
}

/// A file that is said to be Feitian's text.
pub(super) fn feitian_text(bytes: &[u8]) {
    check_all(bytes, Choice::Is(Format::FeitianText));
}

/// A file that is said to be a list of LinOTP.
pub(super) fn linotp_csv(bytes: &[u8]) {
    check_all(bytes, Choice::Is(Format::LinotpCsv));
}

/// A file that is said to be a list of multiOTP.
pub(super) fn multiotp_csv(bytes: &[u8]) {
    check_all(bytes, Choice::Is(Format::MultiotpCsv));
}

/// A file that is said to be Nexus' text.
pub(super) fn nexus_text(bytes: &[u8]) {
    check_all(bytes, Choice::Is(Format::NexusText));
}

/// A file that is said to be an OATH CSV.
pub(super) fn oath_csv(bytes: &[u8]) {
    check_all(bytes, Choice::Is(Format::OathCsv));
}

/// A file that is said to be a list of serials and seeds.
pub(super) fn plain_csv(bytes: &[u8]) {
    check_all(bytes, Choice::Is(Format::PlainCsv));
}

/// A file that is said to be a list of privacyIDEA.
pub(super) fn privacyidea_csv(bytes: &[u8]) {
    check_all(bytes, Choice::Is(Format::PrivacyideaCsv));
}

/// A file that is said to be PSKC.
pub(super) fn pskc(bytes: &[u8]) {
    check_all(bytes, Choice::Is(Format::Pskc));
}

/// What opens the files of the corpus: the passphrase, and keys of each length.
const PASSWORDS: [&str; 4] = [
    "qwerty",
    "12345678901234567890123456789012",
    "123456789012345678901234567890123456789012345678",
    "1234567890123456789012345678901234567890123456789012345678901234",
];

/// An encrypted PSKC file, and what would open it.
pub(super) fn pskc_encrypted(bytes: &[u8]) {
    // Rounds by the million are no finding, and would end the search; in UTF-16 neither.
    let bytes_of_text: Vec<u8> = bytes.iter().copied().filter(|byte| *byte != 0).collect();
    let rounds = bytes_of_text.windows(15).position(|part| part == b"IterationCount>");
    let digits = rounds.map_or(&[][..], |at| &bytes_of_text[at + 15..]).iter();
    if digits.take_while(|byte| byte.is_ascii_digit()).count() > 4 {
        return;
    }
    for typed in PASSWORDS {
        let password = Password::new(Zeroizing::new(typed.to_owned())).unwrap();
        match open(bytes, Choice::Is(Format::Pskc), Some(&password)) {
            Ok(reading) => {
                assert!(!reading.tokens.is_empty());
                reading.tokens.iter().for_each(good);
                // It was encrypted, or the password would have been refused.
                assert!(parse(bytes, Choice::Is(Format::Pskc)).is_err());
            }
            Err(error) => {
                assert!(!error.to_string().contains(typed), "the password is told: {error}");
                keeps_secrets(&error, bytes);
            }
        }
    }
}

/// A file that is said to be a SafeID CSV.
pub(super) fn safeid_csv(bytes: &[u8]) {
    check_all(bytes, Choice::Is(Format::SafeidCsv));
}

/// A file that is said to be SafeNet's XML.
pub(super) fn safenet_xml(bytes: &[u8]) {
    check_all(bytes, Choice::Is(Format::SafenetXml));
}

/// A file that is said to be SafeWord's records.
pub(super) fn safeword_dat(bytes: &[u8]) {
    check_all(bytes, Choice::Is(Format::SafewordDat));
}

/// A file that is said to be a log of the YubiKey Personalization Tool.
pub(super) fn yubico_csv(bytes: &[u8]) {
    check_all(bytes, Choice::Is(Format::YubicoCsv));
}

/// Reads with nothing said besides, and with each thing that may be said of a list.
fn check_all(bytes: &[u8], format: Choice) {
    let hints = Hints::from(format);
    check(bytes, hints);
    for kind in ["hotp-8", "totp-6-60"] {
        check(bytes, Hints { kind: TokenKind::from_word(kind), ..hints });
    }
    for encoding in Encoding::ALL {
        check(bytes, Hints { encoding: Some(encoding), ..hints });
    }
}

fn check(bytes: &[u8], hints: Hints) {
    match parse(bytes, hints) {
        Ok(Reading { format, tokens, .. }) => {
            assert!(hints.format == Choice::Detect || hints.format == Choice::Is(format));
            assert!(!tokens.is_empty());
            tokens.iter().for_each(good);
            same_when_named(bytes, Hints { format: Choice::Is(format), ..hints }, &tokens);
            if format == Format::OathCsv {
                same_when_written(&tokens);
            }
        }
        Err(error) => keeps_secrets(&error, bytes),
    }
}

/// What is taken is within the bounds that the rest of the daemon builds on.
fn good(token: &VendorToken) {
    assert!((MIN_SEED..=MAX_SEED).contains(&token.seed.as_bytes().len()), "128 bit at least");
    assert!(token.seed.as_bytes().iter().any(|byte| *byte != 0), "no seed is all zeros");
    assert!((6..=8).contains(&token.parameters.digits));
    match token.parameters.moving {
        Moving::Counter { next } => assert!(i64::try_from(next).is_ok()),
        Moving::Time { period } => assert!(matches!(period, 30 | 60)),
    }
    for label in [&token.manufacturer, &token.model].into_iter().flatten() {
        assert!(!label.is_empty() && label.chars().count() <= 100);
        assert!(!label.contains(char::is_control));
    }
}

/// The format that was found, given by name, reads the same.
fn same_when_named(bytes: &[u8], hints: Hints, tokens: &[VendorToken]) {
    let again = parse(bytes, hints).ok().unwrap();
    same(tokens, &again.tokens);
}

/// The simplest of the formats written anew reads the same.
fn same_when_written(tokens: &[VendorToken]) {
    let mut text = String::new();
    for token in tokens {
        let seed: String = token.seed.as_bytes().iter().map(|b| format!("{b:02x}")).collect();
        let (serial, digits) = (&token.serial, token.parameters.digits);
        let row = match token.parameters.moving {
            Moving::Time { period } => format!("{serial},{seed},totp,{digits},{period}\n"),
            Moving::Counter { next: 0 } => format!("{serial},{seed},hotp,{digits}\n"),
            Moving::Counter { .. } => panic!("this format has no column for a counter"),
        };
        text.push_str(&row);
    }
    let again = parse(text.as_bytes(), Choice::Is(Format::OathCsv)).ok().unwrap();
    same(tokens, &again.tokens);
}

#[track_caller]
fn same(one: &[VendorToken], other: &[VendorToken]) {
    assert_eq!(one.len(), other.len());
    for (a, b) in one.iter().zip(other) {
        assert_eq!((&a.serial, a.parameters), (&b.serial, b.parameters));
        assert!(a.seed.as_bytes() == b.seed.as_bytes());
    }
}

/// Bytes that must not be in a refusal at a stretch: too many for chance, too few for a seed.
const TELLING: usize = 10;

/// A refusal has no stretch of the file that could be of a seed: some digits and a letter, which
/// no sentence of the refusals has. The serials of duplicates are named on purpose.
pub(super) fn keeps_secrets(error: &SeedError, bytes: &[u8]) {
    if matches!(error.flaw(), Flaw::DuplicateSerial { .. } | Flaw::DuplicateSeed { .. }) {
        return;
    }
    let said = format!("{error} {:?} {error:?}", error.hint());
    let telling = |window: &&[u8]| {
        window.iter().all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(byte))
            && window.iter().any(u8::is_ascii_alphabetic)
            && window.iter().filter(|byte| byte.is_ascii_digit()).count() >= 3
    };
    for window in said.as_bytes().windows(TELLING).filter(telling) {
        assert!(!bytes.windows(TELLING).any(|part| part == window), "the file is quoted: {said}");
    }
    assert!(!said.contains(char::is_control), "not one clean line: {said:?}");
}
