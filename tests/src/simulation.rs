//! Years of sign-ins in seconds: what the numbers of verification make of tokens and people, seeded
//! and reproducible. `cargo run --release -p fob-tests --bin simulate` prints the tables of
//! clock-and-throttle.md for the shipped code; `tests/simulation.rs` is the short form.

pub mod clock;
pub mod guess;
pub mod random;
mod stock;
