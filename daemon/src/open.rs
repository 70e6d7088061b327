//! Opens the state folder: the database and the key that belong together.
//!
//! A missing part is an error, never an empty house: else a lost disk would mean that nobody
//! has a token, and `nullok` would let everybody in.

use std::{fmt, path::Path};

use crate::{
    store::{
        Committed, Guard, Key, Store, StoreError, Write,
        sled::{OpenError, SledStore},
    },
    vault::{KEY_FILE, KeyFile, Vault, VaultError},
};

/// The record that says that a database was set up.
const MARK: &str = "initialized";

/// Why the state folder is not opened.
#[derive(Debug)]
pub enum StateError {
    /// The database does not open.
    Store(OpenError),
    /// The database does not answer.
    Read(StoreError),
    /// There is a key but an empty database: it was lost, or the folder is not the right one.
    DatabaseMissing,
    /// The key does not open, or is missing.
    Vault(VaultError),
}

impl fmt::Display for StateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(error) => error.fmt(f),
            Self::Read(error) => error.fmt(f),
            Self::DatabaseMissing => write!(
                f,
                "there is a {KEY_FILE}, but the token database is empty. Restore the database, or remove {KEY_FILE} to begin without tokens."
            ),
            Self::Vault(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for StateError {}

/// Opens the database and the vault of a state folder, and sets both up at the first start.
///
/// # Errors
///
/// [`StateError`].
pub fn open(folder: &Path) -> Result<(SledStore, Vault), StateError> {
    let had_key = folder.join(KEY_FILE).symlink_metadata().is_ok();
    let store = SledStore::open(&folder.join("tokens")).map_err(StateError::Store)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .map_err(|error| StateError::Vault(VaultError::Io(error)))?;
    let marked = runtime.block_on(is_marked(&store)).map_err(StateError::Read)?;
    let vault = match (marked, had_key) {
        (true, _) => Vault::open(folder, KeyFile::MustExist).map_err(StateError::Vault)?,
        (false, true) => return Err(StateError::DatabaseMissing),
        (false, false) => {
            // The key first: a crash in between is told with its remedy, see DatabaseMissing.
            let vault = Vault::open(folder, KeyFile::Make).map_err(StateError::Vault)?;
            runtime.block_on(mark(&store)).map_err(StateError::Read)?;
            vault
        }
    };
    Ok((store, vault))
}

async fn is_marked(store: &SledStore) -> Result<bool, StoreError> {
    Ok(store.get(&[Key::meta(MARK)]).await?.iter().any(Option::is_some))
}

async fn mark(store: &SledStore) -> Result<(), StoreError> {
    let key = Key::meta(MARK);
    match store.commit(vec![Guard::Absent(key.clone())], vec![Write::Put(key, vec![1])]).await? {
        Committed::Done => Ok(()),
        Committed::Conflict(_) => Err(StoreError::Corrupt),
    }
}

#[cfg(test)]
mod tests {
    use super::{StateError, open};
    use crate::vault::KEY_FILE;

    fn folder() -> tempfile::TempDir {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
        folder
    }

    #[test]
    fn a_folder_that_was_set_up_opens_again() {
        let folder = folder();
        drop(open(folder.path()).unwrap());
        assert!(open(folder.path()).is_ok());
    }

    #[test]
    fn a_missing_database_is_an_error_and_not_an_empty_one() {
        let folder = folder();
        drop(open(folder.path()).unwrap());
        std::fs::remove_dir_all(folder.path().join("tokens")).unwrap();
        assert!(matches!(open(folder.path()), Err(StateError::DatabaseMissing)));
    }

    #[test]
    fn a_missing_key_is_an_error_and_not_a_new_one() {
        let folder = folder();
        drop(open(folder.path()).unwrap());
        std::fs::remove_file(folder.path().join(KEY_FILE)).unwrap();
        assert!(matches!(open(folder.path()), Err(StateError::Vault(_))));
    }
}
