//! Measures whole sign-ins beside other modules: `tests/bench/run`, as root.

#![allow(clippy::print_stdout, reason = "a program of the tests")]

use std::{env, path::Path, process::ExitCode};

use fob_tests::bench::{self, Plan};

fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/release");
    let short = words.iter().any(|word| word == "--short");
    let plan = Plan {
        built,
        sizes: if short { vec![1, 1000] } else { vec![1, 1000, 10_000] },
        rounds: if short { 200 } else { 1000 },
    };
    print!("{}", bench::run(&plan));
    ExitCode::SUCCESS
}
