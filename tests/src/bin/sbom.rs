//! Prints the bill of materials of a package as CycloneDX JSON:
//! `cargo run -q -p fob-tests --bin sbom -- fobd`.
#![allow(clippy::print_stdout, clippy::print_stderr)] // a program

use std::process::ExitCode;

use fob_tests::sbom::{SHIPPED, document};

#[allow(clippy::disallowed_methods, reason = "a program's arguments")]
fn main() -> ExitCode {
    let package = std::env::args().nth(1).unwrap_or_default();
    if !SHIPPED.iter().any(|(shipped, _)| *shipped == package) {
        eprintln!("sbom: give one of the packages that are shipped: fobctl, fobd, pam-fob");
        return ExitCode::from(2);
    }
    println!("{:#}", document(&package));
    ExitCode::SUCCESS
}
