//! Why there is no verdict. `Display` is for the log: it names the cause and no code.

use std::fmt;
use std::io;

use fob_api::message::Damaged;

use crate::emergency::Denial;
use crate::password;

/// Why there is no verdict from the daemon.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// The connection broke.
    Broken(io::Error),
    /// The daemon closed the connection before it answered.
    Closed,
    /// What came is not the answer that the interface promises: which part.
    Garbled(&'static str),
    /// The deadline came first.
    Late,
    /// Nobody owns the bus name, and it could not be started.
    NoOwner,
    /// Who answers is neither root nor the daemon's own user, but has this uid.
    NotDaemon(u32),
    /// The answer is about another user.
    OtherUser,
    /// The daemon (or the bus) answered with this error.
    Refused(String),
    /// The other side does not take our uid for what it is.
    Rejected,
    /// The socket cannot be connected to.
    Unreachable(io::Error),
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Broken(error) => write!(f, "the connection to the daemon broke: {error}"),
            Self::Closed => f.write_str("the daemon closed the connection without an answer"),
            Self::Garbled(part) => write!(f, "the daemon's answer is damaged: {part}"),
            Self::Late => f.write_str("the daemon did not answer in time"),
            Self::NoOwner => f.write_str("the daemon is not on the system bus"),
            Self::NotDaemon(uid) => write!(f, "who answers has uid {uid}, not the daemon's"),
            Self::OtherUser => f.write_str("the daemon's answer is about another user"),
            Self::Refused(name) => write!(f, "the daemon answered with the error {name}"),
            Self::Rejected => f.write_str("the daemon does not accept this caller's uid"),
            Self::Unreachable(error) => write!(f, "the daemon cannot be reached: {error}"),
        }
    }
}

impl From<Damaged> for Trouble {
    fn from(Damaged(part): Damaged) -> Self {
        Self::Garbled(part)
    }
}

/// Why nobody is signed in, where no verdict says so.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The host's conversation gave no answer.
    Conversation,
    /// There is no verdict, and the emergency code was not accepted.
    Emergency(Trouble, Denial),
    /// The user's name cannot be a name.
    ImpossibleUser,
    /// The answer cannot be a code, or is the password.
    NotACode,
    /// The password of a one-field sign-in was not found right; the code was not looked at.
    Password(password::Denial),
    /// There is no verdict.
    Trouble(Trouble),
    /// `PAM_USER` is not what it was at the start.
    UserChanged,
}

impl From<Trouble> for Refusal {
    fn from(trouble: Trouble) -> Self {
        Self::Trouble(trouble)
    }
}

impl From<password::Denial> for Refusal {
    fn from(denial: password::Denial) -> Self {
        Self::Password(denial)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Emergency(trouble, denial) => write!(f, "{trouble}; {denial}"),
            Self::Conversation => f.write_str("the conversation gave no answer"),
            Self::ImpossibleUser => f.write_str("the user's name cannot be one; nothing was sent"),
            Self::NotACode => f.write_str("the answer cannot be a code; nothing was sent"),
            Self::Password(denial) => denial.fmt(f),
            Self::Trouble(trouble) => trouble.fmt(f),
            Self::UserChanged => f.write_str("the user's name changed during the sign-in"),
        }
    }
}
