//! Why fobd is not told who shall be asked at a service.

use std::fmt;

use super::{BACK, EnableTrouble};
use crate::{
    enable::{FirstDay, RULES},
    failure::Failure,
};

/// What is wrong with a rule, or with the fobd that shall go by it.
#[derive(Debug)]
pub(crate) enum RuleTrouble {
    /// Somebody has edited the rule about a service.
    Edited {
        /// Which.
        service: String,
    },
    /// fobd was started anew, and exempts nobody by a rule.
    Elsewhere,
    /// The day on which everybody begins to be asked has begun.
    NoDayToCome {
        /// It.
        day: FirstDay,
    },
    /// The host does not know this group.
    NoGroup {
        /// How it was called.
        group: String,
    },
    /// No systemd runs, which would start fobd anew.
    NoRestart,
    /// fobd would not start.
    Refused {
        /// What it says, a sentence.
        why: String,
        /// What it says can be done, a sentence.
        hint: String,
    },
}

impl RuleTrouble {
    pub(super) fn hint(&self) -> String {
        match self {
            Self::Edited { .. } => {
                "edit it there and restart fobd; or take it out, and run this again.".to_owned()
            }
            Self::Elsewhere => {
                "\"systemctl cat fobd\" shows whether it is started with another --config."
                    .to_owned()
            }
            Self::NoDayToCome { .. } => {
                "leave --from out: everybody is asked at once then.".to_owned()
            }
            Self::NoGroup { .. } => {
                "\"getent group\" lists those that the host knows; make it first.".to_owned()
            }
            Self::NoRestart => format!(
                "write the rule into {RULES} by hand (fobd.conf(5)), start fobd anew, and enable the \
                 service without --group and --from."
            ),
            Self::Refused { hint, .. } => hint.clone(),
        }
    }
}

impl fmt::Display for RuleTrouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Edited { service } => {
                write!(f, "the rule about {service} in {RULES} was edited by hand.")
            }
            Self::Elsewhere => write!(f, "fobd does not go by {RULES}; {BACK}"),
            Self::NoDayToCome { day } => write!(f, "{day} is no day to come (UTC)."),
            Self::NoGroup { group } => write!(f, "the host knows no group {group:?}."),
            Self::NoRestart => f.write_str(
                "no systemd runs here that could start fobd anew, and it reads its rules when it starts.",
            ),
            Self::Refused { why, .. } => {
                write!(f, "fobd would not start with this: {why} So {BACK}")
            }
        }
    }
}

impl From<RuleTrouble> for EnableTrouble {
    fn from(trouble: RuleTrouble) -> Self {
        Self::Rule(trouble)
    }
}

impl From<RuleTrouble> for Failure {
    fn from(trouble: RuleTrouble) -> Self {
        Self::Enable(trouble.into())
    }
}
