//! What becomes of a backup's records beside those that are here. What is here is newer: a lost
//! token stays lost, a mark never sinks, an assignment of this host wins (threats.md R7, F16).
//!
//! The fence is the engine's, before any of this is written: it refuses every code that could
//! have been used since the backup, as far as a clock tells (clock-and-throttle.md section 4).

mod merge;

use fob_api::Serial;

use crate::{
    backup::{SavedState, SavedToken, SavedTrace},
    decide::{Uptime, assign::serial_of, remove, tripwire},
    record::{Left, Moving, Owner, Standing, State, Token, Trace, UserTokens},
};

/// The times of a backup's budgets, and now: the daemon's uptime at both.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// When the backup was made, on its host's uptime.
    pub then: Uptime,
    /// Now, on this host's.
    pub now: Uptime,
}

/// A token of a backup.
pub struct Saved<'a> {
    /// As the backup has it.
    pub token: &'a SavedToken,
    /// As it would come into the stock of this host: its seed sealed here, its fingerprint by
    /// this house, at epoch 0.
    pub fresh: &'a Token,
}

/// What this host knows of it.
#[derive(Default)]
pub struct Here<'a> {
    /// The token with this serial.
    pub token: Option<&'a Token>,
    /// The state of that token.
    pub state: Option<&'a State>,
    /// Who has this seed, or had it.
    pub trace: Option<&'a Trace>,
    /// The tokens of the user of [`concerned`].
    pub tokens: Option<&'a UserTokens>,
    /// Who has the uid of [`concerned`] in the host's user database.
    pub owner: Option<&'a Owner>,
}

/// What a person should know about a token.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Note {
    /// It was forgotten here since the backup: it is in stock.
    Forgotten,
    /// Its user has this other token here: it is in stock.
    HasAnother(String),
    /// It is lost, here or in the backup, and stays so.
    Lost,
    /// Its user is not a user of this host by uid and name: it is in stock.
    NoSuchUser,
    /// The serial is here with another seed or other parameters: nothing was changed.
    OtherSeed,
    /// Its seed is here under this serial: nothing was changed.
    SameSeed(String),
    /// No clock tells which of its codes were used since the backup, so it is in stock, and goes
    /// to its user by two codes that it shows now. A token with a button is such a one.
    Unfenced,
}

impl Note {
    /// Returns its word on the bus.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Forgotten => "forgotten",
            Self::HasAnother(_) => "has_another",
            Self::Lost => "lost",
            Self::NoSuchUser => "no_such_user",
            Self::OtherSeed => "other_seed",
            Self::SameSeed(_) => "same_seed",
            Self::Unfenced => "unfenced",
        }
    }

    /// Returns the other token that it speaks of.
    #[must_use]
    pub fn other(&self) -> Option<&str> {
        match self {
            Self::HasAnother(serial) | Self::SameSeed(serial) => Some(serial),
            _ => None,
        }
    }

    /// Tells whether nothing was done about the token because of it.
    #[must_use]
    pub fn is_skip(&self) -> bool {
        matches!(self, Self::OtherSeed | Self::SameSeed(_))
    }
}

/// What a token of a backup is for this host.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Gain {
    /// It was not here, or lay in stock and nobody had touched it.
    Added,
    /// It was here, and something of the backup's was worse: a higher mark, a loss.
    Merged,
}

/// What to do about a token of a backup.
#[derive(Debug, PartialEq)]
pub enum Decision {
    /// Nothing.
    Keep(Option<Note>),
    /// Write all of this in one commit.
    Write(Box<Change>),
}

/// The records after it.
#[derive(Debug, PartialEq)]
pub struct Change {
    /// The token.
    pub token: Token,
    /// Its state.
    pub state: State,
    /// Who has its seed.
    pub trace: Trace,
    /// A user's list of tokens, by his uid, if it changes.
    pub user: Option<(u32, UserTokens)>,
    /// Who had a token and is left without one: `nullok` must not exempt him.
    pub bound: Option<Owner>,
    /// What it was.
    pub gain: Gain,
    /// What a person should know.
    pub note: Option<Note>,
}

/// Returns the user whose list of tokens may change: the one who has the token here, or else the
/// one who had it in the backup.
#[must_use]
pub fn concerned<'a>(saved: &'a SavedToken, here: Option<&'a Token>) -> Option<&'a Owner> {
    match (here.map(|here| &here.standing), &saved.standing) {
        (Some(Standing::Assigned(owner)), _) => Some(owner),
        (_, Standing::Assigned(owner)) => Some(owner),
        _ => None,
    }
}

/// Decides on a token of a backup.
#[must_use]
pub fn token(saved: &Saved<'_>, here: &Here<'_>, times: Times) -> Decision {
    let Ok(serial) = serial_of(saved.fresh) else { return Decision::Keep(Some(Note::OtherSeed)) };
    let left = here.trace.and_then(|trace| trace.left.as_ref());
    if left.is_some_and(|left| left.lost.is_some()) {
        return Decision::Keep(Some(Note::Lost));
    }
    if let Some(other) = here.trace.filter(|trace| trace.left.is_none())
        && other.serial != serial.folded()
    {
        return Decision::Keep(Some(Note::SameSeed(other.serial.clone())));
    }
    match here.token {
        Some(token) if differ(token, saved.fresh) => Decision::Keep(Some(Note::OtherSeed)),
        Some(token) if gets_nothing(saved.token, token, here.state) => {
            meet(saved.token, (token, &serial), here, times)
        }
        _ => arrive(saved, &serial, here, times),
    }
}

/// Decides on what is left of a token that was forgotten on the backup's host. `here` is what
/// this host has about the same seed; its token and state if that token is here.
#[must_use]
pub fn trace(saved: &SavedTrace, here: &Here<'_>, times: Times) -> Option<TraceChange> {
    match (here.trace, here.token) {
        (Some(known @ Trace { left: None, .. }), Some(token)) => {
            let fate = if saved.lost.is_some() { Fate::Lost } else { Fate::AsHere };
            let serial = Serial::parse(&known.serial).ok()?;
            let about = (&saved.state, fate);
            match worsen(about, (token, &serial), here, times) {
                Decision::Write(change) => Some(TraceChange::Token(change)),
                Decision::Keep(_) => None,
            }
        }
        (Some(Trace { left: Some(left), serial }), _) => {
            let state = merge::state(&left.state, &saved.state, times);
            let lost = left.lost.or(saved.lost);
            let after = Left { state: state.clone().unwrap_or_else(|| left.state.clone()), lost };
            let changed = state.is_some() || lost != left.lost;
            changed.then(|| {
                TraceChange::Trace(Box::new(Trace { serial: serial.clone(), left: Some(after) }))
            })
        }
        (None, _) => {
            let state = merge::arrived(State::default(), &saved.state, times);
            let left = Some(Left { state, lost: saved.lost });
            Some(TraceChange::Trace(Box::new(Trace { serial: saved.serial.clone(), left })))
        }
        // The trace says that the token is here, and it is not: nothing is known for sure.
        (Some(Trace { left: None, .. }), None) => None,
    }
}

/// What the trace of a backup changes here.
#[derive(Debug, PartialEq)]
pub enum TraceChange {
    /// The token that has the seed here.
    Token(Box<Change>),
    /// The trace of the seed here.
    Trace(Box<Trace>),
}

/// What a backup says about a token that is here.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Fate {
    /// Nothing that counts.
    AsHere,
    /// It was lost.
    Lost,
}

/// Decides on a token that is here and was used, or given to somebody, or taken away.
fn meet(saved: &SavedToken, token: (&Token, &Serial), here: &Here<'_>, times: Times) -> Decision {
    let fate = match saved.standing {
        Standing::Lost => Fate::Lost,
        Standing::Assigned(_) | Standing::Retired | Standing::Stock => Fate::AsHere,
    };
    worsen((&saved.state, fate), token, here, times)
}

/// Takes over what is worse than here.
fn worsen(
    (saved, fate): (&SavedState, Fate),
    (token, serial): (&Token, &Serial),
    here: &Here<'_>,
    times: Times,
) -> Decision {
    let before = here.state.cloned().unwrap_or_default();
    let state = merge::state(&before, saved, times);
    let note = (token.standing == Standing::Lost || fate == Fate::Lost).then_some(Note::Lost);
    let falls = fate == Fate::Lost && token.standing != Standing::Lost;
    if state.is_none() && !falls {
        return Decision::Keep(note);
    }
    let mut change = Change {
        token: token.clone(),
        state: state.unwrap_or(before),
        trace: Trace { serial: serial.folded(), left: None },
        user: None,
        bound: None,
        gain: Gain::Merged,
        note,
    };
    if falls {
        change.token.epoch = token.epoch.wrapping_add(1);
        change.token.standing = Standing::Lost;
        if let Standing::Assigned(owner) = &token.standing {
            let mut tokens = here.tokens.cloned().unwrap_or_default();
            tokens.serials.retain(|held| *held != serial.folded());
            tripwire::watch(&mut tokens.former, &change.token);
            change.user = Some((owner.uid, tokens));
            change.bound = Some(owner.clone());
        }
    }
    Decision::Write(Box::new(change))
}

/// Decides on a token that is not here, or lies in stock as it was imported.
fn arrive(saved: &Saved<'_>, serial: &Serial, here: &Here<'_>, times: Times) -> Decision {
    let left = here.trace.and_then(|trace| trace.left.as_ref());
    let before = left.map(|left| &left.state).or(here.state).cloned().unwrap_or_default();
    let (standing, note) = match &saved.token.standing {
        Standing::Lost => (Standing::Lost, Some(Note::Lost)),
        _ if left.is_some() => (remove::at_rest(saved.fresh), Some(Note::Forgotten)),
        Standing::Assigned(owner) => match bar(saved, owner, serial, here) {
            None => (Standing::Assigned(owner.clone()), None),
            Some(note) => (remove::at_rest(saved.fresh), Some(note)),
        },
        standing @ (Standing::Retired | Standing::Stock) => (standing.clone(), None),
    };
    let mut change = Change {
        token: here.token.unwrap_or(saved.fresh).clone(),
        state: merge::arrived(before, &saved.token.state, times),
        trace: Trace { serial: serial.folded(), left: None },
        user: None,
        bound: None,
        gain: Gain::Added,
        note,
    };
    // What is here wins; the vendor's file may have been imported without a batch.
    change.token.batch = change.token.batch.or_else(|| saved.fresh.batch.clone());
    // Not 0: a second restore must not take it for one that nobody touched.
    change.token.epoch = change.token.epoch.wrapping_add(1);
    match (&standing, &saved.token.standing) {
        (Standing::Assigned(owner), _) => {
            let mut tokens = here.tokens.cloned().unwrap_or_default();
            tokens.serials.push(serial.folded());
            change.user = Some((owner.uid, tokens));
        }
        // Also for one who is not a user yet, as before a directory is joined; for nobody else.
        (_, Standing::Assigned(owner)) if here.owner.is_none_or(|who| who == owner) => {
            change.bound = Some(owner.clone());
        }
        _ => {}
    }
    change.token.standing = standing;
    Decision::Write(Box::new(change))
}

/// Tells what keeps a token from the user whom the backup names.
fn bar(saved: &Saved<'_>, owner: &Owner, serial: &Serial, here: &Here<'_>) -> Option<Note> {
    if here.owner != Some(owner) {
        return Some(Note::NoSuchUser);
    }
    let mut others = here.tokens.into_iter().flat_map(|tokens| &tokens.serials);
    if let Some(other) = others.find(|other| **other != serial.folded()) {
        return Some(Note::HasAnother(other.clone()));
    }
    let timed = matches!(saved.fresh.parameters.moving, Moving::Time { .. });
    (!timed || saved.token.state.clock.is_none()).then_some(Note::Unfenced)
}

/// Tells whether two tokens of one serial are not the same thing.
fn differ(here: &Token, fresh: &Token) -> bool {
    here.fingerprint != fresh.fingerprint || here.parameters != fresh.parameters
}

/// Tells whether a token that is here stays where it stands. Only one that lies in stock as it was
/// imported, which nobody ever had here, and of which no code was used, gets its place from the
/// backup: the vendor's file may be imported before the backup is restored.
fn gets_nothing(saved: &SavedToken, here: &Token, state: Option<&State>) -> bool {
    let used = state.is_some_and(|state| state.last_step.is_some());
    let untouched = here.standing == Standing::Stock && here.epoch == 0 && !used;
    !untouched || saved.standing == Standing::Stock
}

#[cfg(test)]
mod tests;
