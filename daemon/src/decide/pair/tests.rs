use fob_api::{CodePair, Verdict};
use proptest::prelude::{ProptestConfig, prop_assert_eq, proptest};

use super::{NoPair, Reach, TimedPair, locate};
use crate::{
    decide::{
        Now, Policy, clock_model,
        testing::{CLOCK, NOW, SEED, STEP, SoftToken, after, at, under},
        throttle::Origin,
    },
    record::{Moving, Parameters, State},
};

mod honest;
mod reach;

/// Two hours, in steps of 30 s.
const TWO_HOURS: u64 = 240;
/// The first of two steps in a row in which the token of [`SEED`] shows the same code.
const TWIN: u64 = 57_766_335;

/// Returns the step of the second code, or why the pair is not found.
fn found(token: &SoftToken, timed: &TimedPair, now: Now) -> Result<u64, NoPair> {
    locate(&token.opened(), timed, Reach::Own, &at(now)).map(|state| state.last_step.unwrap())
}

#[test]
fn a_pair_spends_both_steps_and_forgives_nothing_by_itself() {
    let mut token = SoftToken::clock().spent(STEP - 1).ahead(500.0);
    token.state.budgets.console.wrong = vec![NOW.0; 9];
    token.state.budgets.own.wrong = vec![NOW.0];
    let pair = token.pair(STEP, STEP + 1, 30);
    let state = locate(&token.opened(), &pair, Reach::Own, &at(after(NOW, 31))).unwrap();
    let expected = State {
        last_step: Some(STEP + 1),
        clock: Some(clock_model::first(STEP + 1, 30, Now(NOW.0 + 31))),
        last_used: Some(NOW.0 + 31),
        writes: 1,
        ..token.state.clone()
    };
    assert_eq!(state, expected);
}

#[test]
fn a_pair_is_found_up_to_two_hours_off_and_no_step_further() {
    // At the first and at the last second of a step of the host's clock.
    for now in [Now(STEP * 30), Now(STEP * 30 + 29)] {
        for (period, reach) in [(30, TWO_HOURS), (60, TWO_HOURS / 2)] {
            let token = SoftToken::clock_of(period);
            let middle = now.0 / u64::from(period);
            for first in [middle - reach, middle, middle + reach] {
                let pair = token.pair(first, first + 1, 30);
                assert_eq!(found(&token, &pair, now), Ok(first + 1));
            }
            for first in [middle - reach - 1, middle + reach + 1] {
                let pair = token.pair(first, first + 1, 30);
                assert_eq!(found(&token, &pair, now), Err(NoPair::NotFound));
            }
        }
    }
}

#[test]
fn only_the_second_code_of_a_pair_may_lie_beyond_the_two_hours() {
    let token = SoftToken::clock();
    let last = NOW.0 / 30 + TWO_HOURS;
    assert_eq!(found(&token, &token.pair(last, last + 2, 60), NOW), Ok(last + 2));
    for second in [last + 2, last + 3] {
        let beyond = token.pair(last + 1, second, 60);
        assert_eq!(found(&token, &beyond, NOW), Err(NoPair::NotFound));
    }
}

#[test]
fn a_pair_at_or_below_the_last_step_is_not_found() {
    let cases =
        [(STEP - 1, Ok(STEP + 1)), (STEP, Err(())), (STEP + 1, Err(())), (STEP + 9, Err(()))];
    for (spent, expected) in cases {
        for second in [STEP + 1, STEP + 2] {
            let token = SoftToken::clock().spent(spent);
            let result = found(&token, &token.pair(STEP, second, 60), after(NOW, 60));
            assert_eq!(result, expected.map(|_| second).map_err(|()| NoPair::NotFound));
        }
    }
}

#[test]
fn a_step_may_be_missed_only_if_more_than_one_and_a_half_periods_passed() {
    for (period, longest) in [(30, 45), (60, 90)] {
        let token = SoftToken::clock_of(period);
        let first = NOW.0 / u64::from(period);
        for (elapsed, wide) in [(0, false), (longest, false), (longest + 1, true), (u32::MAX, true)]
        {
            let missed = found(&token, &token.pair(first, first + 2, elapsed), NOW);
            assert_eq!(missed.is_ok(), wide, "{elapsed} s at {period} s");
            assert!(found(&token, &token.pair(first, first + 1, elapsed), NOW).is_ok());
        }
    }
}

#[test]
fn codes_that_do_not_follow_each_other_are_no_pair() {
    let token = SoftToken::clock();
    for second in [STEP - 2, STEP - 1, STEP, STEP + 3, STEP + 4] {
        let pair = token.pair(STEP, second, 600);
        assert_eq!(found(&token, &pair, NOW), Err(NoPair::NotFound), "{second}");
    }
}

#[test]
fn a_pair_of_another_token_or_of_other_length_is_not_found() {
    let token = SoftToken::clock();
    let longer = SoftToken::new("1", SEED, Parameters { digits: 8, ..CLOCK });
    for foreign in [SoftToken::other(), longer] {
        let pair = foreign.pair(STEP, STEP + 1, 30);
        assert_eq!(found(&token, &pair, NOW), Err(NoPair::NotFound));
    }
}

#[test]
fn one_code_of_a_pair_is_not_enough() {
    let token = SoftToken::clock();
    let none = token.never_shown(STEP);
    for (first, second) in [(token.code(STEP), none.clone()), (none, token.code(STEP + 1))] {
        let timed = TimedPair { pair: CodePair { first, second }, elapsed: 600 };
        assert_eq!(found(&token, &timed, NOW), Err(NoPair::NotFound));
    }
}

// TWIN and the step after it show the same code: is the second code the next or the one after?
#[test]
fn a_pair_that_fits_at_two_places_is_never_picked_silently() {
    let token = SoftToken::clock();
    let now = Now(TWIN * 30 + 21);
    let slow = token.pair(TWIN - 1, TWIN, 46);
    assert_eq!(found(&token, &slow, now), Err(NoPair::Ambiguous));
    let swift = token.pair(TWIN - 1, TWIN, 45);
    assert_eq!(found(&token, &swift, now), Ok(TWIN));
}

#[test]
fn the_drift_is_taken_from_the_arrival_of_the_second_code() {
    for (first, second, elapsed) in [(STEP, STEP + 1, 30), (STEP, STEP + 2, 60)] {
        for late in [-400, -1, 0, 1, 29, 7_000] {
            let token = SoftToken::clock().ahead(12_345.0);
            // The middle of the second step, read 6 s before it arrives.
            let on_time = i64::try_from(second - STEP).unwrap() * 30;
            let now = after(NOW, on_time + late);
            let timed = token.pair(first, second, elapsed);
            let state = locate(&token.opened(), &timed, Reach::Own, &at(now)).unwrap();
            assert_eq!(state.clock.unwrap().drift, -late as f64, "{late} s late");
        }
    }
}

#[test]
fn the_pair_of_a_button_lies_at_most_a_thousand_presses_ahead() {
    for (next, spent, floor) in [(0, None, 0), (50, Some(7), 50), (50, Some(70), 71)] {
        let mut token = SoftToken::button(next);
        token.state.last_step = spent;
        for first in [floor, floor + 1_000] {
            assert_eq!(found(&token, &token.pair(first, first + 1, 0), NOW), Ok(first + 1));
        }
        let beyond = token.pair(floor + 1_001, floor + 1_002, 0);
        assert_eq!(found(&token, &beyond, NOW), Err(NoPair::NotFound));
        if let Some(before) = u64::checked_sub(floor, 1) {
            let pair = token.pair(before, floor, 0);
            assert_eq!(found(&token, &pair, NOW), Err(NoPair::NotFound));
        }
    }
}

#[test]
fn neither_code_of_a_pair_is_accepted_afterwards() {
    let mut token = SoftToken::clock();
    let timed = token.pair(STEP, STEP + 1, 30);
    token.state = locate(&token.opened(), &timed, Reach::Own, &at(after(NOW, 30))).unwrap();
    for typed in [&timed.pair.first, &timed.pair.second] {
        let decision = token.try_code(typed, Origin::Console, after(NOW, 30));
        assert_eq!(decision.verdict, Verdict::Replay);
    }
}

#[test]
fn a_button_shows_no_code_that_is_not_pressed_for() {
    let token = SoftToken::button(0);
    assert_eq!(found(&token, &token.pair(3, 5, u32::MAX), NOW), Err(NoPair::NotFound));
}

#[test]
fn a_button_token_has_no_drift_after_a_pair() {
    let token = SoftToken::button(0);
    let state = locate(&token.opened(), &token.pair(3, 4, 9), Reach::Own, &at(NOW)).unwrap();
    assert_eq!((state.last_step, state.clock), (Some(4), None));
}

#[test]
fn the_edges_of_time_and_of_counters_hold_no_pair_and_no_panic() {
    let narrow = Policy { pair_own: 120, pair_look_ahead: 9, ..Policy::default() };
    let periods = [0, 1, 30, u32::MAX].map(|period| Moving::Time { period });
    let counters = [0, u64::MAX - 1, u64::MAX].map(|next| Moving::Counter { next });
    for moving in periods.into_iter().chain(counters) {
        for (now, spent) in [(0, 0), (0, u64::MAX), (u64::MAX, 0), (u64::MAX, u64::MAX)] {
            let parameters = Parameters { moving, ..CLOCK };
            let token = SoftToken::new("1", SEED, parameters).spent(spent);
            for step in [0, now, u64::MAX - 1] {
                let pair = token.pair(step, step.saturating_add(1), u32::MAX);
                if let Ok(state) =
                    locate(&token.opened(), &pair, Reach::Own, &under(Now(now), &narrow))
                {
                    assert!(state.last_step > Some(spent), "{moving:?} at {now}");
                }
            }
        }
    }
}

#[test]
fn the_last_counters_of_all_are_a_pair() {
    let token = SoftToken::button(u64::MAX - 5);
    let pair = token.pair(u64::MAX - 1, u64::MAX, 0);
    assert_eq!(found(&token, &pair, NOW), Ok(u64::MAX));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    // AWS's page warns of a token that is out of sync after a slow administrator's two codes.
    #[test]
    fn after_a_slow_administrators_pair_the_next_shown_code_is_accepted_at_once(
        (ahead, read) in (-7_000..7_000_i64, 0..30_i64),
        (between, typing, wait) in (30..=60_i64, 0..=14_i64, 0..=30_i64),
    ) {
        let mut token = SoftToken::clock();
        let shown = |seconds: i64| after(NOW, ahead + read + seconds).0 / 30;
        let (first, second) = (shown(0), shown(between));
        let timed = token.pair(first, second, u32::try_from(between).unwrap());
        if second - first == 2 && between <= 45 {
            return Ok(());
        }
        let arrival = after(NOW, read + between + typing);
        token.state = locate(&token.opened(), &timed, Reach::Own, &at(arrival)).unwrap();
        let next = between + typing + wait;
        if shown(next) > second {
            let arrival = after(NOW, read + next + 6);
            prop_assert_eq!(token.enter(&token.code(shown(next)), arrival), Verdict::Accept);
        }
    }

    #[test]
    fn a_pair_is_found_exactly_where_it_may_be(
        (distance, gap) in (-260..=260_i64, 1..=2_u64),
        (spent, elapsed) in (-260..=260_i64, 0..=90_u32),
        second_of_step in 0..30_u64,
    ) {
        let at = |distance: i64| STEP.checked_add_signed(distance).unwrap();
        let now = Now(STEP * 30 + second_of_step);
        let token = SoftToken::clock().spent(at(spent));
        let timed = token.pair(at(distance), at(distance) + gap, elapsed);
        let may = distance.abs() <= 240 && distance > spent && (gap == 1 || elapsed > 45);
        let result = found(&token, &timed, now);
        let expected = if may { Ok(at(distance) + gap) } else { Err(NoPair::NotFound) };
        prop_assert_eq!(result, expected);
    }
}
