//! Opens the state folder: the database and the key that belong together.
//!
//! A missing part is an error, never an empty house: else a folder whose file system was not
//! mounted would mean that nobody has a token, and `nullok` would let everybody in. Only
//! `fobd --initialize` sets a folder up.

use std::{
    fmt,
    fs::DirBuilder,
    io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

use crate::{
    record::{self, Host},
    store::{
        Committed, Guard, Key, Store, StoreError, Write,
        sled::{OpenError, SledStore},
    },
    vault::{KEY_FILE, KeyFile, Vault, VaultError},
};

/// The record that says that a database was set up.
const MARK: &str = "initialized";
/// The database's folder in the state folder.
const DATABASE: &str = "tokens";

/// Why the state folder is not opened.
#[derive(Debug)]
pub enum StateError {
    /// There is no database, or an empty one.
    DatabaseMissing,
    /// This part of it is there already.
    Initialized(PathBuf),
    /// The folder cannot be made or used.
    Io(io::Error),
    /// The database does not answer.
    Read(StoreError),
    /// The database does not open.
    Store(OpenError),
    /// The key does not open, or is missing.
    Vault(VaultError),
}

impl fmt::Display for StateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DatabaseMissing => f.write_str(
                "there is no token database. If there was one, restore it, or mount its file \
                 system; if this is a new host, run \"fobd --initialize\".",
            ),
            Self::Initialized(part) => write!(
                f,
                "{} is there already; nothing was changed. To begin without tokens, move it away first.",
                part.display()
            ),
            Self::Io(error) => write!(f, "the state folder cannot be used: {error}."),
            Self::Read(error) => error.fmt(f),
            Self::Store(error) => error.fmt(f),
            Self::Vault(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for StateError {}

/// Opens the database and the vault of a state folder that was set up.
///
/// # Errors
///
/// [`StateError`].
pub fn open(folder: &Path) -> Result<(SledStore, Vault), StateError> {
    let database = folder.join(DATABASE);
    if !SledStore::is_there(&database) {
        return Err(StateError::DatabaseMissing);
    }
    let store = SledStore::open(&database).map_err(StateError::Store)?;
    if !wait(is_marked(&store))?.map_err(StateError::Read)? {
        return Err(StateError::DatabaseMissing);
    }
    let vault = Vault::open(folder, KeyFile::MustExist).map_err(StateError::Vault)?;
    Ok((store, vault))
}

/// Sets a state folder up: makes the folder, the key and an empty database.
///
/// # Errors
///
/// [`StateError::Initialized`] if any of them is there; what is there is not touched.
pub fn initialize(folder: &Path) -> Result<(), StateError> {
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            return Err(StateError::Io(error));
        }
        _ => {}
    }
    for part in [DATABASE, KEY_FILE] {
        let part = folder.join(part);
        if part.symlink_metadata().is_ok() {
            return Err(StateError::Initialized(part));
        }
    }
    Vault::open(folder, KeyFile::Make).map_err(StateError::Vault)?;
    let store = SledStore::open(&folder.join(DATABASE)).map_err(StateError::Store)?;
    wait(mark(&store))?.map_err(StateError::Read)
}

/// Waits for the store, before there is a runtime.
fn wait<T>(work: impl Future<Output = T>) -> Result<T, StateError> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().map_err(StateError::Io)?;
    Ok(runtime.block_on(work))
}

async fn is_marked(store: &SledStore) -> Result<bool, StoreError> {
    Ok(store.get(&[Key::meta(MARK)]).await?.iter().any(Option::is_some))
}

/// Marks a database as set up, with the record of a host whose daemon ended well: else the first
/// start would raise a fence, for it would know nothing of the runs before.
async fn mark(store: &SledStore) -> Result<(), StoreError> {
    let (key, host) = (Key::meta(MARK), Key::host());
    let record = record::encode(host.as_bytes(), &Host::default());
    let record = record.map_err(|_| StoreError::Corrupt)?;
    let writes = vec![Write::Put(key.clone(), vec![1]), Write::Put(host, record)];
    match store.commit(vec![Guard::Absent(key)], writes).await? {
        Committed::Done => Ok(()),
        Committed::Conflict(_) => Err(StoreError::Corrupt),
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::PathBuf};

    use super::{StateError, initialize, open};
    use crate::vault::KEY_FILE;

    fn folder() -> (tempfile::TempDir, PathBuf) {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("fobd");
        initialize(&folder).unwrap();
        (parent, folder)
    }

    #[test]
    fn a_folder_that_was_set_up_opens_again_and_again() {
        let (_parent, folder) = folder();
        drop(open(&folder).unwrap());
        assert!(open(&folder).is_ok());
    }

    #[test]
    fn a_folder_is_set_up_once() {
        let (_parent, folder) = folder();
        let key = fs::read(folder.join(KEY_FILE)).unwrap();
        assert!(matches!(initialize(&folder), Err(StateError::Initialized(_))));
        assert_eq!(fs::read(folder.join(KEY_FILE)).unwrap(), key);
    }

    #[test]
    fn an_empty_folder_is_an_error_and_not_a_host_without_tokens() {
        let (_parent, folder) = folder();
        fs::remove_dir_all(&folder).unwrap();
        fs::create_dir(&folder).unwrap();
        assert!(matches!(open(&folder), Err(StateError::DatabaseMissing)));
    }

    #[test]
    fn a_missing_database_is_an_error_and_not_an_empty_one() {
        let (_parent, folder) = folder();
        fs::remove_dir_all(folder.join("tokens")).unwrap();
        assert!(matches!(open(&folder), Err(StateError::DatabaseMissing)));
    }

    #[test]
    fn an_emptied_database_is_an_error() {
        use std::os::unix::fs::PermissionsExt;
        let (_parent, folder) = folder();
        fs::remove_dir_all(folder.join("tokens")).unwrap();
        fs::create_dir(folder.join("tokens")).unwrap();
        fs::set_permissions(folder.join("tokens"), fs::Permissions::from_mode(0o700)).unwrap();
        assert!(matches!(open(&folder), Err(StateError::DatabaseMissing)));
        assert_eq!(fs::read_dir(folder.join("tokens")).unwrap().count(), 0, "it was touched");
    }

    #[test]
    fn a_missing_key_is_an_error_and_not_a_new_one() {
        let (_parent, folder) = folder();
        fs::remove_file(folder.join(KEY_FILE)).unwrap();
        assert!(matches!(open(&folder), Err(StateError::Vault(_))));
    }
}
