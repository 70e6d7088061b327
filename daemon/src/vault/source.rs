//! Where the master keys come from: credentials of the service manager, or files of the state
//! folder.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use super::{VaultError, page::SECRET};

/// The name of the key's file, and of the credential.
pub const KEY_FILE: &str = "master.key";
/// The next key's file, as long as a rekey has not ended.
pub const NEXT_FILE: &str = "master.key.next";
/// The credential with the key before this one, for a rekey.
pub const PREVIOUS_CREDENTIAL: &str = "previous.key";

/// Where the master keys come from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Source {
    /// Credentials in this folder (systemd.exec(5), `LoadCredentialEncrypted=`).
    Credential(PathBuf),
    /// Files in this folder.
    File(PathBuf),
    /// A key that was handed over; for tests.
    Given,
}

impl Source {
    /// Finds out where the key of a state folder comes from. `credentials` is the folder that
    /// the service manager made, if it did; without a `master.key` there, the file counts.
    #[must_use]
    pub fn find(state: &Path, credentials: Option<&Path>) -> Self {
        match credentials {
            Some(folder) if folder.join(KEY_FILE).symlink_metadata().is_ok() => {
                Self::Credential(folder.to_owned())
            }
            _ => Self::File(state.to_owned()),
        }
    }

    /// Returns the word in reports: `credential` or `file`.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Credential(_) => "credential",
            Self::File(_) => "file",
            Self::Given => "given",
        }
    }

    /// Returns the files that may hold a key, the one that must be there first.
    pub(super) fn files(&self) -> Option<(PathBuf, PathBuf)> {
        match self {
            Self::Credential(folder) => {
                Some((folder.join(KEY_FILE), folder.join(PREVIOUS_CREDENTIAL)))
            }
            Self::File(folder) => Some((folder.join(KEY_FILE), folder.join(NEXT_FILE))),
            Self::Given => None,
        }
    }

    /// Reads a key file into the page, refusing one that others can read.
    pub(super) fn read(&self, path: &Path, into: &mut [u8; SECRET]) -> Result<(), VaultError> {
        let io = |error| VaultError::Io(path.to_owned(), error);
        let mut file = OpenOptions::new()
            .read(true)
            .custom_flags(nix::libc::O_NOFOLLOW)
            .open(path)
            .map_err(io)?;
        let meta = file.metadata().map_err(io)?;
        let private = match self {
            // The service manager grants its user access by an access control list, whose mask
            // stands in the group's bits (acl(5)); it guards the folder, too.
            Self::Credential(_) => meta.mode() & 0o007 == 0,
            _ => meta.mode() & 0o077 == 0 && meta.uid() == nix::unistd::geteuid().as_raw(),
        };
        if !meta.is_file() || !private || meta.len() != SECRET as u64 {
            return Err(VaultError::BadKeyFile(path.to_owned()));
        }
        file.read_exact(into).map_err(io)
    }
}

/// Makes the names of key files durable.
pub(super) fn settle(source: &Source) -> Result<(), VaultError> {
    let Source::File(folder) = source else { return Ok(()) };
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(|error| VaultError::Io(folder.clone(), error))
}

/// Makes a key file so that a crash leaves either none or a whole one.
pub(super) fn write(folder: &Path, name: &str, key: &[u8; SECRET]) -> Result<(), VaultError> {
    let path = folder.join(name);
    let made = || -> io::Result<()> {
        let fresh = folder.join(format!("{KEY_FILE}.new"));
        match fs::remove_file(&fresh) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh)?;
        file.write_all(key)?;
        file.sync_all()?;
        fs::rename(&fresh, &path)?;
        File::open(folder)?.sync_all()
    };
    made().map_err(|error| VaultError::Io(path.clone(), error))
}

/// Makes the next key the key, durably: in one step the old one is gone.
pub(super) fn promote(folder: &Path) -> Result<(), VaultError> {
    let path = folder.join(NEXT_FILE);
    let moved = fs::rename(&path, folder.join(KEY_FILE));
    let settled = moved.and_then(|()| File::open(folder)?.sync_all());
    settled.map_err(|error| VaultError::Io(path, error))
}
