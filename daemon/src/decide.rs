//! The decisions. Pure: records, request, time and policy in; verdict, change and event out.
//!
//! No I/O, no async, no clock. Only this room builds a `Verdict::Accept`.

pub mod assign;
pub mod clock_model;
pub mod import;
pub mod pair;
pub mod remove;
pub mod resync;
pub mod rotate;
pub mod throttle;
pub mod verify;

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

/// The numbers of verification. All are defaults of clock-and-throttle.md.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Policy {
    /// Steps on either side of the predicted one at sign-in, at least.
    pub window: u64,
    /// Seconds on either side of the predicted step beyond which no code is accepted at sign-in,
    /// however unsure the token's clock is: in whole steps, ±4 at 30 s and ±2 at 60 s. Hardly a
    /// code lives longer than two minutes then (NIST SP 800-63B section 5.1.4.2).
    pub window_cap: u64,
    /// Counters ahead of the next one at sign-in with an HOTP token.
    pub look_ahead: u64,
    /// Seconds on either side of the token's expected time in which a pair is searched inside a
    /// sign-in: a clock that was followed until lately is not farther off.
    pub pair_prompt: u64,
    /// Seconds on either side in which the pair of a user's own resync is searched: 12 ppm over
    /// the five years of a battery are 32 minutes.
    pub pair_own: u64,
    /// Seconds on either side in which an administrator's pair is taken without a question.
    pub pair_administrator: u64,
    /// Seconds on either side of the host's time in which an administrator's pair is taken after
    /// he has confirmed it: tokens that the vendor set to a time zone, 14 h at most, and to the
    /// wrong day.
    pub pair_far: u64,
    /// Counters ahead in which a pair of an HOTP token is searched.
    pub pair_look_ahead: u64,
    /// Most tokens that one user may have.
    pub tokens_per_user: usize,
    /// Wrong codes of a share in 24 hours before it is asked for pairs.
    pub wrong_per_day: u32,
    /// Wrong codes of a share in 30 days before it is asked for pairs.
    pub wrong_per_month: u32,
    /// The same for root, in 24 hours.
    pub root_wrong_per_day: u32,
    /// The same for root, in 30 days.
    pub root_wrong_per_month: u32,
    /// Wrong codes and pairs in a row after which only a right pair ends the asking for pairs.
    pub wrong_in_a_row: u32,
    /// Wrong codes from unknown sources in 24 hours, over all users, before all unknown sources
    /// are asked for pairs.
    pub host_wrong_per_day: u32,
    /// Seconds between two pairs of one source.
    pub pair_pause: u32,
    /// Pairs that are tried for a user in a second.
    pub pairs_per_second: u32,
    /// The same for root.
    pub root_pairs_per_second: u32,
    /// Days for which a source stays known after a code from there was accepted.
    pub known_source_days: u32,
    /// Seconds within which two refused codes of a source are taken for a pair.
    pub pair_patience: u32,
    /// Seconds within which the same wrong code counts once.
    pub same_code: u32,
    /// Seconds between two tries of a user to resync his token himself.
    pub resync_pause: u32,
}

impl Policy {
    /// What holds unless the administrator says otherwise: section 2 (±1 step, ±120 s, look-ahead
    /// 10, resync 1000), section 3 (±10 min, ±2 h, ±26 h), design.md section 1 (one token per
    /// user).
    pub const DEFAULT: Self = Self {
        window: 1,
        window_cap: 120,
        look_ahead: 10,
        pair_prompt: 10 * 60,
        pair_own: 2 * 60 * 60,
        pair_administrator: 2 * 60 * 60,
        pair_far: 26 * 60 * 60,
        pair_look_ahead: 1000,
        tokens_per_user: 1,
        wrong_per_day: 5,
        wrong_per_month: 30,
        root_wrong_per_day: 3,
        root_wrong_per_month: 10,
        wrong_in_a_row: 100,
        host_wrong_per_day: 200,
        pair_pause: 10,
        pairs_per_second: 10,
        root_pairs_per_second: 1,
        known_source_days: 30,
        pair_patience: 180,
        same_code: 60,
        resync_pause: 60,
    };
}

impl Default for Policy {
    fn default() -> Self {
        Self::DEFAULT
    }
}

#[cfg(test)]
mod testing;
