//! The inputs that were kept from fuzzing, and changes of them: seed files, and what once made a
//! parser fail.
//!
//! The PAM module's own are replayed by its unit tests. Search for more with `tests/fuzz/run`.
#![allow(clippy::indexing_slicing, clippy::print_stdout, clippy::unwrap_used)] // a panic is a failed test

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use fob_tests::{fuzz, needs, simulation::random::Random};

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

/// Changed inputs that are tried for each file; `FOB_TEST_ROUNDS` tries more. Of calls and backups
/// a tenth: a whole daemon answers each, some with slow hashes.
const ROUNDS: usize = 100;

fn replay(target: &str) {
    let inputs: Vec<_> = files(target).iter().map(|file| fs::read(file).unwrap()).collect();
    assert!(inputs.len() >= 3, "{target} has no corpus");
    let rounds = needs::setting("FOB_TEST_ROUNDS").map_or(ROUNDS, |rounds| rounds.parse().unwrap());
    let slow = ["backup", "bus_call", "bus_stream"].contains(&target);
    let rounds = if slow { rounds / 10 } else { rounds };
    let mut random = Random::new(7, inputs.len() as u64);
    for input in &inputs {
        run(target, input);
        for _ in 0..rounds {
            let other = &inputs[random.number() as usize % inputs.len()];
            run(target, &fuzz::changed(input, other, &mut random));
        }
    }
    println!("{target}: {} inputs", inputs.len() * (rounds + 1));
}

/// Runs a target; if it fails, says on which input.
fn run(target: &str, input: &[u8]) {
    if let Err(panic) = std::panic::catch_unwind(|| fuzz::run(target, input)) {
        println!("{target} fails on b\"{}\"", input.escape_ascii());
        std::panic::resume_unwind(panic);
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
    a_log_is_read_once_and_no_change_of_it_is_overlooked "audit_log"
    a_backup_is_restored_or_refused_whatever_it_holds "backup"
    arguments_on_the_bus_are_read_as_they_were_written "bus_arguments"
    no_call_lets_anybody_in_or_ends_the_daemon "bus_call"
    whatever_comes_over_a_connection_ends_only_that "bus_stream"
    every_setting_that_is_taken_is_in_its_range "config"
    an_emergency_slot_has_one_form "emergency_slot"
    names_and_serials_print_as_they_were_typed "name"
    a_record_that_is_read_can_be_reckoned_with "record"
    a_seed_file_without_a_name_keeps_its_secrets "seed_detect"
    an_entra_csv_keeps_its_secrets "seed_entra_csv"
    a_text_of_feitian_keeps_its_secrets "seed_feitian_text"
    a_file_of_google_authenticator_keeps_its_secrets "seed_google_authenticator"
    a_list_of_linotp_keeps_its_secrets "seed_linotp_csv"
    a_list_of_multiotp_keeps_its_secrets "seed_multiotp_csv"
    a_text_of_nexus_keeps_its_secrets "seed_nexus_text"
    an_oath_csv_keeps_its_secrets "seed_oath_csv"
    uris_of_an_app_keep_their_secrets "seed_otpauth"
    a_plain_csv_keeps_its_secrets "seed_plain_csv"
    a_list_of_privacyidea_keeps_its_secrets "seed_privacyidea_csv"
    a_pskc_file_keeps_its_secrets "seed_pskc"
    an_encrypted_pskc_file_keeps_its_secrets_and_its_password "seed_pskc_encrypted"
    a_safeid_csv_keeps_its_secrets "seed_safeid_csv"
    an_xml_of_safenet_keeps_its_secrets "seed_safenet_xml"
    a_record_of_safeword_keeps_its_secrets "seed_safeword_dat"
    a_users_file_of_pam_oath_keeps_its_secrets "seed_users_oath"
    a_log_of_yubikeys_keeps_its_secrets "seed_yubico_csv"
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
