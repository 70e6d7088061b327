//! The files of a host below a folder: `/` in the field, a temporary folder in the tests. It reads,
//! and says what is there; it judges nothing.

use std::{
    fs::{self, File},
    io::{Read, Seek, SeekFrom},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

/// Longest configuration file that is read, in bytes: real ones have some KiB. What is longer is
/// read as if it were not there.
const MAX_FILE: u64 = 1024 * 1024;

/// Where the host's files are, and who is its root.
pub(crate) struct Ground {
    root: PathBuf,
    /// The uid that owns what is root's: 0, but for tests, which do not run as root everywhere.
    pub(crate) root_uid: u32,
}

/// What is known of a file without opening it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts {
    pub(crate) uid: u32,
    /// The permission bits, without the kind of file.
    pub(crate) mode: u32,
    pub(crate) is_folder: bool,
}

impl Facts {
    /// Tells whether somebody else than the owner can write: the group or all others.
    pub(crate) fn others_write(self) -> bool {
        self.mode & 0o022 != 0
    }

    /// Tells whether somebody else than the owner can do anything with it.
    pub(crate) fn others_touch(self) -> bool {
        self.mode & 0o077 != 0
    }
}

impl Ground {
    /// Takes the files below `root`; what should be root's there belongs to `root_uid`.
    pub(crate) fn below(root: &Path, root_uid: u32) -> Self {
        Self { root: root.to_owned(), root_uid }
    }

    fn place(&self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }

    /// Returns a file's text; `None` if it is not there, cannot be read or is no text file. Bytes
    /// that are not UTF-8 are replaced: in a comment they say nothing.
    pub(crate) fn read(&self, path: &str) -> Option<String> {
        let place = self.place(path);
        let facts = fs::metadata(&place).ok()?;
        if !facts.is_file() || facts.len() > MAX_FILE {
            return None;
        }
        fs::read(&place).ok().map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Returns the end of a file that may be long, at most [`MAX_FILE`].
    pub(crate) fn end(&self, path: &str) -> Option<String> {
        let mut file = File::open(self.place(path)).ok()?;
        let facts = file.metadata().ok().filter(|facts| facts.is_file())?;
        file.seek(SeekFrom::Start(facts.len().saturating_sub(MAX_FILE))).ok()?;
        let mut bytes = Vec::new();
        file.take(MAX_FILE).read_to_end(&mut bytes).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Returns the names in a folder, sorted; none if it cannot be read.
    pub(crate) fn names(&self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(self.place(folder)).into_iter().flatten().flatten();
        let mut names: Vec<String> =
            entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.sort();
        names
    }

    /// Returns the facts of what a path leads to; `None` if there is nothing, or nothing that the
    /// caller may know of.
    pub(crate) fn facts(&self, path: &str) -> Option<Facts> {
        let facts = fs::metadata(self.place(path)).ok()?;
        let (uid, mode) = (facts.uid(), facts.mode() & 0o7777);
        Some(Facts { uid, mode, is_folder: facts.is_dir() })
    }

    /// Tells whether there is something at a path.
    pub(crate) fn has(&self, path: &str) -> bool {
        self.facts(path).is_some()
    }

    /// Tells whether a folder can be looked into: it may be there and be somebody else's.
    pub(crate) fn opens(&self, folder: &str) -> bool {
        fs::read_dir(self.place(folder)).is_ok()
    }
}
