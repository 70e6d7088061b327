//! Files of other programs with their users: each row read or refused by itself, and a refusal says
//! nothing of a seed.

use fob_api::AdoptSource;
use fobd::{
    record::{MAX_SEED, MIN_SEED, Moving},
    seed::moved::{Moved, Spent, hint, read, reason},
};

use super::seed::keeps_secrets;

/// A file of one user of google-authenticator.
pub(super) fn google_authenticator(bytes: &[u8]) {
    check(bytes, AdoptSource::GoogleAuthenticator);
}

/// URIs of apps, and exports.
pub(super) fn otpauth(bytes: &[u8]) {
    check(bytes, AdoptSource::Otpauth);
}

/// A users file of pam_oath.
pub(super) fn users_oath(bytes: &[u8]) {
    check(bytes, AdoptSource::UsersOath);
}

fn check(bytes: &[u8], source: AdoptSource) {
    let people = match read(bytes, source) {
        Ok(people) => people,
        Err(error) => return keeps_secrets(&error, bytes),
    };
    assert!(!people.is_empty());
    assert!(source != AdoptSource::GoogleAuthenticator || people.len() == 1);
    for person in people {
        assert!(person.place.line >= 1 && person.place.column >= 1);
        match &person.token {
            Ok(token) => good(token),
            Err(error) => {
                keeps_secrets(error, bytes);
                assert!(!reason(error).is_empty() && !hint(error).is_empty());
            }
        }
    }
}

/// What is taken is within the bounds that the rest of the daemon builds on.
fn good(token: &Moved) {
    assert!((MIN_SEED..=MAX_SEED).contains(&token.seed.as_bytes().len()), "128 bit at least");
    assert!(token.seed.as_bytes().iter().any(|byte| *byte != 0), "no seed is all zeros");
    assert!((6..=8).contains(&token.parameters.digits));
    assert!(token.drift.unsigned_abs() <= 93_600, "26 hours");
    match (token.parameters.moving, &token.spent) {
        (Moving::Counter { next }, Spent::Counted) => assert!(i64::try_from(next).is_ok()),
        (Moving::Counter { next }, Spent::UpTo(step)) => assert_eq!(next, *step),
        (Moving::Time { period }, Spent::UpTo(_) | Spent::Unsaid { .. }) => {
            assert!(matches!(period, 30 | 60));
        }
        (Moving::Time { .. }, Spent::Last(code)) => {
            assert_eq!(code.digits(), token.parameters.digits);
        }
        _ => panic!("a button without its counter, or a clock that is counted"),
    }
    if let Some(issuer) = &token.issuer {
        assert!(!issuer.is_empty() && issuer.chars().count() <= 100);
        assert!(!issuer.contains(char::is_control));
    }
}
