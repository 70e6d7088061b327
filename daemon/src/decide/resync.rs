//! Finding a drifted token's clock again, by two consecutive codes.

use fob_api::{Error, Serial, Share};

use crate::{
    decide::{
        At, Opened,
        pair::{self, Reach, TimedPair},
        throttle::{self, Rank},
    },
    record::State,
};

/// What to do about a resync.
#[derive(Debug)]
pub struct Decision {
    /// The answer; it leaves only after `change` is durable.
    pub outcome: Result<(), Error>,
    /// The new state; `None` if nothing was tried.
    pub change: Option<State>,
}

/// Who asks for a resync.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Asker {
    /// uid 0: guesses nothing, so nothing is counted and nothing makes him wait.
    Administrator,
    /// The token's user.
    Owner,
}

/// Decides on a resync. A user may try once in `policy.resync_pause` seconds, and a wrong pair of
/// his counts like a wrong code of his own programs. An administrator's does not: a flood of
/// wrong codes must not keep him from helping.
#[must_use]
pub fn resync(
    opened: &Opened<'_>,
    serial: &Serial,
    proof: (&TimedPair, Reach),
    asker: Asker,
    at: &At<'_>,
) -> Decision {
    let seconds = pause(opened.state, at);
    if asker == Asker::Owner && seconds > 0 {
        let outcome = Err(Error::TemporarilyUnmodifiable { seconds });
        return Decision { outcome, change: None };
    }
    let (timed, reach) = proof;
    let (outcome, located) = match pair::locate(opened, timed, reach, at) {
        Ok(state) => (Ok(()), Some(state)),
        Err(no_pair) => (Err(no_pair.error(serial.clone())), None),
    };
    let mut state = match (located, asker) {
        (Some(state), _) => state,
        (None, Asker::Administrator) => return Decision { outcome, change: None },
        (None, Asker::Owner) => {
            let mut state = opened.state.clone();
            state.writes = state.writes.wrapping_add(1);
            throttle::charge(&mut state.budgets, Share::Own, Rank::User, at);
            state
        }
    };
    if asker == Asker::Owner {
        state.budgets.resync = Some(at.uptime.0);
    }
    Decision { outcome, change: Some(state) }
}

/// Returns the seconds until the user may try again. A try in the future was counted before a
/// crash that lost some uptime: nobody waits for that time to come again.
fn pause(state: &State, at: &At<'_>) -> u32 {
    let gone = state.budgets.resync.and_then(|latest| at.uptime.0.checked_sub(latest));
    let gone = gone.map_or(u32::MAX, |gone| u32::try_from(gone).unwrap_or(u32::MAX));
    at.policy.resync_pause.saturating_sub(gone)
}

#[cfg(test)]
mod tests;
