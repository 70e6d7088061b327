//! The old token out, the new one in, as one change: never a moment without MFA.

use fob_api::{Error, Fate};

use crate::{
    decide::{
        At, Opened,
        assign::{self, Recipient, serial_of, user_of},
        pair::{Reach, TimedPair},
        remove, tripwire,
    },
    record::{State, Token, UserTokens},
};

/// The records after a rotation.
#[derive(Debug)]
pub struct Rotated {
    /// The new token, with its owner.
    pub token: Token,
    /// The new token's state.
    pub state: State,
    /// The old token, without an owner.
    pub old: Token,
    /// The user's tokens.
    pub user: UserTokens,
}

/// The token that goes.
pub struct Outgoing<'a> {
    /// The token.
    pub token: &'a Token,
    /// Its state: a new token refills none of its user's budgets.
    pub state: &'a State,
    /// What becomes of it.
    pub fate: Fate,
}

/// Decides on a rotation from `old` to the opened token.
///
/// # Errors
///
/// `NotAssigned` if `old` is not in this user's list, and what an assignment may return except
/// `LimitExceeded`; nothing is changed then.
pub fn rotate(
    opened: &Opened<'_>,
    old: &Outgoing<'_>,
    recipient: &Recipient<'_>,
    proof: (&TimedPair, Reach),
    at: &At<'_>,
) -> Result<Rotated, Error> {
    let old_serial = serial_of(old.token)?.folded();
    if !remove::is_held_by(old.token, recipient.owner, recipient.tokens) {
        return Err(Error::NotAssigned { user: user_of(recipient.owner)? });
    }
    let assigned = assign::bind(opened, recipient, proof, at)?;
    let mut user = assigned.user;
    user.serials.retain(|serial| *serial != old_serial);
    let mut state = assigned.state;
    state.budgets = old.state.budgets.clone();
    state.last_from.clone_from(&old.state.last_from);
    let old = remove::released(old.token, old.fate);
    tripwire::watch(&mut user.former, &old);
    Ok(Rotated { token: assigned.token, state, old, user })
}

#[cfg(test)]
mod tests;
