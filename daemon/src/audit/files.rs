//! The files of the log: their names, and what a file system does for them.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use nix::fcntl::OFlag;

/// The ending of the files' names: JSON in lines.
const ENDING: &str = ".jsonl";
/// Digits of a name: as many as the largest line number has.
const DIGITS: usize = 20;

/// A file of the log, named by the number of its first line.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Named {
    pub(super) first: u64,
    pub(super) path: PathBuf,
}

impl Named {
    /// Returns the file that begins with this line.
    pub(super) fn of(folder: &Path, first: u64) -> Self {
        Self { first, path: folder.join(format!("{first:0DIGITS$}{ENDING}")) }
    }

    /// Returns the name without the folder.
    pub(super) fn name(&self) -> String {
        self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }
}

/// Returns the files of a folder, the oldest first. Whatever else lies there is not ours.
///
/// # Errors
///
/// What the system says; a folder that is not there has no files.
pub(super) fn list(folder: &Path) -> io::Result<Vec<Named>> {
    let mut files = Vec::new();
    let found = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(files),
        found => found?,
    };
    for file in found {
        let name = file?.file_name();
        let digits = name.to_str().and_then(|name| name.strip_suffix(ENDING));
        let digits = digits.filter(|digits| digits.len() == DIGITS);
        if let Some(first) = digits.and_then(|digits| digits.parse().ok()) {
            files.push(Named::of(folder, first));
        }
    }
    files.sort();
    Ok(files)
}

/// Makes the folder, for its owner only, if it is not there.
///
/// # Errors
///
/// What the system says.
pub(super) fn make_folder(folder: &Path) -> io::Result<()> {
    match fs::DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        made => made,
    }
}

/// A file that is written at its end.
pub(super) trait Paper: Sized + Send + 'static {
    /// Bytes after which a new file is begun: some 15 000 lines, read in a blink.
    const LARGE: u64 = 4 << 20;

    /// Opens a file, or makes it, for its owner only. A symbolic link is not followed.
    fn open(path: &Path) -> io::Result<Self>;
    /// Returns its length in bytes.
    fn length(&self) -> io::Result<u64>;
    /// Writes at its end. After an error a part may stand there.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Cuts it to this length.
    fn cut(&mut self, length: u64) -> io::Result<()>;
    /// Makes what was written durable.
    fn sync(&self) -> io::Result<()>;
    /// Tells whether somebody removed it.
    fn is_gone(&self) -> io::Result<Gone>;
}

/// Whether a file still has its name.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Gone {
    No,
    Yes,
}

impl Paper for File {
    fn open(path: &Path) -> io::Result<Self> {
        OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .custom_flags(OFlag::O_NOFOLLOW.bits())
            .open(path)
    }

    fn length(&self) -> io::Result<u64> {
        self.metadata().map(|meta| meta.len())
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write_all(bytes)
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.set_len(length)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }

    fn is_gone(&self) -> io::Result<Gone> {
        let links = self.metadata()?.nlink();
        Ok(if links == 0 { Gone::Yes } else { Gone::No })
    }
}

/// Makes the names in a folder durable.
///
/// # Errors
///
/// What the system says.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Returns the lines of a file, each without its end; what stands behind the last end is none.
pub(super) fn lines(bytes: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> {
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').and_then(|at| bytes.get(..at));
    whole.into_iter().flat_map(|whole| whole.split(|byte| *byte == b'\n'))
}

#[cfg(test)]
mod tests {
    use super::lines;

    #[test]
    fn what_has_no_end_is_no_line() {
        for (bytes, expected) in [
            (&b""[..], &[][..]),
            (b"torn", &[]),
            (b"a\n", &[&b"a"[..]]),
            (b"a\nb\ntorn", &[&b"a"[..], b"b"]),
            (b"\n", &[&b""[..]]),
        ] {
            assert_eq!(lines(bytes).collect::<Vec<_>>(), expected);
        }
    }
}
