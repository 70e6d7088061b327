use fob_api::{Error, Serial};

use super::{Admission, Candidate, Expiry, Known, admit, combined};
use crate::{
    decide::{
        Now,
        remove::forget,
        testing::{CLOCK, NOW, SoftToken, alice},
    },
    record::{Algorithm, Left, Moving, Parameters, Standing, State, Token, Trace},
    seed::Place,
};

/// The fingerprint of [`SoftToken::clock`].
const FINGERPRINT: [u8; 32] = [b'1'; 32];
const NOTHING: Known<'_> = Known { token: None, trace: None };

/// What a seed file says, and what the store has.
struct Case<'a> {
    serial: &'a str,
    fingerprint: [u8; 32],
    parameters: Parameters,
    not_before: Option<u64>,
    not_after: Option<u64>,
    known: Known<'a>,
}

impl Case<'_> {
    fn new() -> Self {
        let (fingerprint, parameters) = (FINGERPRINT, CLOCK);
        let (not_before, not_after) = (None, None);
        Case { serial: "8a1172", fingerprint, parameters, not_before, not_after, known: NOTHING }
    }

    fn admit(&self, expiry: Expiry, now: Now) -> Result<Admission, Error> {
        let candidate = Candidate {
            serial: &Serial::parse(self.serial).unwrap(),
            fingerprint: self.fingerprint,
            parameters: &self.parameters,
            not_before: self.not_before,
            not_after: self.not_after,
            place: Place { line: 3, column: 17 },
        };
        admit(&candidate, &self.known, expiry, now)
    }

    /// Asserts that the file is refused at the token's place, and for which reason.
    #[track_caller]
    fn assert_refused(&self, expiry: Expiry, reason: &str, remedy: &str) {
        let error = self.admit(expiry, NOW).unwrap_err();
        let Error::BadSeedFile { fact, hint } = error else { panic!("{error}") };
        assert_eq!(fact, format!("line 3, column 17: {reason}"));
        assert!(hint.contains(remedy), "{hint}");
    }
}

#[test]
fn a_token_that_nobody_knows_is_added() {
    assert_eq!(Case::new().admit(Expiry::Heed, NOW), Ok(new()));
}

#[test]
fn the_same_token_once_more_is_unchanged_wherever_it_stands() {
    for standing in [Standing::Stock, Standing::Assigned(alice()), Standing::Lost] {
        let token = SoftToken::clock().standing(standing).token;
        let trace = here("8A1172");
        let known = Known { token: Some(&token), trace: Some(&trace) };
        for serial in ["8a1172", "8A1172"] {
            // An expired key changes nothing about a token that is there.
            let case = Case { serial, known: Known { ..known }, not_after: Some(0), ..Case::new() };
            assert_eq!(case.admit(Expiry::Heed, NOW), Ok(Admission::Unchanged));
        }
    }
}

#[test]
fn a_serial_that_is_there_with_another_seed_is_refused() {
    let token = SoftToken::clock().token;
    let known = Known { token: Some(&token), ..NOTHING };
    let case = Case { fingerprint: [2; 32], known, ..Case::new() };
    let reason = "token 8a1172 is here already, with another seed or other parameters.";
    case.assert_refused(Expiry::Heed, reason, "\"fobctl forget 8a1172\"");
    case.assert_refused(Expiry::Ignore, reason, "\"fobctl forget 8a1172\"");
}

#[test]
fn a_serial_that_is_there_with_other_parameters_is_refused() {
    let changed = [
        Parameters { digits: 8, ..CLOCK },
        Parameters { algorithm: Algorithm::Sha256, ..CLOCK },
        Parameters { moving: Moving::Time { period: 60 }, ..CLOCK },
        Parameters { moving: Moving::Counter { next: 0 }, ..CLOCK },
    ];
    for parameters in changed {
        let token = SoftToken::clock().token;
        let known = Known { token: Some(&token), ..NOTHING };
        let case = Case { parameters, known, ..Case::new() };
        let reason = "token 8a1172 is here already, with another seed or other parameters.";
        case.assert_refused(Expiry::Heed, reason, "if the file is right");
    }
}

#[test]
fn a_seed_that_is_there_under_another_serial_is_refused() {
    let trace = here("B7");
    let case = Case { known: Known { trace: Some(&trace), ..NOTHING }, ..Case::new() };
    let reason = "token 8a1172 has the same seed as token B7, which is here already.";
    case.assert_refused(Expiry::Heed, reason, "two tokens never share a seed");
    case.assert_refused(Expiry::Ignore, reason, "two tokens never share a seed");
}

#[test]
fn a_seed_of_another_serial_is_refused_also_for_a_serial_that_is_there() {
    let (token, trace) = (SoftToken::clock().token, here("B7"));
    let known = Known { token: Some(&token), trace: Some(&trace) };
    let case = Case { fingerprint: [2; 32], known, ..Case::new() };
    let reason = "token 8a1172 has the same seed as token B7, which is here already.";
    case.assert_refused(Expiry::Heed, reason, "ask the vendor");
}

#[test]
fn a_token_that_was_lost_and_forgotten_stays_out_under_any_serial() {
    for serial in ["8A1172", "B7"] {
        let trace = forgotten(serial, Some(1), 9);
        let case = Case { known: Known { trace: Some(&trace), ..NOTHING }, ..Case::new() };
        let reason = "token 8a1172 was reported lost and stays out.";
        case.assert_refused(Expiry::Ignore, reason, "another token");
    }
}

#[test]
fn a_forgotten_seed_comes_back_with_what_it_spent_under_any_serial() {
    for serial in ["8A1172", "B7"] {
        let trace = forgotten(serial, None, 9);
        let case = Case { known: Known { trace: Some(&trace), ..NOTHING }, ..Case::new() };
        let Ok(Admission::Add(state)) = case.admit(Expiry::Heed, NOW) else { panic!("refused") };
        assert_eq!(state.last_step, Some(9));
    }
}

#[test]
fn what_a_token_forgets_is_what_its_seed_comes_back_with() {
    let soft = SoftToken::clock().spent(9).ahead(-7.0);
    let trace = forget(&soft.token, &soft.state, NOW).unwrap();
    let case = Case { known: Known { trace: Some(&trace), ..NOTHING }, ..Case::new() };
    let back = State { writes: soft.state.writes + 1, ..soft.state };
    assert_eq!(case.admit(Expiry::Heed, NOW), Ok(Admission::Add(Box::new(back))));
}

/// The trace of a token that is here.
fn here(serial: &str) -> Trace {
    Trace { serial: serial.to_owned(), left: None }
}

/// The trace of a token that was forgotten.
fn forgotten(serial: &str, lost: Option<u64>, last: u64) -> Trace {
    let state = State { last_step: Some(last), ..State::default() };
    Trace { left: Some(Left { state, lost }), ..here(serial) }
}

/// A token that was never here.
fn new() -> Admission {
    Admission::Add(Box::default())
}

#[test]
fn a_key_expires_one_second_after_its_last() {
    let ends = |not_after| Case { not_after: Some(not_after), ..Case::new() };
    for last in [NOW.0, NOW.0 + 1, u64::MAX] {
        assert_eq!(ends(last).admit(Expiry::Heed, NOW), Ok(new()));
    }
    for last in [NOW.0 - 1, 0] {
        let reason = "the file says that the key of token 8a1172 has expired.";
        ends(last).assert_refused(Expiry::Heed, reason, "--ignore-expiry");
        assert_eq!(ends(last).admit(Expiry::Ignore, NOW), Ok(new()));
    }
    assert_eq!(ends(u64::MAX).admit(Expiry::Heed, Now(u64::MAX)), Ok(new()));
}

#[test]
fn a_key_may_be_used_from_its_first_second_on() {
    let starts = |not_before| Case { not_before: Some(not_before), ..Case::new() };
    for first in [NOW.0, NOW.0 - 1, 0] {
        assert_eq!(starts(first).admit(Expiry::Heed, NOW), Ok(new()));
    }
    for first in [NOW.0 + 1, u64::MAX] {
        let reason = "the file says that the key of token 8a1172 may not be used yet.";
        starts(first).assert_refused(Expiry::Heed, reason, "--ignore-expiry");
        assert_eq!(starts(first).admit(Expiry::Ignore, NOW), Ok(new()));
    }
}

#[test]
fn names_of_vendor_and_model_are_no_parameters() {
    let token =
        Token { manufacturer: None, model: Some("C200".to_owned()), ..SoftToken::clock().token };
    let known = Known { token: Some(&token), ..NOTHING };
    let case = Case { known, ..Case::new() };
    assert_eq!(case.admit(Expiry::Heed, NOW), Ok(Admission::Unchanged));
}

#[test]
fn of_two_things_known_of_a_seed_the_loss_is_believed_and_the_higher_mark_counts() {
    let left = |last_step, lost| {
        let state = State { last_step: Some(last_step), ..State::default() };
        Some(Trace { serial: "A1".to_owned(), left: Some(Left { state, lost }) })
    };
    assert_eq!(combined(None, None), None);
    assert_eq!(combined(left(7, None), None), left(7, None));
    assert_eq!(combined(None, left(7, None)), left(7, None));
    assert_eq!(combined(left(7, None), left(5, Some(1))), left(5, Some(1)));
    assert_eq!(combined(left(7, None), left(9, None)), left(9, None));
    assert_eq!(combined(left(9, None), left(7, None)), left(9, None));
}
