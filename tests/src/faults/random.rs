//! Random numbers that can be had again.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::needs;

/// A generator: splitmix64 (Steele, Lea, Flood 2014).
pub(crate) struct Random(u64);

impl Random {
    /// Starts with `FOB_TEST_SEED`, or with the time, and prints which.
    #[allow(clippy::disallowed_methods, reason = "the time is only a number that differs")]
    pub(crate) fn new() -> Self {
        let seed = needs::setting("FOB_TEST_SEED").and_then(|text| text.parse().ok());
        let seed = seed.unwrap_or_else(|| {
            let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            since.subsec_nanos().into()
        });
        println!("FOB_TEST_SEED={seed}");
        Self(seed)
    }

    /// Starts with a number.
    pub(crate) fn with(seed: u64) -> Self {
        Self(seed)
    }

    /// Returns the next number.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number below a limit that is not zero.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }
}
