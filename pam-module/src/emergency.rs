//! Emergency codes: an administrator's way in while the daemon, its store or the bus is dead.
//!
//! The one documented exception to "one decider" (design.md section 4): here the module itself
//! finds that a code is right. It does so only where there is no verdict, and only for codes that
//! an administrator laid down for this user in root's own files. [`Spent`] can be made in no
//! other way than by taking a slot away for good, and only after that is on the disk.

mod folder;
mod hash;
mod turn;

use std::fmt;
use std::time::Duration;

use fob_api::UserName;
use fob_api::emergency::{EmergencyCode, Recipe, SALT};
use nix::errno::Errno;
use nix::unistd::User;

use crate::deadline::Deadline;
use folder::{Base, Slots};
pub(crate) use turn::Side;

/// How long an attempt holds the user's turn, whatever comes of it: one evaluation per second and
/// user (threats.md X9). Users without codes, and names of nobody, take as long.
const PACE: Duration = Duration::from_secs(1);
/// What is hashed for where there is nothing to compare with.
const DECOY: [u8; SALT] = [0; SALT];

/// An emergency code that was right and can never be used again.
pub(crate) struct Spent {
    left: usize,
}

impl Spent {
    /// Returns how many codes the user has left.
    pub(crate) fn left(&self) -> usize {
        self.left
    }
}

/// Why an emergency code was not accepted. For the log; the person is told of the trouble only.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Denial {
    /// Another attempt for this user was being checked.
    Busy,
    /// The slot was gone when it was to be taken.
    Gone,
    /// There is not enough memory for the hash.
    Memory,
    /// The user has no codes.
    NoCodes,
    /// A file or folder is not root's alone, or not what it should be: which.
    Unsafe(String),
    /// The system refused this: what, and why.
    Unusable(&'static str, Errno),
    /// No unused code of this user is this one.
    Wrong,
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Busy => f.write_str("another emergency code of this user was being checked"),
            Self::Gone => f.write_str("the emergency code was used by somebody else meanwhile"),
            Self::Memory => f.write_str("no memory for checking an emergency code"),
            Self::NoCodes => f.write_str("an emergency code, and the user has none"),
            Self::Unsafe(what) => write!(f, "emergency codes are not used: {what}"),
            Self::Unusable(what, errno) => write!(f, "emergency codes: {what} failed: {errno}"),
            Self::Wrong => f.write_str("a wrong emergency code"),
        }
    }
}

/// Spends this code of this user, or says why not; waits that long for a turn at most.
///
/// Whoever tries waits for a turn and takes as long, with codes or without, so that nobody learns
/// who has some.
///
/// # Errors
///
/// [`Denial`]; then no code is spent, unless the disk failed between the two.
pub(crate) fn spend(
    user: &UserName,
    code: &EmergencyCode,
    side: Side,
    patience: Duration,
) -> Result<Spent, Denial> {
    let wait = Deadline::after(patience);
    let place = Base::open().and_then(|base| match base {
        Some(base) => turn::take(&base, user, side, wait).map(|turn| Some((base, turn))),
        None => Ok(None),
    });
    let pace = Deadline::after(PACE);
    let spent = place.as_ref().map_err(Clone::clone).and_then(|place| {
        let base = place.as_ref().map(|(base, _turn)| base);
        evaluate(base, user, code)
    });
    if spent.is_err() {
        pace.wait_out(); // and the turn is still ours
    }
    spent
}

fn evaluate(base: Option<&Base>, typed: &UserName, code: &EmergencyCode) -> Result<Spent, Denial> {
    let found = match base {
        Some(base) => slots_of(base, typed),
        None => Err(Denial::NoCodes),
    };
    // The same work for everybody, before anything is known of him.
    let (recipe, user) = match &found {
        Ok((slots, user)) => (slots.recipe(), user),
        Err(_) => (Recipe::of_salt(DECOY), typed),
    };
    let hash = hash::of(&recipe, &code.secret(user))?;
    let (slots, _) = found?;
    Ok(Spent { left: slots.take(&recipe, &hash)? })
}

/// Returns a user's slots, and his name as the host's user database spells it: codes are bound to
/// that.
fn slots_of(base: &Base, typed: &UserName) -> Result<(Slots, UserName), Denial> {
    let found = User::from_name(typed.as_str());
    let found = found.map_err(|errno| Denial::Unusable("looking the user up", errno))?;
    let found = found.ok_or(Denial::NoCodes)?;
    let name = UserName::parse(&found.name).map_err(|_| Denial::NoCodes)?;
    Ok((base.slots(found.uid)?, name))
}
