//! What accepted codes say about the host's clock, remembered while the daemon runs.

use std::sync::{Mutex, PoisonError};

use crate::{
    audit::{Event, Field, Name},
    decide::{
        At, HostClock, Uptime,
        host_fault::{Fault, HostFault},
    },
    engine::Engine,
    record::{State, Token},
    store::Store,
};

/// Remembers what accepted codes say.
#[derive(Default)]
pub(super) struct Witnesses(Mutex<HostFault>);

impl Witnesses {
    /// Returns what the host's clock may teach.
    pub(super) fn judge(&self, host_clock: HostClock, uptime: Uptime) -> HostClock {
        self.with(|fault| fault.judge(host_clock, uptime))
    }

    fn with<T>(&self, work: impl FnOnce(&mut HostFault) -> T) -> T {
        // It is whole after every change, so a panic elsewhere leaves it usable.
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<S: Store> Engine<S> {
    /// Takes an accepted code down: the token's records before it, and the state after it.
    pub(super) fn witness(&self, before: (&Token, &State), after: &State, at: &At<'_>) {
        let Some(step) = after.last_step else { return };
        let found = self.witnesses.with(|fault| fault.accepted(before, step, (at.now, at.uptime)));
        if let Some(Fault { tokens, ahead }) = found {
            let event = Event::new(Name::HostClockFault)
                .with(Field::Tokens, tokens)
                .with(Field::Ahead, ahead);
            self.around.audit.record(&event);
        }
    }
}
