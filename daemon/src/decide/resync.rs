//! Finding a drifted token's clock again, by two consecutive codes.

use fob_api::{Error, Serial};

use crate::{
    decide::{
        At, Opened, Share,
        pair::{self, TimedPair},
        throttle,
    },
    record::{State, Tries},
};

/// What to do about a resync.
#[derive(Debug)]
pub struct Decision {
    /// The answer; it leaves only after `change` is durable.
    pub outcome: Result<(), Error>,
    /// The new state; `None` if nothing was tried.
    pub change: Option<State>,
}

/// Decides on a resync. A user's wrong pair is counted like a wrong code of his; an
/// administrator's is not: he guesses nothing, and a flood of wrong codes must not keep him
/// from helping.
#[must_use]
pub fn resync(
    opened: &Opened<'_>,
    serial: &Serial,
    timed: &TimedPair,
    share: Share,
    at: &At<'_>,
) -> Decision {
    let tries = throttle::of(opened.state, share);
    let seconds = throttle::wait(tries, at.now);
    if share == Share::Own && seconds > 0 {
        let outcome = Err(Error::TemporarilyUnmodifiable { seconds });
        return Decision { outcome, change: None };
    }
    match pair::locate(opened, timed, at) {
        Ok(mut state) => {
            throttle::set(&mut state, share, Tries::default());
            Decision { outcome: Ok(()), change: Some(state) }
        }
        Err(_) => {
            let mut state = opened.state.clone();
            state.writes = state.writes.wrapping_add(1);
            throttle::set(&mut state, share, throttle::count(tries, at.now));
            let change = Some(state).filter(|_| share == Share::Own);
            Decision { outcome: Err(Error::InvalidCodePair { serial: serial.clone() }), change }
        }
    }
}

#[cfg(test)]
mod tests;
