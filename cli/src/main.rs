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

use nix::sys::{
    prctl,
    resource::{Resource, setrlimit},
};

fn main() -> ExitCode {
    keep_secrets_out_of_cores();
    match args::parse().and_then(verbs::run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

/// Passphrases, codes and the key of a backup pass through this process: a crash must not leave
/// them in a core file (core(5)). Where the kernel refuses, it works as well.
fn keep_secrets_out_of_cores() {
    let _ = setrlimit(Resource::RLIMIT_CORE, 0, 0);
    let _ = prctl::set_dumpable(false);
}
