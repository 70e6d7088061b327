//! What is known of a token: its parameters, its seed, and the records that the store keeps.
//!
//! Pure. The binary form of a record is in `record/codec.rs`.

use std::fmt;

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

mod budgets;
mod codec;

pub use budgets::{Budget, Budgets, PairTries, Source, Spray};
pub use codec::{RecordError, SCHEMA, decode, encode};
pub(crate) use codec::{encode_as, from_payload, unwrap, wrap};

/// A user as the host's user database knows him.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Owner {
    /// His uid: what a token is bound to.
    pub uid: u32,
    /// His name when the token was assigned. A uid that has another name now is somebody else.
    pub name: String,
}

/// Where a token stands in its life.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub enum Standing {
    /// Somebody signs in with it.
    Assigned(Owner),
    /// Reported lost: never again.
    Lost,
    /// Taken out of use.
    Retired,
    /// Nobody has it.
    Stock,
}

/// Names a master key without telling anything of it; shown in hexadecimal. A key that is not
/// here is told apart by it from damage.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd, Serialize, Deserialize)]
pub struct KeyId(pub [u8; 8]);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A secret as it lies on the disk; only `vault.rs` makes and opens it.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct SealedSeed {
    /// The master key that sealed it.
    pub key: KeyId,
    /// How often it was sealed: 1 when the secret came, one more with each new master key.
    pub generation: u32,
    /// The nonce of the AEAD.
    pub nonce: [u8; 24],
    /// Ciphertext and tag.
    pub sealed: Vec<u8>,
}

/// The record `seed`: written on import, assign, rotate, deactivate; read at each sign-in.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Token {
    /// The serial as it was imported.
    pub serial: String,
    /// Where it stands.
    pub standing: Standing,
    /// Grows with each change of `standing`; a sign-in that read an older one is decided again.
    pub epoch: u64,
    /// How it computes its codes.
    pub parameters: Parameters,
    /// Its seed.
    pub seed: SealedSeed,
    /// The vault's fingerprint of the seed: finds a second serial with the same seed.
    pub fingerprint: [u8; 32],
    /// Unix time of the import.
    pub imported: u64,
    /// The vendor, as the seed file says.
    pub manufacturer: Option<String>,
    /// The model, as the seed file says.
    pub model: Option<String>,
    /// What the administrator called the tokens of its import ([`fob_api::Batch`]).
    pub batch: Option<String>,
}

/// What is known of a token's clock: the two states of its filter, drift and rate, and how sure
/// they are. `decide/clock_model.rs` writes it, and takes nothing in it for granted.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClockState {
    /// Seconds that the token's clock was ahead of the host's at `seen`.
    pub drift: f64,
    /// How much faster it runs than the host's, in ppm.
    pub rate: f64,
    /// Variance of the drift, in s².
    pub drift_variance: f64,
    /// Covariance of drift and rate, in s·ppm.
    pub covariance: f64,
    /// Variance of the rate, in ppm².
    pub rate_variance: f64,
    /// Unix time of the last observation.
    pub seen: u64,
}

/// The record `state`: small, written at each sign-in; stays with the seed for ever ([`Trace`]).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// The highest step that was accepted. It only grows: through resync, rotation and a new
    /// assignment, and after the token was forgotten (clock-and-throttle.md section 4).
    pub last_step: Option<u64>,
    /// The token's clock; unknown before the first pair, and of a token with a button.
    pub clock: Option<ClockState>,
    /// Unix time of the last accepted code.
    pub last_used: Option<u64>,
    /// The remote host from which it came, at most 64 bytes; `None` if it was typed here.
    pub last_from: Option<String>,
    /// What wrong codes have cost.
    pub budgets: Budgets,
    /// The request that wrote this record: finds out after a lost reply whether it was applied.
    pub attempt: [u8; 16],
    /// Grows with each write. With the attempt it makes two writes never the same bytes.
    pub writes: u64,
}

/// The record `fingerprint`: which token has a seed, or what the seed spent while it was here.
/// It stays for ever: spent steps belong to the seed, under whichever serial it comes back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trace {
    /// The folded serial that has the seed, or had it last.
    pub serial: String,
    /// What is left of a forgotten token; `None` while the token is here.
    pub left: Option<Left>,
}

/// What is left of a forgotten token.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Left {
    /// Its state.
    pub state: State,
    /// Unix time at which it was forgotten as a lost one: it is never imported again.
    pub lost: Option<u64>,
}

/// The record `user`: the serials that a user has, and some that he had.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct UserTokens {
    /// Folded serials.
    pub serials: Vec<String>,
    /// Folded serials of tokens of his that were lost or retired, oldest first: a code of one
    /// raises an alarm (`decide/tripwire.rs`).
    pub former: Vec<String>,
}

/// How the daemon's last run ended.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub enum Ending {
    /// By itself, after its last answer; or there was none yet.
    #[default]
    Clean,
    /// Not, or not yet: it stands so in the record while the daemon runs.
    Unclean,
}

/// The record `host`: what a restart must know of the clocks. Written at the start, every ten
/// minutes, at each fence and at the end (clock-and-throttle.md section 4).
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct Host {
    /// Seconds that the daemon has run since its state was set up.
    pub uptime: u64,
    /// How its last run ended.
    pub ending: Ending,
    /// Unix time of the last look at the wall clock, right or wrong.
    pub seen: Option<u64>,
    /// Unix time of the last look while the clock was synchronised.
    pub seen_synchronised: Option<u64>,
    /// Unix time of the latest fence: codes of then and before are never accepted.
    pub fence: Option<u64>,
}

/// The record `doubt`: the store was found to have lost changes.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Doubt {
    /// Unix time of the latest such start.
    pub at: u64,
}

/// The record `recovery`: what lets a user in without his token. He has at most one.
///
/// It holds hashes only, all under one salt, so that one slow hash for each try is enough. The
/// salt stays as long as the record does.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct Recovery {
    /// His name when the record was made. A uid that has another name now is somebody else.
    pub name: String,
    /// The salt of all hashes here.
    pub salt: [u8; 16],
    /// Hashes of the recovery codes that were not used yet.
    pub hashes: Vec<[u8; 32]>,
    /// Unix time of the latest issue of recovery codes; `None` if there was none.
    pub issued: Option<u64>,
    /// A temporary code, until it is used; it may have expired.
    pub temporary: Option<Temporary>,
    /// The codes that were tried in the latest second with any.
    pub tries: PairTries,
}

/// A code that an administrator gave out for a while.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Temporary {
    /// Its hash.
    pub hash: [u8; 32],
    /// Unix time from which it is void.
    pub expires: u64,
    /// The daemon's uptime, in seconds, from which it is void too: setting the host's clock back
    /// does not revive it.
    pub expires_uptime: u64,
    /// Why it was given out.
    pub reason: String,
    /// The uid that gave it out.
    pub by: u32,
}

/// The record `audit`: how far the log's chain has come, so that lines which are missing at its
/// end, and files which are missing at its beginning, are missed.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct LogHead {
    /// The number of the last line that is on the disk; 0 if there is none.
    pub seq: u64,
    /// Its hash.
    pub hash: [u8; 32],
    /// The number of the first line of the oldest file that is kept.
    pub oldest: u64,
}
