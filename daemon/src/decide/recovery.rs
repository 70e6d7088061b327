//! Is this recovery code, or temporary code, right and unused? With `verify.rs` the only maker
//! of `Verdict::Accept`.
//!
//! A code has 50 bits and at most one a second is tried for a user, so a guesser has one chance
//! in three million in a year (ten codes, 32 million tries). So, as with pairs, a share whose
//! budget is spent still takes these codes: their owner always gets in.

mod lost;
mod scratch;

use fob_api::{Fate, Share, Verdict};
use subtle::ConstantTimeEq;

pub use self::{
    lost::report_lost,
    scratch::{takes_scratch, verify_scratch},
};
use crate::{
    decide::{
        At,
        throttle::{
            self, Origin, Rank,
            pairs::{self, Turn},
            spray,
        },
        verify::{self, Claim, Unenrolled},
    },
    record::{Owner, PairTries, Recovery, Spray, State, Temporary, UserTokens},
};

/// Recovery codes of one issue: they fit on a card, and last until the next token for a person
/// who lost his. As many as google-authenticator prints at most.
pub const CODES: usize = 10;
/// What is known of who tries a code.
pub struct Kept<'a> {
    /// The state of his token, or what stands in for it: where his wrong codes are counted.
    pub state: &'a State,
    /// His codes, or what stands in for them.
    pub recovery: &'a Recovery,
    /// What unknown sources have cost altogether.
    pub spray: &'a Spray,
    /// Whether the state is that of a token of his.
    pub token: Claim,
    /// Whether the codes are his.
    pub codes: Claim,
}

/// Where a code comes from.
#[derive(Clone, Copy)]
pub struct Whence<'a> {
    /// Where it comes from.
    pub origin: Origin,
    /// The remote host as the service names it, for the next sign-in's notice.
    pub from: Option<&'a str>,
    /// Whose limits hold.
    pub rank: Rank,
    /// Whether this source may try one.
    pub turn: Turn,
}

/// Which code was tried, for the journal.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Found {
    /// The temporary one, after its time.
    Expired,
    /// One of the recovery codes.
    Recovery,
    /// The temporary one, given out for this reason.
    Temporary(String),
}

impl Found {
    /// Returns the word for it in the journal.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::Recovery => "recovery",
            Self::Temporary(_) => "temporary",
        }
    }

    /// Returns why a temporary code was given out.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Temporary(reason) => Some(reason),
            Self::Expired | Self::Recovery => None,
        }
    }
}

/// What to do about a code.
#[derive(Debug)]
pub struct Decision {
    /// The answer; it leaves only after the changes are durable.
    pub verdict: Verdict,
    /// The new records; `None` if nothing was tried, so nothing was spent.
    pub change: Option<(State, Recovery)>,
    /// The new cost of unknown sources; `None` if it is the old one.
    pub spray: Option<Spray>,
    /// The share on which a wrong code is counted.
    pub share: Share,
    /// Which code it was; `None` if it was none of his.
    pub found: Option<Found>,
}

/// Decides on a code by its digest under the salt of `kept.recovery`.
///
/// A code that is found is removed, so it is never accepted again. Every try is counted, the right
/// one too; a wrong one costs what a wrong code of the token costs.
#[must_use]
pub fn verify_recovery(
    kept: &Kept<'_>,
    digest: &[u8; 32],
    whence: &Whence<'_>,
    at: &At<'_>,
) -> Decision {
    let share = throttle::share(&kept.state.budgets, whence.origin, at);
    let untried = |verdict| Decision { verdict, change: None, spray: None, share, found: None };
    let tries = match take_turn(kept.recovery, whence.turn, at) {
        Ok(tries) => tries,
        Err(seconds) => return untried(Verdict::Wait(seconds)),
    };
    let (mut state, mut recovery) = (kept.state.clone(), kept.recovery.clone());
    state.writes = state.writes.wrapping_add(1);
    recovery.tries = tries;
    let found = take(&mut recovery, digest, at);
    let verdict = match (kept.codes, kept.token, &found) {
        (Claim::Owner, _, Some(Found::Recovery | Found::Temporary(_))) => Verdict::Accept,
        (Claim::Nobody, Claim::Nobody, _) => Verdict::Unassigned,
        _ => Verdict::Reject,
    };
    let mut sprayed = None;
    if verdict != Verdict::Accept {
        throttle::charge(&mut state.budgets, share, whence.rank, at);
        sprayed = (share == Share::Unknown).then(|| spray::charge(kept.spray, at));
    } else if kept.token == Claim::Owner {
        note(&mut state, share, (whence.origin, whence.from), at);
    }
    Decision { change: Some((state, recovery)), spray: sprayed, found, ..untried(verdict) }
}

/// Notes in the state of his token that its owner got in without it: the next sign-in with the token
/// tells him of this one.
fn note(state: &mut State, share: Share, from: (Origin, Option<&str>), at: &At<'_>) {
    let (origin, host) = from;
    state.last_used = Some(at.now.0);
    state.last_from = verify::last_from(origin, host);
    throttle::note_accept(&mut state.budgets, share, origin, at);
}

/// Returns the seconds until a code is tried; 0 if it is tried now.
#[must_use]
pub fn wait(recovery: &Recovery, turn: Turn, at: &At<'_>) -> u32 {
    take_turn(recovery, turn, at).err().unwrap_or_default()
}

/// Counts a try, or returns the seconds until there may be one: one in ten seconds of a source, and
/// one a second for a user. A try costs a slow hash.
fn take_turn(recovery: &Recovery, turn: Turn, at: &At<'_>) -> Result<PairTries, u32> {
    pairs::pace(recovery.tries, turn, at)
}

/// Returns an empty record for a user.
#[must_use]
pub fn fresh(owner: &Owner, salt: [u8; 16]) -> Recovery {
    Recovery { name: owner.name.clone(), salt, ..Recovery::default() }
}

/// Tells whether the codes are this user's, and not of somebody who had his uid before.
#[must_use]
pub fn is_of(recovery: &Recovery, owner: &Owner) -> bool {
    recovery.name == owner.name
}

/// Decides on new recovery codes: all older ones are void, a temporary code is not.
#[must_use]
pub fn issue(recovery: &Recovery, hashes: Vec<[u8; 32]>, at: &At<'_>) -> Recovery {
    Recovery { hashes, issued: Some(at.now.0), ..recovery.clone() }
}

/// What an administrator says about a temporary code.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Terms {
    /// For how many seconds it is good.
    pub seconds: u32,
    /// Why it is given out.
    pub reason: String,
    /// The uid that gives it out.
    pub by: u32,
}

/// Decides on a temporary code: an older one is void. Whichever clock first says that it is over
/// ends it.
#[must_use]
pub fn grant(recovery: &Recovery, hash: [u8; 32], terms: &Terms, at: &At<'_>) -> Recovery {
    let seconds = u64::from(terms.seconds);
    let temporary = Temporary {
        hash,
        expires: at.now.0.saturating_add(seconds),
        expires_uptime: at.uptime.0.saturating_add(seconds),
        reason: terms.reason.clone(),
        by: terms.by,
    };
    Recovery { temporary: Some(temporary), ..recovery.clone() }
}

/// Returns the temporary code if it has not expired.
#[must_use]
pub fn open_temporary<'a>(recovery: &'a Recovery, at: &At<'_>) -> Option<&'a Temporary> {
    let is_open = |temporary: &&Temporary| {
        at.now.0 < temporary.expires && at.uptime.0 < temporary.expires_uptime
    };
    recovery.temporary.as_ref().filter(is_open)
}

/// Returns what holds of a host's PAM file for a user with these codes: he is not exempt. Recovery
/// codes that are all used bind him too; else using the last one would take the prompt away.
#[must_use]
pub fn unenrolled(said: Unenrolled, recovery: Option<&Recovery>, at: &At<'_>) -> Unenrolled {
    let binds =
        |recovery: &Recovery| recovery.issued.is_some() || open_temporary(recovery, at).is_some();
    if recovery.is_some_and(binds) { Unenrolled::Refuse } else { said }
}

/// Tells whether a user's codes stay when a token was taken from him: with another token, or
/// after a loss, which is what they are for. Else he signs in without codes from now on.
#[must_use]
pub fn outlive(fate: Fate, left: &UserTokens) -> bool {
    fate == Fate::Lost || !left.serials.is_empty()
}

/// Removes the code with this digest and tells which one it was. All are compared.
fn take(recovery: &mut Recovery, digest: &[u8; 32], at: &At<'_>) -> Option<Found> {
    let is_recovery = take_recovery(recovery, digest);
    let is_open = open_temporary(recovery, at).is_some();
    let temporary = recovery.temporary.take_if(|kept| bool::from(kept.hash.ct_eq(digest)));
    match temporary {
        Some(temporary) if is_open => Some(Found::Temporary(temporary.reason)),
        _ if is_recovery => Some(Found::Recovery),
        Some(_) => Some(Found::Expired),
        None => None,
    }
}

/// Removes the recovery code with this digest and tells whether there was one. All are compared.
fn take_recovery(recovery: &mut Recovery, digest: &[u8; 32]) -> bool {
    let before = recovery.hashes.len();
    recovery.hashes.retain(|hash| !bool::from(hash.ct_eq(digest)));
    recovery.hashes.len() < before
}

#[cfg(test)]
mod tests;
