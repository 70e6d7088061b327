//! The short forms of the fault programs about codes: `tests/faults` has the long ones (threats.md
//! R2, S1, S2, S7).

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test: a failure here is the test's failure"
)]

use fob_tests::{
    faults::{Call, Program, Report},
    needs::{self, Need},
};

fn run(name: &str, count: u64) -> Report {
    let call = Call { count, faults: env!("CARGO_BIN_EXE_faults").into() };
    let report = Program::named(name).unwrap().run(&call).unwrap();
    assert!(report.bad.is_empty() && report.count >= count, "{name}: {:?}", report.bad);
    report
}

#[test]
fn in_five_thousand_trials_no_used_code_is_accepted_again() {
    let report = run("replays", 5_000);
    // They were compared, and some of them met at the store.
    let of = |outcome: &str| report.outcomes.get(outcome).copied().unwrap_or_default();
    assert!(of("replay in memory") > 500 && of("replay on disk") > 50, "{report}");
    assert!(of("commits decided again in memory") > 0, "{report}");
}

#[test]
fn of_two_thousand_sign_ins_64_at_once_none_is_refused() {
    assert_eq!(run("signins", 2_000).outcomes.len(), 1);
}

#[test]
fn through_libpam_no_used_code_is_accepted_again() {
    if !needs::met(&[Need::Root, Need::Program("bwrap")]) {
        return;
    }
    let report = run("pam", 100);
    assert!(report.outcomes.get("logged as replay").is_some_and(|count| *count > 50), "{report}");
}

#[test]
fn no_seed_and_no_code_is_in_the_log_the_output_the_bus_or_the_database() {
    let programs = ["bwrap", "dbus-daemon", "dbus-monitor"].map(Need::Program);
    let needs: Vec<Need> = [Need::Root].into_iter().chain(programs).collect();
    if needs::met(&needs) {
        run("secrets", 8);
    }
}
