//! Why a change is not confirmed, or not taken back.

use std::fmt;

use super::{Failure, REFUSED};

/// Why a change is not confirmed, or not taken back.
#[derive(Debug)]
pub(crate) enum ConfirmTrouble {
    /// Files could not be taken back yet; the report has said why.
    Failed {
        /// Which.
        files: Vec<String>,
    },
    /// What was kept of the change was understood in part, and that was taken back.
    InPart,
    /// Files are left to be taken back by hand; the report has said why.
    Left {
        /// Which.
        files: Vec<String>,
    },
    /// Nobody signed in to the session.
    NoLogin,
    /// No code of the user was accepted since the change.
    NotAsked {
        /// Who signed in.
        user: String,
        /// Where a code would count.
        services: Vec<String>,
    },
    /// Nothing waits for a confirmation.
    Nothing,
    /// The session was open before the change: it came in by the old door.
    OldSession,
    /// It is the session that made the change.
    SameSession,
    /// The change was cut off before it was in force.
    Unfinished,
}

impl ConfirmTrouble {
    pub(super) fn exit_status(&self) -> u8 {
        REFUSED
    }

    pub(super) fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Failed { .. } => {
                "it is tried again in half a minute; make room if the disk is full, and correct what \
                 \"sshd -t\" says."
                    .to_owned()
            }
            Self::InPart => {
                "look at what it was in /var/lib/fob-enable/pending.unread; \"fobctl doctor\" says what a \
                 sign-in does now."
                    .to_owned()
            }
            Self::Left { .. } => "\"fobctl doctor\" says what a sign-in does now.".to_owned(),
            Self::NoLogin | Self::OldSession | Self::SameSession => {
                "sign in anew, with a code, and run it there; keep this session open.".to_owned()
            }
            Self::NotAsked { services, .. } => format!(
                "sign in with a code at one of these, and run it there: {}.",
                services.join(", ")
            ),
            Self::Nothing => "\"fobctl enable\" lists what asks for the code now.".to_owned(),
            Self::Unfinished => "run \"fobctl enable\" with the services again.".to_owned(),
        })
    }
}

impl fmt::Display for ConfirmTrouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed { files } => write!(f, "not taken back yet: {}.", files.join(", ")),
            Self::InPart => f.write_str(
                "what was kept of the change has a form that this fobctl does not know: what it could \
                 read was taken back, and there may be more.",
            ),
            Self::Left { files } => write!(f, "not taken back: {}.", files.join(", ")),
            Self::NoLogin => {
                f.write_str("nobody signed in to this session, as far as the host knows.")
            }
            Self::NotAsked { user, .. } => {
                write!(f, "no code of {user} was accepted since the change.")
            }
            Self::Nothing => f.write_str(
                "no change waits for a confirmation: none was made, or it was taken back.",
            ),
            Self::OldSession => f.write_str("this session was open before the change."),
            Self::SameSession => f.write_str("this is the session that made the change."),
            Self::Unfinished => f.write_str("the change was cut off before it was in force."),
        }
    }
}

impl From<ConfirmTrouble> for Failure {
    fn from(trouble: ConfirmTrouble) -> Self {
        Self::Confirm(trouble)
    }
}
