//! Layout 2, and the step to layout 3: a sealed seed names its key and its generation.
//!
//! Pure, but for the sealing that it is handed.

use serde::{Deserialize, Serialize};

use super::{Failure, v3};
use crate::{
    record::{self, Parameters, RecordError, SealedSeed, Standing},
    store::{Key, Kind},
};

/// The layout that this step begins at.
pub(super) const FROM: u8 = 2;

/// A sealed seed of layout 2: bound to the serial alone.
#[derive(Serialize, Deserialize)]
pub(super) struct Sealed {
    pub(super) nonce: [u8; 24],
    pub(super) sealed: Vec<u8>,
}

/// The record `seed` of layout 2; the fields mean what those of [`record::Token`] do.
#[derive(Serialize, Deserialize)]
pub(super) struct Token {
    pub(super) serial: String,
    pub(super) standing: Standing,
    pub(super) epoch: u64,
    pub(super) parameters: Parameters,
    pub(super) seed: Sealed,
    pub(super) fingerprint: [u8; 32],
    pub(super) imported: u64,
    pub(super) manufacturer: Option<String>,
    pub(super) model: Option<String>,
}

/// Seals the seed of a folded serial anew.
pub(super) type Reseal<'a> = dyn Fn(&str, &Sealed) -> Result<SealedSeed, Failure> + 'a;

/// Turns a record of layout 2 into one of layout 3. All but a token have the same payload.
pub(super) fn step(key: &Key, bytes: &[u8], reseal: &Reseal<'_>) -> Result<Vec<u8>, Failure> {
    let payload = record::unwrap(FROM, key.as_bytes(), bytes).map_err(Failure::Record)?;
    if key.kind() != Kind::Seed {
        return Ok(record::wrap(FROM + 1, key.as_bytes(), payload));
    }
    let old: Token = record::from_payload(payload).map_err(Failure::Record)?;
    let folded = std::str::from_utf8(key.name());
    let folded = folded.map_err(|_| Failure::Record(RecordError::Damaged))?;
    let token = v3::Token {
        seed: reseal(folded, &old.seed)?,
        serial: old.serial,
        standing: old.standing,
        epoch: old.epoch,
        parameters: old.parameters,
        fingerprint: old.fingerprint,
        imported: old.imported,
        manufacturer: old.manufacturer,
        model: old.model,
    };
    record::encode_as(FROM + 1, key.as_bytes(), &token).map_err(Failure::Record)
}
