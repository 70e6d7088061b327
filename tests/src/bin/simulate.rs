//! Prints the tables of clock-and-throttle.md for the shipped code.
//!
//! `cargo run --release -p fob-tests --bin simulate -- clock`, with `--years 4`, `--tokens 2000`,
//! `--ageing 0` (ppm a month) and `--seed 1` if nothing else is said; or `-- guess`, with
//! `--users 10000`, `--warm-up 300` (seconds) and `--seed 1`.

use std::{
    env,
    error::Error,
    io::{self, Write as _},
};

use fob_tests::simulation::{
    clock::{Plan, Table, Use},
    guess,
};

const USAGE: &str = "usage: simulate clock [--years YEARS] [--tokens NUMBER] [--ageing PPM] [--seed NUMBER]\n\
     \u{20}      simulate guess [--users NUMBER] [--warm-up SECONDS] [--seed NUMBER]";

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let text = match arguments.next().as_deref() {
        Some("clock") => clock(arguments)?,
        Some("guess") => guess(arguments)?,
        _ => return Err(USAGE.into()),
    };
    Ok(io::stdout().write_all(text.as_bytes())?)
}

/// Section 1: first codes refused.
fn clock(mut arguments: impl Iterator<Item = String>) -> Result<String, Box<dyn Error>> {
    let mut plan = Plan { years: 4.0, tokens: 2_000, ageing: 0.0, seed: 1 };
    while let Some(option) = arguments.next() {
        let value = arguments.next().ok_or(USAGE)?;
        match option.as_str() {
            "--years" => plan.years = value.parse()?,
            "--tokens" => plan.tokens = value.parse()?,
            "--ageing" => plan.ageing = value.parse()?,
            "--seed" => plan.seed = value.parse()?,
            _ => return Err(USAGE.into()),
        }
    }
    let table = Table::of(plan, &Use::ALL).ok_or("a token could not be set up.")?;
    Ok(table.to_string())
}

/// Section 5: what guessing gains, and what it costs the owner.
fn guess(mut arguments: impl Iterator<Item = String>) -> Result<String, Box<dyn Error>> {
    let mut plan = guess::Plan { users: 10_000, warm_up: 300, seed: 1 };
    while let Some(option) = arguments.next() {
        let value = arguments.next().ok_or(USAGE)?.parse()?;
        match option.as_str() {
            "--users" => plan.users = value,
            "--warm-up" => plan.warm_up = value,
            "--seed" => plan.seed = value,
            _ => return Err(USAGE.into()),
        }
    }
    let tables =
        guess::Tables::of(plan).ok_or("a house could not be set up, or its owner never got in.")?;
    Ok(tables.to_string())
}
