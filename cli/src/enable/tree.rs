//! The host's files below a folder (`/` in the field), written so that each is there whole, old or
//! new, at every moment and after a power cut.

use std::{
    fmt,
    fs::{self, File, OpenOptions, Permissions},
    io::{self, ErrorKind, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown},
    path::{Path, PathBuf},
    process::Command,
};

use nix::fcntl::OFlag;

/// Longest file that is changed, in bytes: real ones have some KiB, and their difference is shown.
const MAX_FILE: u64 = 64 * 1024;
/// The permission bits of a file that was not there: PAM's and sshd's files are no secret.
const MODE: u32 = 0o644;
/// Where the kernel tells that SELinux is at work.
const SELINUX: &str = "/sys/fs/selinux/enforce";

/// Where the files are.
pub(crate) struct Tree {
    root: PathBuf,
}

/// Why a file is not read.
#[derive(Debug)]
pub(crate) enum Unreadable {
    /// The system says why.
    Io(io::Error),
    /// It is a link, and leads there.
    Link(PathBuf),
    /// It is no file, or too long.
    Odd,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::Link(target) => write!(f, "it is a link to {}", target.display()),
            Self::Odd => write!(f, "it is no file of at most {} KiB", MAX_FILE / 1024),
        }
    }
}

impl From<io::Error> for Unreadable {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl Tree {
    /// Takes the files below a folder.
    pub(crate) fn below(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// Returns where a file is.
    pub(crate) fn place(&self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }

    /// Reads a file; `None` if it is not there.
    ///
    /// # Errors
    ///
    /// [`Unreadable`]; a link is not followed.
    pub(crate) fn read(&self, path: &str) -> Result<Option<Vec<u8>>, Unreadable> {
        let place = self.place(path);
        let facts = match fs::symlink_metadata(&place) {
            Ok(facts) => facts,
            Err(error)
                if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
        };
        if facts.is_symlink() {
            return Err(Unreadable::Link(fs::read_link(&place)?));
        }
        if !facts.is_file() || facts.len() > MAX_FILE {
            return Err(Unreadable::Odd);
        }
        Ok(Some(fs::read(&place)?))
    }

    /// Writes a file in the place of the old one, with its owner and rights, or removes it.
    ///
    /// # Errors
    ///
    /// What the system says; the old file is there as it was then, or the new one.
    pub(crate) fn write(&self, path: &str, bytes: Option<&[u8]>) -> io::Result<()> {
        let place = self.place(path);
        let folder = place.parent().unwrap_or(&self.root);
        match bytes {
            Some(bytes) => {
                let fresh = self.stage(path, bytes)?;
                fs::rename(&fresh, &place)?;
            }
            None => match fs::remove_file(&place) {
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                ended => ended?,
            },
        }
        File::open(folder)?.sync_all()
    }

    /// Writes a file beside the old one, where no program looks for it, and returns its place. It stays
    /// until it is swept away, or the file is written.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub(crate) fn stage(&self, path: &str, bytes: &[u8]) -> io::Result<PathBuf> {
        let fresh = self.fresh(path);
        self.begin(&fresh, &self.place(path), bytes).inspect_err(|_| {
            let _ = fs::remove_file(&fresh);
        })?;
        Ok(fresh)
    }

    /// Writes the new file beside the old one.
    fn begin(&self, fresh: &Path, place: &Path, bytes: &[u8]) -> io::Result<()> {
        self.sweep_file(fresh)?;
        let flags = (OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC).bits();
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(0o600).custom_flags(flags);
        let mut file = options.open(fresh)?;
        let mode = match fs::symlink_metadata(place) {
            Ok(old) => {
                fchown(&file, Some(old.uid()), Some(old.gid()))?;
                label_as(place, fresh)?;
                old.mode() & 0o7777
            }
            Err(error) if error.kind() == ErrorKind::NotFound => MODE,
            Err(error) => return Err(error),
        };
        file.write_all(bytes)?;
        file.set_permissions(Permissions::from_mode(mode))?;
        file.sync_all()
    }

    /// Removes what a run that was killed has left beside a file.
    pub(crate) fn sweep(&self, path: &str) -> io::Result<()> {
        self.sweep_file(&self.fresh(path))
    }

    fn sweep_file(&self, fresh: &Path) -> io::Result<()> {
        match fs::remove_file(fresh) {
            Err(error)
                if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) =>
            {
                Ok(())
            }
            ended => ended,
        }
    }

    /// Returns where a new file is written: no program reads a name with that dot and that end.
    fn fresh(&self, path: &str) -> PathBuf {
        let place = self.place(path);
        let name = place.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
        place.with_file_name(format!(".{name}.fob"))
    }
}

/// Gives a file the label of another one, where SELinux asks for labels.
fn label_as(old: &Path, new: &Path) -> io::Result<()> {
    if !Path::new(SELINUX).exists() {
        return Ok(());
    }
    let mut reference = std::ffi::OsString::from("--reference=");
    reference.push(old);
    let status = Command::new("/usr/bin/chcon").arg(reference).arg("--").arg(new).status()?;
    let fact = "chcon could not give the new file the old one's label";
    if status.success() { Ok(()) } else { Err(io::Error::other(fact)) }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt};

    use super::{Tree, Unreadable};

    #[test]
    fn a_file_keeps_its_rights_and_nothing_is_left_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let tree = Tree::below(folder.path());
        fs::write(folder.path().join("a"), "old").unwrap();
        fs::set_permissions(folder.path().join("a"), fs::Permissions::from_mode(0o640)).unwrap();
        fs::write(folder.path().join(".a.fob"), "of a run that was killed").unwrap();
        tree.write("/a", Some(b"new")).unwrap();
        assert_eq!(tree.read("/a").unwrap().unwrap(), b"new");
        assert_eq!(
            fs::metadata(folder.path().join("a")).unwrap().permissions().mode() & 0o777,
            0o640
        );
        tree.write("/b", Some(b"")).unwrap();
        assert_eq!(
            fs::metadata(folder.path().join("b")).unwrap().permissions().mode() & 0o777,
            0o644
        );
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
        tree.write("/a", None).unwrap();
        tree.write("/a", None).unwrap();
        assert_eq!(tree.read("/a").unwrap(), None);
    }

    #[test]
    fn a_link_is_not_followed_and_what_is_no_file_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let tree = Tree::below(folder.path());
        std::os::unix::fs::symlink("/etc/passwd", folder.path().join("link")).unwrap();
        fs::create_dir(folder.path().join("folder")).unwrap();
        assert!(matches!(tree.read("/link"), Err(Unreadable::Link(_))));
        assert!(matches!(tree.read("/folder"), Err(Unreadable::Odd)));
        assert!(tree.read("/none/file").unwrap().is_none());
    }
}
