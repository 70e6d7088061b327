//! `fobctl`: imports, assigns and manages tokens. It parses, asks the daemon, and says what came
//! of it; it decides nothing itself.

mod args;
mod ask;
mod connect;
mod failure;
mod journal;
mod progress;
mod render;
mod sealed;
mod slots;
mod verbs;
mod whole;

use std::process::ExitCode;

fn main() -> ExitCode {
    match args::parse().and_then(verbs::run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
