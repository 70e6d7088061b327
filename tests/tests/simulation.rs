//! The short forms of `simulate clock` and `simulate guess`: the bars of clock-and-throttle.md
//! sections 1 and 5.

use fob_tests::simulation::{
    clock::{Plan, Table, Use},
    guess::{Door, Gain, Target, besiege, guess},
};

/// Simulates four years and returns the share of refused first codes; `None` if there were too
/// few sign-ins to show anything.
fn refusals(usage: Use, tokens: u64) -> Option<f64> {
    let plan = Plan { years: 4.0, tokens, ageing: 0.0, seed: 1 };
    let tally = Table::of(plan, &[usage])?.shipped(usage)?;
    (tally.sign_ins > 3_000).then(|| tally.refusals())
}

#[test]
fn at_most_one_first_code_in_a_thousand_is_refused_at_weekly_use() {
    let refused = refusals(Use::Weekly, 150).unwrap();
    assert!(refused <= 0.001, "{refused}");
}

#[test]
fn at_most_three_first_codes_in_a_hundred_are_refused_at_half_yearly_use() {
    let refused = refusals(Use::HalfYearly, 600).unwrap();
    assert!(refused <= 0.03, "{refused}");
}

#[test]
fn a_simulation_is_the_same_every_time() {
    let plan = Plan { years: 1.0, tokens: 20, ageing: 0.0, seed: 7 };
    let table = || Table::of(plan, &[Use::Monthly]).unwrap().to_string();
    assert_eq!(table(), table());
}

/// Guesses for a year at a few users. How many pairs are tried in a second is another test's.
fn gain(target: Target, pairs: f64) -> Option<Gain> {
    Some(Gain { target, year: guess(target, 40, 1)?, pairs })
}

#[test]
fn a_guesser_hits_within_a_year_no_more_often_than_promised() {
    let (user, root) = (gain(Target::User, 10.0).unwrap(), gain(Target::Root, 1.0).unwrap());
    assert!(user.altogether() <= 0.0025, "{}", user.altogether());
    assert!(root.altogether() <= 0.0005, "{}", root.altogether());
    // The guesser did try: as often as the budget lets him.
    assert!(user.year.tried > 40 * 300 && root.year.tried > 40 * 100, "{user:?} {root:?}");
    assert_eq!((user.year.refused, root.year.refused), (0, 0));
}

#[test]
fn the_owner_under_attack_is_refused_no_valid_code() {
    for door in Door::ALL {
        let siege = besiege(door, 100, 30, 1).unwrap();
        let most = if door == Door::Unknown { 60 } else { 0 };
        assert!(siege.refused == 0 && siege.delay <= most, "{siege:?}");
    }
}
