//! What is asserted of every parser that reads another's bytes, for each input: a function of the
//! bytes, which panics where the parser is wrong. `tests/fuzz/run` searches for such inputs,
//! `tests/tests/corpus.rs` replays those that were kept.
//!
//! The PAM module's parsers are not here: nothing links `pam-fob`. Theirs are in its own
//! `fuzz.rs`. Nor is what has a fixed length: the store's anchor and manifest, whose unit tests cut
//! them at every byte and flip every bit, and the 32 bytes of the vault's key file.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // a panic is a finding

use crate::simulation::random::Random;

mod backup;
mod bus;
mod config;
mod log;
mod moved;
mod record;
mod seed;
mod words;

/// A target: its name, which is also that of its folder in the corpus, and what is asserted.
pub type Target = (&'static str, fn(&[u8]));

/// Every target, by name.
pub const ALL: [Target; 28] = [
    ("answer", words::answer),
    ("audit_log", log::audit_log),
    ("backup", backup::backup),
    ("bus_arguments", bus::arguments),
    ("bus_call", bus::call),
    ("bus_stream", bus::stream),
    ("config", config::config),
    ("emergency_slot", words::emergency_slot),
    ("name", words::name),
    ("record", record::record),
    ("seed_detect", seed::detect),
    ("seed_entra_csv", seed::entra_csv),
    ("seed_feitian_text", seed::feitian_text),
    ("seed_google_authenticator", moved::google_authenticator),
    ("seed_linotp_csv", seed::linotp_csv),
    ("seed_multiotp_csv", seed::multiotp_csv),
    ("seed_nexus_text", seed::nexus_text),
    ("seed_oath_csv", seed::oath_csv),
    ("seed_otpauth", moved::otpauth),
    ("seed_plain_csv", seed::plain_csv),
    ("seed_privacyidea_csv", seed::privacyidea_csv),
    ("seed_pskc", seed::pskc),
    ("seed_pskc_encrypted", seed::pskc_encrypted),
    ("seed_safeid_csv", seed::safeid_csv),
    ("seed_safenet_xml", seed::safenet_xml),
    ("seed_safeword_dat", seed::safeword_dat),
    ("seed_users_oath", moved::users_oath),
    ("seed_yubico_csv", seed::yubico_csv),
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

/// Pieces on which parsers trip: what begins, ends and escapes, and the ends of numbers.
const PIECES: [&[u8]; 12] = [
    b"<!--",
    b"&#0;",
    b"]]>",
    b"\"",
    b",,",
    b"\r\n",
    b" = [",
    b"\0",
    b"\xff\xff\xff\x7f",
    b"\x80\x80",
    b"-",
    "\u{e9}".as_bytes(),
];

/// Returns an input with a few changes at random: a search without libFuzzer, for machines that
/// have no C++ compiler. The other input is what pieces are taken from.
pub fn changed(bytes: &[u8], other: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let mut below = |most: usize| (random.number() % (most as u64 + 1)) as usize;
    for _ in 0..=below(3) {
        let (from, length) = (below(bytes.len()), below(16));
        let to = (from + length).min(bytes.len());
        match below(5) {
            0 => drop(bytes.drain(from..to)),
            1 => drop(bytes.splice(from..from, PIECES[below(PIECES.len() - 1)].iter().copied())),
            2 => bytes.extend_from_within(from..to),
            3 => {
                let start = below(other.len());
                bytes.truncate(from);
                bytes.extend_from_slice(&other[start..]);
            }
            _ => bytes[from..to].iter_mut().take(2).for_each(|byte| *byte ^= 1 << below(7)),
        }
    }
    bytes
}
