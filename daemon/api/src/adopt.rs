//! Tokens with their users from another program: where they come from, and what became of each.

use serde::{Deserialize, Serialize};
use zbus::{DeserializeDict, SerializeDict, Type};

/// Where tokens come from with their users.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub enum AdoptSource {
    /// The file of one user of google-authenticator-libpam, `~/.google_authenticator`.
    GoogleAuthenticator,
    /// The users file of pam_oath, `/etc/users.oath`.
    UsersOath,
    /// URIs of authenticator apps, `otpauth://` and `otpauth-migration://`, one a line.
    Otpauth,
}

impl AdoptSource {
    /// Every source, in the order in which they are listed.
    pub const ALL: [Self; 3] = [Self::GoogleAuthenticator, Self::UsersOath, Self::Otpauth];

    /// Returns the name on the bus, on the command line and in the log.
    pub fn word(self) -> &'static str {
        match self {
            Self::GoogleAuthenticator => "google-authenticator",
            Self::UsersOath => "users.oath",
            Self::Otpauth => "otpauth",
        }
    }

    /// Returns the source with this name.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|source| source.word() == word)
    }
}

/// What became of a token and its user.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Adopted {
    /// The token is his now, or would be.
    Moved,
    /// It was his before.
    Already,
    /// It is not his; the fact says why.
    Not,
}

impl Adopted {
    /// Returns the word for it on the bus and in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Moved => "moved",
            Self::Already => "already_moved",
            Self::Not => "not_moved",
        }
    }

    /// Returns the outcome for a word from the bus.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Moved, Self::Already, Self::Not].into_iter().find(|outcome| outcome.word() == word)
    }
}

/// What a caller may add to an adoption.
#[derive(Clone, Debug, Default, SerializeDict, DeserializeDict, Type)]
#[zbus(signature = "a{sv}")]
pub struct AdoptOptions {
    /// Only say what would be done.
    pub dry_run: Option<bool>,
    /// Whose tokens they are: needed where the file names nobody, and in place of whom it names.
    pub user: Option<String>,
    /// The uid with which the caller signed in before he became root (proc_pid_loginuid(5)): for the
    /// log only.
    pub login_uid: Option<u32>,
}

/// What an adoption did.
#[derive(Clone, Debug, Default, SerializeDict, DeserializeDict, Type)]
#[zbus(signature = "a{sv}")]
pub struct AdoptReport {
    /// One for each token of the file, in its order.
    pub people: Option<Vec<AdoptRow>>,
}

/// What became of one token and its user.
#[derive(Clone, Debug, Default, PartialEq, SerializeDict, DeserializeDict, Type)]
#[zbus(signature = "a{sv}")]
pub struct AdoptRow {
    /// Whose token it is there; absent if the file does not say it.
    pub user: Option<String>,
    /// The serial that the token has here; absent if it has none.
    pub serial: Option<String>,
    /// `moved`, `already_moved` or `not_moved` ([`Adopted::word`]).
    pub outcome: Option<String>,
    /// Why it was not moved, in one word.
    pub reason: Option<String>,
    /// Why it was not moved, as a sentence.
    pub fact: Option<String>,
    /// What to do about it.
    pub hint: Option<String>,
    /// Seconds until a code of it is taken: those before may have been used in the other program.
    pub wait: Option<u32>,
    /// Scratch codes that are his recovery codes now.
    pub recovery: Option<u32>,
    /// Scratch codes that did not come along: he was given recovery codes before, which stay.
    pub scratch: Option<u32>,
    /// Lines that are no scratch codes, or stand behind one that is none or behind ten codes.
    pub malformed: Option<u32>,
    /// What the other program asked for and Fob does not: `pin`.
    pub dropped: Option<String>,
}
