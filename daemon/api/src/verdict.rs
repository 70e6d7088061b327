//! The answer to a code.

use serde::{Deserialize, Serialize};
use zbus::{DeserializeDict, SerializeDict, Type};

/// The answer to a code. Trouble (no daemon, no store, no right) is never one of these.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use]
pub enum Verdict {
    /// The code is right, was never accepted before, and its step is spent on stable storage.
    Accept,
    /// This user is not asked for a code: the host's policy says so.
    Exempt,
    /// No code is tried for this user until an administrator or a code pair unlocks him.
    Locked,
    /// The code is wrong.
    Reject,
    /// The code was accepted before.
    Replay,
    /// The user has no token.
    Unassigned,
    /// Not tried: too many wrong codes. Another may be tried after so many seconds.
    Wait(u32),
}

impl Verdict {
    /// Returns the word for it on the bus, in JSON and in the log.
    pub fn word(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Exempt => "exempt",
            Self::Locked => "locked",
            Self::Reject => "reject",
            Self::Replay => "replay",
            Self::Unassigned => "unassigned",
            Self::Wait(_) => "wait",
        }
    }

    /// Returns the verdict for a word from the bus; `wait` is in seconds and only read for `wait`.
    pub fn from_word(word: &str, wait: u32) -> Option<Self> {
        Some(match word {
            "accept" => Self::Accept,
            "exempt" => Self::Exempt,
            "locked" => Self::Locked,
            "reject" => Self::Reject,
            "replay" => Self::Replay,
            "unassigned" => Self::Unassigned,
            "wait" => Self::Wait(wait),
            _ => return None,
        })
    }
}

/// What a caller says about a sign-in, beside user and code. Never believed for a right; it
/// picks a budget and fills the log.
#[derive(Clone, Debug, Default, SerializeDict, DeserializeDict, Type)]
#[zbus(signature = "a{sv}")]
pub struct VerifyContext {
    /// The PAM service, such as `sshd`.
    pub service: Option<String>,
    /// The remote host, as the service names it.
    pub rhost: Option<String>,
    /// The terminal.
    pub tty: Option<String>,
    /// `nullok` stands in the host's PAM file: a user without a token is exempt.
    pub nullok: Option<bool>,
}

/// What a verdict needs beside its word.
#[derive(Clone, Debug, Default, SerializeDict, DeserializeDict, Type)]
#[zbus(signature = "a{sv}")]
pub struct VerifyDetails {
    /// For `wait`: seconds until another code may be tried.
    pub wait: Option<u32>,
    /// For `accept`: Unix time of the code that was accepted before this one.
    pub last_used: Option<u64>,
    /// For `accept`: the remote host from which that one came; absent if it came from this host.
    pub last_from: Option<String>,
    /// For `accept`: wrong codes since then, of all shares.
    pub wrong_since: Option<u32>,
}

/// What to ask a user for.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize, Type)]
#[zbus(signature = "s")]
#[serde(rename_all = "lowercase")]
pub enum PromptKind {
    /// One code.
    Code,
    /// Nothing: the user is exempt.
    Exempt,
    /// One code, and not the one that is shown now: the last one was refused, or the daemon
    /// cannot know whether it was accepted already.
    Next,
    /// Two codes in a row.
    Pair,
}

impl PromptKind {
    /// Returns the word for it on the bus.
    pub fn word(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::Exempt => "exempt",
            Self::Next => "next",
            Self::Pair => "pair",
        }
    }

    /// Returns the kind for a word from the bus.
    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "code" => Some(Self::Code),
            "exempt" => Some(Self::Exempt),
            "next" => Some(Self::Next),
            "pair" => Some(Self::Pair),
            _ => None,
        }
    }
}

/// What a prompt needs beside its kind.
#[derive(Clone, Debug, Default, SerializeDict, DeserializeDict, Type)]
#[zbus(signature = "a{sv}")]
pub struct PromptDetails {
    /// How many digits the code has that is asked for; 6 for a user without a token.
    pub digits: Option<u32>,
}
