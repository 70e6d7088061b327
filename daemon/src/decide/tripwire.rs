//! The lost-token tripwire: a valid code of a lost or retired token is refused like any other
//! wrong one, and raises an alarm (design.md section 1, "lost").
//!
//! It never changes a verdict: it is asked after one has been given.

use fob_api::{Code, Verdict};

use crate::{
    decide::{At, Opened, assign::serial_of, verify},
    record::{Standing, Token},
};

/// Most former tokens of a user that are watched: the newest. Each one is three more codes that a
/// wrong code may be by chance (1.2e-5 for all), and whoever loses a fifth token has its new
/// finder on the wire.
pub const WATCHED: usize = 4;

/// What tripped the wire.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Alarm {
    /// A token that was reported lost: somebody found it, or stole it.
    LostToken,
    /// A token that was taken out of use: often its user, with the old one in his hand.
    RetiredToken,
}

impl Alarm {
    /// Returns the word in the journal.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::LostToken => "lost_token",
            Self::RetiredToken => "retired_token",
        }
    }
}

/// Tells whether former tokens are looked at after a verdict: only if a code was tried and paid
/// for. Codes that a spent budget keeps from being tried are not looked at: at ten a second they
/// would raise false alarms every few hours. A replay is the code of the token that the user has.
#[must_use]
pub fn is_due(verdict: Verdict) -> bool {
    match verdict {
        Verdict::Reject | Verdict::Unassigned => true,
        Verdict::Accept
        | Verdict::Exempt
        | Verdict::Locked
        | Verdict::Replay
        | Verdict::Wait(_) => false,
    }
}

/// Tells whether a refused code is one that a former token shows now.
///
/// The window is the one of a sign-in with that token: wider, it would sound for guesses. Steps at
/// or below its last accepted one do not count: such a code was on a screen or in a terminal
/// before, so it tells nothing about who holds the token. A token that was forgotten and imported
/// again is somebody's, or in stock: no alarm.
#[must_use]
pub fn trips(opened: &Opened<'_>, code: &Code, at: &At<'_>) -> Option<Alarm> {
    let alarm = match opened.token.standing {
        Standing::Lost => Alarm::LostToken,
        Standing::Retired => Alarm::RetiredToken,
        Standing::Assigned(_) | Standing::Stock => return None,
    };
    let window = verify::window(opened.token, opened.state, at.now, at.policy);
    let hits = opened.generator.search(code, window);
    hits.into_iter().any(|step| !verify::is_spent(opened, step, at)).then_some(alarm)
}

/// Puts a token that was taken from its user on the list of his former ones, if it is watched.
pub(super) fn watch(former: &mut Vec<String>, token: &Token) {
    let Ok(serial) = serial_of(token) else { return };
    if !matches!(token.standing, Standing::Lost | Standing::Retired) {
        return;
    }
    former.retain(|other| *other != serial.folded());
    former.push(serial.folded());
    let surplus = former.len().saturating_sub(WATCHED);
    former.drain(..surplus);
}

#[cfg(test)]
mod tests;
