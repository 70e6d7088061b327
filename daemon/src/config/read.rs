//! Reads the configuration file from the disk. Whoever can write it sets how codes are judged, so
//! it is taken from root alone; and what cannot be read is never taken for a file that says nothing.

use std::{
    fmt,
    fs::{File, OpenOptions},
    io::{self, Read as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use super::{
    Source,
    file::{self, BadFile, Settings},
};

/// Longest file in bytes: many times the commented sample.
const LONGEST: u64 = 256 << 10;
/// Write bits of the group and of others (chmod(2)).
const WRITABLE: u32 = 0o022;

/// The numbers in force, and the file that they were read from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Loaded {
    /// The file.
    pub path: PathBuf,
    /// What it says; `None` if there is none.
    pub found: Option<Settings>,
}

/// The configuration file is not taken: fobd does not start with numbers that nobody chose.
#[derive(Debug)]
pub struct NotTaken {
    path: PathBuf,
    why: Why,
}

/// Why a file is not taken.
#[derive(Debug)]
enum Why {
    /// Its text.
    Bad(BadFile),
    /// It does not open or read.
    Io(io::Error),
    /// It was named, and is not there.
    Missing,
    /// It is a folder, a FIFO or a device.
    NotAFile,
    /// It belongs to this uid.
    Owner(u32),
    /// It is longer than [`LONGEST`].
    TooLong,
    /// The group or others may write it.
    Writable,
}

impl fmt::Display for NotTaken {
    /// The fact, and in a second line the remedy.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match &self.why {
            Why::Bad(bad) => write!(f, "{path}, {bad}\nhint: {}", bad.hint()),
            Why::Io(error) => write!(
                f,
                "{path} cannot be read: {error}.\nhint: mend it, or move it away to have the defaults."
            ),
            Why::Missing => write!(
                f,
                "{path} is not there.\nhint: write it, or leave --config out to have the defaults."
            ),
            Why::NotAFile => {
                write!(f, "{path} is not a regular file.\nhint: put a text file there.")
            }
            Why::Owner(uid) => write!(
                f,
                "{path} belongs to uid {uid}, who could set how codes are judged.\n\
                 hint: run \"chown root:root {path}\" after you have read it."
            ),
            Why::TooLong => write!(f, "{path} is longer than 256 KiB.\nhint: shorten it."),
            Why::Writable => write!(
                f,
                "{path} can be written by others than its owner.\n\
                 hint: run \"chmod go-w {path}\" after you have read it."
            ),
        }
    }
}

impl std::error::Error for NotTaken {}

/// Reads the configuration file.
///
/// # Errors
///
/// [`NotTaken`].
pub fn read(source: &Source) -> Result<Loaded, NotTaken> {
    let path = source.path();
    let found = match text_of(path) {
        Ok(text) => file::parse(&text).map(Some).map_err(Why::Bad),
        Err(Why::Io(_)) if is_absent(path) => match source {
            Source::Named(_) => Err(Why::Missing),
            Source::Usual => Ok(None),
        },
        Err(why) => Err(why),
    };
    match found {
        Ok(found) => Ok(Loaded { path: path.to_owned(), found }),
        Err(why) => Err(NotTaken { path: path.to_owned(), why }),
    }
}

/// Tells whether nothing has this name. A link that leads nowhere is something: there was a file.
fn is_absent(path: &Path) -> bool {
    path.symlink_metadata().is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
}

/// Reads the text of a file that nobody but root, or who runs fobd, can have written.
fn text_of(path: &Path) -> Result<String, Why> {
    // O_NONBLOCK: a FIFO must not keep the daemon from starting (open(2)).
    let opened = OpenOptions::new().read(true).custom_flags(nix::libc::O_NONBLOCK).open(path);
    let file = opened.map_err(Why::Io)?;
    trusted(&file)?;
    let mut text = String::new();
    file.take(LONGEST + 1).read_to_string(&mut text).map_err(Why::Io)?;
    if text.len() as u64 > LONGEST {
        return Err(Why::TooLong);
    }
    Ok(text)
}

/// Refuses an open file that somebody else could have written.
fn trusted(file: &File) -> Result<(), Why> {
    let meta = file.metadata().map_err(Why::Io)?;
    if !meta.is_file() {
        return Err(Why::NotAFile);
    }
    if meta.uid() != 0 && meta.uid() != nix::unistd::geteuid().as_raw() {
        return Err(Why::Owner(meta.uid()));
    }
    if meta.mode() & WRITABLE != 0 {
        return Err(Why::Writable);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
