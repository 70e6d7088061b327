//! The instructions of a sign-in stay below the bounds of `tests/bench/BOUNDS.md`. They are counted,
//! not timed: another machine, or a busy one, counts the same.

use std::path::Path;

use fob_tests::{
    bench,
    needs::{self, Need},
};

/// Where the release build is: other builds have other counts.
const BUILT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/release");

#[test]
fn a_sign_in_takes_no_more_instructions_than_its_bounds_allow() {
    let built = Path::new(BUILT);
    let is_built = ["fobd", "libpam_fob.so"].iter().all(|name| built.join(name).is_file());
    let programs = ["bwrap", "cc", "dbus-daemon", "valgrind"].map(Need::Program);
    let needs = [Need::Root, Need::That(is_built, "the release build (./tests/run makes it)")];
    if !needs::met(&[needs.as_slice(), programs.as_slice()].concat()) {
        return;
    }
    for (name, count, bound) in bench::bounds(&bench::count(built)) {
        assert!(count > 0, "nothing was counted for the {name}");
        assert!(
            count <= bound,
            "the {name} takes {count} instructions for a right code, and {bound} is its bound in \
             tests/bench/BOUNDS.md. Make it shorter, or raise the bound and say why."
        );
    }
}
