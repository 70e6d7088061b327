//! kill -9 of a real fobd at any moment, a hundred times; `faults -- kills` does it a thousand times.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test and its helpers: a failure here is the test's failure"
)]

use fob_tests::{faults, needs};

/// Kills in one run.
const ROUNDS: u32 = 130;
/// Of them, those that must have met a request that was on its way.
const LEAST_HITS: u32 = 100;
/// Codes that must have been accepted before a kill.
const LEAST_ACCEPTS: u64 = 1000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_answered_before_a_kill_holds_after_it() {
    let rounds = needs::setting("FOB_TEST_ROUNDS").map_or(ROUNDS, |text| text.parse().unwrap());
    let tally = faults::lives(rounds.into()).await.unwrap();
    println!("{rounds} kills: {tally}");
    assert!(tally.hits * ROUNDS >= LEAST_HITS * rounds, "too few kills met a request: {tally}");
    let least = LEAST_ACCEPTS * u64::from(rounds) / u64::from(ROUNDS);
    assert!(tally.accepts >= least, "too few codes were accepted: {tally}");
    assert!(tally.replays >= u64::from(rounds), "too few replays were recognized: {tally}");
    assert!(tally.changes * 2 >= u64::from(rounds), "too few assignments were changed: {tally}");
}
