//! Why there are no emergency codes.

use std::{fmt, io};

use fob_api::{UserName, emergency::FOLDER};

use super::{Failure, REFUSED, UNREACHABLE};

/// Why emergency codes were not made, or not removed.
#[derive(Debug)]
pub(crate) enum EmergencyTrouble {
    /// The folder cannot be written.
    Disk(io::Error),
    /// There is not enough memory for the hash.
    Memory,
    /// The user has none that could be removed.
    None {
        /// The user.
        user: UserName,
    },
    /// The user does not administer this host.
    NotAdministrator {
        /// The user.
        user: UserName,
    },
    /// The system gives no random numbers.
    Random(io::Error),
}

impl EmergencyTrouble {
    pub(super) fn exit_status(&self) -> u8 {
        match self {
            Self::None { .. } | Self::NotAdministrator { .. } => REFUSED,
            Self::Disk(_) | Self::Memory | Self::Random(_) => UNREACHABLE,
        }
    }

    pub(super) fn hint(&self) -> Option<String> {
        match self {
            Self::NotAdministrator { .. } => Some(
                "emergency codes are for root and the members of sudo, wheel or admin; for others, recovery codes."
                    .to_owned(),
            ),
            Self::Disk(_) => Some("older codes still hold, if there are any.".to_owned()),
            Self::Memory | Self::None { .. } | Self::Random(_) => None,
        }
    }
}

impl fmt::Display for EmergencyTrouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Disk(error) => write!(f, "{FOLDER}: {error}."),
            Self::Memory => f.write_str("there is not enough memory to hash the codes."),
            Self::None { user } => write!(f, "{user} has no emergency codes."),
            Self::NotAdministrator { user } => write!(f, "{user} does not administer this host."),
            Self::Random(error) => write!(f, "no random numbers: {error}."),
        }
    }
}

impl From<EmergencyTrouble> for Failure {
    fn from(trouble: EmergencyTrouble) -> Self {
        Self::Emergency(trouble)
    }
}
