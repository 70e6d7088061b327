//! Short runs of the fault programs; `tests/faults` does the long ones.

#![allow(clippy::unwrap_used, reason = "the helpers of a test fail it by a panic")]

use std::path::Path;

use fob_tests::{
    faults::{Call, Program},
    needs::{self, Need},
};

#[track_caller]
fn run(name: &str, count: u64) {
    let call = Call { count, faults: env!("CARGO_BIN_EXE_faults").into() };
    let report = Program::named(name).unwrap().run(&call).unwrap();
    assert!(report.bad.is_empty(), "{:?}", report.bad);
    assert_eq!(report.count, count);
}

#[test]
fn no_decay_of_its_files_rolls_a_database_back_in_silence() {
    run("corruptions", 60);
}

#[test]
fn a_host_that_is_killed_at_any_system_call_leaves_its_code_unused_or_burnt() {
    let programs = ["bwrap", "cc", "strace"].map(Need::Program);
    let all: Vec<Need> = [Need::Root].into_iter().chain(programs).collect();
    if needs::met(&all) {
        run("host-kills", 12);
    }
}

#[test]
fn what_was_acknowledged_survives_power_cuts_on_ext4() {
    let loops = Need::That(Path::new("/dev/loop-control").exists(), "loop devices");
    if needs::met(&[Need::Root, Need::Program("mkfs.ext4"), loops]) {
        run("power-cuts", 5);
    }
}
