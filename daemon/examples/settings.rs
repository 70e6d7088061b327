//! Prints the settings as people read them: the sample file,
//! `cargo run -q -p fobd --example settings > packaging/fobd.conf`, with the argument `readme`
//! the table that stands in README.md, with `man` the page fobd.conf(5) in packaging/man.
#![allow(clippy::print_stdout, reason = "printing is what it does")]

use fobd::config::{man_page, markdown, sample};

fn main() {
    match std::env::args().nth(1).as_deref() {
        Some("man") => print!("{}", man_page()),
        Some("readme") => print!("{}", markdown()),
        _ => print!("{}", sample()),
    }
}
