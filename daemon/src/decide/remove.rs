//! Taking a token from its user, and its seed from the store.

use fob_api::{Error, Fate, RootRule};

use crate::{
    decide::{
        Now, adopt,
        assign::{ROOT, serial_of, user_of},
        tripwire, virtual_token,
    },
    record::{Left, Owner, Standing, State, Token, Trace, UserTokens},
};

/// Whether root may be left without a token.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum RootGuard {
    /// No: rotate instead.
    #[default]
    Keep,
    /// It was spelled out.
    LeaveWithoutMfa,
}

/// Whether the host may be left without an administrator who has a way in.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum AdminGuard {
    /// No: another one gets a token first.
    #[default]
    Keep,
    /// It was spelled out.
    LeaveNone,
}

/// What has to be spelled out before the token of somebody who matters is taken.
#[derive(Clone, Copy, Debug, Default)]
pub struct Safeguards<'a> {
    /// Root's own rule.
    pub root: RootGuard,
    /// The rule about the last administrator.
    pub administrators: AdminGuard,
    /// The serial, typed once more: asked for root's token.
    pub serial_again: Option<&'a str>,
}

/// What the host's user database says about somebody.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Membership {
    /// He administers the host (`users.rs` says who does).
    Administrator,
    /// He does not.
    Other,
}

/// What is known of the host's administrators.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Administrators {
    /// Whether the user at hand is one.
    pub user: Membership,
    /// How many others have a way in. To count to one is enough.
    pub others: usize,
}

/// Decides whether the administration of the host would be left without a way in: the user at
/// hand is an administrator who can sign in now, he is left with nothing, and no other
/// administrator can (design.md section 6; threats.md, emergency access). `left` is his list
/// after the removal. Root's own rule is asked before.
///
/// # Errors
///
/// `LastAdministrator`, unless that was spelled out.
pub fn keep_an_administrator(
    token: &Token,
    owner: &Owner,
    left: &UserTokens,
    administrators: Administrators,
    guard: AdminGuard,
) -> Result<(), Error> {
    let loses = administrators.user == Membership::Administrator
        && is_owned_by(token, owner)
        && left.serials.is_empty();
    if loses && administrators.others == 0 && guard == AdminGuard::Keep {
        return Err(Error::LastAdministrator { user: user_of(owner)? });
    }
    Ok(())
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
    let token = released(token, fate);
    let mut left = tokens.clone();
    left.serials.retain(|serial| *serial != folded);
    tripwire::watch(&mut left.former, &token);
    Ok((token, left))
}

/// Decides on removing a token's seed. The returned trace stays for ever: the steps that were
/// spent stay spent if the same seed is imported again, and a lost one stays lost. Nobody loses a
/// way in by it: a token that somebody has is not forgotten.
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

/// Returns where a token stands that nobody has any more: in stock, but retired if it is a program
/// on somebody's phone, who can keep its seed.
pub(super) fn at_rest(token: &Token) -> Standing {
    if virtual_token::is_virtual(token) || adopt::is_app(token) {
        Standing::Retired
    } else {
        Standing::Stock
    }
}

/// Returns the token without its owner. A lost one stays lost.
pub(super) fn released(token: &Token, fate: Fate) -> Token {
    let mut token = token.clone();
    token.epoch = token.epoch.wrapping_add(1);
    token.standing = match (fate, &token.standing) {
        (Fate::Lost, _) | (_, Standing::Lost) => Standing::Lost,
        (Fate::Retire, _) => Standing::Retired,
        (Fate::Stock, _) => at_rest(&token),
    };
    token
}

#[cfg(test)]
mod tests;
