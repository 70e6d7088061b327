//! Why a seed file cannot be read.

use std::{fmt, io};

/// What is wrong with a seed file before anybody has read its contents.
#[derive(Debug)]
pub(crate) enum FileTrouble {
    /// It is a folder.
    Folder,
    /// The system says why.
    Io(io::Error),
    /// What did not come in cannot be written to it.
    NotWritten(io::Error),
    /// It is longer than fobctl copies.
    TooLong,
}

impl fmt::Display for FileTrouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder => f.write_str("this is a folder."),
            Self::NotWritten(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                f.write_str("this file is there already.")
            }
            Self::NotWritten(error) => write!(f, "{error}."),
            Self::Io(error) if error.kind() == io::ErrorKind::NotFound => {
                f.write_str("there is no such file.")
            }
            Self::Io(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                f.write_str("you may not read this file.")
            }
            Self::Io(error) => write!(f, "{error}."),
            Self::TooLong => f.write_str("this is longer than 16 MiB."),
        }
    }
}
