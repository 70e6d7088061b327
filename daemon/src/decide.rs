//! The decisions. Pure: records, request, time and policy in; verdict, change and event out.
//!
//! No I/O, no async, no clock. Only this room builds a `Verdict::Accept`.

pub mod adopt;
pub mod assign;
pub mod clock_model;
pub mod exempt;
pub mod fence;
pub mod host_fault;
pub mod identify;
pub mod import;
pub mod pair;
pub mod policy;
pub mod recovery;
pub mod remove;
pub mod restore;
pub mod resync;
pub mod rotate;
pub mod rule;
pub mod throttle;
pub mod ticket;
pub mod tripwire;
pub mod verify;
pub mod virtual_token;

pub use policy::Policy;

use crate::record::{State, Token};

/// A point in time: Unix seconds of the host's clock.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Now(pub u64);

/// Seconds that the daemon has run since its state was set up, through restarts. Nobody sets it:
/// rolling windows are measured on it, so that setting the host's clock refills no budget
/// (clock-and-throttle.md section 5).
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub struct Uptime(pub u64);

/// Whether the host's clock may teach anything about a token's.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum HostClock {
    /// The kernel says that it is synchronised (adjtimex(2)), or the administrator vouches for it.
    Synchronised,
    /// Nobody knows how far it is off.
    Unsynchronised,
}

/// The moment of a decision, and the numbers that it goes by.
#[derive(Clone, Copy, Debug)]
pub struct At<'a> {
    /// The host's time.
    pub now: Now,
    /// The time that nobody sets.
    pub uptime: Uptime,
    /// Whether the host's time may teach.
    pub host_clock: HostClock,
    /// The latest moment at which what the disk holds could not be taken for the whole story
    /// (clock-and-throttle.md section 4): codes of then and before are never accepted.
    pub fence: Option<Now>,
    /// The latest moment at which the disk was found to have lost changes: a token without a
    /// clock, which no fence can be put before, shows by a pair where it stands.
    pub doubt: Option<Now>,
    /// The numbers.
    pub policy: &'a Policy,
}

/// The records of one token, and the seed opened for this decision.
pub struct Opened<'a> {
    /// The record `seed`.
    pub token: &'a Token,
    /// The record `state`.
    pub state: &'a State,
    /// Computes its codes.
    pub generator: &'a crate::totp::Generator,
}

#[cfg(test)]
mod testing;
