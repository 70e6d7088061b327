//! What is asserted of every parser that reads another's bytes, for each input: a function of the
//! bytes, which panics where the parser is wrong. `tests/fuzz/run` searches for such inputs,
//! `tests/tests/corpus.rs` replays those that were kept.
//!
//! The PAM module's parsers are not here: nothing links `pam-fob`. Theirs are in its own
//! `fuzz.rs`.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // a panic is a finding

mod bus;
mod config;
mod record;
mod seed;
mod words;

/// A target: its name, which is also that of its folder in the corpus, and what is asserted.
pub type Target = (&'static str, fn(&[u8]));

/// Every target, by name.
pub const ALL: [Target; 11] = [
    ("answer", words::answer),
    ("bus_arguments", bus::arguments),
    ("bus_call", bus::call),
    ("config", config::config),
    ("emergency_slot", words::emergency_slot),
    ("name", words::name),
    ("record", record::record),
    ("seed_detect", seed::detect),
    ("seed_entra_csv", seed::entra_csv),
    ("seed_oath_csv", seed::oath_csv),
    ("seed_pskc", seed::pskc),
];

/// Runs the target of this name, for the programs of `tests/fuzz`.
///
/// # Panics
///
/// If there is no such target, or where a parser is wrong.
pub fn run(name: &str, bytes: &[u8]) {
    let (_, target) = ALL.iter().find(|(known, _)| *known == name).unwrap();
    target(bytes);
}
