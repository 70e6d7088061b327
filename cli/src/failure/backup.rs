//! Why a backup was not made, or not opened.

use std::{fmt, io};

use super::{BAD_FILE, Failure, REFUSED, UNREACHABLE, USAGE};
use crate::{ask::SHORTEST, render::printable, sealed::SealTrouble, whole::LEFT};

/// Why a backup was not made, or not opened.
#[derive(Debug)]
pub(crate) enum BackupTrouble {
    /// A file cannot be read or written.
    Disk {
        /// The file, as it was named.
        name: String,
        /// What the system says.
        error: io::Error,
    },
    /// The file is there already.
    Exists {
        /// The file.
        name: String,
    },
    /// The file of private keys may be read by others than its owner.
    IdentityMode {
        /// The file.
        name: String,
    },
    /// Another run is writing the file, or has left a part of it.
    Left {
        /// The part.
        name: String,
    },
    /// Standard input was given without a line.
    NoLine,
    /// The file has no private key of age.
    NoIdentity {
        /// The file.
        name: String,
    },
    /// No passphrase was typed that would do.
    NoPassphrase,
    /// There is no terminal to ask at, and nothing else was given.
    NoTerminal,
    /// What was typed is not text.
    NotText,
    /// The system gives no random numbers.
    Random(io::Error),
    /// The file does not open.
    Sealed {
        /// The file.
        name: String,
        /// Why not.
        trouble: SealTrouble,
    },
    /// The passphrase is too short.
    Short,
    /// The backup would go to a terminal.
    Terminal,
    /// The passphrase is too long.
    TooLong,
}

impl BackupTrouble {
    pub(super) fn exit_status(&self) -> u8 {
        match self {
            Self::Exists { .. }
            | Self::IdentityMode { .. }
            | Self::Left { .. }
            | Self::NoPassphrase
            | Self::Short
            | Self::TooLong => REFUSED,
            Self::NoLine | Self::NoTerminal | Self::NotText | Self::Terminal => USAGE,
            Self::Sealed {
                trouble: SealTrouble::NeedsIdentity | SealTrouble::NeedsPassphrase,
                ..
            } => USAGE,
            Self::NoIdentity { .. } | Self::Sealed { .. } => BAD_FILE,
            Self::Disk { .. } | Self::Random(_) => UNREACHABLE,
        }
    }

    pub(super) fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Exists { .. } => "add --force to replace it.",
            Self::IdentityMode { name } => {
                return Some(format!("run chmod 600 {}", printable(name)));
            }
            Self::Left { .. } => LEFT,
            Self::NoTerminal | Self::NoLine => {
                "run it in a terminal, or name a key (--recipient, --identity), or write the passphrase to standard input and add --passphrase-stdin."
            }
            Self::Sealed { trouble, .. } => match trouble {
                SealTrouble::Damaged => "nothing was changed; take another copy of the backup.",
                SealTrouble::NeedsIdentity => "add --identity FILE with the private key.",
                SealTrouble::NeedsPassphrase => "leave out --identity.",
                _ => return None,
            },
            Self::Terminal => "name a file, or send the output somewhere else.",
            _ => return None,
        };
        Some(hint.to_owned())
    }
}

impl fmt::Display for BackupTrouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Disk { name, error } => write!(f, "{}: {error}.", printable(name)),
            Self::Exists { name } => write!(f, "{} is there already.", printable(name)),
            Self::IdentityMode { name } => {
                write!(f, "{}: others than its owner may read this file.", printable(name))
            }
            Self::Left { name } => write!(f, "{} is there already.", printable(name)),
            Self::NoIdentity { name } => {
                write!(f, "{}: there is no private key of age in this file.", printable(name))
            }
            Self::NoLine => f.write_str("there is no passphrase on standard input."),
            Self::NoPassphrase => f.write_str("no passphrase was typed; nothing was done."),
            Self::NoTerminal => f.write_str("there is no terminal to ask for a passphrase at."),
            Self::NotText => f.write_str("the passphrase is not text."),
            Self::Random(error) => write!(f, "no random numbers: {error}."),
            Self::Sealed { name, trouble } => {
                write!(f, "{}: ", printable(name))?;
                match trouble {
                    SealTrouble::Damaged => f.write_str("the backup is damaged."),
                    SealTrouble::Io(error) => write!(f, "{error}."),
                    SealTrouble::NeedsIdentity => f.write_str("it is sealed for a public key."),
                    SealTrouble::NeedsPassphrase => f.write_str("it is sealed by a passphrase."),
                    SealTrouble::NotABackup => f.write_str("this is no backup of Fob."),
                    SealTrouble::WrongKey => f.write_str(
                        "the passphrase or key is not the one of this backup, or it is damaged.",
                    ),
                }
            }
            Self::Short => {
                write!(f, "a passphrase of a backup has at least {SHORTEST} characters.")
            }
            Self::Terminal => f.write_str("a backup is not written to a terminal."),
            Self::TooLong => f.write_str("a passphrase has at most 1024 bytes."),
        }
    }
}

impl From<BackupTrouble> for Failure {
    fn from(trouble: BackupTrouble) -> Self {
        Self::Backup(trouble)
    }
}
