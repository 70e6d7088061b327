//! kill -9 at any moment: a real fobd on a real disk, eight clients at work, and no answer that it
//! gave may be forgotten (design.md section 4, laws 1 and 5; threats.md R4, F5, D16).
//!
//! Honest limits: a killed process loses nothing that the kernel has; that what was answered
//! survives a power cut is for `power_cuts.rs`. What must not be ends the program by a panic that
//! says what it was.

mod books;
mod clients;
mod verify;

use std::{
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
};

use self::books::Books;
use self::clients::Round;
pub use self::verify::Tally;
use super::{Call, Random, Report, failed, go_on};
use crate::{
    conformance::Failure,
    daemon::{Daemon, Ground},
};

/// Runs the program.
pub(super) fn run(call: &Call) -> Result<Report, Failure> {
    let mut report = Report::new("kill -9 of a real fobd with eight clients");
    let runtime = tokio::runtime::Runtime::new().map_err(failed)?;
    let lived = catch_unwind(AssertUnwindSafe(|| runtime.block_on(lives(call.count))));
    match lived {
        Ok(tally) => {
            let tally = tally?;
            let missed = call.count.saturating_sub(tally.hits.into());
            report.count = call.count;
            report.outcomes.insert("met a request".to_owned(), tally.hits.into());
            report.outcomes.insert("met none".to_owned(), missed);
            report.outcomes.insert("codes accepted before a kill".to_owned(), tally.accepts);
            report.outcomes.insert("of them sent again and refused".to_owned(), tally.again);
            report.outcomes.insert("changes confirmed and kept".to_owned(), tally.changes);
        }
        Err(_) => report.bad("LOST OR ACCEPTED TWICE", "the panic above says what"),
    }
    Ok(report)
}

/// Kills a working fobd so often, and compares after each restart what it knows with what it said.
///
/// # Panics
///
/// If something that was answered does not hold.
///
/// # Errors
///
/// [`Failure`] if somebody does not want to wait.
pub async fn lives(rounds: u64) -> Result<Tally, Failure> {
    let mut random = Random::new();
    let ground = Ground::new();
    let mut daemon = Daemon::start(ground.path(), None);
    let mut books = Books::new(people());
    set_up(&daemon, &mut books, &ground).await;
    let mut tally = Tally::default();
    for round in 0..rounds {
        go_on()?;
        let (worked, met) = clients::work(books, &mut daemon, &mut random).await;
        books = worked;
        tally.hits += u32::from(met == Round::Hit);
        daemon = Daemon::start(ground.path(), None);
        daemon.wait_for("fence reason=\"unclean_stop\"");
        books = verify::check(books, &daemon, &mut tally).await;
        assert!(daemon.is_running(), "fobd ended by itself in round {round}");
    }
    Ok(tally)
}

/// Everybody whom this host knows, one name for each uid, without root.
///
/// # Panics
///
/// If they are fewer than a Debian has.
#[must_use]
pub fn people() -> Vec<String> {
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
