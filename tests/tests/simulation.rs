//! The short form of `simulate clock`: the bars of clock-and-throttle.md section 1.

use fob_tests::simulation::clock::{Plan, Table, Use};

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
