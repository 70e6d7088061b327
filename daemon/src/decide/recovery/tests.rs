use fob_api::{Fate, Share, Verdict};
use proptest::prelude::*;

use super::{
    CODES, Found, Kept, Terms, Whence, fresh, grant, is_of, issue, open_temporary, outlive,
    unenrolled, verify_recovery, wait,
};
use crate::{
    decide::{
        At, Now, Uptime,
        testing::{NOW, after, alice, at, owner, tokens},
        throttle::{self, Demand, Origin, Rank, pairs::Turn},
        verify::{Claim, Unenrolled},
    },
    record::{Recovery, Spray, State},
};

const SOURCE: [u8; 8] = [9; 8];
/// An origin for each share of somebody who was never seen from that source.
const ORIGINS: [(Origin, Share); 4] = [
    (Origin::Console, Share::Console),
    (Origin::Escalation, Share::Escalation),
    (Origin::Own, Share::Own),
    (Origin::Remote(Some(SOURCE)), Share::Unknown),
];
const HOUR: u32 = 3600;

fn hash(n: u8) -> [u8; 32] {
    [n; 32]
}

/// Alice with the recovery codes 1 to 10.
fn issued() -> Recovery {
    issue(&fresh(&alice(), [7; 16]), (1..=10).map(hash).collect(), &at(NOW))
}

/// Alice with the temporary code 99 for an hour.
fn granted() -> Recovery {
    let terms = Terms { seconds: HOUR, reason: "left at home".to_owned(), by: 0 };
    grant(&issued(), hash(99), &terms, &at(NOW))
}

/// A moment at which the host's clock and the uptime have gone on by different amounts.
fn apart(seconds: i64, uptime: u64) -> At<'static> {
    At { uptime: Uptime(NOW.0 + uptime), ..at(after(NOW, seconds)) }
}

/// What is stored for somebody, and what he tries.
struct Desk {
    state: State,
    recovery: Recovery,
    spray: Spray,
    token: Claim,
    codes: Claim,
}

impl Desk {
    /// Somebody with these codes who has lost his token.
    fn with(recovery: Recovery) -> Self {
        Self {
            state: State::default(),
            recovery,
            spray: Spray::default(),
            token: Claim::Nobody,
            codes: Claim::Owner,
        }
    }

    /// Somebody who has his token too.
    fn and_token(self) -> Self {
        Self { token: Claim::Owner, ..self }
    }

    fn try_one(&mut self, code: u8, origin: Origin, at: &At<'_>) -> (Verdict, Option<Found>) {
        self.try_in(Turn::Fresh, code, origin, at)
    }

    fn try_in(
        &mut self,
        turn: Turn,
        code: u8,
        origin: Origin,
        at: &At<'_>,
    ) -> (Verdict, Option<Found>) {
        let Self { state, recovery, spray, token, codes } = self;
        let kept = Kept { state, recovery, spray, token: *token, codes: *codes };
        let whence = Whence { origin, from: Some("10.0.0.7"), rank: Rank::User, turn };
        let decision = verify_recovery(&kept, &hash(code), &whence, at);
        assert_eq!(decision.share, throttle::share(&state.budgets, origin, at));
        if let Some((state, recovery)) = decision.change {
            (self.state, self.recovery) = (state, recovery);
        }
        self.spray = decision.spray.unwrap_or(self.spray.clone());
        (decision.verdict, decision.found)
    }

    fn wrong(&self, share: Share, at: &At<'_>) -> u32 {
        throttle::counted(throttle::of(&self.state.budgets, share), at)
    }
}

#[test]
fn an_empty_record_is_its_owners_and_has_its_salt() {
    let record = fresh(&alice(), [7; 16]);
    assert!(is_of(&record, &alice()));
    assert_eq!((record.salt, record.hashes.len()), ([7; 16], 0));
}

#[test]
fn each_recovery_code_is_accepted_once_in_any_order() {
    let mut desk = Desk::with(issued());
    for (n, code) in [3, 1, 10, 2, 9, 4, 8, 5, 7, 6].into_iter().enumerate() {
        for (again, verdict) in [Verdict::Accept, Verdict::Reject].into_iter().enumerate() {
            let now = after(NOW, 20 * n as i64 + 10 * again as i64);
            assert_eq!(
                desk.try_one(code, Origin::Remote(Some(SOURCE)), &at(now)).0,
                verdict,
                "code {code}"
            );
        }
        assert_eq!(desk.recovery.hashes.len(), CODES - n - 1);
    }
}

#[test]
fn a_temporary_code_is_accepted_once_and_leaves_the_recovery_codes() {
    let mut desk = Desk::with(granted());
    let found = Some(Found::Temporary("left at home".to_owned()));
    assert_eq!(desk.try_one(99, Origin::Console, &at(NOW)), (Verdict::Accept, found));
    assert_eq!(desk.recovery.hashes.len(), CODES);
    let later = at(after(NOW, 10));
    assert_eq!(desk.try_one(99, Origin::Console, &later), (Verdict::Reject, None));
}

#[test]
fn the_journal_has_a_word_for_each_code_and_the_reason_of_a_temporary_one() {
    for (found, word, reason) in [
        (Found::Expired, "expired", None),
        (Found::Recovery, "recovery", None),
        (Found::Temporary("left at home".to_owned()), "temporary", Some("left at home")),
    ] {
        assert_eq!((found.word(), found.reason()), (word, reason));
    }
}

#[test]
fn whichever_clock_first_says_so_ends_a_temporary_code() {
    for (seconds, uptime, is_open) in [
        (0, 0, true),
        (3599, 3599, true),
        (3600, 3599, false),
        (3599, 3600, false),
        (-100_000, 3599, true),
        (-100_000, 3600, false),
        (100_000, 1, false),
    ] {
        let moment = apart(seconds, uptime);
        assert_eq!(open_temporary(&granted(), &moment).is_some(), is_open, "{seconds} {uptime}");
        let expected = if is_open { Verdict::Accept } else { Verdict::Reject };
        let (verdict, found) =
            Desk::with(granted()).try_one(99, Origin::Remote(Some(SOURCE)), &moment);
        assert_eq!(verdict, expected, "{seconds} {uptime}");
        assert_eq!(found == Some(Found::Expired), !is_open);
    }
}

#[test]
fn an_expired_code_counts_as_a_wrong_one_and_stays_expired() {
    let mut desk = Desk::with(granted());
    assert_eq!(desk.try_one(99, Origin::Own, &apart(0, 4000)).0, Verdict::Reject);
    assert_eq!(desk.wrong(Share::Own, &at(NOW)), 1);
    assert_eq!(desk.try_one(99, Origin::Own, &apart(0, 4010)), (Verdict::Reject, None));
}

#[test]
fn new_codes_void_the_older_ones_and_no_temporary_code() {
    let renewed = issue(&granted(), (11..=20).map(hash).collect(), &at(after(NOW, 5)));
    assert_eq!(renewed.issued, Some(NOW.0 + 5));
    for (code, verdict) in [(1, Verdict::Reject), (11, Verdict::Accept), (99, Verdict::Accept)] {
        let (said, _) =
            Desk::with(renewed.clone()).try_one(code, Origin::Remote(Some(SOURCE)), &at(NOW));
        assert_eq!(said, verdict, "code {code}");
    }
}

#[test]
fn a_new_temporary_code_voids_the_older_one() {
    let terms = Terms { seconds: 60, reason: "again".to_owned(), by: 0 };
    let mut desk = Desk::with(grant(&granted(), hash(98), &terms, &at(NOW)));
    assert_eq!(desk.try_one(99, Origin::Remote(Some(SOURCE)), &at(NOW)), (Verdict::Reject, None));
    let later = at(after(NOW, 10));
    assert_eq!(desk.try_one(98, Origin::Remote(Some(SOURCE)), &later).0, Verdict::Accept);
}

#[test]
fn one_code_a_second_is_tried_for_a_user_and_waiting_costs_nothing() {
    for code in [1, 0] {
        let mut desk = Desk::with(issued());
        let _ = desk.try_one(code, Origin::Console, &at(NOW));
        let before = (desk.state.clone(), desk.recovery.clone());
        for (origin, _) in ORIGINS {
            assert_eq!(desk.try_one(2, origin, &at(NOW)), (Verdict::Wait(1), None));
        }
        assert_eq!((desk.state.clone(), desk.recovery.clone()), before);
        assert_eq!(wait(&desk.recovery, Turn::Fresh, &at(NOW)), 1);
        let later = at(after(NOW, 1));
        assert_eq!(wait(&desk.recovery, Turn::Fresh, &later), 0);
        assert_eq!(desk.try_one(2, Origin::Console, &later).0, Verdict::Accept);
    }
}

#[test]
fn a_source_that_tries_too_early_waits_and_half_of_the_time_is_for_fresh_ones() {
    let mut desk = Desk::with(issued());
    let early = desk.try_in(Turn::TooEarly(7), 1, Origin::Console, &at(NOW));
    assert_eq!(early, (Verdict::Wait(7), None));
    let mut allowed = 0;
    for second in 0..100 {
        let moment = at(after(NOW, second));
        let again = desk.try_in(Turn::Again, 0, Origin::Console, &moment).0;
        allowed += u32::from(again == Verdict::Reject);
    }
    assert_eq!(allowed, 50);
}

#[test]
fn setting_the_clock_does_not_end_the_wait() {
    let mut desk = Desk::with(issued());
    let _ = desk.try_one(0, Origin::Console, &at(NOW));
    for seconds in [-1_000_000, 1_000_000] {
        let verdict = desk.try_one(1, Origin::Console, &apart(seconds, 0)).0;
        assert_eq!(verdict, Verdict::Wait(1), "{seconds}");
    }
}

#[test]
fn a_crash_that_loses_uptime_makes_nobody_wait() {
    let mut desk = Desk::with(issued());
    let _ = desk.try_one(0, Origin::Console, &apart(0, 600));
    assert_eq!(desk.try_one(1, Origin::Console, &apart(2, 2)).0, Verdict::Accept);
}

#[test]
fn a_wrong_code_counts_on_its_share_and_a_right_one_refills_none() {
    for (origin, share) in ORIGINS {
        let mut desk = Desk::with(issued()).and_token();
        for n in 1..=4 {
            let moment = at(after(NOW, i64::from(n)));
            assert_eq!(desk.try_one(0, origin, &moment).0, Verdict::Reject);
            for counted in Share::ALL {
                let expected = if counted == share { n } else { 0 };
                assert_eq!(desk.wrong(counted, &moment), expected, "{counted:?}");
            }
            let sprayed = if share == Share::Unknown { n } else { 0 };
            assert_eq!(desk.spray.wrong.iter().sum::<u32>(), sprayed);
        }
        let moment = at(after(NOW, 50));
        assert_eq!(desk.try_one(5, origin, &moment).0, Verdict::Accept);
        assert_eq!(desk.wrong(share, &moment), 4);
    }
}

#[test]
fn a_share_that_is_asked_for_pairs_takes_a_recovery_code() {
    for (origin, share) in ORIGINS {
        let mut desk = Desk::with(issued()).and_token();
        for n in 0..5 {
            let _ = desk.try_one(0, origin, &at(after(NOW, n)));
        }
        let moment = at(after(NOW, 5));
        let (budgets, spray) = (&desk.state.budgets, &desk.spray);
        let demand = throttle::demand(budgets, spray, share, Rank::User, &moment);
        assert_eq!(demand, Demand::Pair);
        assert_eq!(desk.try_one(1, origin, &moment).0, Verdict::Accept);
    }
}

#[test]
fn the_next_sign_in_with_the_token_tells_of_a_code() {
    let mut desk = Desk::with(issued()).and_token();
    let remote = Origin::Remote(Some(SOURCE));
    let _ = desk.try_one(0, remote, &at(NOW));
    assert_eq!((desk.state.budgets.wrong_since, desk.state.last_used), (1, None));
    let _ = desk.try_one(1, remote, &at(after(NOW, 1)));
    assert_eq!(desk.state.budgets.wrong_since, 0);
    assert_eq!(desk.state.last_used, Some(NOW.0 + 1));
    assert_eq!(desk.state.last_from.as_deref(), Some("10.0.0.7"));
}

#[test]
fn what_stands_in_for_a_token_learns_nothing_of_a_right_code() {
    let mut desk = Desk::with(issued());
    let _ = desk.try_one(1, Origin::Remote(Some(SOURCE)), &at(NOW));
    let expected = State { writes: 1, ..State::default() };
    assert_eq!(desk.state, expected, "others share this state");
}

#[test]
fn every_try_changes_both_records() {
    for (recovery, codes) in [(issued(), Claim::Owner), (Recovery::default(), Claim::Nobody)] {
        for code in [1, 0] {
            let mut desk = Desk { codes, ..Desk::with(recovery.clone()) };
            let _ = desk.try_one(code, Origin::Console, &at(NOW));
            assert!(desk.state != State::default() && desk.recovery != recovery);
        }
    }
}

#[test]
fn nobody_is_refused_whatever_he_types() {
    for recovery in [Recovery::default(), granted()] {
        for (token, verdict) in
            [(Claim::Nobody, Verdict::Unassigned), (Claim::Owner, Verdict::Reject)]
        {
            for code in [0, 1, 99] {
                let desk = Desk::with(recovery.clone());
                let mut desk = Desk { codes: Claim::Nobody, token, ..desk };
                let (said, _) = desk.try_one(code, Origin::Console, &at(NOW));
                assert_eq!(said, verdict, "code {code}");
                assert_eq!(desk.wrong(Share::Console, &at(NOW)), 1);
            }
        }
    }
}

#[test]
fn the_codes_are_not_those_of_another_name_of_the_uid() {
    assert!(is_of(&issued(), &alice()));
    assert!(!is_of(&issued(), &owner("bob", alice().uid)));
}

#[test]
fn codes_outlive_a_token_that_is_lost_or_not_the_last() {
    for (fate, left, expected) in [
        (Fate::Lost, tokens(&[]), true),
        (Fate::Lost, tokens(&["B2"]), true),
        (Fate::Stock, tokens(&["B2"]), true),
        (Fate::Retire, tokens(&["B2"]), true),
        (Fate::Stock, tokens(&[]), false),
        (Fate::Retire, tokens(&[]), false),
    ] {
        assert_eq!(outlive(fate, &left), expected, "{fate:?} {left:?}");
    }
}

#[test]
fn whoever_was_given_codes_is_not_exempt() {
    let used_up = Recovery { hashes: Vec::new(), ..issued() };
    let only_temporary = Recovery { issued: None, hashes: Vec::new(), ..granted() };
    let later = after(NOW, i64::from(HOUR));
    for (recovery, now, expected) in [
        (None, NOW, Unenrolled::Exempt),
        (Some(fresh(&alice(), [7; 16])), NOW, Unenrolled::Exempt),
        (Some(issued()), NOW, Unenrolled::Refuse),
        (Some(used_up), NOW, Unenrolled::Refuse),
        (Some(only_temporary.clone()), NOW, Unenrolled::Refuse),
        (Some(only_temporary), later, Unenrolled::Exempt),
    ] {
        assert_eq!(unenrolled(Unenrolled::Exempt, recovery.as_ref(), &at(now)), expected);
        let said = unenrolled(Unenrolled::Refuse, recovery.as_ref(), &at(now));
        assert_eq!(said, Unenrolled::Refuse);
    }
}

proptest! {
    #[test]
    fn no_code_is_accepted_twice_and_no_time_panics(
        tries in prop::collection::vec((0..=12_u8, 0..4_usize, any::<u64>(), any::<u64>()), 0..40),
    ) {
        let mut desk = Desk::with(granted());
        let mut accepted = Vec::new();
        for (n, share, now, uptime) in tries {
            let code = if n == 12 { 99 } else { n };
            let moment = At { uptime: Uptime(uptime), ..at(Now(now)) };
            if desk.try_one(code, ORIGINS[share].0, &moment).0 == Verdict::Accept {
                prop_assert!(!accepted.contains(&code) && code != 0 && code != 11);
                accepted.push(code);
            }
        }
    }
}
