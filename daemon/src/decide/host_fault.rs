//! Is it the host's clock that is off, and not the tokens' (clock-and-throttle.md section 2)?
//!
//! One token that is off is its own matter. Several at once, all the same way, are the host's:
//! what they show must not be learned, or every token would be known wrongly once the host's clock
//! is right again. In memory only: a restart begins anew.

use std::collections::VecDeque;

use crate::{
    decide::{HostClock, Now, Uptime, clock_model},
    record::{Moving, State, Token},
};

/// Fewest tokens that bear witness against the host (section 2): two may be by chance.
const WITNESSES: usize = 3;
/// Seconds that a code is off before it counts (section 2): most honest ones are within 20 s, half
/// a step and the typing.
const SHIFT: f64 = 20.0;
/// Seconds to which a token's clock must be known (one σ) for it to bear witness: a shift is four
/// times that. One that was not used for months, or has just been assigned, is off by itself.
const KNOWN: f64 = 5.0;
/// Seconds for which a code bears witness, and for which nothing is learned after the last time
/// that the host was found to be off (section 2).
const SPAN: u64 = 60 * 60;
/// Most tokens that are remembered, the latest: enough to judge by, whatever the host's size.
const MOST: usize = 256;

/// What the codes of the last hour say about the host's clock.
#[derive(Debug, Default)]
pub struct HostFault {
    /// The latest code of each token, the oldest first.
    seen: VecDeque<Seen>,
    /// When the host was last found to be off.
    found: Option<Uptime>,
}

/// How far a token's code was off what was expected.
#[derive(Debug)]
struct Seen {
    token: [u8; 32],
    shift: f64,
    when: Uptime,
}

/// The host was found to be off.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Fault {
    /// How many tokens say so.
    pub tokens: usize,
    /// By how many seconds the host's clock is ahead, about.
    pub ahead: i64,
}

impl HostFault {
    /// Takes down an accepted code: the token's records before it, its step, and when it came.
    /// Returns the fault if the host is found to be off now and was not before.
    ///
    /// It is off if at least three tokens were more than 20 s off the same way in the last hour,
    /// and at least half of all that were used then: on a large host three slow hands in an hour
    /// are nothing.
    pub fn accepted(
        &mut self,
        (token, state): (&Token, &State),
        step: u64,
        (now, uptime): (Now, Uptime),
    ) -> Option<Fault> {
        let Moving::Time { period } = token.parameters.moving else { return None };
        let shift = clock_model::shift(state.clock.as_ref()?, (step, period), now, KNOWN)?;
        self.seen.retain(|seen| {
            seen.token != token.fingerprint && uptime.0.saturating_sub(seen.when.0) < SPAN
        });
        if self.seen.len() >= MOST {
            self.seen.pop_front();
        }
        self.seen.push_back(Seen { token: token.fingerprint, shift, when: uptime });
        let fault = self.fault()?;
        let before = self.is_found(uptime);
        self.found = Some(uptime);
        (!before).then_some(fault)
    }

    /// Tells whether the host was found to be off in the last hour.
    #[must_use]
    pub fn is_found(&self, uptime: Uptime) -> bool {
        self.found.is_some_and(|found| uptime.0.saturating_sub(found.0) < SPAN)
    }

    /// Returns what the host's clock may teach, by what the kernel says of it.
    #[must_use]
    pub fn judge(&self, host_clock: HostClock, uptime: Uptime) -> HostClock {
        if self.is_found(uptime) { HostClock::Unsynchronised } else { host_clock }
    }

    /// Returns the fault that the codes show.
    fn fault(&self) -> Option<Fault> {
        // A token that seems to be behind says that the host is ahead.
        let off = |way: f64| {
            let shifts = self.seen.iter().map(move |seen| -way * seen.shift);
            shifts.filter(|shift| *shift > SHIFT).collect::<Vec<f64>>()
        };
        [1.0, -1.0].into_iter().find_map(|way| {
            let shifts = off(way);
            let many = shifts.len() >= WITNESSES && 2 * shifts.len() >= self.seen.len();
            let mean = shifts.iter().sum::<f64>() / shifts.len().max(1) as f64;
            many.then_some(Fault { tokens: shifts.len(), ahead: (way * mean).round() as i64 })
        })
    }
}

#[cfg(test)]
mod tests;
