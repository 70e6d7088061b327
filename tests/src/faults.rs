//! The fault programs: each breaks something many times, counts what came of it, and names what
//! should not have. `tests/faults` runs them in order.
//!
//! To add one: a file in `faults/`, a function `fn(&Call) -> Result<Report, Failure>`, a row in
//! [`PROGRAMS`].

#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "programs of a test: a failure here is the test's failure"
)]

mod capture;
mod corruptions;
mod host_kills;
mod house;
mod kills;
mod pam;
mod power_cuts;
mod random;
mod replays;
mod secrets;
mod signins;
mod sweep;

use std::{
    collections::BTreeMap,
    fmt,
    path::PathBuf,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Instant,
};

use nix::sys::signal::{SigSet, Signal};

pub(crate) use self::random::Random;
pub use self::{
    corruptions::judge,
    kills::{Tally, lives, people},
    power_cuts::work,
};
use crate::conformance::Failure;

/// What a program is told.
pub struct Call {
    /// How often it breaks something.
    pub count: u64,
    /// The program `faults` itself: it starts itself again for what must happen in a process of its
    /// own.
    pub faults: PathBuf,
}

/// What came of it.
pub struct Report {
    /// What was tried, in a few words.
    pub tried: &'static str,
    /// How often.
    pub count: u64,
    /// Each outcome, and how often it came.
    pub outcomes: BTreeMap<String, u64>,
    /// Outcomes that must not be, each in a line.
    pub bad: Vec<String>,
}

impl Report {
    /// Begins one.
    #[must_use]
    pub fn new(tried: &'static str) -> Self {
        Self { tried, count: 0, outcomes: BTreeMap::new(), bad: Vec::new() }
    }

    /// Counts an outcome that may be.
    pub fn good(&mut self, outcome: &str) {
        self.count += 1;
        *self.outcomes.entry(outcome.to_owned()).or_default() += 1;
    }

    /// Counts an outcome that must not be.
    pub fn bad(&mut self, outcome: &str, what: impl fmt::Display) {
        self.good(outcome);
        self.bad.push(format!("{outcome}: {what}"));
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {} tried, {} bad", self.tried, self.count, self.bad.len())?;
        for (outcome, count) in &self.outcomes {
            write!(f, "; {count} {outcome}")?;
        }
        Ok(())
    }
}

/// A fault program.
pub struct Program {
    /// Its name on the command line.
    pub name: &'static str,
    /// How often it breaks something if nothing else is said.
    pub count: u64,
    run: fn(&Call) -> Result<Report, Failure>,
}

/// All of them, in the order of `faults -- all`, with the counts that are asked of the product.
pub const PROGRAMS: [Program; 9] = [
    Program { name: "corruptions", count: 2_000, run: corruptions::run },
    Program { name: "host-kills", count: 400, run: host_kills::run },
    Program { name: "kills", count: 1_000, run: kills::run },
    Program { name: "pam", count: 10_000, run: pam::run },
    Program { name: "power-cuts", count: 500, run: power_cuts::run },
    Program { name: "replays", count: 10_000_000, run: replays::run },
    Program { name: "secrets", count: 60, run: secrets::run },
    Program { name: "signins", count: 100_000, run: signins::run },
    Program { name: "sweep", count: 40, run: sweep::run },
];

impl Program {
    /// Finds one by its name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        PROGRAMS.iter().find(|program| program.name == name)
    }

    /// Runs it, and prints its line and whatever was bad.
    ///
    /// # Errors
    ///
    /// [`Failure`] if it could not be run; that something was bad is in the report.
    pub fn run(&self, call: &Call) -> Result<Report, Failure> {
        let began = Instant::now();
        let report = (self.run)(call)?;
        println!("{}: {report}; {} s", self.name, began.elapsed().as_secs());
        for bad in &report.bad {
            println!("{}: BAD: {bad}", self.name);
        }
        Ok(report)
    }
}

/// Somebody wants the programs to end.
static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Takes Ctrl-C and SIGTERM from now on, so that what a program has made is removed. To be called
/// before there is a second thread.
///
/// # Errors
///
/// [`Failure`] if the signals cannot be taken.
pub fn take_signals() -> Result<(), Failure> {
    let signals = SigSet::from_iter([Signal::SIGINT, Signal::SIGTERM]);
    signals.thread_block().map_err(failed)?;
    let wait = move || {
        // The second one is the last.
        while signals.wait().is_ok() {
            if INTERRUPTED.swap(true, Ordering::SeqCst) {
                std::process::exit(130);
            }
        }
    };
    thread::Builder::new().name("signals".to_owned()).spawn(wait).map(drop).map_err(failed)
}

/// Ends a program that somebody does not want to wait for.
///
/// # Errors
///
/// [`Failure`] if that is so.
pub(crate) fn go_on() -> Result<(), Failure> {
    if INTERRUPTED.load(Ordering::SeqCst) { Err(Failure::new("interrupted")) } else { Ok(()) }
}

/// Wraps an error.
pub(crate) fn failed(error: impl fmt::Display) -> Failure {
    Failure::new(error.to_string())
}
