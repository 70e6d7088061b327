//! Errors by name.

use crate::address::ERROR_PREFIX;

/// Which error it is: the last part of its name on the bus.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ErrorKind {
    /// The token has a user already.
    AlreadyAssigned,
    /// The two codes fit at more than one place.
    AmbiguousCodePair,
    /// The serial that was typed may be that of several tokens.
    AmbiguousSerial,
    /// The backup cannot be read or written.
    BadBackup,
    /// The seed file is not accepted.
    BadSeedFile,
    /// Too many calls at once.
    Busy,
    /// The token's clock is farther off than is taken without a confirmation.
    ClockFarOff,
    /// The host's clock cannot be right.
    ClockNotTrusted,
    /// An argument is not what the method takes.
    InvalidArgument,
    /// The code is none that proves it.
    InvalidCode,
    /// The two codes are not consecutive codes of this token.
    InvalidCodePair,
    /// The seed file is encrypted with a key, and none was given.
    KeyNeeded,
    /// No administrator would be left with a way in.
    LastAdministrator,
    /// The user has as many tokens as a user may have.
    LimitExceeded,
    /// The token is not in stock.
    NotAssignable,
    /// The user has no token.
    NotAssigned,
    /// The caller may not do this.
    NotAuthorized,
    /// No such token.
    NoSuchToken,
    /// No such user on this host.
    NoSuchUser,
    /// The seed file is encrypted with a passphrase, and none was given.
    PassphraseNeeded,
    /// Root's token has stricter rules, and this breaks one.
    RootOnly,
    /// The store does not answer, or what it holds is damaged.
    StoreUnavailable,
    /// Too many wrong codes; later again.
    TemporarilyUnmodifiable,
    /// Only hardware is wanted.
    VirtualTokensOff,
}

impl ErrorKind {
    /// Every kind, in the order of their names.
    pub const ALL: [Self; 24] = [
        Self::AlreadyAssigned,
        Self::AmbiguousCodePair,
        Self::AmbiguousSerial,
        Self::BadBackup,
        Self::BadSeedFile,
        Self::Busy,
        Self::ClockFarOff,
        Self::ClockNotTrusted,
        Self::InvalidArgument,
        Self::InvalidCode,
        Self::InvalidCodePair,
        Self::KeyNeeded,
        Self::LastAdministrator,
        Self::LimitExceeded,
        Self::NotAssignable,
        Self::NotAssigned,
        Self::NotAuthorized,
        Self::NoSuchToken,
        Self::NoSuchUser,
        Self::PassphraseNeeded,
        Self::RootOnly,
        Self::StoreUnavailable,
        Self::TemporarilyUnmodifiable,
        Self::VirtualTokensOff,
    ];

    /// Returns its name on the bus without the prefix.
    pub fn word(self) -> &'static str {
        match self {
            Self::AlreadyAssigned => "AlreadyAssigned",
            Self::AmbiguousCodePair => "AmbiguousCodePair",
            Self::AmbiguousSerial => "AmbiguousSerial",
            Self::BadBackup => "BadBackup",
            Self::BadSeedFile => "BadSeedFile",
            Self::Busy => "Busy",
            Self::ClockFarOff => "ClockFarOff",
            Self::ClockNotTrusted => "ClockNotTrusted",
            Self::InvalidArgument => "InvalidArgument",
            Self::InvalidCode => "InvalidCode",
            Self::InvalidCodePair => "InvalidCodePair",
            Self::KeyNeeded => "KeyNeeded",
            Self::LastAdministrator => "LastAdministrator",
            Self::LimitExceeded => "LimitExceeded",
            Self::NotAssignable => "NotAssignable",
            Self::NotAssigned => "NotAssigned",
            Self::NotAuthorized => "NotAuthorized",
            Self::NoSuchToken => "NoSuchToken",
            Self::NoSuchUser => "NoSuchUser",
            Self::PassphraseNeeded => "PassphraseNeeded",
            Self::RootOnly => "RootOnly",
            Self::StoreUnavailable => "StoreUnavailable",
            Self::TemporarilyUnmodifiable => "TemporarilyUnmodifiable",
            Self::VirtualTokensOff => "VirtualTokensOff",
        }
    }

    /// Returns the whole name on the bus.
    pub fn name(self) -> String {
        format!("{ERROR_PREFIX}{}", self.word())
    }

    /// Returns the kind that has this whole name.
    pub fn from_name(name: &str) -> Option<Self> {
        let word = name.strip_prefix(ERROR_PREFIX)?;
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}
