//! A file that is there whole or not at all.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use nix::{
    errno::Errno,
    fcntl::{AT_FDCWD, OFlag, RenameFlags, renameat2},
};

/// What becomes of a file of that name.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Old {
    /// It stays, and the new one is refused.
    Keep,
    /// The new one takes its place.
    Replace,
}

/// Why a file was not begun.
#[derive(Debug)]
pub(crate) enum NotBegun {
    /// The system says why: `AlreadyExists` for an old one that is to stay.
    Io(io::Error),
    /// The new one is there: another run is at work, or was killed.
    Left(String),
}

/// What to do about a new file that another run has left.
pub(crate) const LEFT: &str =
    "if no other fobctl is writing it, it was killed: remove that file and run this again.";

/// A new file beside the place that it will take. Gone when it is dropped before that.
pub(crate) struct Whole {
    file: File,
    new: PathBuf,
    path: PathBuf,
    old: Old,
    is_placed: bool,
}

impl Whole {
    /// Begins a file that only its owner can read.
    ///
    /// # Errors
    ///
    /// [`NotBegun`].
    pub(crate) fn begin(path: &Path, old: Old) -> Result<Self, NotBegun> {
        if old == Old::Keep && path.symlink_metadata().is_ok() {
            return Err(NotBegun::Io(io::ErrorKind::AlreadyExists.into()));
        }
        let mut new = path.as_os_str().to_owned();
        new.push(".new");
        let new = PathBuf::from(new);
        let flags = (OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC).bits();
        let mut options = OpenOptions::new();
        let file = options.write(true).create_new(true).mode(0o600).custom_flags(flags).open(&new);
        let file = file.map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => NotBegun::Left(new.to_string_lossy().into_owned()),
            _ => NotBegun::Io(error),
        })?;
        Ok(Self { file, new, path: path.to_owned(), old, is_placed: false })
    }

    /// Returns the file.
    pub(crate) fn file(&mut self) -> &mut File {
        &mut self.file
    }

    /// Puts the file on the disk and in its place.
    ///
    /// # Errors
    ///
    /// What the system says; the old file is there as it was then.
    pub(crate) fn place(mut self) -> io::Result<()> {
        self.file.sync_all()?;
        match self.old {
            Old::Replace => fs::rename(&self.new, &self.path)?,
            Old::Keep => self.rename_if_free()?,
        }
        self.is_placed = true;
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
    }

    /// Takes a place that nobody has taken meanwhile.
    fn rename_if_free(&self) -> io::Result<()> {
        let free = RenameFlags::RENAME_NOREPLACE;
        match renameat2(AT_FDCWD, &self.new, AT_FDCWD, &self.path, free) {
            // A file system that cannot tell: it was looked at when the file was begun.
            Err(Errno::EINVAL | Errno::ENOSYS) => fs::rename(&self.new, &self.path),
            ended => Ok(ended?),
        }
    }
}

impl Drop for Whole {
    fn drop(&mut self) {
        if !self.is_placed {
            // What cannot be removed is told by the next run.
            let _ = fs::remove_file(&self.new);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, io::Write, os::unix::fs::PermissionsExt};

    use super::{NotBegun, Old, Whole};

    #[test]
    fn a_file_is_there_whole_and_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("backup");
        let mut whole = Whole::begin(&path, Old::Keep).unwrap();
        whole.file().write_all(b"all").unwrap();
        assert!(!path.exists());
        whole.place().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"all");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_is_not_finished_leaves_nothing_and_the_old_file_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("backup");
        fs::write(&path, b"old").unwrap();
        let mut whole = Whole::begin(&path, Old::Replace).unwrap();
        whole.file().write_all(b"half").unwrap();
        drop(whole);
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn an_old_file_is_replaced_only_on_demand() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("backup");
        let late = Whole::begin(&path, Old::Keep).unwrap();
        fs::write(&path, b"old").unwrap();
        assert!(Whole::begin(&path, Old::Keep).is_err());
        assert!(late.place().is_err(), "the file came meanwhile");
        assert_eq!(fs::read(&path).unwrap(), b"old");
        let begun = Whole::begin(&path, Old::Replace).unwrap();
        let other = Whole::begin(&path, Old::Replace);
        assert!(matches!(other, Err(NotBegun::Left(name)) if name.ends_with("backup.new")));
        drop(begun);
        Whole::begin(&path, Old::Replace).unwrap().place().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"");
    }

    #[test]
    fn a_link_in_the_way_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let [path, target] = ["backup", "target"].map(|name| folder.path().join(name));
        fs::write(&target, b"mine").unwrap();
        std::os::unix::fs::symlink(&target, folder.path().join("backup.new")).unwrap();
        assert!(Whole::begin(&path, Old::Keep).is_err());
        assert_eq!(fs::read(&target).unwrap(), b"mine");
    }
}
