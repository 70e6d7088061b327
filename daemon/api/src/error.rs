//! Trouble and refusals, as facts with a remedy. The same on the bus and in a terminal.

mod kind;

use std::fmt;

use crate::{Serial, UserName};
pub use kind::ErrorKind;

/// A refusal or trouble. `Display` is the fact, [`Error::hint`] the remedy.
///
/// On the bus it is an error reply with the body `(ss)`: fact and hint, the hint empty if there
/// is none.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Error {
    /// The token has a user already.
    AlreadyAssigned {
        /// The token.
        serial: Serial,
        /// Its user.
        user: UserName,
    },
    /// The two codes fit at more than one place, by chance; none is picked.
    AmbiguousCodePair {
        /// The token.
        serial: Serial,
    },
    /// The serial that was typed is no token's, and several differ from it only in dashes. Told to
    /// administrators alone: nobody else types a serial that is looked for.
    AmbiguousSerial {
        /// What was typed.
        serial: Serial,
        /// The serials that may be meant.
        candidates: Vec<Serial>,
    },
    /// The backup cannot be read or written; nothing of it was restored.
    BadBackup {
        /// What is wrong.
        fact: String,
        /// What to do; empty if there is nothing to add.
        hint: String,
    },
    /// The seed file is not accepted; nothing of it was imported.
    BadSeedFile {
        /// What is wrong, with line and column where there are any.
        fact: String,
        /// What to do or to ask the vendor for; empty if there is nothing to add.
        hint: String,
    },
    /// Too many calls of callers other than root at once.
    Busy,
    /// The token's clock is farther off than is taken without a confirmation; nothing is changed.
    ClockFarOff {
        /// The token.
        serial: Serial,
        /// Seconds that it is ahead of the host's clock.
        ahead: i64,
    },
    /// The host's clock cannot be right, so no code can be checked.
    ClockNotTrusted,
    /// An argument is not what the method takes.
    InvalidArgument {
        /// Which argument, and what it should be.
        fact: &'static str,
    },
    /// The code is no unused recovery code of this user.
    InvalidCode,
    /// The two codes are not consecutive codes of this token.
    InvalidCodePair {
        /// The token, if the caller may know it.
        serial: Serial,
    },
    /// The seed file is encrypted with a key, and none was given.
    KeyNeeded {
        /// That it is, and where it says so.
        fact: String,
        /// How to give it.
        hint: String,
    },
    /// No administrator would be left with a way in.
    LastAdministrator {
        /// The one whose token was to be taken.
        user: UserName,
    },
    /// The user has as many tokens as a user may have.
    LimitExceeded {
        /// The user.
        user: UserName,
        /// The token that he has.
        serial: Serial,
    },
    /// The token is lost or retired.
    NotAssignable {
        /// The token.
        serial: Serial,
        /// Its state's word.
        state: &'static str,
    },
    /// The user's uid had another name when the token was assigned.
    Renamed {
        /// The token.
        serial: Serial,
        /// The name then.
        before: UserName,
        /// The name now.
        user: UserName,
    },
    /// Nobody has the token.
    NotHeld {
        /// The token.
        serial: Serial,
    },
    /// The user has no token.
    NotAssigned {
        /// The user.
        user: UserName,
    },
    /// The caller may not do this.
    NotAuthorized {
        /// The verb.
        verb: &'static str,
    },
    /// No such token.
    NoSuchToken {
        /// The serial that was asked for.
        serial: Serial,
    },
    /// No such user on this host.
    NoSuchUser {
        /// The name that was asked for.
        user: UserName,
    },
    /// The seed file is encrypted with a passphrase, and none was given.
    PassphraseNeeded {
        /// That it is, and where it says so.
        fact: String,
        /// How to give it.
        hint: String,
    },
    /// Root's token has stricter rules, and this breaks one.
    RootOnly {
        /// The rule.
        rule: RootRule,
    },
    /// The store does not answer, or what it holds is damaged.
    StoreUnavailable,
    /// Too many wrong codes; later again.
    TemporarilyUnmodifiable {
        /// Seconds until the next try.
        seconds: u32,
    },
    /// Only hardware is wanted.
    VirtualTokensOff,
}

/// The stricter rules of root's token.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RootRule {
    /// It is not removed without a replacement, unless that is spelled out.
    KeepOne,
    /// Its serial is typed in full, twice.
    TypeTwice,
}

impl RootRule {
    /// Returns what breaks it.
    fn fact(self) -> &'static str {
        match self {
            Self::KeepOne => "root would be left without a token.",
            Self::TypeTwice => {
                "for root's token the serial has to be typed twice, the same both times."
            }
        }
    }

    /// Returns what to do instead.
    fn hint(self) -> &'static str {
        match self {
            Self::KeepOne => {
                "run \"fobctl rotate root NEW-SERIAL\" to replace it, or add --leave-root-without-mfa."
            }
            Self::TypeTwice => "run fobctl in a terminal; it asks for the serial a second time.",
        }
    }
}

/// What to do about a code that is no unused recovery code.
const ANOTHER_CODE: &str =
    "type one that is not crossed out; without any, tell an administrator at once.";
/// What to do with two codes that fit twice.
const NEXT_TWO: &str = "run it again and type the next two codes.";
/// What to do about a serial that may be several.
const WITH_DASHES: &str = "type it with its dashes, as it is printed on the token's back.";
/// What to do where only hardware is wanted.
const HARDWARE_ONLY: &str = "take a hardware token from stock (\"fobctl list --state stock\"), or set virtual_tokens in fobd.conf.";
/// What to do instead of taking the last administrator's token.
const LAST_ADMINISTRATOR: &str =
    "assign a token to another administrator first, or add --leave-no-administrator.";

impl Error {
    /// Returns which error it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::AlreadyAssigned { .. } => ErrorKind::AlreadyAssigned,
            Self::AmbiguousCodePair { .. } => ErrorKind::AmbiguousCodePair,
            Self::AmbiguousSerial { .. } => ErrorKind::AmbiguousSerial,
            Self::BadBackup { .. } => ErrorKind::BadBackup,
            Self::BadSeedFile { .. } => ErrorKind::BadSeedFile,
            Self::Busy => ErrorKind::Busy,
            Self::ClockFarOff { .. } => ErrorKind::ClockFarOff,
            Self::ClockNotTrusted => ErrorKind::ClockNotTrusted,
            Self::InvalidArgument { .. } => ErrorKind::InvalidArgument,
            Self::InvalidCode => ErrorKind::InvalidCode,
            Self::InvalidCodePair { .. } => ErrorKind::InvalidCodePair,
            Self::KeyNeeded { .. } => ErrorKind::KeyNeeded,
            Self::LastAdministrator { .. } => ErrorKind::LastAdministrator,
            Self::LimitExceeded { .. } => ErrorKind::LimitExceeded,
            Self::NotAssignable { .. } => ErrorKind::NotAssignable,
            Self::NotAssigned { .. } | Self::NotHeld { .. } | Self::Renamed { .. } => {
                ErrorKind::NotAssigned
            }
            Self::NotAuthorized { .. } => ErrorKind::NotAuthorized,
            Self::NoSuchToken { .. } => ErrorKind::NoSuchToken,
            Self::NoSuchUser { .. } => ErrorKind::NoSuchUser,
            Self::PassphraseNeeded { .. } => ErrorKind::PassphraseNeeded,
            Self::RootOnly { .. } => ErrorKind::RootOnly,
            Self::StoreUnavailable => ErrorKind::StoreUnavailable,
            Self::TemporarilyUnmodifiable { .. } => ErrorKind::TemporarilyUnmodifiable,
            Self::VirtualTokensOff => ErrorKind::VirtualTokensOff,
        }
    }

    /// Returns the remedy, a sentence for an administrator; `None` if the fact says it all.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::AlreadyAssigned { serial, user } => {
                format!("run \"fobctl rotate {user} NEW-SERIAL\" to replace it, or \"fobctl deactivate --token {serial}\" to free it.")
            }
            Self::AmbiguousCodePair { .. } => NEXT_TWO.to_owned(),
            Self::AmbiguousSerial { .. } => WITH_DASHES.to_owned(),
            Self::BadBackup { hint, .. }
            | Self::BadSeedFile { hint, .. }
            | Self::KeyNeeded { hint, .. }
            | Self::PassphraseNeeded { hint, .. } => {
                return Some(hint.clone()).filter(|hint| !hint.is_empty());
            }
            Self::Busy => "try again in a second.".to_owned(),
            Self::ClockFarOff { .. } => {
                "nothing was changed. If the token was set to local time, run it again with --accept-clock and the next two codes; if not, look at the host's clock first.".to_owned()
            }
            Self::ClockNotTrusted => {
                "set it (timedatectl), or wait until it is synchronised.".to_owned()
            }
            Self::InvalidCode => ANOTHER_CODE.to_owned(),
            Self::InvalidCodePair { .. } => {
                "type a code, wait until the token shows the next one, and type that; check that the serial is the one on its back.".to_owned()
            }
            Self::LastAdministrator { .. } => LAST_ADMINISTRATOR.to_owned(),
            Self::LimitExceeded { user, .. } => {
                format!("run \"fobctl rotate {user} NEW-SERIAL\" to replace that token by the new one.")
            }
            Self::NotAssignable { .. } => {
                "take another token from stock; \"fobctl list --state stock\" shows them.".to_owned()
            }
            Self::NotAssigned { user } => {
                format!("run \"fobctl assign {user} SERIAL\" to give him one.")
            }
            Self::Renamed { serial, .. } => {
                format!("run \"fobctl deactivate --token {serial}\", then assign it again.")
            }
            Self::NotAuthorized { verb } => format!("run \"sudo fobctl {verb}\"."),
            Self::NoSuchToken { .. } => {
                "run \"fobctl import FILE\" with the vendor's seed file, or \"fobctl list\" to see what is there.".to_owned()
            }
            Self::NoSuchUser { .. } => "\"getent passwd\" lists the users of this host.".to_owned(),
            Self::RootOnly { rule } => rule.hint().to_owned(),
            Self::StoreUnavailable => {
                "\"journalctl -u fobd\" says why; nobody is let in until it is mended.".to_owned()
            }
            Self::VirtualTokensOff => HARDWARE_ONLY.to_owned(),
            Self::InvalidArgument { .. }
            | Self::NotHeld { .. }
            | Self::TemporarilyUnmodifiable { .. } => return None,
        })
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AlreadyAssigned { serial, user } => {
                write!(f, "token {serial} is already assigned to {user}.")
            }
            Self::AmbiguousCodePair { serial } => {
                write!(f, "these two codes fit at two places of token {serial}.")
            }
            Self::AmbiguousSerial { serial, candidates } => name_some(f, serial, candidates),
            Self::BadBackup { fact, .. }
            | Self::BadSeedFile { fact, .. }
            | Self::KeyNeeded { fact, .. }
            | Self::PassphraseNeeded { fact, .. } => f.write_str(fact),
            Self::ClockFarOff { serial, ahead } => {
                let minutes = ahead.unsigned_abs() / 60;
                let (hours, minutes) = (minutes / 60, minutes % 60);
                let way = if *ahead < 0 { "behind" } else { "ahead" };
                write!(f, "the clock of token {serial} is {hours} h {minutes} min {way}.")
            }
            Self::Busy => f.write_str("fobd is busy with other callers."),
            Self::ClockNotTrusted => f.write_str("the host's clock is wrong."),
            Self::InvalidArgument { fact } => f.write_str(fact),
            Self::InvalidCode => f.write_str("this is no unused recovery code."),
            Self::InvalidCodePair { serial } => {
                write!(f, "these are not two consecutive unused codes of token {serial}.")
            }
            Self::LastAdministrator { user } => {
                write!(f, "{user} is the last administrator with a token.")
            }
            Self::LimitExceeded { user, serial } => {
                write!(f, "{user} already has token {serial}.")
            }
            Self::NotAssignable { serial, state } => {
                write!(f, "token {serial} is {state} and cannot be assigned.")
            }
            Self::NotAssigned { user } => write!(f, "{user} has no token."),
            Self::Renamed { serial, before, user } => {
                write!(f, "{user} was called {before} when token {serial} was assigned.")
            }
            Self::NotHeld { serial } => write!(f, "token {serial} is nobody's."),
            Self::NotAuthorized { verb } => write!(f, "{verb} is not yours to do."),
            Self::NoSuchToken { serial } => write!(f, "there is no token {serial} here."),
            Self::NoSuchUser { user } => write!(f, "there is no user {user} on this host."),
            Self::RootOnly { rule } => f.write_str(rule.fact()),
            Self::StoreUnavailable => f.write_str("the token store is not available."),
            Self::TemporarilyUnmodifiable { seconds } => {
                write!(f, "too many wrong codes; the next try is possible in {seconds} s.")
            }
            Self::VirtualTokensOff => f.write_str("virtual tokens are refused on this host."),
        }
    }
}

/// Most candidates that are named: a line or two of a terminal.
const NAMED: usize = 10;

/// Names the tokens that may be meant by a serial, and says how many more there are.
fn name_some(f: &mut fmt::Formatter<'_>, typed: &Serial, serials: &[Serial]) -> fmt::Result {
    write!(f, "several tokens read as {typed}: ")?;
    for (position, serial) in serials.iter().take(NAMED).enumerate() {
        write!(f, "{}{serial}", if position == 0 { "" } else { ", " })?;
    }
    match serials.len().checked_sub(NAMED) {
        None | Some(0) => f.write_str("."),
        Some(more) => write!(f, " and {more} more."),
    }
}

impl std::error::Error for Error {}

#[cfg(feature = "service")]
impl zbus::DBusError for Error {
    fn create_reply(&self, call: &zbus::message::Header<'_>) -> zbus::Result<zbus::Message> {
        let hint = self.hint().unwrap_or_default();
        zbus::Message::error(call, self.kind().name()).build(&(self.to_string(), hint))
    }

    fn name(&self) -> zbus::names::ErrorName<'_> {
        zbus::names::ErrorName::from_string_unchecked(self.kind().name())
    }

    fn description(&self) -> Option<&str> {
        None
    }
}

#[cfg(test)]
mod tests;
