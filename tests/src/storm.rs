//! Storms: many sign-ins at once, a flood on one user, thousands of connections, a slow disk; what
//! fobd does meanwhile, and what somebody waits who has nothing to do with it. `cargo run --release
//! -p fob-tests --bin storm` runs them and prints a table.
//!
//! A real fobd on a filled state folder ([`crate::fill`]), on the peer socket, callers with a thread
//! and a connection each. Codes come from tokens with a button: each is a fresh one, each verdict is
//! durable before it is answered.
//!
//! To add one: a file in `storm/`, a function `fn(&Plan) -> Result<Vec<Row>, Failure>`, a row in
//! [`STORMS`].

#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::unwrap_used,
    reason = "programs of a test: a failure here is the test's failure"
)]

mod caller;
mod connections;
mod crowd;
mod flood;
mod hall;
mod size;
mod times;

use std::{fmt::Write as _, time::Duration};

pub use self::{hall::users, times::Times};
use crate::conformance::Failure;

/// What is asked of the storms.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// How long each lasts.
    pub length: Duration,
    /// Tokens in the database.
    pub tokens: u32,
}

/// A line of the table.
pub struct Row {
    /// Whose answers it is about.
    pub who: String,
    /// How long they took.
    pub times: Times,
    /// How long all of it took.
    pub length: Duration,
    /// What else is to be said.
    pub notes: String,
}

/// A storm.
pub struct Storm {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it is, in a few words.
    pub title: &'static str,
    run: fn(&Plan) -> Result<Vec<Row>, Failure>,
}

/// All of them, in the order in which they are run.
pub const STORMS: [Storm; 6] = [
    Storm { name: "crowd", title: "64 people sign in, again and again", run: crowd::run },
    Storm { name: "slow-disk", title: "the same, a sync takes 5 ms", run: crowd::run_slow },
    Storm { name: "flood", title: "63 callers guess one user's code", run: flood::run },
    Storm { name: "slow-flood", title: "the same, a sync takes 5 ms", run: flood::run_slow },
    Storm { name: "connections", title: "thousands of connections", run: connections::run },
    Storm {
        name: "size",
        title: "a thousand tokens beside many: --tokens 1000000",
        run: size::run,
    },
];

impl Storm {
    /// Runs it and returns its part of the table, in Markdown.
    ///
    /// # Errors
    ///
    /// [`Failure`] if it could not be run.
    pub fn run(&self, plan: &Plan) -> Result<String, Failure> {
        let mut page = format!(
            "\n{}: {}, {} tokens\n\n| who | answers | a second | p50 ms | p99 ms | longest ms | |\n\
             | --- | --: | --: | --: | --: | --: | --- |\n",
            self.name, self.title, plan.tokens
        );
        for row in (self.run)(plan)? {
            let Row { who, times, length, notes } = row;
            let rate = times.count() as f64 / length.as_secs_f64();
            let [half, most, longest] =
                [times.at(0.5), times.at(0.99), times.at(1.0)].map(|t| t.as_secs_f64() * 1e3);
            // Writing to a String does not fail.
            let _ = writeln!(
                page,
                "| {who} | {} | {rate:.0} | {half:.2} | {most:.2} | {longest:.1} | {notes} |",
                times.count()
            );
        }
        Ok(page)
    }
}
