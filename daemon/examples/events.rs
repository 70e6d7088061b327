//! Prints the tables of events and fields: `cargo run -q -p fobd --example events >
//! packaging/events.md`.
#![allow(clippy::print_stdout, reason = "printing is what it does")]

fn main() {
    print!("{}", fobd::audit::markdown());
}
