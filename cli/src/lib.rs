//! `fobctl`: imports, assigns and manages tokens. It parses, asks the daemon, and says what came
//! of it; it decides nothing itself.
//!
//! A library only so that its man page and completions are made from the definition of its command
//! line (`examples/`); nobody else links it.

mod args;
mod ask;
mod connect;
mod doctor;
mod enable;
mod failure;
mod journal;
mod progress;
mod render;
mod sealed;
mod slots;
mod verbs;
mod whole;

use std::process::ExitCode;

use nix::sys::{
    prctl,
    resource::{Resource, setrlimit},
};

/// Runs this process's command line, and returns its exit status.
#[must_use]
pub fn run() -> ExitCode {
    keep_secrets_out_of_cores();
    match args::parse().and_then(verbs::run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

/// Returns the definition of the command line: verbs, options and their help.
#[must_use]
pub fn command() -> clap::Command {
    args::command()
}

/// Passphrases, codes and the key of a backup pass through this process: a crash must not leave
/// them in a core file (core(5)). Where the kernel refuses, it works as well.
fn keep_secrets_out_of_cores() {
    let _ = setrlimit(Resource::RLIMIT_CORE, 0, 0);
    let _ = prctl::set_dumpable(false);
}
