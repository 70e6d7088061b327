//! Seed files: read or refused, and a refusal says nothing of a seed.

use fobd::{
    record::{MAX_SEED, MIN_SEED, Moving},
    seed::{Choice, Flaw, Format, SeedError, VendorToken, parse},
};

/// A file of which nobody says the format.
pub(super) fn detect(bytes: &[u8]) {
    check(bytes, Choice::Detect);
}

/// A file that is said to be an Entra CSV.
pub(super) fn entra_csv(bytes: &[u8]) {
    check(bytes, Choice::Is(Format::EntraCsv));
}

/// A file that is said to be an OATH CSV.
pub(super) fn oath_csv(bytes: &[u8]) {
    check(bytes, Choice::Is(Format::OathCsv));
}

/// A file that is said to be PSKC.
pub(super) fn pskc(bytes: &[u8]) {
    check(bytes, Choice::Is(Format::Pskc));
}

fn check(bytes: &[u8], choice: Choice) {
    match parse(bytes, choice) {
        Ok((format, tokens)) => {
            assert!(choice == Choice::Detect || choice == Choice::Is(format));
            assert!(!tokens.is_empty());
            tokens.iter().for_each(good);
            same_when_named(bytes, format, &tokens);
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
fn same_when_named(bytes: &[u8], format: Format, tokens: &[VendorToken]) {
    let (_, again) = parse(bytes, Choice::Is(format)).ok().unwrap();
    same(tokens, &again);
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
    let (_, again) = parse(text.as_bytes(), Choice::Is(Format::OathCsv)).ok().unwrap();
    same(tokens, &again);
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
fn keeps_secrets(error: &SeedError, bytes: &[u8]) {
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
