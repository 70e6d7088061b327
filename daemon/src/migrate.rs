//! Brings the database of an older Fob to the layout of this one.
//!
//! The new database is built beside the old one, which stays as it is and is kept. Two renames
//! put it in its place. So a daemon that is killed in between leaves the old database or the new
//! one, never a mixture, and the next start goes on from there:
//!
//! | `tokens` | `tokens.new` | what it is |
//! | --- | --- | --- |
//! | old | perhaps | not done, or begun: begin again |
//! | missing | whole | the old one is put aside, the new one not in its place: do that |
//! | new | missing | done |

mod v2;
mod v3;

use std::{
    fmt,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use serde::Serialize;

use crate::{
    audit::{Event, Field, Name},
    open::DATABASE,
    record::{self, Doubt, Ending, Host, RecordError, SCHEMA, SealedSeed},
    store::{
        Entry, Freshness, Key, Kind, Store, StoreError, Write,
        sled::{Disk, Medium, OpenError, SledStore},
    },
    vault::{Keys, Vault, VaultError},
};

/// The new database as long as it is not whole.
const NEW: &str = "tokens.new";
/// Records of a page, and of the commit that copies it: fewer than what a commit does in pieces.
const PAGE: usize = 200;
/// Most kept copies of one version.
const COPIES: u32 = 99;

/// What was done.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Migrated {
    /// The version that the database had.
    pub from: u8,
    /// Where that database is now.
    pub kept: PathBuf,
    /// Records that could not be read before and cannot be now.
    pub damaged: u32,
    /// Records that were copied.
    pub records: u32,
}

impl Migrated {
    /// Returns the event of it.
    #[must_use]
    pub fn event(&self) -> Event {
        Event::new(Name::Migrated)
            .with(Field::From, self.from)
            .with(Field::To, SCHEMA)
            .with(Field::Records, self.records)
            .with(Field::Damaged, self.damaged)
            .with(Field::Kept, self.kept.display())
    }
}

/// Why a database stays as it is.
#[derive(Debug)]
pub enum Failure {
    /// The new one cannot be put in its place.
    Io(io::Error),
    /// The new one cannot be made.
    Open(OpenError),
    /// A record cannot be read.
    Record(RecordError),
    /// One of the two does not answer.
    Store(StoreError),
    /// A seed, or the house secret, cannot be sealed.
    Vault(VaultError),
    /// A sound record holds a seed that does not open.
    WrongKey(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the token database of an older Fob was not changed: ")?;
        match self {
            Self::Io(error) => write!(f, "{error}."),
            Self::Open(error) => error.fmt(f),
            Self::Record(error) => error.fmt(f),
            Self::Store(error) => error.fmt(f),
            Self::Vault(error) => error.fmt(f),
            Self::WrongKey(serial) => write!(
                f,
                "the seed of token {serial} does not open with the master key that is here. Bring \
                 back the master.key that belongs to this database.",
            ),
        }
    }
}

impl std::error::Error for Failure {}

/// Finishes or clears away what a killed migration left. Call it before the database is opened.
///
/// # Errors
///
/// The call that failed.
pub fn settle(state: &Path) -> io::Result<()> {
    let (database, new) = (state.join(DATABASE), state.join(NEW));
    match (SledStore::is_there(&database), SledStore::is_there(&new)) {
        (true, _) => remove(&new),
        // Only a whole one was ever left alone; what is not whole does not open.
        (false, true) => put(&new, &database, state),
        (false, false) => Ok(()),
    }
}

/// Returns the layout of an older database by the record of its version, which is of that layout
/// itself; `None` if it is none that is brought to this one. Layout 2 had no such record.
#[must_use]
pub fn layout(schema: Option<&Entry>) -> Option<u8> {
    let Some(schema) = schema else { return Some(v2::FROM) };
    let layout = *schema.value.first().filter(|layout| **layout == v3::FROM)?;
    let payload = record::unwrap(layout, schema.key.as_bytes(), &schema.value).ok()?;
    let said: u32 = record::from_payload(payload).ok()?;
    (said == u32::from(layout)).then_some(layout)
}

/// Builds the new database, keeps the old one, and puts the new one in its place.
///
/// # Errors
///
/// [`Failure`]; the old database is in its place and unchanged then, or the next start finishes.
pub async fn migrate(
    state: &Path,
    old: SledStore,
    from: u8,
    keys: Keys,
) -> Result<Migrated, Failure> {
    let vault = vault(&old, from, keys).await?;
    let built = build(state, &old, from, &vault, Disk).await;
    // Closed before it is moved: it writes to its folder by name.
    drop(old);
    let (records, damaged) = match built {
        Ok(counts) => counts,
        Err(failure) => {
            // It may hold the room that was missing; the next start tries it again otherwise.
            let _ = remove(&state.join(NEW));
            return Err(failure);
        }
    };
    let kept = keep(state, from).map_err(Failure::Io)?;
    put(&state.join(NEW), &state.join(DATABASE), state).map_err(Failure::Io)?;
    Ok(Migrated { from, kept, damaged, records })
}

/// Opens the vault of the old database. Without the right key nothing is changed.
async fn vault(old: &SledStore, from: u8, keys: Keys) -> Result<Vault, Failure> {
    if from == v2::FROM {
        return keys.derive().map_err(Failure::Vault);
    }
    let key = Key::vault();
    let house = old.get(std::slice::from_ref(&key)).await.map_err(Failure::Store)?.pop().flatten();
    let house = house.ok_or(Failure::Record(RecordError::Damaged))?;
    let payload = record::unwrap(from, key.as_bytes(), &house.value).map_err(Failure::Record)?;
    let house: SealedSeed = record::from_payload(payload).map_err(Failure::Record)?;
    keys.unlock(&house).map_err(Failure::Vault)
}

/// Builds the new database, and closes it. Returns how many records it has, and how many of them
/// are damaged as they were before. Its mark comes last: without it, it is no database.
async fn build(
    state: &Path,
    old: &SledStore,
    from: u8,
    vault: &Vault,
    medium: impl Medium,
) -> Result<(u32, u32), Failure> {
    let new = state.join(NEW);
    remove(&new).map_err(Failure::Io)?;
    let new = SledStore::open_on(&new, medium).map_err(Failure::Open)?;
    let (mut records, mut damaged) = (0, 0);
    // A commit costs several syncs, and most shards hold few records: they share commits.
    let mut writes = Vec::with_capacity(PAGE);
    let mark = Key::initialized();
    for kind in Kind::ALL {
        for shard in 0..=u8::MAX {
            let mut after = None;
            loop {
                let page = old.list(kind, shard, after.as_ref(), PAGE).await;
                let page = page.map_err(Failure::Store)?;
                for entry in page.iter().filter(|entry| entry.key != mark) {
                    let (value, sound) = carry(entry, from, vault)?;
                    let value = match old.freshness() {
                        Freshness::Fresh => value,
                        Freshness::Doubtful | Freshness::Unclosed => unclean(&entry.key, value)?,
                    };
                    damaged += u32::from(!sound);
                    records += 1;
                    writes.push(Write::Put(entry.key.clone(), value));
                    if writes.len() == PAGE {
                        commit(&new, std::mem::take(&mut writes)).await?;
                    }
                }
                if page.len() < PAGE {
                    break;
                }
                after = page.last().map(|entry| entry.key.clone());
            }
        }
    }
    commit(&new, writes).await?;
    commit(&new, last(from, vault, old.freshness())?).await?;
    Ok((records, damaged))
}

/// Lets the record of the host say that the run before did not end well: the new database would
/// not know that the old one was not closed, or lost something, and no fence would be raised.
fn unclean(key: &Key, value: Vec<u8>) -> Result<Vec<u8>, Failure> {
    if *key != Key::host() {
        return Ok(value);
    }
    match record::decode::<Host>(key.as_bytes(), &value) {
        Ok(host) => record::encode(key.as_bytes(), &Host { ending: Ending::Unclean, ..host })
            .map_err(Failure::Record),
        // It is damaged as it was.
        Err(_) => Ok(value),
    }
}

/// Returns the value of an entry in the new layout, and whether it is sound. A damaged record is
/// carried over as it is, and stays damaged: it must not keep everybody else out.
fn carry(entry: &Entry, from: u8, vault: &Vault) -> Result<(Vec<u8>, bool), Failure> {
    let mut value = entry.value.to_vec();
    for layout in from..SCHEMA {
        value = match step(layout, &entry.key, &value, vault) {
            Err(Failure::Record(RecordError::Damaged)) => return Ok((entry.value.to_vec(), false)),
            stepped => stepped?,
        };
    }
    Ok((value, true))
}

/// Takes a record from a layout to the next.
fn step(from: u8, key: &Key, value: &[u8], vault: &Vault) -> Result<Vec<u8>, Failure> {
    match from {
        v2::FROM => v2::step(key, value, &|serial, old| reseal(vault, serial, old)),
        v3::FROM => v3::step(key, value),
        _ => Err(Failure::Record(RecordError::Newer)),
    }
}

/// Seals a seed of layout 2 anew.
fn reseal(vault: &Vault, serial: &str, old: &v2::Sealed) -> Result<SealedSeed, Failure> {
    match vault.adopt(serial, &old.nonce, &old.sealed) {
        Err(VaultError::Damaged) => Err(Failure::WrongKey(serial.to_owned())),
        adopted => adopted.map_err(Failure::Vault),
    }
}

/// Returns what comes last: the version, the mark, and what the older layout had not.
fn last(from: u8, vault: &Vault, freshness: Freshness) -> Result<Vec<Write>, Failure> {
    let mut writes = vec![put_record(Key::schema(), &u32::from(SCHEMA))?];
    if from == v2::FROM {
        let key = vault.keys().first().copied().unwrap_or_default();
        let house = vault.seal_house(key, 1).map_err(Failure::Vault)?;
        writes.push(put_record(Key::vault(), &house)?);
    }
    if freshness != Freshness::Fresh {
        // No clock is read here: the fence of the next start puts its moment in place of this one,
        // as of one that a clock which was set back has left in the future.
        writes.push(put_record(Key::doubt(), &Doubt { at: u64::MAX })?);
    }
    writes.push(Write::Put(Key::initialized(), vec![1]));
    Ok(writes)
}

fn put_record<T: Serialize>(key: Key, record: &T) -> Result<Write, Failure> {
    let value = record::encode(key.as_bytes(), record).map_err(Failure::Record)?;
    Ok(Write::Put(key, value))
}

async fn commit(new: &SledStore, writes: Vec<Write>) -> Result<(), Failure> {
    if writes.is_empty() {
        return Ok(());
    }
    // Nobody else writes there: without guards there is no conflict.
    new.commit(Vec::new(), writes).await.map(drop).map_err(Failure::Store)
}

/// Puts the old database aside, under a name that is free.
fn keep(state: &Path, from: u8) -> io::Result<PathBuf> {
    let name = |copy| match copy {
        1 => state.join(format!("{DATABASE}.v{from}")),
        _ => state.join(format!("{DATABASE}.v{from}-{copy}")),
    };
    let free = (1..=COPIES).map(name).find(|path| path.symlink_metadata().is_err());
    let kept = free.ok_or(io::ErrorKind::AlreadyExists)?;
    put(&state.join(DATABASE), &kept, state)?;
    Ok(kept)
}

/// Renames a folder durably.
fn put(from: &Path, to: &Path, state: &Path) -> io::Result<()> {
    fs::rename(from, to)?;
    File::open(state)?.sync_all()
}

fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
