//! The inputs that were kept from fuzzing: seed files, and what once made a parser fail.
//!
//! The PAM module's own are replayed by its unit tests. Search for more with `tests/fuzz/run`.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use fob_tests::fuzz;

/// Targets whose function is in the module's crate, which nothing links.
const OF_THE_MODULE: [&str; 2] = ["pam_options", "pam_reply"];

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus")
}

fn files(target: &str) -> Vec<PathBuf> {
    let folder = fs::read_dir(corpus().join(target)).unwrap();
    let mut files: Vec<_> = folder.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn replay(target: &str) {
    let files = files(target);
    assert!(files.len() >= 3, "{target} has no corpus");
    for file in files {
        println!("{}", file.display()); // shown with the panic
        fuzz::run(target, &fs::read(&file).unwrap());
    }
}

macro_rules! replayed {
    ($($test:ident $target:literal)+) => {
        $(#[test] fn $test() { replay($target); })+

        #[test]
        fn every_target_is_replayed() {
            let replayed = [$($target),+];
            assert_eq!(replayed.to_vec(), fuzz::ALL.map(|(name, _)| name).to_vec());
            let folders = fs::read_dir(corpus()).unwrap();
            let folders = folders.map(|entry| entry.unwrap().file_name().into_string().unwrap());
            let known = replayed.into_iter().chain(OF_THE_MODULE).map(str::to_owned);
            assert_eq!(folders.collect::<BTreeSet<_>>(), known.collect());
        }
    };
}

replayed! {
    what_people_type_is_one_thing_or_nothing "answer"
    arguments_on_the_bus_are_read_as_they_were_written "bus_arguments"
    no_call_lets_anybody_in_or_ends_the_daemon "bus_call"
    every_setting_that_is_taken_is_in_its_range "config"
    an_emergency_slot_has_one_form "emergency_slot"
    names_and_serials_print_as_they_were_typed "name"
    a_record_that_is_read_can_be_reckoned_with "record"
    a_seed_file_without_a_name_keeps_its_secrets "seed_detect"
    an_entra_csv_keeps_its_secrets "seed_entra_csv"
    an_oath_csv_keeps_its_secrets "seed_oath_csv"
    a_pskc_file_keeps_its_secrets "seed_pskc"
}

#[test]
fn the_corpus_stays_small() {
    let targets = fuzz::ALL.map(|(name, _)| name).into_iter().chain(OF_THE_MODULE);
    let mut bytes = 0;
    for target in targets {
        let files = files(target);
        assert!(files.len() <= 60, "{target} has {} files; minimise it", files.len());
        bytes += files.iter().map(|file| file.metadata().unwrap().len()).sum::<u64>();
    }
    assert!(bytes <= 300 << 10, "{bytes} bytes");
}
