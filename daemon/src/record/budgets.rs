//! What wrong answers have cost a user, as it is kept (clock-and-throttle.md section 5).
//!
//! All times here are [`Uptime`](crate::decide::Uptime) seconds: nobody can set that clock.

use serde::{Deserialize, Serialize};

/// What wrong answers of one share have cost.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct Budget {
    /// When wrong codes were counted, oldest first; those that a window still holds, and no
    /// more than the longest window allows.
    pub wrong: Vec<u64>,
    /// Wrong codes and pairs since the last right one of this share.
    pub in_a_row: u32,
}

/// A remote source from which the user signed in.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Source {
    /// Its keyed hash: the record does not tell where somebody was.
    pub hash: [u8; 8],
    /// When a code from there was accepted last.
    pub seen: u64,
}

/// A bucket of the pairs that were tried for a user: some of them run out each second.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct PairTries {
    /// When the latest was tried.
    pub second: u64,
    /// How many were in the bucket then.
    pub tried: u32,
}

/// The budgets of a user, each apart from the others, and what belongs to them.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct Budgets {
    /// Console and greeter.
    pub console: Budget,
    /// sudo, su, polkit.
    pub escalation: Budget,
    /// Remote sources from which the user signed in lately.
    pub known: Budget,
    /// Programs that run as the user himself.
    pub own: Budget,
    /// All other remote sources.
    pub unknown: Budget,
    /// The sources that are known, oldest first.
    pub sources: Vec<Source>,
    /// The pairs that were tried lately.
    pub pairs: PairTries,
    /// When the user tried to resync his token himself the last time.
    pub resync: Option<u64>,
    /// Wrong codes and pairs of all shares since the last accepted code.
    pub wrong_since: u32,
}

/// Wrong codes from unknown sources over all users, by the hour.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct Spray {
    /// The hour of the latest one, counted from uptime 0.
    pub hour: u64,
    /// How many in that hour and in each of the 23 before it; the latest hour first.
    pub wrong: [u32; 24],
    /// The request that wrote this record.
    pub attempt: [u8; 16],
}
