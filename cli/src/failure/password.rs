//! Why there is nothing to open an encrypted seed file with.

use std::{fmt, io};

use super::{Failure, USAGE};

/// Why there is nothing to open an encrypted seed file with.
#[derive(Debug)]
pub(crate) enum PasswordTrouble {
    /// The descriptor cannot be read.
    Descriptor {
        /// Its number.
        number: i32,
        /// What the system says.
        error: io::Error,
    },
    /// There is no line to be read from the descriptor.
    NoLine {
        /// Its number.
        number: i32,
    },
    /// Standard input would be both the seed file and the password.
    TwoInOne,
}

impl PasswordTrouble {
    pub(super) fn exit_status(&self) -> u8 {
        USAGE
    }

    pub(super) fn hint(&self) -> &'static str {
        match self {
            Self::Descriptor { .. } | Self::NoLine { .. } => {
                "in a shell, write \"--password-fd 3 3< FILE\"."
            }
            Self::TwoInOne => "name the seed file, or take another descriptor.",
        }
    }
}

impl fmt::Display for PasswordTrouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Descriptor { number, error } => write!(f, "descriptor {number}: {error}."),
            Self::NoLine { number } => {
                write!(f, "there is no passphrase or key on descriptor {number}.")
            }
            Self::TwoInOne => {
                f.write_str("standard input is the seed file and cannot be the password too.")
            }
        }
    }
}

impl From<PasswordTrouble> for Failure {
    fn from(trouble: PasswordTrouble) -> Self {
        Self::Password(trouble)
    }
}
