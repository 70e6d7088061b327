//! Prints the completions for a shell: `cargo run -q -p fobctl --example completions bash >
//! packaging/completions/fobctl.bash`; zsh's file is `_fobctl`, fish's `fobctl.fish`.
#![allow(clippy::print_stdout, reason = "printing is what it does")]

use std::process::ExitCode;

use clap_complete::Shell;

/// Returns the completions for a shell.
#[must_use]
pub(crate) fn of(shell: Shell) -> String {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut fobctl::command(), "fobctl", &mut text);
    String::from_utf8_lossy(&text).into_owned()
}

#[allow(dead_code, reason = "the test that compares takes the text alone")]
fn main() -> ExitCode {
    match std::env::args().nth(1).and_then(|word| word.parse().ok()) {
        Some(shell) => {
            print!("{}", of(shell));
            ExitCode::SUCCESS
        }
        None => ExitCode::from(2),
    }
}
