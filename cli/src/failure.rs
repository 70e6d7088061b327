//! Why a run did not do what was asked: a fact, a remedy, an exit status. The only place that
//! prints to standard error, besides the dialogue in `ask.rs`.

mod backup;
mod confirm;
mod emergency;
mod enable;
mod file;
mod input;
mod log;
mod password;

use std::{
    fmt,
    io::{self, Write},
    process::ExitCode,
};

use clap::error::{ContextKind, ContextValue};
use fob_api::{Code, Error, ErrorKind, LogReport, address};
use zbus::fdo;

use crate::render::printable;
pub(crate) use backup::BackupTrouble;
pub(crate) use confirm::ConfirmTrouble;
pub(crate) use emergency::EmergencyTrouble;
pub(crate) use enable::{EnableTrouble, RuleTrouble};
pub(crate) use file::FileTrouble;
pub(crate) use input::InputTrouble;
pub(crate) use log::places as log_places;
pub(crate) use password::PasswordTrouble;

/// The exit statuses: part of the interface for scripts, never changed.
const REFUSED: u8 = 1;
const USAGE: u8 = 2;
const NOT_AUTHORIZED: u8 = 3;
const UNREACHABLE: u8 = 4;
const BAD_FILE: u8 = 5;

/// Why a run ends without having done what was asked.
#[derive(Debug)]
pub(crate) enum Failure {
    /// A backup was not made, or not opened.
    Backup(BackupTrouble),
    /// A change was not confirmed, or not taken back.
    Confirm(ConfirmTrouble),
    /// Emergency codes were not made, or not removed.
    Emergency(EmergencyTrouble),
    /// Services were not changed.
    Enable(EnableTrouble),
    /// The seed file cannot be read.
    File {
        /// The file, as it was named.
        name: String,
        /// What is wrong with it.
        trouble: FileTrouble,
    },
    /// `doctor` found mistakes; the report has named them.
    Found {
        /// How many.
        count: usize,
    },
    /// Who answers is neither root nor the daemon's own user.
    Impostor {
        /// Where.
        road: Road,
        /// Whose process it is.
        uid: u32,
    },
    /// The dialogue or its replacement by standard input came to nothing.
    Input(InputTrouble),
    /// The daemon's log is not whole.
    Log(Box<LogReport>),
    /// The caller's own uid has no name.
    NameOfSelf {
        /// The caller's uid.
        uid: u32,
    },
    /// Some tokens of another program were not moved; the report has said why.
    NotMoved {
        /// How many.
        left: usize,
        /// Of how many.
        of: usize,
    },
    /// Standard output cannot be written.
    Output(io::Error),
    /// There is nothing to open a seed file with.
    Password(PasswordTrouble),
    /// The daemon understood and said no, or would say no.
    Refused(Refusal),
    /// The daemon does not answer.
    Silence,
    /// The daemon answers what nobody asked: another version, or another program.
    Strange,
    /// No token shows the codes.
    Unidentified {
        /// How many tokens were looked at.
        searched: u32,
    },
    /// The command line is not one of fobctl's; or help was asked for.
    Usage(Box<clap::Error>),
}

/// How the daemon was reached.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Road {
    /// Its own socket.
    PeerSocket,
    /// Its name on the system bus.
    SystemBus,
}

impl fmt::Display for Road {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PeerSocket => f.write_str(address::PEER_SOCKET),
            Self::SystemBus => write!(f, "{} on the system bus", address::BUS_NAME),
        }
    }
}

/// A "no", with the reason and the remedy in the daemon's words.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Refusal {
    /// Which error; `None` if it is one that this fobctl does not know.
    kind: Option<ErrorKind>,
    fact: String,
    hint: String,
}

impl Failure {
    /// Prints the failure on standard error and returns the exit status.
    pub(crate) fn report(&self) -> ExitCode {
        match self {
            Self::Usage(error) if !asks_for_a_code(error) => {
                // Without a terminal or pipe to write to there is nobody to tell.
                let _ = error.print();
            }
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
            _ => {
                write_line(&format!("fobctl: {}", self.fact()));
                if let Some(hint) = self.hint() {
                    advise(&hint);
                }
            }
        }
        ExitCode::from(self.exit_status())
    }

    /// Returns the exit status: 0 done, 1 refused, 2 usage, 3 not authorized, 4 no daemon, 5 bad
    /// seed file.
    pub(crate) fn exit_status(&self) -> u8 {
        match self {
            Self::Backup(trouble) => trouble.exit_status(),
            Self::Confirm(trouble) => trouble.exit_status(),
            Self::Emergency(trouble) => trouble.exit_status(),
            Self::Enable(trouble) => trouble.exit_status(),
            Self::File { .. } => BAD_FILE,
            Self::Input(trouble) => trouble.exit_status(),
            Self::Found { .. }
            | Self::Log(_)
            | Self::NameOfSelf { .. }
            | Self::NotMoved { .. }
            | Self::Unidentified { .. } => REFUSED,
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => 0,
            Self::Impostor { .. } | Self::Output(_) | Self::Silence | Self::Strange => UNREACHABLE,
            Self::Password(trouble) => trouble.exit_status(),
            Self::Refused(refusal) => refusal.exit_status(),
            Self::Usage(error) if error.use_stderr() => USAGE,
            Self::Usage(_) => 0,
        }
    }

    /// Returns the same failure, with the verb that was typed if it is a missing right: a verb
    /// looks things up before it asks, and "show is not yours to do" would puzzle.
    pub(crate) fn of_verb(self, verb: &'static str) -> Self {
        match self {
            Self::Refused(Refusal { kind: Some(ErrorKind::NotAuthorized), .. }) => {
                Error::NotAuthorized { verb }.into()
            }
            other => other,
        }
    }

    /// Returns the same failure, with the file's name in front if its contents are the reason.
    pub(crate) fn of_file(self, name: &str) -> Self {
        match self {
            Self::Refused(refusal) if refusal.is_of_file() => {
                let fact = format!("{}: {}", printable(name), refusal.fact);
                Self::Refused(Refusal { fact, ..refusal })
            }
            other => other,
        }
    }

    /// Returns fact and remedy if a file whose contents cannot be read is the reason.
    pub(crate) fn bad_file(&self) -> Option<(&str, &str)> {
        let Self::Refused(refusal) = self else { return None };
        let is_bad = refusal.kind == Some(ErrorKind::BadSeedFile);
        is_bad.then_some((&refusal.fact, &refusal.hint))
    }

    /// Tells whether the daemon refused for this reason.
    pub(crate) fn is(&self, kind: ErrorKind) -> bool {
        matches!(self, Self::Refused(refusal) if refusal.kind == Some(kind))
    }

    /// Tells whether the daemon, or what it needs, is not there, or another answers in its place.
    pub(crate) fn is_silence(&self) -> bool {
        self.exit_status() == UNREACHABLE
    }

    /// Tells whether the daemon refused two codes, and others may do.
    pub(crate) fn is_about_codes(&self) -> bool {
        use ErrorKind::{AmbiguousCodePair, InvalidCodePair};
        matches!(self, Self::Refused(refusal)
            if matches!(refusal.kind, Some(AmbiguousCodePair | InvalidCodePair)))
    }

    /// Returns what is wrong, as a sentence of a dialogue.
    pub(crate) fn sentence(&self) -> String {
        let fact = self.fact();
        let mut letters = fact.chars();
        letters
            .next()
            .map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
    }

    /// Returns the question that the daemon has about an encrypted seed file, if that is the reason.
    pub(crate) fn question(&self) -> Option<&'static str> {
        let Self::Refused(refusal) = self else { return None };
        match refusal.kind {
            Some(ErrorKind::KeyNeeded) => Some("Key of the seed file, in hexadecimal or base64: "),
            Some(ErrorKind::PassphraseNeeded) => Some("Passphrase of the seed file: "),
            _ => None,
        }
    }

    fn fact(&self) -> String {
        match self {
            Self::Backup(trouble) => trouble.to_string(),
            Self::Confirm(trouble) => printable(&trouble.to_string()),
            Self::Emergency(trouble) => trouble.to_string(),
            Self::Enable(trouble) => printable(&trouble.to_string()),
            Self::File { name, trouble } => format!("{}: {trouble}", printable(name)),
            Self::Found { count: 1 } => "one mistake was found.".to_owned(),
            Self::Found { count } => format!("{count} mistakes were found."),
            Self::Impostor { road, uid } => {
                format!("{road} belongs to uid {uid}, neither root's nor fobd's own.")
            }
            Self::Input(trouble) => trouble.to_string(),
            Self::Log(report) => log::fact(report),
            Self::NameOfSelf { uid } => format!("your uid {uid} has no name on this host."),
            Self::NotMoved { left, of } => format!("{left} of {of} were not moved."),
            Self::Output(error) => format!("standard output: {error}."),
            Self::Password(trouble) => trouble.to_string(),
            Self::Refused(refusal) => refusal.fact.clone(),
            Self::Silence => "fobd does not answer.".to_owned(),
            Self::Strange => "fobd's answer is not one that this fobctl knows.".to_owned(),
            Self::Unidentified { searched } => {
                format!("none of the {searched} tokens that nobody has shows this.")
            }
            Self::Usage(_) => "a code is never an argument: every user can read those.".to_owned(),
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Backup(trouble) => trouble.hint()?,
            Self::Confirm(trouble) => printable(&trouble.hint()?),
            Self::Emergency(trouble) => trouble.hint()?,
            Self::Enable(trouble) => printable(&trouble.hint()?),
            Self::Impostor { .. } => "tell the administrator: a program poses as fobd.".to_owned(),
            Self::Input(trouble) => trouble.hint()?.to_owned(),
            Self::Log(_) => log::HINT.to_owned(),
            Self::NameOfSelf { .. } => "name a user.".to_owned(),
            Self::File { trouble, .. } => trouble.hint()?.to_owned(),
            Self::Found { .. } | Self::NotMoved { .. } | Self::Output(_) => return None,
            Self::Password(trouble) => trouble.hint().to_owned(),
            Self::Refused(refusal) if refusal.hint.is_empty() => return None,
            Self::Refused(refusal) => refusal.hint.clone(),
            Self::Silence => "run \"systemctl status fobd\".".to_owned(),
            Self::Strange => "install fobd and fobctl in the same version.".to_owned(),
            Self::Unidentified { .. } => {
                "a token that somebody has is not searched; \"fobctl list --state assigned\" shows those."
                    .to_owned()
            }
            Self::Usage(_) => "leave it out; fobctl asks for the codes.".to_owned(),
        })
    }
}

impl Refusal {
    /// Tells whether the contents of a file are the reason.
    fn is_of_file(&self) -> bool {
        use ErrorKind::{BadBackup, BadSeedFile, KeyNeeded, PassphraseNeeded};
        matches!(self.kind, Some(BadBackup | BadSeedFile | KeyNeeded | PassphraseNeeded))
    }

    fn exit_status(&self) -> u8 {
        match self.kind {
            Some(ErrorKind::BadBackup | ErrorKind::BadSeedFile) => BAD_FILE,
            Some(
                ErrorKind::InvalidArgument | ErrorKind::KeyNeeded | ErrorKind::PassphraseNeeded,
            ) => USAGE,
            Some(ErrorKind::NotAuthorized) => NOT_AUTHORIZED,
            Some(ErrorKind::ClockNotTrusted | ErrorKind::StoreUnavailable) => UNREACHABLE,
            Some(
                ErrorKind::AlreadyAssigned
                | ErrorKind::AmbiguousCodePair
                | ErrorKind::AmbiguousSerial
                | ErrorKind::Busy
                | ErrorKind::ClockFarOff
                | ErrorKind::InvalidCode
                | ErrorKind::InvalidCodePair
                | ErrorKind::LastAdministrator
                | ErrorKind::LimitExceeded
                | ErrorKind::NotAssignable
                | ErrorKind::NotAssigned
                | ErrorKind::NoSuchToken
                | ErrorKind::NoSuchUser
                | ErrorKind::RootOnly
                | ErrorKind::TemporarilyUnmodifiable
                | ErrorKind::VirtualTokensOff,
            )
            | None => REFUSED,
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Refused(Refusal {
            kind: Some(error.kind()),
            hint: error.hint().unwrap_or_default(),
            fact: error.to_string(),
        })
    }
}

impl From<clap::Error> for Failure {
    fn from(error: clap::Error) -> Self {
        Self::Usage(Box::new(error))
    }
}

impl From<zbus::Error> for Failure {
    fn from(error: zbus::Error) -> Self {
        match error {
            zbus::Error::MethodError(name, _, reply)
                if name.as_str().starts_with(address::ERROR_PREFIX) =>
            {
                let Ok((fact, hint)) = reply.body().deserialize::<(String, String)>() else {
                    return Self::Strange;
                };
                let kind = ErrorKind::from_name(name.as_str());
                Self::Refused(Refusal { kind, fact: printable(&fact), hint: printable(&hint) })
            }
            zbus::Error::FDO(error) => (*error).into(),
            // What a reply of another shape becomes.
            zbus::Error::Failure(_)
            | zbus::Error::IncorrectType
            | zbus::Error::SignatureMismatch(..) => Self::Strange,
            _ => Self::Silence,
        }
    }
}

impl From<fdo::Error> for Failure {
    fn from(error: fdo::Error) -> Self {
        match error {
            fdo::Error::ZBus(error) => error.into(),
            // The bus's own policy, before the daemon has seen the call. The verb is put in by
            // `of_verb`.
            fdo::Error::AccessDenied(_) => Error::NotAuthorized { verb: "this" }.into(),
            fdo::Error::UnknownMethod(_)
            | fdo::Error::UnknownInterface(_)
            | fdo::Error::UnknownObject(_)
            | fdo::Error::InvalidArgs(_) => Self::Strange,
            _ => Self::Silence,
        }
    }
}

/// Prints what is to be known of something that was done.
pub(crate) fn remark(note: &str) {
    write_line(&format!("note: {note}"));
}

/// Prints a hint that does not come with a failure.
pub(crate) fn advise(hint: &str) {
    write_line(&format!("hint: {hint}"));
}

fn write_line(line: &str) {
    // Without a standard error there is nobody to tell; the exit status still says it.
    let _ = writeln!(io::stderr(), "{line}");
}

/// Tells whether the argument that clap does not know is a code.
fn asks_for_a_code(error: &clap::Error) -> bool {
    matches!(error.get(ContextKind::InvalidArg), Some(ContextValue::String(word)) if Code::parse(word).is_ok())
}

#[cfg(test)]
mod tests;
