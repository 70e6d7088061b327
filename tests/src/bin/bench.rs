//! Measures whole sign-ins beside other modules: `tests/bench/run`, as root.

#![allow(clippy::print_stderr, clippy::print_stdout, reason = "a program of the tests")]

use std::{env, path::Path, process::ExitCode};

use fob_tests::bench::{self, Plan};

const USAGE: &str = "usage: tests/bench/run [--short | --tenth] [--write] | --counts";

fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    let has = |word: &str| words.iter().any(|other| other == word);
    let known = ["--short", "--tenth", "--write", "--counts"];
    if words.iter().any(|word| !known.contains(&word.as_str())) {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    }
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/release");
    if has("--counts") {
        let counts = bench::count(&built);
        println!("libpam {}\nmodule {}\ndaemon {}", counts.libpam, counts.module, counts.daemon);
        return ExitCode::SUCCESS;
    }
    let plan = match (has("--short"), has("--tenth")) {
        (true, _) => Plan::short(built),
        (false, true) => Plan::tenth(built),
        (false, false) => Plan::full(built),
    };
    let tables = bench::run(&plan);
    print!("{tables}");
    if has("--write") {
        bench::write(&tables);
    }
    ExitCode::SUCCESS
}
