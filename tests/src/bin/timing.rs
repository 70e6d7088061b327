//! Prints how long the daemon takes for wrong answers of six kinds, and whether the time tells them
//! apart: `cargo run --release -p fob-tests --bin timing -- [ROUNDS]`, 5 000 rounds if none are
//! said, some minutes. Needs root and `cargo build --release -p fobd`. On a machine that does
//! nothing else: the load of others is the same for all kinds, but hides what there is to see.
//!
//! Exits with 1 if two kinds are told apart; the last, a name in no file, may take longer.

use std::{
    env,
    error::Error,
    io::{self, Write as _},
    process::ExitCode,
};

use fob_tests::timing::{LIMIT, measure, table};

/// Rounds if none are said.
const ROUNDS: u64 = 5_000;

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let rounds = env::args().nth(1).map_or(Ok(ROUNDS), |text| text.parse())?;
    let (text, told_apart) = table(&measure(rounds, 1).await?);
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")?;
    let word = if told_apart { "told apart" } else { "not told apart" };
    writeln!(out, "The kinds are {word}: |t| beyond {LIMIT} would tell them.")?;
    Ok(if told_apart { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
