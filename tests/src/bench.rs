//! The benchmarks of whole sign-ins: the real module and daemon beside google-authenticator,
//! `pam_oath`, `pam_permit` and the floors, all in one run (`tests/bench/README.md`).
//!
//! Never a timed test: nothing here passes or fails by how long something took.

#![allow(
    clippy::cast_precision_loss,
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a program of the tests: what fails ends it"
)]

mod clock;
mod fill;
mod floors;
mod host;
mod house;
mod people;
mod programs;
mod rounds;
mod series;
mod table;

use std::path::PathBuf;

use self::{house::House, programs::Programs, series::Sheet};

/// What a run measures.
pub struct Plan {
    /// The folder of the release build.
    pub built: PathBuf,
    /// Numbers of tokens.
    pub sizes: Vec<usize>,
    /// Sign-ins of each kind at each number.
    pub rounds: usize,
}

/// Measures, and returns the tables.
#[must_use]
pub fn run(plan: &Plan) -> String {
    let programs = Programs::new(&plan.built);
    let mut text = String::new();
    for tokens in &plan.sizes {
        let mut house = House::open(&programs, *tokens);
        let mut sheet = Sheet::new(*tokens);
        rounds::right(&mut house, &mut sheet, plan.rounds);
        rounds::wrong(&mut house, &mut sheet, plan.rounds / 4);
        text.push_str(&table::times(&sheet));
    }
    text
}
