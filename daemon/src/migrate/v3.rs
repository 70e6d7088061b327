//! Layout 3, and the step to layout 4: a token may be of a batch.
//!
//! Pure.

use serde::{Deserialize, Serialize};

use super::Failure;
use crate::{
    record::{self, Parameters, SealedSeed, Standing},
    store::{Key, Kind},
};

/// The layout that this step begins at.
pub(super) const FROM: u8 = 3;

/// The record `seed` of layout 3; the fields mean what those of [`record::Token`] do.
#[derive(Serialize, Deserialize)]
pub(super) struct Token {
    pub(super) serial: String,
    pub(super) standing: Standing,
    pub(super) epoch: u64,
    pub(super) parameters: Parameters,
    pub(super) seed: SealedSeed,
    pub(super) fingerprint: [u8; 32],
    pub(super) imported: u64,
    pub(super) manufacturer: Option<String>,
    pub(super) model: Option<String>,
}

/// Turns a record of layout 3 into one of layout 4. All but a token have the same payload.
pub(super) fn step(key: &Key, bytes: &[u8]) -> Result<Vec<u8>, Failure> {
    let payload = record::unwrap(FROM, key.as_bytes(), bytes).map_err(Failure::Record)?;
    if key.kind() != Kind::Seed {
        return Ok(record::wrap(FROM + 1, key.as_bytes(), payload));
    }
    let old: Token = record::from_payload(payload).map_err(Failure::Record)?;
    let token = record::Token {
        serial: old.serial,
        standing: old.standing,
        epoch: old.epoch,
        parameters: old.parameters,
        seed: old.seed,
        fingerprint: old.fingerprint,
        imported: old.imported,
        manufacturer: old.manufacturer,
        model: old.model,
        batch: None,
    };
    record::encode_as(FROM + 1, key.as_bytes(), &token).map_err(Failure::Record)
}
