//! Who may do what: one table (design.md section 6).
//!
//! A caller is the uid that the kernel or the bus attests; nothing in a message changes it.

use fob_api::Error;

/// Who calls.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Caller {
    /// The attested uid.
    pub uid: u32,
    /// The uid with which he signed in before he became root, as root's program says: for the log,
    /// never for a decision.
    pub login: Option<u32>,
}

/// The login uid of whoever never signed in, as the kernel writes it (proc_pid_loginuid(5)).
const NO_LOGIN: u32 = u32::MAX;

impl Caller {
    /// Returns the caller with this attested uid.
    #[must_use]
    pub const fn of(uid: u32) -> Self {
        Self { uid, login: None }
    }

    /// Returns the caller with what his program says of his login uid. Only root's is believed:
    /// everybody else would be naming somebody, and is known by his uid anyway.
    #[must_use]
    pub fn signed_in_as(self, login: Option<u32>) -> Self {
        Self { login: login.filter(|login| self.uid == 0 && *login != NO_LOGIN), ..self }
    }
}

/// What can be asked for: one for each method of the interface.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Action {
    /// Bringing tokens of another program in with their users.
    Adopt,
    /// Binding a token and a user.
    Assign,
    /// Writing all tokens into a file, sealed.
    Backup,
    /// Giving out a temporary code.
    Bypass,
    /// Taking a token from its user.
    Deactivate,
    /// Telling whether a user would be asked for a code.
    Explain,
    /// Removing a seed.
    Forget,
    /// Finding out which token it is that somebody has in the hand.
    Identify,
    /// Reading a seed file into stock.
    Import,
    /// Listing tokens.
    List,
    /// Reading the log.
    Log,
    /// Issuing recovery codes.
    NewRecoveryCodes,
    /// Making a virtual token.
    NewVirtualToken,
    /// Asking what to prompt a user for.
    Prompt,
    /// Sealing everything by another master key.
    Rekey,
    /// Taking a token as a lost one from its user, proven by a recovery code of his.
    ReportLost,
    /// Bringing the tokens of a backup in.
    Restore,
    /// Finding a token's clock again.
    Resync,
    /// Ending tickets before their time.
    RevokeTickets,
    /// Replacing a token.
    Rotate,
    /// Showing one token.
    ShowToken,
    /// Showing one user.
    ShowUser,
    /// Showing the daemon's state.
    Status,
    /// Listing tickets.
    Tickets,
    /// Refilling a user's budget of wrong codes.
    Unlock,
    /// Deciding on a code.
    Verify,
    /// Checking the log's chain.
    VerifyLog,
}

/// As whom a caller acts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Role {
    /// Uid 0: a program that passes on what somebody typed, or an administrator.
    Root,
    /// The user himself.
    Own,
}

/// Whom an action is about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Target {
    /// No user's own things.
    House,
    /// A user; `None` for one that does not exist.
    User(Option<u32>),
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
    pub const ALL: [Self; 27] = [
        Self::Adopt,
        Self::Assign,
        Self::Backup,
        Self::Bypass,
        Self::Deactivate,
        Self::Explain,
        Self::Forget,
        Self::Identify,
        Self::Import,
        Self::List,
        Self::Log,
        Self::NewRecoveryCodes,
        Self::NewVirtualToken,
        Self::Prompt,
        Self::Rekey,
        Self::ReportLost,
        Self::Restore,
        Self::Resync,
        Self::RevokeTickets,
        Self::Rotate,
        Self::ShowToken,
        Self::ShowUser,
        Self::Status,
        Self::Tickets,
        Self::Unlock,
        Self::Verify,
        Self::VerifyLog,
    ];

    /// Returns the table's row. A new action without one does not compile.
    fn rule(self) -> Rule {
        match self {
            Self::Adopt
            | Self::Assign
            | Self::Backup
            | Self::Bypass
            | Self::Deactivate
            | Self::Explain
            | Self::Forget
            | Self::Identify
            | Self::Import
            | Self::List
            | Self::Log
            | Self::NewVirtualToken
            | Self::Rekey
            | Self::Restore
            | Self::RevokeTickets
            | Self::Rotate
            | Self::ShowToken
            | Self::Status
            | Self::Tickets
            | Self::Unlock
            | Self::VerifyLog => Rule::Root,
            Self::NewRecoveryCodes
            | Self::Prompt
            | Self::ReportLost
            | Self::Resync
            | Self::ShowUser
            | Self::Verify => Rule::RootOrSelf,
        }
    }

    /// Returns the `fobctl` verb, for the hint of a refusal.
    #[must_use]
    pub fn verb(self) -> &'static str {
        match self {
            Self::Assign | Self::NewVirtualToken => "assign",
            Self::Backup => "backup",
            Self::Bypass => "bypass",
            Self::Deactivate => "deactivate",
            Self::Explain => "explain",
            Self::Forget => "forget",
            Self::Identify => "identify",
            Self::Adopt | Self::Import => "import",
            Self::List => "list",
            Self::Log | Self::VerifyLog => "log",
            Self::NewRecoveryCodes => "recovery",
            Self::Prompt | Self::Verify => "verify",
            Self::Rekey => "rekey",
            Self::ReportLost => "report-lost",
            Self::Restore => "restore",
            Self::Resync => "resync",
            Self::Rotate => "rotate",
            Self::ShowToken | Self::ShowUser => "show",
            Self::RevokeTickets | Self::Tickets => "tickets",
            Self::Status => "status",
            Self::Unlock => "unlock",
        }
    }
}

/// Allows or refuses an action, and says as whom the caller acts.
///
/// # Errors
///
/// `NotAuthorized`, the same for another user and for one who does not exist.
pub fn allow(action: Action, caller: Caller, target: Target) -> Result<Role, Error> {
    match (caller.uid, action.rule(), target) {
        (0, _, _) => Ok(Role::Root),
        (uid, Rule::RootOrSelf, Target::User(Some(user))) if user == uid => Ok(Role::Own),
        (_, Rule::Root | Rule::RootOrSelf, _) => Err(Error::NotAuthorized { verb: action.verb() }),
    }
}

#[cfg(test)]
mod tests {
    use super::{Action, Caller, Role, Target, allow};

    /// The table of design.md section 6, written down a second time.
    const FOR_ONESELF: [Action; 6] = [
        Action::NewRecoveryCodes,
        Action::Prompt,
        Action::ReportLost,
        Action::Resync,
        Action::ShowUser,
        Action::Verify,
    ];

    #[test]
    fn root_may_do_everything_for_everybody() {
        for action in Action::ALL {
            for target in [Target::House, Target::User(None), Target::User(Some(1000))] {
                assert_eq!(allow(action, Caller::of(0), target), Ok(Role::Root));
            }
        }
    }

    #[test]
    fn a_user_may_do_the_six_things_of_the_table_for_himself() {
        let alice = Caller::of(1000);
        for action in Action::ALL {
            let allowed = allow(action, alice, Target::User(Some(1000))) == Ok(Role::Own);
            assert_eq!(allowed, FOR_ONESELF.contains(&action), "{action:?}");
            assert!(allow(action, alice, Target::House).is_err(), "{action:?}");
        }
    }

    #[test]
    fn the_daemons_own_user_is_nobody_special() {
        // A program that broke out of the daemon has its uid; no rule of the table knows that.
        let own = Caller::of(990);
        for action in Action::ALL {
            for target in [Target::House, Target::User(Some(0)), Target::User(Some(1000))] {
                assert!(allow(action, own, target).is_err(), "{action:?}");
            }
        }
    }

    #[test]
    fn nobody_may_do_anything_for_another() {
        for action in Action::ALL {
            for user in [None, Some(0), Some(1001), Some(u32::MAX)] {
                let allowed = allow(action, Caller::of(1000), Target::User(user));
                assert!(allowed.is_err(), "{action:?}");
            }
        }
    }

    #[test]
    fn only_root_has_a_login_uid_behind_his_own() {
        assert_eq!(Caller::of(0).signed_in_as(Some(1000)).login, Some(1000));
        assert_eq!(Caller::of(0).signed_in_as(Some(u32::MAX)).login, None);
        assert_eq!(Caller::of(1001).signed_in_as(Some(1000)), Caller::of(1001));
    }
}
