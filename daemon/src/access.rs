//! Who may do what: one table (design.md section 6).
//!
//! A caller is the uid that the kernel or the bus attests; nothing in a message changes it.

use fob_api::Error;

use crate::decide::Share;

/// Who calls.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Caller {
    /// The attested uid.
    pub uid: u32,
}

/// What can be asked for: one for each method of the interface.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Action {
    /// Binding a token and a user.
    Assign,
    /// Taking a token from its user.
    Deactivate,
    /// Removing a seed.
    Forget,
    /// Reading a seed file into stock.
    Import,
    /// Listing tokens.
    List,
    /// Asking what to prompt a user for.
    Prompt,
    /// Finding a token's clock again.
    Resync,
    /// Replacing a token.
    Rotate,
    /// Showing one token.
    ShowToken,
    /// Showing one user.
    ShowUser,
    /// Showing the daemon's state.
    Status,
    /// Deciding on a code.
    Verify,
}

/// A row of the table.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Rule {
    /// Only uid 0.
    Root,
    /// Uid 0 for everybody, everybody for himself.
    RootOrSelf,
}

impl Action {
    /// Every action, in the order of the interface.
    pub const ALL: [Self; 12] = [
        Self::Assign,
        Self::Deactivate,
        Self::Forget,
        Self::Import,
        Self::List,
        Self::Prompt,
        Self::Resync,
        Self::Rotate,
        Self::ShowToken,
        Self::ShowUser,
        Self::Status,
        Self::Verify,
    ];

    /// Returns the table's row. A new action without one does not compile.
    fn rule(self) -> Rule {
        match self {
            Self::Assign
            | Self::Deactivate
            | Self::Forget
            | Self::Import
            | Self::List
            | Self::Rotate
            | Self::ShowToken
            | Self::Status => Rule::Root,
            Self::Prompt | Self::Resync | Self::ShowUser | Self::Verify => Rule::RootOrSelf,
        }
    }

    /// Returns the `fobctl` verb, for the hint of a refusal.
    #[must_use]
    pub fn verb(self) -> &'static str {
        match self {
            Self::Assign => "assign",
            Self::Deactivate => "deactivate",
            Self::Forget => "forget",
            Self::Import => "import",
            Self::List => "list",
            Self::Prompt | Self::Verify => "verify",
            Self::Resync => "resync",
            Self::Rotate => "rotate",
            Self::ShowToken | Self::ShowUser => "show",
            Self::Status => "status",
        }
    }
}

/// Allows or refuses an action that is about no user.
///
/// # Errors
///
/// `NotAuthorized`.
pub fn allow(action: Action, caller: Caller) -> Result<(), Error> {
    if caller.uid == 0 { Ok(()) } else { Err(Error::NotAuthorized { verb: action.verb() }) }
}

/// Allows or refuses an action that is about a user, `None` for one that does not exist.
/// Returns whose budget a wrong code costs.
///
/// # Errors
///
/// `NotAuthorized`, the same for another user and for one who does not exist.
pub fn allow_for(action: Action, caller: Caller, target: Option<u32>) -> Result<Share, Error> {
    match (caller.uid, action.rule()) {
        (0, _) => Ok(Share::Host),
        (uid, Rule::RootOrSelf) if target == Some(uid) => Ok(Share::Own),
        (_, Rule::Root | Rule::RootOrSelf) => Err(Error::NotAuthorized { verb: action.verb() }),
    }
}

#[cfg(test)]
mod tests {
    use super::{Action, Caller, allow, allow_for};
    use crate::decide::Share;

    /// The table of design.md section 6, written down a second time.
    const FOR_ONESELF: [Action; 4] =
        [Action::Prompt, Action::Resync, Action::ShowUser, Action::Verify];

    #[test]
    fn root_may_do_everything_for_everybody() {
        for action in Action::ALL {
            assert_eq!(allow(action, Caller { uid: 0 }), Ok(()));
            for target in [None, Some(0), Some(1000)] {
                assert_eq!(allow_for(action, Caller { uid: 0 }, target), Ok(Share::Host));
            }
        }
    }

    #[test]
    fn a_user_may_do_the_four_things_of_the_table_for_himself() {
        for action in Action::ALL {
            let allowed = allow_for(action, Caller { uid: 1000 }, Some(1000)).is_ok();
            assert_eq!(allowed, FOR_ONESELF.contains(&action), "{action:?}");
            assert!(allow(action, Caller { uid: 1000 }).is_err());
        }
    }

    #[test]
    fn nobody_may_do_anything_for_another() {
        for action in Action::ALL {
            for target in [None, Some(0), Some(1001), Some(u32::MAX)] {
                assert!(allow_for(action, Caller { uid: 1000 }, target).is_err(), "{action:?}");
            }
        }
    }

    #[test]
    fn a_user_spends_his_own_budget_and_not_his_remote_one() {
        assert_eq!(allow_for(Action::Verify, Caller { uid: 7 }, Some(7)), Ok(Share::Own));
    }
}
