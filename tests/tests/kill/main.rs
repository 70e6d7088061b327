//! kill -9 at any moment: a real fobd on a real disk, eight clients at work, and no answer that it
//! gave may be forgotten (design.md section 4, laws 1 and 5; threats.md R4, F5, D16).
//!
//! Honest limits: a killed process loses nothing that the kernel has; that what was answered
//! survives a power cut is for the store's own tests.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test and its helpers: a failure here is the test's failure"
)]

mod books;
mod clients;
mod random;
mod verify;

use std::fs;

use fob_tests::{
    daemon::{Daemon, Ground},
    needs,
};

use crate::{books::Books, clients::Round, random::Random, verify::Tally};

/// Kills in one run.
const ROUNDS: u32 = 130;
/// Of them, those that must have met a request that was on its way.
const LEAST_HITS: u32 = 100;
/// Codes that must have been accepted before a kill.
const LEAST_ACCEPTS: u64 = 1000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_answered_before_a_kill_holds_after_it() {
    let mut random = Random::new();
    let rounds = needs::setting("FOB_TEST_ROUNDS").map_or(ROUNDS, |text| text.parse().unwrap());
    let ground = Ground::new();
    let mut daemon = Daemon::start(ground.path(), None);
    let mut books = Books::new(people());
    set_up(&daemon, &mut books, &ground).await;
    let mut tally = Tally::default();
    for round in 0..rounds {
        let (worked, met) = clients::work(books, &mut daemon, &mut random).await;
        books = worked;
        tally.hits += u32::from(met == Round::Hit);
        daemon = Daemon::start(ground.path(), None);
        daemon.wait_for("fence reason=\"unclean_stop\"");
        books = verify::check(books, &daemon, &mut tally).await;
        assert!(daemon.is_running(), "fobd ended by itself in round {round}");
    }
    println!("{rounds} kills: {tally}");
    assert!(tally.hits * ROUNDS >= LEAST_HITS * rounds, "too few kills met a request: {tally}");
    let least = LEAST_ACCEPTS * u64::from(rounds) / u64::from(ROUNDS);
    assert!(tally.accepts >= least, "too few codes were accepted: {tally}");
    assert!(tally.replays >= u64::from(rounds), "too few replays were recognized: {tally}");
    assert!(tally.changes * 2 >= u64::from(rounds), "too few assignments were changed: {tally}");
}

/// Everybody whom this host knows, one name for each uid, without root.
fn people() -> Vec<String> {
    let file = fs::read_to_string("/etc/passwd").unwrap();
    let mut known = vec!["0".to_owned()];
    let mut names = Vec::new();
    for line in file.lines() {
        let mut fields = line.split(':');
        let (Some(name), Some(uid)) = (fields.next(), fields.nth(1)) else { continue };
        if !known.iter().any(|other| other == uid) {
            known.push(uid.to_owned());
            names.push(name.to_owned());
        }
    }
    assert!(names.len() >= 12, "a Debian has more users than {names:?}");
    names
}

/// Imports all tokens and gives each person who signs in one.
async fn set_up(daemon: &Daemon, books: &mut Books, ground: &Ground) {
    let path = ground.path().join("seeds.csv");
    fs::write(&path, books.seed_file()).unwrap();
    let file = fs::File::open(path).unwrap();
    let fob = daemon.proxy().await;
    fob.import((&file).into(), "oath-csv", Default::default()).await.unwrap();
    for holder in books.holders.iter_mut().flatten() {
        let [first, second] = holder.token.pair();
        let serial = holder.token.serial();
        fob.assign(&holder.user, serial, &[&first, &second], Default::default()).await.unwrap();
    }
}
