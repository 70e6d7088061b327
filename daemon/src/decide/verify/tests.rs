mod step_up;

use fob_api::{Share, Verdict};
use proptest::{
    prelude::{
        Just, ProptestConfig, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest,
    },
    test_runner::TestCaseError,
};

use super::{Attempt, Claim, Decision, Typed};
use crate::{
    decide::{
        At, HostClock, Now, clock_model,
        testing::{CLOCK, NOW, SEED, STEP, SoftToken, after, at, code, known, many, typed},
        throttle::{self, Origin},
    },
    record::{Budget, ClockState, Moving, Parameters, State},
};

/// The first of two steps in a row in which the token of [`SEED`] shows the same code.
const TWIN: u64 = 57_766_335;

/// Returns what is left of a budget after wrong codes at `now`.
fn wrong(wrong: usize, now: Now) -> Budget {
    Budget { wrong: vec![now.0; wrong], in_a_row: u32::try_from(wrong).unwrap() }
}

/// Returns a state after one wrong code of a share.
fn charged(state: &State, share: Share) -> State {
    let mut state = State { writes: state.writes + 1, ..state.clone() };
    *throttle::of_mut(&mut state.budgets, share) = wrong(1, NOW);
    state.budgets.wrong_since = 1;
    state
}

/// Decides on a code for a user who has no token.
fn for_nobody(token: &SoftToken, text: &str) -> Decision {
    let code = code(text);
    token.attempt(&Attempt { claim: Claim::Nobody, ..typed(Typed::Code(&code)) }, &at(NOW))
}

#[test]
fn a_right_code_is_accepted_and_its_step_spent() {
    let token = SoftToken::clock();
    let decision = token.try_code(&token.code(STEP), Origin::Console, NOW);
    let state = decision.change.unwrap();
    assert_eq!((decision.verdict, decision.distance), (Verdict::Accept, Some(0)));
    assert_eq!((state.last_step, state.last_used, state.writes), (Some(STEP), Some(NOW.0), 1));
}

#[test]
fn the_window_is_one_step_either_way() {
    for distance in -4..=4_i64 {
        let token = SoftToken::clock();
        let typed = token.code(STEP.checked_add_signed(distance).unwrap());
        let decision = token.try_code(&typed, Origin::Console, NOW);
        let inside = distance.abs() <= 1;
        let verdict = if inside { Verdict::Accept } else { Verdict::Reject };
        assert_eq!(decision.verdict, verdict, "at {distance}");
        assert_eq!(decision.distance, inside.then_some(distance), "at {distance}");
    }
}

#[test]
fn a_code_is_good_from_30_s_before_its_step_to_30_s_after_it_and_the_typing() {
    for (period, length) in [(30, 30), (60, 60)] {
        let token = SoftToken::clock_of(period);
        let begin = i64::try_from(STEP).unwrap() * length;
        for arrival in begin - 2 * length..begin + 3 * length {
            let now = Now(u64::try_from(arrival).unwrap());
            let verdict = token.try_code(&token.code(STEP), Origin::Console, now).verdict;
            let inside = (begin - length + 6..begin + 2 * length + 6).contains(&arrival);
            assert_eq!(verdict == Verdict::Accept, inside, "{} s", arrival - begin);
        }
    }
}

#[test]
fn a_known_drift_moves_the_window() {
    for drift in [-3_600, -45, 45, 3_600] {
        let token = SoftToken::clock().ahead(drift as f64);
        let shown = (NOW.0 - 6).checked_add_signed(drift).unwrap() / 30;
        let verdict = |step| token.try_code(&token.code(step), Origin::Console, NOW).verdict;
        assert_eq!(verdict(shown), Verdict::Accept, "drift {drift}");
        assert_eq!(verdict(shown - 2), Verdict::Reject, "drift {drift}");
        assert_eq!(verdict(shown + 2), Verdict::Reject, "drift {drift}");
    }
}

#[test]
fn a_spent_code_is_a_replay() {
    let mut token = SoftToken::clock();
    assert_eq!(token.enter(&token.code(STEP), NOW), Verdict::Accept);
    assert_eq!(token.enter(&token.code(STEP), NOW), Verdict::Replay);
    assert_eq!(token.enter(&token.code(STEP), after(NOW, 30)), Verdict::Replay);
}

// CVE-2021-43177
#[test]
fn the_code_before_the_spent_one_is_a_replay_too() {
    let mut token = SoftToken::clock();
    assert_eq!(token.enter(&token.code(STEP), NOW), Verdict::Accept);
    assert_eq!(token.enter(&token.code(STEP - 1), NOW), Verdict::Replay);
    assert_eq!(token.state.last_step, Some(STEP));
}

#[test]
fn a_spent_code_stays_spent_when_the_clock_is_set_back() {
    for seconds in [1, 30, 45] {
        let mut token = SoftToken::clock();
        assert_eq!(token.enter(&token.code(STEP), NOW), Verdict::Accept);
        assert_eq!(token.enter(&token.code(STEP), after(NOW, -seconds)), Verdict::Replay);
    }
}

#[test]
fn a_code_of_the_past_is_not_accepted_when_the_clock_is_set_back_to_it() {
    for seconds in [60, 3_600, 10 * 365 * 86_400] {
        let mut token = SoftToken::clock();
        assert_eq!(token.enter(&token.code(STEP), NOW), Verdict::Accept);
        let past = after(NOW, -seconds);
        let unused = token.code((past.0 - 6) / 30);
        assert_eq!(token.enter(&unused, past), Verdict::Replay, "{seconds} s back");
    }
}

#[test]
fn a_clock_that_was_far_ahead_for_a_while_locks_nobody_out() {
    let mut token = SoftToken::clock();
    assert_eq!(token.enter(&token.code(STEP), after(NOW, 10 * 365 * 86_400)), Verdict::Reject);
    assert_eq!(token.enter(&token.code(STEP), NOW), Verdict::Accept);
}

#[test]
fn the_next_code_after_a_spent_one_is_accepted() {
    let mut token = SoftToken::clock();
    assert_eq!(token.enter(&token.code(STEP), NOW), Verdict::Accept);
    assert_eq!(token.enter(&token.code(STEP + 1), NOW), Verdict::Accept);
}

#[test]
fn a_code_of_a_spent_and_a_fresh_step_is_accepted_for_the_fresh_one() {
    let now = Now(TWIN * 30 + 21);
    for (spent, after) in [(None, Some(TWIN + 1)), (Some(TWIN), Some(TWIN + 1))] {
        let mut token = SoftToken::clock();
        token.state.last_step = spent;
        assert_eq!(token.enter(&token.code(TWIN), now), Verdict::Accept);
        assert_eq!(token.state.last_step, after);
        assert_eq!(token.enter(&token.code(TWIN), now), Verdict::Replay);
    }
}

#[test]
fn an_older_code_costs_a_try_and_teaches_nothing() {
    let token = SoftToken::clock().spent(STEP).ahead(0.0);
    let decision = token.try_code(&token.code(STEP - 1), Origin::Console, NOW);
    let expected = charged(&token.state, Share::Console);
    assert_eq!((decision.change, decision.distance), (Some(expected), Some(-1)));
}

#[test]
fn the_code_that_was_accepted_last_costs_no_try_and_teaches_nothing() {
    let token = SoftToken::clock().spent(STEP).ahead(0.0);
    for origin in [Origin::Console, Origin::Remote(None)] {
        let decision = token.try_code(&token.code(STEP), origin, NOW);
        let expected = State { writes: token.state.writes + 1, ..token.state.clone() };
        assert_eq!((decision.verdict, decision.change), (Verdict::Replay, Some(expected)));
        assert!(decision.spray.is_none());
    }
}

#[test]
fn a_wrong_code_costs_a_try_of_its_own_share_and_nothing_else() {
    let token = SoftToken::clock().spent(STEP - 100).ahead(3.0);
    let typed = token.never_shown(STEP);
    for (origin, share) in [
        (Origin::Console, Share::Console),
        (Origin::Escalation, Share::Escalation),
        (Origin::Own, Share::Own),
        (Origin::Remote(None), Share::Unknown),
        (Origin::Remote(Some([7; 8])), Share::Unknown),
    ] {
        let decision = token.try_code(&typed, origin, NOW);
        assert_eq!((decision.verdict, decision.distance), (Verdict::Reject, None));
        assert_eq!(decision.change, Some(charged(&token.state, share)));
        assert_eq!(decision.spray.is_some(), share == Share::Unknown);
    }
}

#[test]
fn a_code_of_other_length_is_rejected_and_counted() {
    let shown = SoftToken::clock().code(STEP);
    let shown = shown.as_str();
    for typed in [format!("{shown}0"), format!("0{shown}"), format!("{shown}00")] {
        let mut token = SoftToken::clock();
        assert_eq!(token.enter(&code(&typed), NOW), Verdict::Reject, "{typed}");
        assert_eq!(token.state.budgets.console, wrong(1, NOW));
    }
    let long = SoftToken::new("1", SEED, Parameters { digits: 8, ..CLOCK });
    let all = long.code(STEP);
    assert_eq!(long.try_code(&all, Origin::Console, NOW).verdict, Verdict::Accept);
    for part in [&all.as_str()[..6], &all.as_str()[2..], &all.as_str()[1..]] {
        assert_eq!(long.try_code(&code(part), Origin::Console, NOW).verdict, Verdict::Reject);
    }
}

#[test]
fn nobody_is_refused_the_right_code_at_the_price_of_a_wrong_one() {
    let token = SoftToken::clock();
    let price = token.try_code(&token.never_shown(STEP), Origin::Console, NOW).change;
    for typed in [token.code(STEP), token.code(STEP + 1), token.never_shown(STEP)] {
        let decision = for_nobody(&token, typed.as_str());
        assert_eq!((decision.verdict, decision.distance), (Verdict::Unassigned, None));
        assert_eq!(decision.change, price);
    }
}

#[test]
fn a_button_may_have_been_pressed_ten_times_between_two_sign_ins() {
    for (next, spent, first) in [(5, None, 5), (5, Some(2), 5), (5, Some(41), 42), (0, Some(0), 1)]
    {
        let mut token = SoftToken::button(next);
        token.state.last_step = spent;
        let verdict = |step| token.try_code(&token.code(step), Origin::Console, NOW).verdict;
        for step in first..=first + 10 {
            assert_eq!(verdict(step), Verdict::Accept, "{step} when {first} is next");
        }
        assert_eq!(verdict(first + 11), Verdict::Reject);
        // Only a code that was accepted can be a replay.
        let before = if spent == Some(first - 1) { Verdict::Replay } else { Verdict::Reject };
        assert_eq!(verdict(first - 1), before);
        if let Some(older) = first.checked_sub(2) {
            assert_eq!(verdict(older), Verdict::Reject);
        }
    }
}

#[test]
fn a_button_token_learns_its_counter_and_no_drift() {
    let mut token = SoftToken::button(5);
    assert_eq!(token.enter(&token.code(9), NOW), Verdict::Accept);
    assert_eq!((token.state.last_step, token.state.clock), (Some(9), None));
    assert_eq!(token.enter(&token.code(9), NOW), Verdict::Replay);
    assert_eq!(token.enter(&token.code(5), NOW), Verdict::Reject);
    assert_eq!(token.enter(&token.code(10), NOW), Verdict::Accept);
}

#[test]
fn an_accepted_code_teaches_the_whole_drift_at_first_and_a_part_of_it_later() {
    let mut token = SoftToken::clock();
    assert_eq!(token.enter(&token.code(STEP + 1), NOW), Verdict::Accept);
    assert_eq!(token.state.clock, Some(clock_model::first(STEP + 1, 30, NOW)));
    let mut token = SoftToken::clock().ahead(10.0);
    assert_eq!(token.enter(&token.code(STEP + 1), NOW), Verdict::Accept);
    let drift = token.state.clock.unwrap().drift;
    assert!(drift > 10.0 && drift < 12.0, "{drift}");
}

#[test]
fn a_host_whose_clock_is_not_synchronised_teaches_nothing() {
    let token = SoftToken::clock().ahead(10.0);
    let at = At { host_clock: HostClock::Unsynchronised, ..at(NOW) };
    let shown = token.code(STEP + 1);
    let decision = token.attempt(&typed(Typed::Code(&shown)), &at);
    assert_eq!(decision.verdict, Verdict::Accept);
    assert_eq!(decision.change.unwrap().clock, token.state.clock);
}

#[test]
fn a_token_that_gains_two_seconds_a_day_stays_in_sync_for_five_years() {
    for rate in [-2_i64, 2] {
        let mut token = SoftToken::clock();
        for day in 0..5 * 365 {
            // At another moment of the step each day, for the token is read when it is needed.
            let now = after(NOW, day * 86_400 + day * 7 % 30);
            let step = after(Now(now.0 - 6), day * rate).0 / 30;
            assert_eq!(token.enter(&token.code(step), now), Verdict::Accept, "day {day}");
        }
    }
}

// M6 of threats.md: three steps of two hours ago, typed as fast as a token shows codes.
#[test]
fn old_codes_typed_one_after_the_other_move_no_window() {
    let mut token = SoftToken::clock().spent(STEP - 240).ahead(0.0);
    for n in 0..3 {
        let typed = token.code(STEP - 240 + n);
        let now = after(NOW, i64::try_from(n).unwrap() * 30);
        assert_eq!(token.enter(&typed, now), Verdict::Reject);
    }
    assert_eq!((token.state.last_step, token.state.clock), (Some(STEP - 240), Some(known(0.0))));
}

#[test]
fn codes_are_right_in_every_century() {
    // 1970, the ends of i32 and u32 seconds, the last date of RFC 6238 appendix B, the year 9999.
    for time in [21, 2_147_483_648, 4_294_967_296, 20_000_000_000, 253_402_300_799] {
        for now in time..time + 60 {
            let mut token = SoftToken::clock();
            let shown = token.code((now - 6) / 30);
            assert_eq!(token.enter(&shown, Now(now)), Verdict::Accept, "at {now}");
            assert_eq!(token.enter(&shown, Now(now)), Verdict::Replay, "at {now}");
        }
    }
}

#[test]
fn the_last_counter_of_all_is_spent_like_every_other() {
    let mut token = SoftToken::button(u64::MAX);
    assert_eq!(token.enter(&token.code(u64::MAX), NOW), Verdict::Accept);
    assert_eq!(token.enter(&token.code(u64::MAX), NOW), Verdict::Replay);
}

#[test]
fn a_drift_that_nothing_can_have_written_is_no_panic() {
    for drift in [f64::MIN, f64::NAN, f64::INFINITY, f64::MAX] {
        for now in [0, NOW.0, u64::MAX] {
            let token = SoftToken::clock().ahead(drift);
            for step in [0, u64::MAX / 30, u64::MAX] {
                let _ = token.try_code(&token.code(step), Origin::Console, Now(now));
            }
        }
    }
}

/// Any number, but the edges often.
fn edgy() -> impl Strategy<Value = u64> {
    let edge =
        prop_oneof![Just(0), Just(1), Just(u64::from(u32::MAX)), Just(u64::MAX), Just(NOW.0)];
    prop_oneof![any::<u64>(), (edge, 0..40_u64).prop_map(|(edge, n)| edge.saturating_sub(n))]
}

/// Any clock, also such as nothing can have written.
fn any_clock() -> impl Strategy<Value = ClockState> {
    let float = || prop_oneof![any::<f64>(), -1e5..1e5];
    let numbers = (float(), float(), float(), float(), float(), edgy());
    numbers.prop_map(|(drift, rate, drift_variance, covariance, rate_variance, seen)| ClockState {
        drift,
        rate,
        drift_variance,
        covariance,
        rate_variance,
        seen,
    })
}

/// Any form of token that a seed file may describe, and some that none may.
fn moving() -> impl Strategy<Value = Moving> {
    prop_oneof![
        edgy().prop_map(|next| Moving::Counter { next }),
        prop_oneof![Just(30), Just(60), any::<u32>()].prop_map(|period| Moving::Time { period }),
    ]
}

/// A token's form, when it is used and what is known of its clock, what was spent and is typed,
/// and the wrong codes before.
type Any = ((Moving, u8), (u64, Option<ClockState>), (Option<u64>, u64), (usize, u64));

/// Types codes; the mark never goes down, and goes up with an Accept only.
fn mark_holds(any: Any) -> Result<(), TestCaseError> {
    let ((moving, digits), (now, clock), (spent, typed), tries) = any;
    let mut token = SoftToken::new("1", SEED, Parameters { moving, digits, ..CLOCK });
    token.state = State { last_step: spent, clock, ..State::default() };
    let shown = super::predicted(&token.token, &token.state, Now(now));
    for step in [typed, shown, shown.saturating_add(1), shown.saturating_sub(1)] {
        token.state.budgets.own = Budget { wrong: vec![tries.1; tries.0], in_a_row: 3 };
        for origin in [Origin::Console, Origin::Own] {
            let decision = token.try_code(&token.code(step), origin, Now(now));
            let state = decision.change.unwrap_or(token.state.clone());
            prop_assert!(state.last_step >= spent);
            let accepted = decision.verdict == Verdict::Accept;
            prop_assert!(accepted || state.last_step == spent);
            let learned = accepted && matches!(moving, Moving::Time { .. });
            let drift = state.clock.filter(|_| learned).map_or(0.0, |clock| clock.drift);
            prop_assert!(drift.abs() <= 93_600.0);
        }
    }
    Ok(())
}

/// Run with `cargo test --release -p fobd --lib -- --ignored a_million`.
#[test]
#[ignore = "issue 3: minutes in a release build"]
fn a_million_random_codes_take_no_mark_back() {
    let when = (edgy(), proptest::option::of(any_clock()));
    let codes = (proptest::option::of(edgy()), edgy());
    many(125_000, ((moving(), 6..=8_u8), when, codes, (0..200_usize, edgy())), mark_holds);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nobody_is_accepted_whatever_the_code(typed in "[0-9]{6,8}", step in STEP - 2..STEP + 2) {
        let token = SoftToken::clock();
        for typed in [typed.as_str(), token.code(step).as_str()] {
            prop_assert_eq!(for_nobody(&token, typed).verdict, Verdict::Unassigned);
        }
    }

    #[test]
    fn no_time_no_counter_and_no_clock_panics_or_takes_the_last_step_back(
        (moving, digits) in (moving(), 6..=8_u8),
        (now, clock) in (edgy(), proptest::option::of(any_clock())),
        (spent, typed) in (proptest::option::of(edgy()), edgy()),
        tries in (0..200_usize, edgy()),
    ) {
        mark_holds(((moving, digits), (now, clock), (spent, typed), tries))?;
    }
}
