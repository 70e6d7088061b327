//! What is known of a token: its parameters, its seed, and the records that the store keeps.
//!
//! Pure. The binary form of a record is in `record/codec.rs`.

use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// The hash of the HMAC in a code's computation (RFC 6238 section 1.2).
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub enum Algorithm {
    /// HMAC-SHA-1, the hash of RFC 4226 and of nearly every hardware token.
    Sha1,
    /// HMAC-SHA-256.
    Sha256,
    /// HMAC-SHA-512.
    Sha512,
}

impl Algorithm {
    /// Returns the name in reports: `SHA1`, `SHA256` or `SHA512`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
            Self::Sha512 => "SHA512",
        }
    }
}

/// What makes a token show its next code.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub enum Moving {
    /// A button; the counter that the seed file says comes next (RFC 4226).
    Counter {
        /// The next counter.
        next: u64,
    },
    /// Its clock (RFC 6238, T0 = 0).
    Time {
        /// Seconds per step: 30 or 60.
        period: u32,
    },
}

/// How a token computes its codes, without the seed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Parameters {
    /// The hash.
    pub algorithm: Algorithm,
    /// Digits of a code: 6, 7 or 8.
    pub digits: u8,
    /// Button or clock.
    pub moving: Moving,
}

/// Fewest bytes of a seed: 128 bits (RFC 4226 section 4, requirement R6).
pub const MIN_SEED: usize = 16;
/// Most bytes of a seed: the block size of SHA-512 (RFC 2104 section 3: longer keys are hashed
/// first and gain nothing).
pub const MAX_SEED: usize = 128;

/// A token's shared secret. Wiped on drop; has no `Debug`.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Seed(Vec<u8>);

impl Seed {
    /// Takes the bytes of a seed, 16 to 128 of them; `None` (and the bytes wiped) otherwise.
    pub fn new(mut bytes: Vec<u8>) -> Option<Self> {
        if (MIN_SEED..=MAX_SEED).contains(&bytes.len()) {
            return Some(Self(bytes));
        }
        bytes.zeroize();
        None
    }

    /// Returns the bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}
