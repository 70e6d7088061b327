//! The binary form of a record: version, checksum, postcard.
//!
//! The checksum covers the key, so that a record that a damaged database shows under another
//! key is not taken for that one's.

use std::fmt;

use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// The first byte of a record of this layout, and the version of a whole database that has it:
/// a database has records of one layout only (`migrate.rs`). 1 had a drift of whole seconds and
/// was never released: such a record is refused as damaged. 2 had no key id and no generation, 3 no batch
/// of a token.
pub const SCHEMA: u8 = 4;
/// Bytes of SHA-256 that are kept: enough against decay and mix-ups (2^-64); an attacker who
/// can write the database needs no collision.
const CHECKSUM: usize = 8;

/// A record cannot be read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RecordError {
    /// The checksum does not match, or the bytes are no record.
    Damaged,
    /// A newer Fob wrote it.
    Newer,
}

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Damaged => "A record of the token database is damaged.",
            Self::Newer => "A record of the token database was written by a newer version of Fob.",
        })
    }
}

impl std::error::Error for RecordError {}

/// Encodes a record for the key under which it will be stored.
///
/// # Errors
///
/// [`RecordError::Damaged`] if the value cannot be serialized; no record type of this crate is
/// such a value.
pub fn encode<T: Serialize>(key: &[u8], record: &T) -> Result<Vec<u8>, RecordError> {
    encode_as(SCHEMA, key, record)
}

/// Encodes a record as one of this layout.
pub(crate) fn encode_as<T: Serialize>(
    schema: u8,
    key: &[u8],
    record: &T,
) -> Result<Vec<u8>, RecordError> {
    let payload = Zeroizing::new(postcard::to_allocvec(record).map_err(|_| RecordError::Damaged)?);
    Ok(wrap(schema, key, &payload))
}

/// Decodes the record that is stored under a key.
///
/// # Errors
///
/// [`RecordError::Newer`] for another version, [`RecordError::Damaged`] for everything else.
pub fn decode<T: DeserializeOwned>(key: &[u8], bytes: &[u8]) -> Result<T, RecordError> {
    from_payload(unwrap(SCHEMA, key, bytes)?)
}

/// Puts version and checksum before the payload of a record of a layout.
pub(crate) fn wrap(schema: u8, key: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(1 + CHECKSUM + payload.len());
    bytes.push(schema);
    bytes.extend_from_slice(&checksum(schema, key, payload));
    bytes.extend_from_slice(payload);
    bytes
}

/// Returns the payload of a record of a layout.
pub(crate) fn unwrap<'a>(schema: u8, key: &[u8], bytes: &'a [u8]) -> Result<&'a [u8], RecordError> {
    let (version, rest) = bytes.split_first().ok_or(RecordError::Damaged)?;
    if *version > schema {
        return Err(RecordError::Newer);
    }
    let (sum, payload) = rest.split_at_checked(CHECKSUM).ok_or(RecordError::Damaged)?;
    if *version != schema || sum != checksum(schema, key, payload) {
        return Err(RecordError::Damaged);
    }
    Ok(payload)
}

/// Reads a payload, all of it.
pub(crate) fn from_payload<T: DeserializeOwned>(payload: &[u8]) -> Result<T, RecordError> {
    match postcard::take_from_bytes(payload) {
        Ok((record, [])) => Ok(record),
        _ => Err(RecordError::Damaged),
    }
}

/// Returns the first bytes of SHA-256 over version, key length, key and payload.
fn checksum(schema: u8, key: &[u8], payload: &[u8]) -> [u8; CHECKSUM] {
    let mut hash = Sha256::new();
    hash.update([schema]);
    hash.update((key.len() as u64).to_be_bytes());
    hash.update(key);
    hash.update(payload);
    let digest = hash.finalize();
    let mut sum = [0; CHECKSUM];
    sum.iter_mut().zip(digest.iter()).for_each(|(to, from)| *to = *from);
    sum
}

#[cfg(test)]
mod tests {
    use super::{RecordError, SCHEMA, decode, encode};
    use crate::record::{ClockState, State};

    fn state() -> State {
        let clock = ClockState {
            drift: -12.25,
            rate: 3.5,
            drift_variance: 4.0,
            covariance: 0.5,
            rate_variance: 1.0,
            seen: 1_740_000_000,
        };
        State { last_step: Some(58_000_000), clock: Some(clock), ..State::default() }
    }

    #[test]
    fn a_record_reads_back_as_it_was_written() {
        let bytes = encode(b"key", &state()).unwrap();
        assert_eq!(decode::<State>(b"key", &bytes), Ok(state()));
    }

    #[test]
    fn every_single_flipped_bit_is_noticed() {
        let bytes = encode(b"key", &state()).unwrap();
        for bit in 0..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(decode::<State>(b"key", &damaged).is_err(), "bit {bit} was not noticed");
        }
    }

    #[test]
    fn a_record_under_another_key_is_not_taken() {
        let bytes = encode(b"key", &state()).unwrap();
        assert_eq!(decode::<State>(b"other", &bytes), Err(RecordError::Damaged));
    }

    #[test]
    fn a_truncated_or_lengthened_record_is_not_taken() {
        let bytes = encode(b"key", &state()).unwrap();
        for len in 0..bytes.len() {
            assert!(decode::<State>(b"key", &bytes[..len]).is_err());
        }
        let longer = [bytes, vec![0]].concat();
        assert!(decode::<State>(b"key", &longer).is_err());
    }

    #[test]
    fn a_newer_record_is_told_apart() {
        let mut bytes = encode(b"key", &state()).unwrap();
        bytes[0] = SCHEMA + 1;
        assert_eq!(decode::<State>(b"key", &bytes), Err(RecordError::Newer));
    }

    #[test]
    fn a_record_of_the_unreleased_first_layout_is_refused() {
        let mut bytes = encode(b"key", &state()).unwrap();
        bytes[0] = 1;
        assert_eq!(decode::<State>(b"key", &bytes), Err(RecordError::Damaged));
    }
}
