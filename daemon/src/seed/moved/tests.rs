//! Every file in `tests/fixtures/seed-moved`, with what comes of each row; and those of other
//! projects, if they lie beside the workspace.

use std::{collections::BTreeSet, fs, path::Path};

use fob_api::AdoptSource;

use super::{MAX_MOVED, Person, Spent, read, reason};
use crate::record::Moving;

/// Each file with its rows.
const FILES: [(&str, &[&str]); 17] = [
    ("bad-empty.oath", &["the file describes no token."]),
    (
        "bad-export-part.txt",
        &[
            "alice totp-6-30 Forge, any ahead",
            "- part_missing: line 1, column 1: a part of this export is missing.",
        ],
    ),
    ("bad-export.txt", &["- damaged: line 1, column 34: the export of the app is damaged."]),
    (
        "bad-rows.oath",
        &[
            "alice seed_too_short: line 1, column 14: the seed has fewer than 128 bits.",
            "bob damaged: line 2, column 1: this type is not known; HOTP, HOTP/E, HOTP/T30 and HOTP/T60 are.",
            "carol damaged: line 3, column 59: this is not a counter from 0 to 9223372036854775807.",
            "dave damaged: line 4, column 60: this is not the last code of such a token.",
            "erin damaged: line 5, column 10: the row ends here; it needs at least 4 fields.",
            "frank damaged: line 6, column 64: this is not a date and time such as 2031-12-31T00:00:00Z.",
        ],
    ),
    (
        "bad-scratch-only.google_authenticator",
        &["- no_kind: line 1, column 1: there is neither TOTP_AUTH nor a HOTP_COUNTER above 0."],
    ),
    (
        "bad-short.google_authenticator",
        &["- seed_too_short: line 1, column 1: the seed has fewer than 128 bits."],
    ),
    (
        "bad-skew.google_authenticator",
        &["- clock: line 3, column 13: the clock is said to be more than 26 hours off."],
    ),
    (
        "bad-step.google_authenticator",
        &["- period: line 2, column 13: this period is not supported; 30 and 60 seconds are."],
    ),
    (
        "bad-uris.txt",
        &[
            "alice no_counter: line 1, column 1: nobody says where the counter of this token is now.",
            "bob damaged: line 2, column 68: this parameter is not known.",
            "- damaged: line 3, column 1: this is neither otpauth://totp, otpauth://hotp nor an export.",
            "carol damaged: line 4, column 1: secret is missing here.",
        ],
    ),
    ("good-button.google_authenticator", &["- hotp-6 from 7, counted, 1 scratch"]),
    ("good-clock.google_authenticator", &["- totp-6-30, up to 60000002, 2 scratch"]),
    ("good-export-parts.txt", &["alice totp-6-30 Forge, any ahead", "bob hotp-8 from 9, up to 9"]),
    ("good-export.txt", &["alice totp-6-30 Forge, any ahead", "bob hotp-8 from 9, up to 9"]),
    ("good-scratch.google_authenticator", &["- totp-6-30, 1 ahead, 2 scratch, 3 malformed"]),
    ("good-skew.google_authenticator", &["- totp-6-60 -240 s, 2 ahead"]),
    ("good-uris.txt", &["alice totp-6-30 Forge, any ahead", "bob totp-8-60, any ahead"]),
    (
        "good-users.oath",
        &[
            "alice totp-6-30, any ahead",
            "bob hotp-6 from 12, up to 12",
            "carol totp-8-60, last code, PIN",
        ],
    ),
];

fn source(name: &str) -> AdoptSource {
    match Path::new(name).extension().and_then(|extension| extension.to_str()) {
        Some("oath") => AdoptSource::UsersOath,
        Some("txt") => AdoptSource::Otpauth,
        _ => AdoptSource::GoogleAuthenticator,
    }
}

fn words(person: &Person) -> String {
    let user = person.user.as_deref().unwrap_or("-");
    let token = match &person.token {
        Ok(token) => token,
        Err(error) => return format!("{user} {}: {error}", reason(error)),
    };
    let digits = token.parameters.digits;
    let mut words = match token.parameters.moving {
        Moving::Counter { next } => format!("{user} hotp-{digits} from {next}"),
        Moving::Time { period } => format!("{user} totp-{digits}-{period}"),
    };
    if let Some(issuer) = &token.issuer {
        words.push_str(&format!(" {issuer}"));
    }
    if token.drift != 0 {
        words.push_str(&format!(" {} s", token.drift));
    }
    words.push_str(&match &token.spent {
        Spent::UpTo(step) => format!(", up to {step}"),
        Spent::Counted => ", counted".to_owned(),
        Spent::Last(_) => ", last code".to_owned(),
        Spent::Unsaid { ahead: None, .. } => ", any ahead".to_owned(),
        Spent::Unsaid { ahead: Some(ahead), .. } => format!(", {ahead} ahead"),
    });
    for (count, what) in [
        (token.scratch.codes.len(), "scratch"),
        (usize::try_from(token.scratch.malformed).unwrap(), "malformed"),
    ] {
        words.push_str(&if count > 0 { format!(", {count} {what}") } else { String::new() });
    }
    words.push_str(if token.dropped.is_some() { ", PIN" } else { "" });
    words
}

fn rows(bytes: &[u8], source: AdoptSource) -> Vec<String> {
    match read(bytes, source) {
        Ok(people) => people.iter().map(words).collect(),
        Err(error) => vec![error.to_string()],
    }
}

#[test]
fn each_fixture_comes_to_what_the_table_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/seed-moved");
    for (name, expected) in FILES {
        let bytes = fs::read(folder.join(name)).unwrap();
        assert_eq!(rows(&bytes, source(name)), expected, "{name}");
    }
    let files = fs::read_dir(folder).unwrap();
    let files = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    assert_eq!(files.collect::<BTreeSet<_>>(), FILES.map(|(name, _)| name.to_owned()).into());
}

#[test]
fn the_users_file_of_another_project_has_seeds_that_are_too_short() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/samples/text/users.oath");
    let Ok(bytes) = fs::read(path) else { return };
    let expected = [1, 2].map(|line| {
        format!("root seed_too_short: line {line}, column 13: the seed has fewer than 128 bits.")
    });
    assert_eq!(rows(&bytes, AdoptSource::UsersOath), expected);
}

#[test]
fn a_file_that_is_too_large_or_no_text_is_refused_whole() {
    let large = vec![b'#'; MAX_MOVED + 1];
    assert_eq!(rows(&large, AdoptSource::UsersOath), ["the file has more than 2 MiB."]);
    let refused = rows(b"HOTP \xff", AdoptSource::UsersOath);
    assert_eq!(refused, ["line 1, column 6: this is not UTF-8 text."]);
}
