//! How far off a pair is found, and for whom.

use fob_api::{Error, Verdict};

use super::super::{FarClock, NoPair, Reach, locate};
use crate::{
    decide::{
        At, HostClock, Now, clock_model,
        testing::{NOW, STEP, SoftToken, after, at, known},
    },
    record::State,
};

/// Tries a pair that the token shows so many seconds off the host's clock.
fn try_at(token: &SoftToken, ahead: i64, reach: Reach) -> Result<State, NoPair> {
    let step = after(NOW, ahead).0 / 30;
    locate(&token.opened(), &token.pair(step - 1, step, 30), reach, &at(NOW))
}

#[test]
fn each_reach_has_its_range() {
    let hours = |n: i64| n * 3_600;
    for (reach, most) in [
        (Reach::Prompt, 600),
        (Reach::Own, hours(2)),
        (Reach::Administrator, hours(2)),
        (Reach::AdministratorFar, hours(26)),
    ] {
        for sign in [-1, 1] {
            // The range is the first code's, a step before the second.
            let found = |seconds| try_at(&SoftToken::clock(), sign * seconds, reach).is_ok();
            assert!(found(most - 60) && !found(most + 90), "{reach:?}");
        }
    }
}

#[test]
fn an_administrator_is_told_how_far_a_clock_is_off_and_no_code_is_burned() {
    for ahead in [6 * 3_600 - 30, -26 * 3_600 + 60, 3 * 3_600] {
        let mut token = SoftToken::clock();
        let refusal = try_at(&token, ahead, Reach::Administrator).unwrap_err();
        assert_eq!(refusal, NoPair::FarOff { ahead });
        let error = refusal.error(token.serial());
        assert_eq!(error, Error::ClockFarOff { serial: token.serial(), ahead });
        // The same codes are good after he has confirmed.
        token.state = try_at(&token, ahead, FarClock::Accept.reach()).unwrap();
        assert_eq!(token.state.clock.unwrap().drift, ahead as f64);
        let step = after(NOW, ahead + 30).0 / 30;
        assert_eq!(token.enter(&token.code(step), after(NOW, 30)), Verdict::Accept);
    }
}

#[test]
fn a_user_and_a_sign_in_are_told_nothing_about_a_clock_that_is_far_off() {
    for reach in [Reach::Own, Reach::Prompt] {
        let refusal = try_at(&SoftToken::clock(), 6 * 3_600, reach).unwrap_err();
        assert_eq!(refusal, NoPair::NotFound);
    }
}

#[test]
fn a_clock_that_is_known_to_be_far_off_is_in_nobodys_way() {
    let token = SoftToken::clock().ahead(6.0 * 3_600.0);
    for reach in [Reach::Prompt, Reach::Own, Reach::Administrator] {
        assert!(try_at(&token, 6 * 3_600, reach).is_ok(), "{reach:?}");
    }
}

#[test]
fn a_clock_that_is_known_wrongly_is_in_the_way_of_a_sign_in_only() {
    let token = SoftToken::clock().ahead(6.0 * 3_600.0);
    assert_eq!(try_at(&token, 0, Reach::Prompt), Err(NoPair::NotFound));
    for reach in [Reach::Own, Reach::Administrator, Reach::AdministratorFar] {
        assert_eq!(try_at(&token, 0, reach).unwrap().clock.unwrap().drift, 0.0, "{reach:?}");
    }
}

#[test]
fn nothing_is_found_between_the_hosts_time_and_a_clock_that_is_known_to_be_far_off() {
    for sign in [-1, 1] {
        let token = SoftToken::clock().ahead(sign as f64 * 6.0 * 3_600.0);
        assert_eq!(try_at(&token, sign * 3 * 3_600, Reach::Own), Err(NoPair::NotFound), "{sign}");
    }
}

#[test]
fn an_old_pair_is_found_in_no_range() {
    for reach in [Reach::Prompt, Reach::Own, Reach::Administrator, Reach::AdministratorFar] {
        let token = SoftToken::clock().spent(STEP);
        assert_eq!(try_at(&token, 0, reach), Err(NoPair::NotFound), "{reach:?}");
    }
}

#[test]
fn a_button_has_the_same_range_for_all() {
    let token = SoftToken::button(5);
    for reach in [Reach::Prompt, Reach::Own, Reach::Administrator, Reach::AdministratorFar] {
        let found =
            |first| locate(&token.opened(), &token.pair(first, first + 1, 0), reach, &at(NOW));
        assert!(found(1_005).is_ok());
        assert_eq!(found(1_006), Err(NoPair::NotFound));
    }
}

#[test]
fn an_expected_pair_in_a_sign_in_is_one_observation_and_any_other_sets_the_clock_right() {
    let token = SoftToken::clock().ahead(0.0);
    let learned = clock_model::learn(Some(&known(0.0)), STEP, 30, &at(NOW));
    assert_eq!(try_at(&token, 0, Reach::Prompt).unwrap().clock, learned);
    for (ahead, reach) in [(60, Reach::Prompt), (-300, Reach::Prompt), (0, Reach::Own)] {
        let clock = try_at(&token, ahead, reach).unwrap().clock.unwrap();
        assert_eq!((clock.drift, clock.drift_variance), (ahead as f64, 100.0), "{reach:?}");
    }
}

#[test]
fn a_host_whose_clock_is_not_synchronised_sets_a_clock_only_where_that_is_asked_for() {
    let host_clock = HostClock::Unsynchronised;
    let try_at = |now: Now, reach| {
        let token = SoftToken::clock().ahead(0.0);
        let timed = token.pair(STEP, STEP + 1, 30);
        let clock = locate(&token.opened(), &timed, reach, &At { host_clock, ..at(now) });
        clock.unwrap().clock.unwrap()
    };
    let (right, wrong) = (after(NOW, 30), after(NOW, 330));
    assert_eq!(try_at(wrong, Reach::Prompt), known(0.0));
    for reach in [Reach::Own, Reach::Administrator] {
        assert_eq!(try_at(right, reach), known(0.0), "{reach:?}");
        assert_eq!(try_at(wrong, reach).drift, -300.0, "{reach:?}");
    }
}
