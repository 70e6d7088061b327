//! Fob's column of `tests/DIFFERENTIAL.md` is what Fob does today. The peers' columns are written
//! by `cargo run -p fob-tests --bin differential -- --write`.

use std::{collections::BTreeMap, fs, process::Command};

use fob_tests::{
    differential::{families, table},
    needs::{self, Need},
};

/// What Fob is known to get wrong. Whoever mends it takes it out of here, and writes the table anew.
const KNOWN: [&str; 0] = [];

#[test]
fn fob_does_in_each_scenario_what_the_kept_table_says() {
    let programs = ["bwrap", "cc", "mount", "setpriv", "strace", "unshare"].map(Need::Program);
    let needs: Vec<Need> = [Need::Root].into_iter().chain(programs).collect();
    if !needs::met(&needs) {
        return;
    }
    let ran = Command::new(env!("CARGO_BIN_EXE_differential")).arg("--fob").output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let kept = table::fobs(&fs::read_to_string(table::path()).unwrap());
    let kept: BTreeMap<String, String> = kept.into_iter().collect();
    let now = table::fobs(&String::from_utf8_lossy(&ran.stdout));
    let changed: Vec<String> = now
        .iter()
        .filter(|(name, cell)| kept.get(name) != Some(cell))
        .map(|(name, cell)| format!("{name}: {cell}; kept: {:?}", kept.get(name)))
        .collect();
    assert!(changed.is_empty(), "{}", changed.join("\n"));
    assert_eq!(now.len(), kept.len(), "the kept table has rows that are no scenario any more");
}

#[test]
fn the_kept_table_has_a_row_for_each_scenario_and_fob_lets_nobody_in_who_must_not() {
    let kept = fs::read_to_string(table::path()).unwrap();
    let kept: BTreeMap<String, String> = table::fobs(&kept).into_iter().collect();
    let mut count = 0;
    for scenario in families().into_iter().flat_map(|(_, scenarios)| scenarios) {
        let cell =
            kept.get(scenario.name).unwrap_or_else(|| panic!("{} is missing", scenario.name));
        let is_unsafe = cell.contains("unsafe");
        assert_eq!(is_unsafe, KNOWN.contains(&scenario.name), "{}: {cell}", scenario.name);
        count += 1;
    }
    assert!(count >= 60, "{count} scenarios");
}
