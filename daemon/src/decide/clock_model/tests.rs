use proptest::prelude::{
    Just, ProptestConfig, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest,
};

use super::{
    ClockState, ENTRY_DELAY, Now, first, in_sync_until, learn, observed_drift, predict,
    predicted_step, set_right, shift, window,
};
use crate::decide::{
    At, HostClock, Policy,
    testing::{NOW, STEP, after, at, known},
};

const DAY: u64 = 86_400;

/// Returns a clock that was seen `days` times, once a day; the token gains `rate` ppm.
fn followed(rate: f64, days: u64) -> (ClockState, Now) {
    let mut clock = first(STEP, 30, NOW);
    let mut now = NOW;
    for day in 1..=days {
        now = Now(NOW.0 + day * DAY + day * 7 % 30);
        clock = learn(Some(&clock), shown(now, rate), 30, &at(now)).unwrap();
    }
    (clock, now)
}

/// Returns the step that a token shows which was right at [`NOW`] and gains `rate` ppm.
fn shown(now: Now, rate: f64) -> u64 {
    let gained = (now.0 - NOW.0) as f64 * rate * 1e-6;
    (now.0 - ENTRY_DELAY).saturating_add_signed(gained as i64) / 30
}

#[test]
fn a_code_read_in_the_middle_of_its_step_shows_no_drift() {
    assert_eq!(observed_drift(NOW, STEP, 30), 0.0);
    assert_eq!(observed_drift(Now(NOW.0 + 1), STEP, 30), -1.0);
}

#[test]
fn the_predicted_step_is_the_observed_one() {
    for now in [1_000_000_000, 1_700_000_017, 4_102_444_800] {
        for step in [33_333_000_u64, 33_333_333, 60_000_000, 136_740_000] {
            let drift = observed_drift(Now(now), step, 30);
            if drift.abs() < 26.0 * 3_600.0 {
                assert_eq!(predicted_step(Now(now), drift, 30), step);
            }
        }
    }
}

#[test]
fn the_first_pair_knows_the_drift_to_ten_seconds_and_no_rate() {
    let clock = first(STEP + 2, 30, NOW);
    assert_eq!((clock.drift, clock.rate, clock.seen), (60.0, 0.0, NOW.0));
    assert_eq!((clock.drift_variance, clock.covariance, clock.rate_variance), (100.0, 0.0, 36.0));
}

#[test]
fn the_rate_is_learned_in_some_months_and_foretells_the_drift() {
    for rate in [-12.0, -4.0, 4.0, 12.0] {
        let (clock, now) = followed(rate, 120);
        assert!((clock.rate - rate).abs() < 1.0, "{} for {rate}", clock.rate);
        let later = Now(now.0 + 90 * DAY);
        let gained = (later.0 - NOW.0) as f64 * rate * 1e-6;
        assert!((predict(&clock, later).drift - gained).abs() < 10.0);
    }
}

#[test]
fn what_is_not_seen_gets_less_sure_and_what_is_seen_surer() {
    let (clock, now) = followed(4.0, 180);
    let spread = |days| predict(&clock, Now(now.0 + days * DAY)).drift_variance;
    assert!(spread(1) < spread(30) && spread(30) < spread(180));
    assert!(clock.drift_variance < 10.0 && clock.rate_variance < 2.0);
}

#[test]
fn an_observation_beyond_four_sigma_teaches_less() {
    let clock = known(0.0);
    // S = 4.25 + 100, so 4 σ are 40.8 s.
    let taught = |late: i64| learn(Some(&clock), STEP, 30, &at(after(NOW, late))).unwrap().drift;
    assert!((taught(40) + 40.0 * 4.25 / 104.25).abs() < 0.01, "{}", taught(40));
    assert!((taught(41) + 41.0 * 4.25 / 404.25).abs() < 0.01, "{}", taught(41));
}

#[test]
fn a_host_whose_clock_is_not_synchronised_teaches_nothing() {
    let clock = known(5.0);
    let at = At { host_clock: HostClock::Unsynchronised, ..at(NOW) };
    assert_eq!(learn(Some(&clock), STEP + 1, 30, &at), Some(clock));
    assert_eq!(learn(None, STEP + 1, 30, &at), None);
}

#[test]
fn setting_a_clock_right_takes_the_drift_from_the_pair_and_keeps_the_rate() {
    let (clock, now) = followed(12.0, 120);
    let now = Now(now.0 + 30);
    // A step off what was expected, for whatever reason.
    let step = shown(now, 12.0) + 1;
    let right = set_right(Some(&clock), step, 30, now);
    assert_eq!(right.drift, observed_drift(now, step, 30));
    assert_eq!(right.drift_variance, 100.0);
    assert!((right.rate - 12.0).abs() < 2.0, "{}", right.rate);
    // An hour off is nothing that a quartz can do: it was set.
    assert_eq!(set_right(Some(&clock), step + 120, 30, now), first(step + 120, 30, now));
    assert_eq!(set_right(None, step, 30, now), first(step, 30, now));
}

#[test]
fn two_years_in_a_drawer_teach_the_rate_at_once() {
    let clock = first(STEP, 30, NOW);
    let now = Now(NOW.0 + 2 * 365 * DAY);
    let right = set_right(Some(&clock), shown(now, 12.0), 30, now);
    assert!((right.rate - 12.0).abs() < 1.5, "{}", right.rate);
}

#[test]
fn only_a_clock_that_is_known_tells_how_far_the_host_is_off() {
    let now = Now(NOW.0 + 30);
    let seen = shift(&known(0.0), (STEP + 2, 30), now, 5.0).unwrap();
    assert!((seen - 30.0).abs() < 0.01, "{seen}");
    assert_eq!(shift(&first(STEP, 30, NOW), (STEP + 2, 30), now, 5.0), None);
    let later = Now(NOW.0 + 180 * DAY);
    assert_eq!(shift(&known(0.0), (STEP, 30), later, 5.0), None);
}

#[test]
fn a_month_makes_a_rate_less_sure_by_six_tenths_of_a_ppm() {
    let clock = known(0.0);
    let aged = predict(&clock, Now(NOW.0 + 30 * DAY));
    let grown = aged.rate_variance - clock.rate_variance;
    assert!((grown - 0.36).abs() < 1e-9, "{grown}");
}

#[test]
fn setting_a_clock_right_keeps_how_sure_the_rate_is() {
    let (clock, now) = followed(12.0, 120);
    let (now, step) = (Now(now.0 + 30), shown(Now(now.0 + 30), 12.0));
    let learned = learn(Some(&clock), step, 30, &at(now)).unwrap();
    let right = set_right(Some(&clock), step, 30, now);
    assert_eq!(right.rate_variance, learned.rate_variance);
    assert_eq!(right.covariance, learned.covariance);
    assert!(right.covariance != 0.0);
}

#[test]
fn a_clock_was_set_if_it_is_off_by_more_than_four_sigma_of_both_together() {
    // S = 4.25 + 100, so 4 σ are 40.8 s.
    let clock = ClockState { rate: 3.0, ..known(0.0) };
    let right = |step| set_right(Some(&clock), step, 30, NOW).rate;
    assert!((right(STEP + 1) - 3.0).abs() < 0.1);
    assert_eq!(right(STEP + 2), 0.0);
}

#[test]
fn a_code_ties_a_drift_to_no_rate_that_it_was_not_tied_to() {
    assert_eq!(learn(Some(&known(0.0)), STEP, 30, &at(NOW)).unwrap().covariance, 0.0);
}

#[test]
fn a_clock_that_nobody_knows_stays_as_unsure_as_its_record_says() {
    let clock = ClockState { drift_variance: 1e6, rate_variance: 2_000.0, ..known(0.0) };
    let same = predict(&clock, NOW);
    assert_eq!((same.drift_variance, same.rate_variance), (1e6 + 0.25, 2_000.0));
}

#[test]
fn how_far_the_host_is_off_counts_from_what_the_token_is_ahead() {
    let clock = ClockState { drift_variance: 16.0, ..known(10.0) };
    let seen = shift(&clock, (STEP + 1, 30), NOW, 5.0).unwrap();
    assert!((seen - 20.0).abs() < 0.01, "{seen}");
}

#[test]
fn a_step_is_predicted_for_a_host_and_a_token_that_are_a_day_off_each() {
    assert_eq!(predicted_step(NOW, 150_000.0, 30), STEP + 5_000);
    assert_eq!(predicted_step(NOW, 1e9, 30), STEP + 6_240);
}

#[test]
fn the_window_is_three_steps_for_a_clock_that_is_known_and_widens_to_the_cap() {
    let steps = |clock: Option<&ClockState>, period, now| {
        let window = window(clock, period, now, &Policy::DEFAULT);
        let middle = now.0.saturating_sub(ENTRY_DELAY) / u64::from(period);
        (middle - window.start(), window.end() - middle)
    };
    assert_eq!(steps(None, 30, NOW), (1, 1));
    assert_eq!(steps(Some(&known(0.0)), 30, NOW), (1, 1));
    // 10 s of σ: 25 s ahead, and 40 s back because some type slowly.
    assert_eq!(steps(Some(&first(STEP, 30, NOW)), 30, NOW), (1, 1));
    assert_eq!(steps(Some(&first(STEP, 30, NOW)), 30, after(NOW, -14)), (2, 1));
    for (days, spread) in [(90, (1, 1)), (180, (2, 2)), (360, (4, 4)), (36_500, (4, 4))] {
        let now = Now(NOW.0 + days * DAY / 30 * 30);
        assert_eq!(steps(Some(&known(0.0)), 30, now), spread, "after {days} days");
    }
    let now = Now(STEP / 2 * 60 + 30 + 6 + 36_500 * DAY);
    assert_eq!(steps(Some(&known(0.0)), 60, now), (2, 2));
}

#[test]
fn a_policy_with_a_smaller_cap_than_its_window_keeps_its_window() {
    let policy = Policy { window: 2, window_cap: 0, ..Policy::DEFAULT };
    let clock = first(STEP, 30, NOW);
    let window = window(Some(&clock), 30, NOW, &policy);
    assert_eq!(window, STEP - 2..=STEP + 2);
}

#[test]
fn a_token_is_in_sync_as_long_as_the_cap_does_not_cut_the_window() {
    let cut = |clock: &ClockState, now| {
        let spread = 2.5 * predict(clock, now).drift_variance.sqrt();
        spread + 15.0 > 120.0
    };
    for clock in [known(0.0), first(STEP, 30, NOW), followed(10.0, 300).0] {
        let until = in_sync_until(&clock, 30, Now(clock.seen), &Policy::DEFAULT).unwrap();
        assert!(!cut(&clock, Now(until - 600)) && cut(&clock, Now(until + 600)));
        assert_eq!(in_sync_until(&clock, 30, Now(until), &Policy::DEFAULT), Some(until));
        assert_eq!(in_sync_until(&clock, 30, Now(until + 1), &Policy::DEFAULT), None);
    }
    let lost = ClockState { drift_variance: 1e6, ..known(0.0) };
    assert_eq!(in_sync_until(&lost, 30, NOW, &Policy::DEFAULT), None);
}

#[test]
fn a_token_that_is_used_stays_in_sync_for_half_a_year_and_a_new_one_for_two_months() {
    let days = |clock: &ClockState| {
        let until = in_sync_until(clock, 30, Now(clock.seen), &Policy::DEFAULT).unwrap();
        (until - clock.seen) / DAY
    };
    assert!((60..120).contains(&days(&first(STEP, 30, NOW))), "{}", days(&first(STEP, 30, NOW)));
    assert!(days(&followed(4.0, 365).0) > 182, "{}", days(&followed(4.0, 365).0));
}

#[test]
fn the_edges_of_time_do_not_overflow() {
    assert_eq!(predicted_step(Now(0), -93_600.0, 30), 0);
    assert_eq!(observed_drift(Now(u64::MAX), 0, 30), -93_600.0);
    assert_eq!(observed_drift(Now(0), u64::MAX, 60), 93_600.0);
    assert_eq!(observed_drift(Now(0), u64::MAX, u32::MAX), 93_600.0);
    assert_eq!(predicted_step(Now(93_606), f64::MIN, 30), 0);
    assert_eq!(predicted_step(Now(u64::MAX), f64::MAX, 1), u64::MAX);
    assert_eq!(predicted_step(Now(u64::MAX), f64::NAN, 0), u64::MAX - ENTRY_DELAY);
    let late = predict(&known(0.0), Now(u64::MAX));
    assert!(late.drift_variance.is_finite() && late.covariance.is_finite());
}

/// Any number, but the edges often.
fn edgy() -> impl Strategy<Value = u64> {
    prop_oneof![any::<u64>(), Just(0), Just(u64::MAX), NOW.0 - 100..NOW.0 + 100 * DAY]
}

fn float() -> impl Strategy<Value = f64> {
    prop_oneof![any::<f64>(), Just(f64::NAN), Just(f64::INFINITY), -1e3..1e3]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_stored_and_whenever_it_is_asked_the_numbers_stay_believable(
        (drift, rate, drift_variance) in (float(), float(), float()),
        (covariance, rate_variance, seen) in (float(), float(), edgy()),
        (now, step, period) in (edgy(), edgy(), prop_oneof![Just(30), Just(60), any::<u32>()]),
    ) {
        let now = Now(now);
        let clock = ClockState { drift, rate, drift_variance, covariance, rate_variance, seen };
        let learned = learn(Some(&clock), step, period, &at(now)).unwrap();
        for clock in [predict(&clock, now), learned, set_right(Some(&clock), step, period, now)] {
            prop_assert!(clock.drift.abs() <= 93_600.0 && clock.rate.abs() <= 50.0);
            prop_assert!(clock.drift_variance > 0.0 && clock.drift_variance.is_finite());
            prop_assert!(clock.rate_variance > 0.0 && clock.rate_variance <= 2_500.0);
            let bound = (clock.drift_variance * clock.rate_variance).sqrt();
            prop_assert!(clock.covariance.abs() <= bound * 1.000_001);
            prop_assert_eq!(clock.seen, now.0);
        }
        let steps = window(Some(&clock), period, now, &Policy::DEFAULT);
        let most = 120 / u64::from(period.max(1)).min(120);
        prop_assert!(steps.start() <= steps.end());
        prop_assert!(steps.end() - steps.start() <= 2 * most);
        if let Some(until) = in_sync_until(&clock, period, now, &Policy::DEFAULT) {
            prop_assert!(until >= now.0);
        }
        let _ = shift(&clock, (step, period), now, 5.0);
    }
}
