//! The answer to a code.

use serde::{Deserialize, Serialize};
use zbus::{DeserializeDict, SerializeDict, Type};

use crate::LoginSession;
use crate::message::{Entries, Reader, room};

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

/// What a caller says about a sign-in, beside user and code. It picks a budget, fills the log, and
/// service and remote host may be those of a rule by which the user is not asked; nobody but root's
/// programs says it for others.
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
    /// The login and the terminal, where a ticket may stand for a code.
    pub session: Option<LoginSession>,
}

impl VerifyContext {
    /// Returns the bytes that it takes at most as it travels.
    pub fn room(&self) -> usize {
        let texts = [&self.service, &self.rhost, &self.tty];
        let texts = texts.map(|text| text.as_deref().unwrap_or_default());
        let session = self.session.map_or_else(String::new, String::from);
        room(&["service", "rhost", "tty", "nullok", "session"])
            + room(&texts)
            + room(&[&session, "", ""])
    }

    /// Writes it as it travels.
    pub fn write(&self, entries: &mut Entries<'_>) {
        entries.string("service", self.service.as_deref());
        entries.string("rhost", self.rhost.as_deref());
        entries.string("tty", self.tty.as_deref());
        entries.truth("nullok", self.nullok);
        entries.string("session", self.session.map(String::from).as_deref());
    }

    /// Reads it; `None` if it is not one. Keys that are not known are passed over.
    pub fn read(values: &mut Reader<'_>) -> Option<Self> {
        let mut read = Self::default();
        values.dictionary(|key, signature, value| {
            let text = match (key, signature) {
                ("service", "s") => &mut read.service,
                ("rhost", "s") => &mut read.rhost,
                ("tty", "s") => &mut read.tty,
                ("session", "s") => {
                    return once(&mut read.session, LoginSession::parse(value.string()?)?);
                }
                ("nullok", "b") => return once(&mut read.nullok, value.truth()?),
                ("service" | "rhost" | "tty" | "nullok" | "session", _) => return None,
                _ => return value.pass(signature),
            };
            once(text, value.string()?.to_owned())
        })?;
        Some(read)
    }
}

/// Takes a value for a key that stood nowhere before.
fn once<T>(place: &mut Option<T>, value: T) -> Option<()> {
    place.replace(value).is_none().then_some(())
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

impl VerifyDetails {
    /// Returns the bytes that it takes at most as it travels.
    pub fn room(&self) -> usize {
        let from = self.last_from.as_deref().unwrap_or_default();
        room(&["wait", "last_used", "last_from", "wrong_since", from]) + room(&[""; 4])
    }

    /// Writes it as it travels.
    pub fn write(&self, entries: &mut Entries<'_>) {
        entries.number("wait", self.wait);
        entries.large("last_used", self.last_used);
        entries.string("last_from", self.last_from.as_deref());
        entries.number("wrong_since", self.wrong_since);
    }

    /// Reads it; `None` if it is not one. Keys that are not known are passed over.
    pub fn read(values: &mut Reader<'_>) -> Option<Self> {
        let mut read = Self::default();
        values.dictionary(|key, signature, value| match (key, signature) {
            ("wait", "u") => once(&mut read.wait, value.number()?),
            ("last_used", "t") => once(&mut read.last_used, value.large()?),
            ("last_from", "s") => once(&mut read.last_from, value.string()?.to_owned()),
            ("wrong_since", "u") => once(&mut read.wrong_since, value.number()?),
            ("wait" | "last_used" | "last_from" | "wrong_since", _) => None,
            _ => value.pass(signature),
        })?;
        Some(read)
    }
}

/// What to ask a user for.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize, Type)]
#[zbus(signature = "s")]
#[serde(rename_all = "lowercase")]
pub enum PromptKind {
    /// One code.
    Code,
    /// Nothing: the user has no token, and the host's PAM file has `nullok`.
    Exempt,
    /// Nothing: the daemon's rules say so, or it only observes, whatever the host's PAM file says.
    Ignored,
    /// One code, and not the one that is shown now: the last one was refused, or the daemon
    /// cannot know whether it was accepted already.
    Next,
    /// Two codes in a row.
    Pair,
    /// Nothing: a ticket stands for the code. Only to who told his session.
    Ticket,
}

impl PromptKind {
    /// Returns the word for it on the bus.
    pub fn word(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::Exempt => "exempt",
            Self::Ignored => "ignored",
            Self::Next => "next",
            Self::Pair => "pair",
            Self::Ticket => "ticket",
        }
    }

    /// Returns the kind for a word from the bus.
    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "code" => Some(Self::Code),
            "exempt" => Some(Self::Exempt),
            "ignored" => Some(Self::Ignored),
            "next" => Some(Self::Next),
            "pair" => Some(Self::Pair),
            "ticket" => Some(Self::Ticket),
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

impl PromptDetails {
    /// Writes it as it travels.
    pub fn write(&self, entries: &mut Entries<'_>) {
        entries.number("digits", self.digits);
    }

    /// Reads it; `None` if it is not one. Keys that are not known are passed over.
    pub fn read(values: &mut Reader<'_>) -> Option<Self> {
        let mut read = Self::default();
        values.dictionary(|key, signature, value| match (key, signature) {
            ("digits", "u") => once(&mut read.digits, value.number()?),
            ("digits", _) => None,
            _ => value.pass(signature),
        })?;
        Some(read)
    }
}
