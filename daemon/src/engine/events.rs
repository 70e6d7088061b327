//! What is said of refusals: each call has one event, whatever it was that refused it.

use std::sync::PoisonError;

use fob_api::{Error, ErrorKind, Serial, UserName, Verdict};

use crate::{
    access::Caller,
    audit::{Counted, Event, Field, Name, Quiet, Said},
    engine::{Engine, Pairing},
    store::Store,
};

/// Who asked for a change, and about what.
pub(super) struct About<'a> {
    caller: Caller,
    user: Option<&'a UserName>,
    serial: Option<&'a Serial>,
}

impl<'a> About<'a> {
    pub(super) fn of_house(caller: Caller) -> Self {
        Self { caller, user: None, serial: None }
    }

    pub(super) fn of_pairing(pairing: &Pairing<'a>) -> Self {
        let (user, serial) = (Some(pairing.user), Some(pairing.serial));
        Self { caller: pairing.caller, user, serial }
    }

    pub(super) fn of_token(caller: Caller, serial: &'a Serial) -> Self {
        Self { serial: Some(serial), ..Self::of_house(caller) }
    }

    pub(super) fn of_user(caller: Caller, user: &'a UserName) -> Self {
        Self { user: Some(user), ..Self::of_house(caller) }
    }
}

impl<S: Store> Engine<S> {
    /// Logs why a change was refused. A missing right and trouble of the store have events of
    /// their own.
    pub(super) fn refused(&self, verb: Name, about: &About<'_>, error: &Error) {
        if matches!(error.kind(), ErrorKind::NotAuthorized | ErrorKind::StoreUnavailable) {
            return;
        }
        let event = Event::new(Name::Refused)
            .with(Field::Verb, verb.word())
            .with_some(Field::User, about.user)
            .with_some(Field::Serial, about.serial)
            .with(Field::Reason, error.kind().word())
            .by(about.caller);
        self.refusal(about.caller, &event);
    }

    /// Logs that a caller asked for what is not his to do, and returns what he is told.
    pub(super) fn denied(&self, verb: &'static str, caller: Caller) -> Error {
        let event = Event::new(Name::Denied).with(Field::Verb, verb);
        self.refusal(caller, &event.with(Field::Caller, caller.uid));
        Error::NotAuthorized { verb }
    }

    /// Logs a decision on a code.
    pub(super) fn decided(&self, caller: Caller, verdict: Verdict, event: &Event) {
        match verdict {
            Verdict::Accept => self.around.audit.record(event),
            _ => self.refusal(caller, event),
        }
    }

    /// Logs a refusal, or counts it: a user who is refused over and over must not make the
    /// journal drop what there is to say about others.
    fn refusal(&self, caller: Caller, event: &Event) {
        let audit = &self.around.audit;
        if caller.uid == 0 {
            return audit.record(event);
        }
        let uptime = self.boot();
        let (over, said) =
            self.with_quiet(|quiet| (quiet.over(uptime), quiet.refused(caller.uid, uptime)));
        over.into_iter().for_each(|counted| audit.record(&silenced(counted)));
        if said == Said::Told {
            audit.record(event);
        }
    }

    /// Tells of the refusals that were counted in minutes that are over.
    pub(super) fn end_minutes(&self) {
        let uptime = self.boot();
        let over = self.with_quiet(|quiet| quiet.over(uptime));
        over.into_iter().for_each(|counted| self.around.audit.record(&silenced(counted)));
    }

    /// Tells of all refusals that were counted: the daemon ends.
    pub(super) fn end_last_minutes(&self) {
        let uptime = self.boot();
        let last = self.with_quiet(|quiet| quiet.last(uptime));
        last.into_iter().for_each(|counted| self.around.audit.record(&silenced(counted)));
    }

    /// Returns the host's uptime in seconds; 0 if it has no clocks, and then nothing is decided.
    fn boot(&self) -> u64 {
        self.around.clock.read().map_or(0, |reading| reading.boot)
    }

    fn with_quiet<T>(&self, work: impl FnOnce(&mut Quiet) -> T) -> T {
        // It is whole after every change, so a panic elsewhere leaves it usable.
        work(&mut self.quiet.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Returns the event of refusals that were counted.
fn silenced(counted: Counted) -> Event {
    Event::new(Name::Silenced)
        .with(Field::Count, counted.count)
        .with(Field::Seconds, counted.seconds)
        .with_some(Field::Caller, counted.caller)
}
