//! The differential suite: the same scenarios through libpam against Fob and against the two
//! modules that Debian has for the same work, and a table of what each did.
//!
//! `cargo run -p fob-tests --bin differential` runs it. A scenario never asks which module it has
//! in front of it but where it must touch a module's own files; what is safe is said in the
//! scenario, before anybody has answered.
//!
//! Honest limits: the peers are configured as their own documentation shows, not as well as they
//! could be; the host is a small C program; all processes go by a clock of the scenario's own.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::unwrap_used,
    reason = "the helpers of tests: a failure here is the test's failure"
)]

pub mod bench;
pub mod cell;
pub mod clock;
mod clocks;
mod codes;
mod guessing;
mod hosting;
pub mod log;
pub mod module;
mod people;
mod replay;
mod storage;
pub mod table;

use self::{
    bench::{Bench, Setup},
    cell::Cell,
    module::Module,
};

/// What is tried, and what a safe module must do.
#[derive(Clone, Copy)]
pub struct Scenario {
    /// What is done, in a few words. Unique.
    pub name: &'static str,
    /// What a safe module must do.
    pub safe: &'static str,
    /// Does it.
    pub run: fn(Module) -> Cell,
}

/// Returns all scenarios with the title of their family, in the table's order.
pub fn families() -> Vec<(&'static str, &'static [Scenario])> {
    vec![
        ("What is typed", codes::ALL),
        ("Used codes", replay::ALL),
        ("People", people::ALL),
        ("Guessing and locking out", guessing::ALL),
        ("Clocks", clocks::ALL),
        ("Storage", storage::ALL),
        ("The host program", hosting::ALL),
    ]
}

const fn row(name: &'static str, safe: &'static str, run: fn(Module) -> Cell) -> Scenario {
    Scenario { name, safe, run }
}

/// Runs a scenario with alice and her token.
fn on(module: Module, scenario: impl FnOnce(&mut Bench)) -> Cell {
    with(module, Setup::default(), scenario)
}

/// Runs a scenario with another beginning.
fn with(module: Module, setup: Setup, scenario: impl FnOnce(&mut Bench)) -> Cell {
    match Bench::open(module, setup) {
        Err(reason) => Cell::skipped(reason),
        Ok(mut bench) => {
            scenario(&mut bench);
            bench.cell.clone()
        }
    }
}
