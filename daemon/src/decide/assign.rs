//! May this token become this user's? Two consecutive codes prove that it is at hand.

use fob_api::{Error, RootRule, Serial, UserName};

use crate::{
    decide::{
        At, Opened,
        pair::{self, Reach, TimedPair},
    },
    record::{Budgets, Owner, Standing, State, Token, UserTokens},
};

/// The uid whose token has stricter rules (design.md section 6).
pub const ROOT: u32 = 0;

/// Who gets a token.
pub struct Recipient<'a> {
    /// The user.
    pub owner: &'a Owner,
    /// The tokens that he has.
    pub tokens: &'a UserTokens,
    /// The serial, typed once more: asked for root's token.
    pub serial_again: Option<&'a str>,
}

/// The records after an assignment.
#[derive(Debug)]
pub struct Assigned {
    /// The token, with its owner.
    pub token: Token,
    /// Its state: the pair is spent, the drift known.
    pub state: State,
    /// The user's tokens.
    pub user: UserTokens,
}

/// Decides on an assignment.
///
/// # Errors
///
/// `AlreadyAssigned`, `NotAssignable` (lost, retired), `LimitExceeded`, `RootOnly`, what
/// [`pair::NoPair`] says of the codes; nothing is changed then.
pub fn assign(
    opened: &Opened<'_>,
    recipient: &Recipient<'_>,
    proof: (&TimedPair, Reach),
    at: &At<'_>,
) -> Result<Assigned, Error> {
    let serial = serial_of(opened.token)?;
    in_stock(opened.token, &serial)?;
    if recipient.tokens.serials.len() >= at.policy.tokens_per_user {
        let held = recipient.tokens.serials.first().map_or(serial.as_str(), String::as_str);
        return Err(Error::LimitExceeded {
            user: user_of(recipient.owner)?,
            serial: Serial::parse(held).map_err(|_| Error::StoreUnavailable)?,
        });
    }
    bind(opened, recipient, proof, at)
}

/// Binds a token of the stock and a user, whatever else he has.
///
/// # Errors
///
/// `AlreadyAssigned`, `NotAssignable`, `RootOnly`, what [`pair::NoPair`] says of the codes.
pub(super) fn bind(
    opened: &Opened<'_>,
    recipient: &Recipient<'_>,
    proof: (&TimedPair, Reach),
    at: &At<'_>,
) -> Result<Assigned, Error> {
    let serial = serial_of(opened.token)?;
    in_stock(opened.token, &serial)?;
    typed_twice(recipient.owner, &serial, recipient.serial_again)?;
    let (timed, reach) = proof;
    let mut state =
        pair::locate(opened, timed, reach, at).map_err(|no_pair| no_pair.error(serial.clone()))?;
    // What is known of wrong codes and sources was about whoever had it before.
    state.budgets = Budgets::default();
    state.last_from = None;
    let mut token = opened.token.clone();
    token.standing = Standing::Assigned(recipient.owner.clone());
    token.epoch = token.epoch.wrapping_add(1);
    let mut user = recipient.tokens.clone();
    user.serials.push(serial.folded());
    Ok(Assigned { token, state, user })
}

/// Refuses what is done to root's token unless its serial was typed twice (design.md section 6).
///
/// # Errors
///
/// `RootOnly`.
pub fn typed_twice(owner: &Owner, serial: &Serial, again: Option<&str>) -> Result<(), Error> {
    let again = again.and_then(|text| Serial::typed(text).ok());
    let same = again.is_some_and(|again| again.folded() == serial.folded());
    if owner.uid == ROOT && !same {
        return Err(Error::RootOnly { rule: RootRule::TypeTwice });
    }
    Ok(())
}

/// Refuses a token that is not in stock.
fn in_stock(token: &Token, serial: &Serial) -> Result<(), Error> {
    let barred = |state| Err(Error::NotAssignable { serial: serial.clone(), state });
    match &token.standing {
        Standing::Stock => Ok(()),
        Standing::Assigned(owner) => {
            Err(Error::AlreadyAssigned { serial: serial.clone(), user: user_of(owner)? })
        }
        Standing::Lost => barred("lost"),
        Standing::Retired => barred("retired"),
    }
}

/// Returns the serial of a stored token. One that cannot be parsed was never imported by Fob.
pub(crate) fn serial_of(token: &Token) -> Result<Serial, Error> {
    Serial::parse(&token.serial).map_err(|_| Error::StoreUnavailable)
}

/// Returns the name of a stored owner.
pub(crate) fn user_of(owner: &Owner) -> Result<UserName, Error> {
    UserName::parse(&owner.name).map_err(|_| Error::StoreUnavailable)
}

#[cfg(test)]
mod tests;
