//! What a backup holds, and its form: a stream of records between the daemon and `fobctl`.
//!
//! Pure. Seeds are in it only as `vault/backup.rs` has sealed them, by a key that is made for this
//! backup; recovery codes, the master key and the host's own records are not in it at all.
//!
//! These types are a form of their own: what the store keeps may change, a backup of last year
//! must still be read. A test holds the bytes of [`stream::VERSION`] still.

pub mod stream;

use serde::{Deserialize, Serialize};

use crate::record::{Budgets, ClockState, Owner, Parameters, Standing, State};

/// Where and when a backup was made.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// The host's name, for people.
    pub host: String,
    /// Unix time of its beginning: what happened later is not in it.
    pub taken: u64,
    /// The daemon's uptime then, on which the times of budgets are measured.
    pub uptime: u64,
    /// The version of Fob that made it.
    pub version: String,
    /// Tells whose fingerprints the traces have: the same in every backup of a house, useless
    /// otherwise.
    pub house: [u8; 16],
}

/// One record of a backup.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Item {
    /// A token that changed while the backup was made: replaces all that was said about it before.
    Again(Box<SavedToken>),
    /// A token that was forgotten while the backup was made, by its folded serial.
    Gone(String),
    /// Somebody who had recovery codes. The codes are not in the backup: one that was used since
    /// would be good again.
    Recovery(Owner),
    /// A token.
    Token(Box<SavedToken>),
    /// What is left of a forgotten token.
    Trace(Box<SavedTrace>),
}

/// A seed, sealed by the backup's key; only `vault/backup.rs` makes and opens it.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct SavedSeed {
    /// The nonce of the AEAD.
    pub nonce: [u8; 24],
    /// Ciphertext and tag.
    pub sealed: Vec<u8>,
}

/// A token with its state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SavedToken {
    /// The serial as it was imported.
    pub serial: String,
    /// Where it stood.
    pub standing: Standing,
    /// How it computes its codes.
    pub parameters: Parameters,
    /// Its seed.
    pub seed: SavedSeed,
    /// Unix time of the import.
    pub imported: u64,
    /// The vendor, as the seed file said.
    pub manufacturer: Option<String>,
    /// The model, as the seed file said.
    pub model: Option<String>,
    /// What its import was called.
    pub batch: Option<String>,
    /// What it spent.
    pub state: SavedState,
}

/// What is left of a forgotten token.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SavedTrace {
    /// The fingerprint of its seed, by the house's own key.
    pub fingerprint: [u8; 32],
    /// The folded serial that had the seed last.
    pub serial: String,
    /// What it spent.
    pub state: SavedState,
    /// Unix time at which it was forgotten as a lost one.
    pub lost: Option<u64>,
}

/// What is worth keeping of a token's state.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SavedState {
    /// The highest step that was accepted.
    pub last_step: Option<u64>,
    /// The token's clock.
    pub clock: Option<ClockState>,
    /// Unix time of the last accepted code.
    pub last_used: Option<u64>,
    /// The remote host from which it came.
    pub last_from: Option<String>,
    /// What wrong codes had cost, in times of [`Header::uptime`].
    pub budgets: Budgets,
}

impl From<State> for SavedState {
    /// Drops what belongs to the store that it came from: attempt and count of writes.
    fn from(state: State) -> Self {
        let State { last_step, clock, last_used, last_from, budgets, .. } = state;
        Self { last_step, clock, last_used, last_from, budgets }
    }
}
