//! Why a seed file cannot be read.

use std::{fmt, io};

use crate::whole::LEFT;

/// What is wrong with a seed file before anybody has read its contents.
#[derive(Debug)]
pub(crate) enum FileTrouble {
    /// It is a folder.
    Folder,
    /// The system says why.
    Io(io::Error),
    /// Another run is writing it, or has left a part of it.
    Left,
    /// What did not come in cannot be written to it.
    NotWritten(io::Error),
    /// It is longer than fobctl copies.
    TooLong,
}

impl FileTrouble {
    pub(super) fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Left => Some(LEFT),
            Self::NotWritten(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Some("name another file, or move that one away: it may hold seeds.")
            }
            Self::Folder | Self::Io(_) | Self::NotWritten(_) | Self::TooLong => None,
        }
    }
}

impl fmt::Display for FileTrouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder => f.write_str("this is a folder."),
            Self::Left => f.write_str("this file is there already."),
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
