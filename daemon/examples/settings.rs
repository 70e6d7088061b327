//! Prints the settings as people read them: the sample file,
//! `cargo run -q -p fobd --example settings > packaging/fobd.conf`, or with the argument `readme`
//! the table that stands in README.md.
#![allow(clippy::print_stdout, reason = "printing is what it does")]

use fobd::config::{markdown, sample};

fn main() {
    match std::env::args().nth(1).as_deref() {
        Some("readme") => print!("{}", markdown()),
        _ => print!("{}", sample()),
    }
}
