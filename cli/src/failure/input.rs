//! What was typed, or did not come.

use std::fmt;

use super::{Failure, REFUSED, USAGE};

/// Why two codes, or a serial, did not come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum InputTrouble {
    /// Users or their files were named for a program that has one file.
    HomesOfFile,
    /// Input ended in the middle of the dialogue.
    Ended,
    /// Standard input is not a terminal, and `--yes` was not given.
    NoConfirmation,
    /// A picture was to be shown, and there is no terminal.
    NoPicture,
    /// A line of standard input is not a code: 1 or 2.
    NotACode(u8),
    /// What was typed is no recovery code.
    NotARecoveryCode,
    /// Both lines of standard input are the same code.
    SameCode,
    /// The serial that was typed again is another one.
    SerialDiffers,
    /// Standard input has fewer than two lines.
    TooFewLines,
    /// Too many tries without a code.
    TooManyTries,
    /// Standard input cannot be read.
    Unreadable,
    /// One user was named for the files of many.
    UserOfHomes,
}

impl InputTrouble {
    pub(super) fn exit_status(self) -> u8 {
        match self {
            Self::HomesOfFile
            | Self::NoConfirmation
            | Self::UserOfHomes
            | Self::NoPicture
            | Self::NotACode(_)
            | Self::NotARecoveryCode
            | Self::SameCode
            | Self::TooFewLines
            | Self::Unreadable => USAGE,
            Self::Ended | Self::SerialDiffers | Self::TooManyTries => REFUSED,
        }
    }

    pub(super) fn hint(self) -> Option<&'static str> {
        match self {
            Self::HomesOfFile => Some("give the user of the file with --user NAME."),
            Self::UserOfHomes => {
                Some("name the users behind the program: --from google-authenticator NAME.")
            }
            Self::NoPicture => Some("run it in a terminal."),
            Self::NoConfirmation => Some("add --yes, or run it in a terminal."),
            Self::NotACode(_) | Self::TooFewLines => {
                Some("write two codes to standard input, one per line, or run it in a terminal.")
            }
            Self::NotARecoveryCode => Some("it has ten letters and digits, as in abcde-fghj2."),
            Self::SameCode => Some("wait until the token shows a new code."),
            Self::Ended | Self::SerialDiffers | Self::TooManyTries | Self::Unreadable => None,
        }
    }
}

impl fmt::Display for InputTrouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::HomesOfFile => "users in a row, and --secret, are for google-authenticator alone.",
            Self::UserOfHomes => "--user is for a file; google-authenticator has one for each user.",
            Self::Ended => "the input ended; nothing was changed.",
            Self::NoConfirmation => "forget asks for the serial again, and there is no terminal.",
            Self::NoPicture => "a virtual token is shown as a picture, and there is no terminal.",
            Self::NotACode(line) => {
                return write!(
                    f,
                    "line {line} of standard input is not a code of this token; nothing was changed."
                );
            }
            Self::NotARecoveryCode => "this is no recovery code; nothing was changed.",
            Self::SameCode => "both codes are the same; nothing was changed.",
            Self::SerialDiffers => "the serials differ; nothing was changed.",
            Self::TooFewLines => "two codes are needed on standard input; nothing was changed.",
            Self::TooManyTries => "no code was typed in five tries; nothing was changed.",
            Self::Unreadable => "standard input cannot be read; nothing was changed.",
        })
    }
}

impl From<InputTrouble> for Failure {
    fn from(trouble: InputTrouble) -> Self {
        Self::Input(trouble)
    }
}
