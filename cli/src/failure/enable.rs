//! Why a service does not ask for the code, or still does.

mod rule;

use std::{fmt, io};

pub(crate) use rule::RuleTrouble;

use super::{Failure, REFUSED, UNREACHABLE, USAGE};
use crate::{
    doctor::{Finding, Place},
    enable::{DROP_IN, Flaw, Unreadable},
};

const BACK: &str = "everything is as it was.";

/// Why nothing was changed, or everything was taken back.
#[derive(Debug)]
pub(crate) enum EnableTrouble {
    /// Somebody changed a file meanwhile.
    Changed {
        /// Which.
        path: String,
    },
    /// The person said no.
    Declined,
    /// A file cannot be written.
    Disk {
        /// Which.
        path: String,
        /// What the system says.
        error: io::Error,
    },
    /// The doctor has found something.
    Found(Box<Finding>),
    /// The doctor has found something where nothing had to be changed.
    FoundBefore(Box<Finding>),
    /// A file is not one that fobctl can change.
    Flaw {
        /// Which.
        file: String,
        /// Why.
        flaw: Flaw,
    },
    /// Nobody would be left who gets in.
    NoAdministrator {
        /// The host's name, which overrides it.
        host: String,
    },
    /// There is no terminal, and `--yes` was not given.
    NoConfirmation,
    /// A key comes first in ssh alone.
    NoKey,
    /// sshd asks for one thing after the other.
    TwoFields,
    /// There is no such service.
    NoService {
        /// How it was called.
        service: String,
    },
    /// No systemd runs, which would take the change back.
    NoSystemd,
    /// sshd does not read the drop-in.
    NotIncluded,
    /// sshd goes by another value.
    NotInForce {
        /// The setting.
        keyword: &'static str,
        /// What it is.
        value: String,
        /// Where that stands.
        place: Option<Place>,
    },
    /// What was kept of the change before cannot be understood.
    NotRead(io::Error),
    /// fobd asks nobody.
    Observes,
    /// Who shall be asked cannot be told to fobd.
    Rule(RuleTrouble),
    /// sshd refuses its settings.
    Sshd(String),
    /// A program of systemd's failed.
    Systemd(String),
    /// A file cannot be read, or must not be.
    Unreadable {
        /// Which.
        path: String,
        /// Why.
        why: Unreadable,
    },
    /// A change that nobody has confirmed would be taken back, and with it what shall last.
    Waits,
}

impl EnableTrouble {
    pub(super) fn exit_status(&self) -> u8 {
        match self {
            Self::NoConfirmation
            | Self::NoKey
            | Self::TwoFields
            | Self::Rule(RuleTrouble::NoDayToCome { .. }) => USAGE,
            Self::Disk { .. } | Self::NotRead(_) | Self::Systemd(_) => UNREACHABLE,
            _ => REFUSED,
        }
    }

    pub(super) fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Changed { .. } => "run it again.".to_owned(),
            Self::Declined | Self::Disk { .. } => return None,
            Self::Found(finding) | Self::FoundBefore(finding) => finding.fix.clone(),
            Self::Flaw { flaw, .. } => hint_of_flaw(flaw).to_owned(),
            Self::NoAdministrator { host } => format!(
                "assign a token to an administrator, or \"fobctl emergency root\"; to do it all the \
                 same, add --i-will-be-locked-out={host}."
            ),
            Self::NoConfirmation => "add --yes, or run it in a terminal.".to_owned(),
            Self::NoKey => "name sshd, or leave --with publickey out.".to_owned(),
            Self::TwoFields => "leave sshd out, or --with one-field.".to_owned(),
            Self::NoService { .. } => {
                "name a file of /etc/pam.d; \"fobctl enable\" alone lists them.".to_owned()
            }
            Self::NoSystemd => {
                "keep a root shell open, and add --without-revert; \"fobctl disable\" takes it back."
                    .to_owned()
            }
            Self::NotIncluded => {
                "put \"Include /etc/ssh/sshd_config.d/*.conf\" into the first line of \
                 /etc/ssh/sshd_config, and run it again."
                    .to_owned()
            }
            Self::NotInForce { .. } => {
                format!("the first value wins: take that line out, or name the file behind {DROP_IN}.")
            }
            Self::NotRead(_) => {
                "\"fobctl revert\" takes back what it can read; what is not in order then, put back by hand, \
                 and remove that file."
                    .to_owned()
            }
            Self::Observes => {
                "add --without-revert: nobody is refused by it while fobd observes; or take mode = \
                 \"observe\" out of /etc/fob/fobd.conf first."
                    .to_owned()
            }
            Self::Rule(trouble) => trouble.hint(),
            Self::Sshd(_) => "correct what it says, and run it again.".to_owned(),
            Self::Systemd(_) => "\"systemctl status fob-revert.timer\" may say more.".to_owned(),
            Self::Unreadable { why: Unreadable::Link(_), .. } => {
                "change what it points to by hand, or put a file in its place.".to_owned()
            }
            Self::Unreadable { .. } => return None,
            Self::Waits => {
                "run \"fobctl confirm\" first, or \"fobctl disable\" what waits, or leave \
                 --without-revert out."
                    .to_owned()
            }
        })
    }
}

fn hint_of_flaw(flaw: &Flaw) -> &'static str {
    match flaw {
        Flaw::HandMade(_) => {
            "take that line out and run it again; or leave it: it is yours to change."
        }
        Flaw::Jump(_) => {
            "put \"auth required pam_fob.so\" behind the line that asks for the password by hand, and \
             correct that count; then \"fobctl doctor\"."
        }
        Flaw::NoPassword | Flaw::Several(_) => {
            "put \"auth required pam_fob.so\" behind the line that asks for the password by hand; \
             then \"fobctl doctor\"."
        }
    }
}

/// Returns what is in the way of a change to a file, and in which line.
fn told_of_flaw(file: &str, flaw: &Flaw) -> String {
    match flaw {
        Flaw::HandMade(line) => format!("{file}:{line} has pam_fob.so by somebody else's hand."),
        Flaw::Jump(line) => {
            format!("{file}:{line} skips, by their count, lines among which the code's would come.")
        }
        Flaw::NoPassword => format!("{file} has no line that is known to ask for the password."),
        Flaw::Several(line) => format!("{file}:{line} asks for the password a second time."),
    }
}

/// Returns what a finding says, and where.
fn told(finding: &Finding) -> String {
    let place = finding.place.as_ref().map(|place| format!(" ({place})")).unwrap_or_default();
    format!("{}{place}", finding.happens)
}

impl fmt::Display for EnableTrouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Changed { path } => write!(f, "{path} was changed meanwhile; {BACK}"),
            Self::Declined => f.write_str("nothing was changed."),
            Self::Disk { path, error } => write!(f, "{path}: {error}."),
            Self::Found(finding) => {
                write!(f, "{} So it was taken back; {BACK}", told(finding))
            }
            Self::FoundBefore(finding) => f.write_str(&told(finding)),
            Self::Flaw { file, flaw } => f.write_str(&told_of_flaw(file, flaw)),
            Self::NoAdministrator { .. } => f.write_str(
                "no administrator has a token or an unused emergency code: nobody could mend this.",
            ),
            Self::NoConfirmation => {
                f.write_str("it asks before it writes, and there is no terminal.")
            }
            Self::NoKey => f.write_str("only sshd checks a key before the code."),
            Self::TwoFields => f.write_str(
                "sshd asks for the password and then for the code: it needs no one field.",
            ),
            Self::NoService { service } => write!(f, "there is no PAM service {service:?}."),
            Self::NoSystemd => {
                f.write_str("no systemd runs here, and nothing else would take the change back.")
            }
            Self::NotIncluded => write!(f, "sshd does not read {DROP_IN}; {BACK}"),
            Self::NotInForce { keyword, value, place } => {
                let place = place.as_ref();
                let place = place.map(|place| format!(" by {place}")).unwrap_or_default();
                write!(f, "sshd has {keyword} {value}{place}; {BACK}")
            }
            Self::NotRead(error) => write!(f, "/var/lib/fob-enable/pending: {error}."),
            Self::Observes => f.write_str(
                "fobd only observes: it accepts no code by which this could be confirmed.",
            ),
            Self::Rule(trouble) => trouble.fmt(f),
            Self::Sshd(why) => write!(f, "sshd would not start: {why}; {BACK}"),
            Self::Systemd(why) => write!(f, "{why}; {BACK}"),
            Self::Unreadable { path, why } => write!(f, "{path}: {why}."),
            Self::Waits => f.write_str(
                "a change waits for its confirmation, and would take this with it when it goes.",
            ),
        }
    }
}

impl From<EnableTrouble> for Failure {
    fn from(trouble: EnableTrouble) -> Self {
        Self::Enable(trouble)
    }
}
