//! Opens the state folder: the database and the key that belong together.
//!
//! A missing part is an error, never an empty house: else a folder whose file system was not
//! mounted would mean that nobody has a token, and `nullok` would let everybody in. Only
//! `fobd --initialize` sets a folder up.

use std::{
    fmt,
    fs::{DirBuilder, File, TryLockError},
    io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    migrate::{self, Migrated},
    record::{self, Host, RecordError, SCHEMA, SealedSeed},
    store::{
        Committed, Entry, Guard, Key, Store, StoreError, Write,
        sled::{OpenError, SledStore},
    },
    vault::{KEY_FILE, KeyFile, Keys, Source, Vault, VaultError},
};

/// The database's folder in the state folder.
pub(crate) const DATABASE: &str = "tokens";

/// How long the opening of the database may stand still. On a disk that takes 5 s for a sync no
/// step takes longer than a third of this; a database of a million tokens opens in a few seconds
/// and gets on all the while. The service manager's own patience is three times that.
const PATIENCE: Duration = Duration::from_secs(30);

/// Why the state folder is not opened.
#[derive(Debug)]
pub enum StateError {
    /// Another fobd is opening it.
    Busy,
    /// There is no database, or an empty one.
    DatabaseMissing,
    /// This part of it is there already.
    Initialized(PathBuf),
    /// The folder cannot be made or used.
    Io(io::Error),
    /// The database of an older Fob stays as it is.
    Migration(migrate::Failure),
    /// A newer Fob has written the database.
    Newer,
    /// The database does not answer.
    Read(StoreError),
    /// A record that every start needs cannot be read.
    Record(RecordError),
    /// The database does not open.
    Store(OpenError),
    /// The key does not open, or is missing.
    Vault(VaultError),
}

impl fmt::Display for StateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Busy => {
                f.write_str("another fobd is opening the state folder. Stop one of them.")
            }
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
            Self::Migration(failure) => failure.fmt(f),
            Self::Newer => write!(
                f,
                "the token database was written by a newer Fob; this one knows version {SCHEMA}. \
                 Install the newer one again, or go back to the copy that it kept: \
                 {DATABASE}.v{SCHEMA}, as README.md says under \"Older and newer databases\".",
            ),
            Self::Read(error) => error.fmt(f),
            Self::Record(error) => error.fmt(f),
            Self::Store(error) => error.fmt(f),
            Self::Vault(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for StateError {}

/// An open state folder.
pub struct Opened {
    /// The database.
    pub store: SledStore,
    /// The keys to it.
    pub vault: Vault,
    /// What was done to the database of an older Fob.
    pub migrated: Option<Migrated>,
}

/// Returns where a state folder has its database.
#[must_use]
pub fn database(folder: &Path) -> PathBuf {
    folder.join(DATABASE)
}

/// Opens the database and the vault of a state folder that was set up; the database of an older
/// Fob is migrated first. `credentials` is the folder that the service manager made for
/// credentials, if it did.
///
/// # Errors
///
/// [`StateError`].
pub fn open(folder: &Path, credentials: Option<&Path>) -> Result<Opened, StateError> {
    let _lock = lock(folder)?;
    migrate::settle(folder).map_err(StateError::Io)?;
    let database = folder.join(DATABASE);
    if !SledStore::is_there(&database) {
        return Err(StateError::DatabaseMissing);
    }
    let open_keys = || {
        let source = Source::find(folder, credentials);
        Keys::open(source, KeyFile::MustExist).map_err(StateError::Vault)
    };
    let open_store = || SledStore::open_within(&database, PATIENCE).map_err(StateError::Store);
    let mut store = open_store()?;
    let mut migrated = None;
    if let Some(from) = wait(version(&store))?? {
        let done = wait(migrate::migrate(folder, store, from, open_keys()?))?;
        migrated = Some(done.map_err(StateError::Migration)?);
        store = open_store()?;
    }
    let [house] = wait(read(&store, [Key::vault()]))??;
    let house: SealedSeed = decode(house.as_ref())?;
    let vault = open_keys()?.unlock(&house).map_err(StateError::Vault)?;
    Ok(Opened { store, vault, migrated })
}

/// Keeps a second daemon out until the database, which has a lock of its own, is open: in between
/// a migration moves that lock away.
fn lock(folder: &Path) -> Result<File, StateError> {
    let file = match File::open(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(StateError::DatabaseMissing);
        }
        opened => opened.map_err(StateError::Io)?,
    };
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StateError::Busy),
        Err(TryLockError::Error(error)) => Err(StateError::Io(error)),
    }
}

/// Returns the version of a database that has to be migrated; `None` for one of this version.
async fn version(store: &SledStore) -> Result<Option<u8>, StateError> {
    let [mark, schema] = read(store, [Key::initialized(), Key::schema()]).await?;
    if mark.is_none() {
        return Err(StateError::DatabaseMissing);
    }
    if let Some(from) = migrate::layout(schema.as_ref()) {
        return Ok(Some(from));
    }
    match decode::<u32>(schema.as_ref())? {
        version if version == u32::from(SCHEMA) => Ok(None),
        version if version > u32::from(SCHEMA) => Err(StateError::Newer),
        _ => Err(StateError::Record(RecordError::Damaged)),
    }
}

/// Makes the state folder, if it is not there.
///
/// # Errors
///
/// [`StateError::Initialized`] if it was set up; nothing is touched then.
pub fn make_room(folder: &Path) -> Result<(), StateError> {
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
    Ok(())
}

/// Sets a state folder up: makes the folder, the key and an empty database, which belong to
/// whoever runs this.
///
/// # Errors
///
/// [`StateError::Initialized`] if any of them is there; what is there is not touched.
pub fn initialize(folder: &Path, credentials: Option<&Path>) -> Result<(), StateError> {
    make_room(folder)?;
    let source = Source::find(folder, credentials);
    let vault = Keys::open(source, KeyFile::Make).and_then(Keys::found);
    let vault = vault.map_err(StateError::Vault)?;
    let store = SledStore::open(&folder.join(DATABASE)).map_err(StateError::Store)?;
    wait(mark(&store, &vault))?
}

/// Waits for the store, before there is a runtime.
fn wait<T>(work: impl Future<Output = T>) -> Result<T, StateError> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().map_err(StateError::Io)?;
    Ok(runtime.block_on(work))
}

async fn read<const N: usize>(
    store: &SledStore,
    keys: [Key; N],
) -> Result<[Option<Entry>; N], StateError> {
    let entries = store.get(&keys).await.map_err(StateError::Read)?;
    entries.try_into().map_err(|_| StateError::Read(StoreError::Corrupt))
}

/// Decodes a record that every database has.
fn decode<T: DeserializeOwned>(entry: Option<&Entry>) -> Result<T, StateError> {
    let entry = entry.ok_or(StateError::Record(RecordError::Damaged))?;
    record::decode(entry.key.as_bytes(), &entry.value).map_err(|error| match error {
        RecordError::Newer => StateError::Newer,
        RecordError::Damaged => StateError::Record(error),
    })
}

/// Marks a database as set up: with its version, its house secret, and the record of a host whose
/// daemon ended well: else the first start would raise a fence, for it would know nothing of the
/// runs before.
async fn mark(store: &SledStore, vault: &Vault) -> Result<(), StateError> {
    let key = vault.keys().first().copied().unwrap_or_default();
    let house = vault.seal_house(key, 1).map_err(StateError::Vault)?;
    let mark = Key::initialized();
    let writes = vec![
        Write::Put(mark.clone(), vec![1]),
        encoded(Key::schema(), &u32::from(SCHEMA))?,
        encoded(Key::vault(), &house)?,
        encoded(Key::host(), &Host::default())?,
    ];
    match store.commit(vec![Guard::Absent(mark)], writes).await.map_err(StateError::Read)? {
        Committed::Done => Ok(()),
        Committed::Conflict(_) => Err(StateError::Read(StoreError::Corrupt)),
    }
}

fn encoded<T: Serialize>(key: Key, record: &T) -> Result<Write, StateError> {
    let value = record::encode(key.as_bytes(), record).map_err(StateError::Record)?;
    Ok(Write::Put(key, value))
}

#[cfg(test)]
mod tests {
    use std::{fs, path::PathBuf};

    use super::{
        DATABASE, StateError, Vault, VaultError, decode, encoded, initialize, open, read, wait,
    };
    use crate::{
        record::SealedSeed,
        store::{Committed, Key, Store, sled::SledStore},
        vault::KEY_FILE,
    };

    fn folder() -> (tempfile::TempDir, PathBuf) {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("fobd");
        initialize(&folder, None).unwrap();
        (parent, folder)
    }

    #[test]
    fn a_folder_that_was_set_up_opens_again_and_again() {
        let (_parent, folder) = folder();
        drop(open(&folder, None).unwrap());
        assert!(open(&folder, None).is_ok());
    }

    #[test]
    fn a_folder_is_set_up_once() {
        let (_parent, folder) = folder();
        let key = fs::read(folder.join(KEY_FILE)).unwrap();
        assert!(matches!(initialize(&folder, None), Err(StateError::Initialized(_))));
        assert_eq!(fs::read(folder.join(KEY_FILE)).unwrap(), key);
    }

    #[test]
    fn an_empty_folder_is_an_error_and_not_a_host_without_tokens() {
        let (_parent, folder) = folder();
        fs::remove_dir_all(&folder).unwrap();
        fs::create_dir(&folder).unwrap();
        assert!(matches!(open(&folder, None), Err(StateError::DatabaseMissing)));
    }

    #[test]
    fn a_missing_database_is_an_error_and_not_an_empty_one() {
        let (_parent, folder) = folder();
        fs::remove_dir_all(folder.join("tokens")).unwrap();
        assert!(matches!(open(&folder, None), Err(StateError::DatabaseMissing)));
    }

    #[test]
    fn an_emptied_database_is_an_error() {
        use std::os::unix::fs::PermissionsExt;
        let (_parent, folder) = folder();
        fs::remove_dir_all(folder.join("tokens")).unwrap();
        fs::create_dir(folder.join("tokens")).unwrap();
        fs::set_permissions(folder.join("tokens"), fs::Permissions::from_mode(0o700)).unwrap();
        assert!(matches!(open(&folder, None), Err(StateError::DatabaseMissing)));
        assert_eq!(fs::read_dir(folder.join("tokens")).unwrap().count(), 0, "it was touched");
    }

    #[test]
    fn the_wrong_key_is_named_and_the_one_that_is_wanted() {
        let (_parent, folder) = folder();
        let wanted = open(&folder, None).unwrap().vault.keys()[0];
        fs::write(folder.join(KEY_FILE), [1; 32]).unwrap();
        let Err(error) = open(&folder, None) else { panic!("another key opened it") };
        let here = Vault::with_key(&[1; 32]).unwrap().keys()[0];
        let text = error.to_string();
        assert!(text.contains(&wanted.to_string()) && text.contains(&here.to_string()), "{text}");
    }

    #[test]
    fn a_damaged_house_secret_is_told_apart_from_a_wrong_key() {
        let (_parent, folder) = folder();
        let store = SledStore::open(&folder.join(DATABASE)).unwrap();
        let [entry] = wait(read(&store, [Key::vault()])).unwrap().unwrap();
        let mut house: SealedSeed = decode(entry.as_ref()).unwrap();
        house.sealed[0] ^= 1;
        let write = encoded(Key::vault(), &house).unwrap();
        let done = wait(store.commit(Vec::new(), vec![write])).unwrap();
        assert_eq!(done, Ok(Committed::Done));
        drop(store);
        assert!(matches!(open(&folder, None), Err(StateError::Vault(VaultError::Damaged))));
    }

    #[test]
    fn a_missing_key_is_an_error_and_not_a_new_one() {
        let (_parent, folder) = folder();
        fs::remove_file(folder.join(KEY_FILE)).unwrap();
        assert!(matches!(open(&folder, None), Err(StateError::Vault(_))));
    }
}
