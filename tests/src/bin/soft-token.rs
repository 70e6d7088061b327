//! soft-token: shows the codes of a token in a seed file, in place of the token itself.
//!
//! `soft-token FILE SERIAL [--drift SECONDS] [--step N]` prints the code that the token shows now;
//! with a drift, that of a token whose clock is off; with a step, that of N steps from now.
//! FILE is an OATH CSV file. For demonstrations and tests: whoever has the seeds has the codes.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a program that prints codes for now"
)]

use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use fob_tests::soft_token::SoftToken;

const USAGE: &str = "usage: soft-token FILE SERIAL [--drift SECONDS] [--step N]";

fn main() -> ExitCode {
    match show(&std::env::args().skip(1).collect::<Vec<_>>()) {
        Ok(code) => {
            println!("{code}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("soft-token: {error}");
            ExitCode::FAILURE
        }
    }
}

fn show(arguments: &[String]) -> Result<String, String> {
    let [file, serial, options @ ..] = arguments else { return Err(USAGE.to_owned()) };
    let (mut drift, mut step) = (0_i64, 0_i64);
    for option in options.chunks(2) {
        let [name, value] = option else { return Err(USAGE.to_owned()) };
        let value = value.parse().map_err(|_| USAGE.to_owned())?;
        match name.as_str() {
            "--drift" => drift = value,
            "--step" => step = value,
            _ => return Err(USAGE.to_owned()),
        }
    }
    let text = std::fs::read_to_string(file).map_err(|error| format!("{file}: {error}."))?;
    let token = text
        .lines()
        .filter_map(SoftToken::from_oath_line)
        .find(|token| token.serial() == serial)
        .ok_or_else(|| format!("{file} has no token {serial} with a clock."))?
        .drift(drift);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_err(|error| error.to_string())?;
    Ok(token.code_of(token.step_at(now.as_secs()).saturating_add_signed(step)))
}
