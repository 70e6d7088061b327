//! Taking a token from its user, and its seed from the store.

use fob_api::{Error, Fate, RootRule};

use crate::{
    decide::{
        Now,
        assign::{ROOT, serial_of, user_of},
    },
    record::{Left, Owner, Standing, State, Token, Trace, UserTokens},
};

/// Whether root may be left without a token.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RootGuard {
    /// No: rotate instead.
    Keep,
    /// It was spelled out.
    LeaveWithoutMfa,
}

/// Decides on taking a token from its user. It is his by his list of tokens: whoever had the
/// uid under another name, an administrator can take it away.
///
/// # Errors
///
/// `NotAssigned` if the token is not in his list, `RootOnly` if root would be left without one.
pub fn deactivate(
    token: &Token,
    owner: &Owner,
    tokens: &UserTokens,
    fate: Fate,
    guard: RootGuard,
) -> Result<(Token, UserTokens), Error> {
    if !is_held_by(token, owner, tokens) {
        return Err(Error::NotAssigned { user: user_of(owner)? });
    }
    if owner.uid == ROOT && tokens.serials.len() <= 1 && guard == RootGuard::Keep {
        return Err(Error::RootOnly { rule: RootRule::KeepOne });
    }
    let folded = serial_of(token)?.folded();
    let serials = tokens.serials.iter().filter(|serial| **serial != folded).cloned().collect();
    Ok((released(token, fate), UserTokens { serials }))
}

/// Decides on removing a token's seed. The returned trace stays for ever: the steps that were
/// spent stay spent if the same seed is imported again, and a lost one stays lost.
///
/// # Errors
///
/// `AlreadyAssigned` while somebody signs in with it.
pub fn forget(token: &Token, state: &State, now: Now) -> Result<Trace, Error> {
    let serial = serial_of(token)?;
    if let Standing::Assigned(owner) = &token.standing {
        return Err(Error::AlreadyAssigned { serial, user: user_of(owner)? });
    }
    let mut state = state.clone();
    state.writes = state.writes.wrapping_add(1);
    let lost = Some(now.0).filter(|_| token.standing == Standing::Lost);
    Ok(Trace { serial: serial.folded(), left: Some(Left { state, lost }) })
}

/// Tells whether the token is this user's. The name counts too: a uid that belongs to another
/// name than at the assignment was given to somebody else.
#[must_use]
pub fn is_owned_by(token: &Token, owner: &Owner) -> bool {
    token.standing == Standing::Assigned(owner.clone())
}

/// Tells whether an administrator may take the token from this user: it is in his list, and no
/// other uid's. His name may have changed.
pub(super) fn is_held_by(token: &Token, owner: &Owner, tokens: &UserTokens) -> bool {
    let listed = serial_of(token).is_ok_and(|serial| tokens.serials.contains(&serial.folded()));
    let others = matches!(&token.standing, Standing::Assigned(other) if other.uid != owner.uid);
    listed && !others
}

/// Returns the token without its owner. A lost one stays lost.
pub(super) fn released(token: &Token, fate: Fate) -> Token {
    let mut token = token.clone();
    token.epoch = token.epoch.wrapping_add(1);
    token.standing = match (fate, token.standing) {
        (Fate::Lost, _) | (_, Standing::Lost) => Standing::Lost,
        (Fate::Retire, _) => Standing::Retired,
        (Fate::Stock, _) => Standing::Stock,
    };
    token
}

#[cfg(test)]
mod tests;
