//! Opens the database: whose folder it is, who else has it, what a killed daemon left behind.

use std::{
    fmt,
    fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError},
    io,
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use nix::{
    fcntl::{PosixFadviseAdvice, posix_fadvise},
    unistd::Uid,
};
use sled::{Config, Db};

use super::{
    anchor::{
        self, Anchor, AnchorPlace, Begin, Close, Found, Judged, MANIFEST, Manifest, Mismatch,
        Unreadable,
    },
    bulk,
    check::Check,
    ledger::{self, Book},
    medium::{Disk, Medium},
    progress::Progress,
    redo::{self, Loss, Recovered, Trouble},
    reserve::Reserve,
    writer::RESERVE,
};
use crate::store::{Freshness, Key};

/// Bytes of pages that sled keeps in memory, as it counts them: by their length on the disk. 64 MiB
/// of them made fobd hold 112 to 124 MiB when all of a database of 100 000 tokens had been read; the
/// goal is 100. A sign-in touches two records of about 400 bytes; this is room for the pages of some
/// 50 000 tokens.
const CACHE: u64 = 32 * 1024 * 1024;

/// Most bytes that are read ahead: a million tokens. A larger database would push its own
/// beginning out of the memory of a small host again.
const AHEAD: u64 = 2 << 30;
/// Bytes that the kernel is asked for at a time: it takes no more than the window of its own
/// read-ahead at once (Linux, `force_page_cache_ra`), which is 128 KiB unless it was set.
const CHUNK: usize = 128 << 10;

/// The file whose lock says that a daemon has the database. sled's own lock is taken too late:
/// leftovers are cleared away before.
const LOCK: &str = "lock";
/// sled's database file.
const DATABASE: &str = "db";

/// Why the database was not opened.
#[derive(Debug)]
pub enum OpenError {
    /// Another daemon has it.
    Busy(PathBuf),
    /// What is stored cannot be read.
    Damaged(PathBuf),
    /// The operating system refused; full disks included.
    Io(PathBuf, io::Error),
    /// It is not the database that was left here: most often an older one.
    Mismatched(PathBuf, Mismatch),
    /// Nothing got on for so long.
    Stuck(PathBuf, Duration),
    /// Somebody else may have read or changed it.
    Unsafe(PathBuf, Flaw),
}

/// What is wrong with a file or folder of the database.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Flaw {
    /// It belongs to another user.
    Foreign,
    /// It has a second name.
    HardLink,
    /// Its mode lets others in.
    Mode,
    /// It is neither the folder nor the plain file that belongs there; perhaps a symbolic link.
    Type,
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Busy(path) => write!(f, "another fobd has the token store {}", path.display()),
            Self::Damaged(path) => write!(
                f,
                "damaged token store: {}. Restore the whole state folder from a backup.",
                path.display()
            ),
            Self::Io(path, error) => {
                write!(f, "{}: {error}.{}", path.display(), remedy(error.kind()))
            }
            Self::Mismatched(path, mismatch) => write!(
                f,
                "the token store {} is not as it was left: {mismatch}. Restore the whole state \
                 folder from a backup; codes that were used could be used again on this one.",
                path.display()
            ),
            Self::Stuck(path, patience) => write!(
                f,
                "the token store {} could not be opened: nothing was read for {} seconds. Look at \
                 the disk; if that is well, restore the state folder from a backup.",
                path.display(),
                patience.as_secs()
            ),
            Self::Unsafe(path, flaw) => write!(f, "{} {flaw}", path.display()),
        }
    }
}

/// Returns what to do about an error of the operating system, as far as that is known.
fn remedy(kind: io::ErrorKind) -> &'static str {
    match kind {
        io::ErrorKind::ReadOnlyFilesystem => {
            " Every sign-in is written down before it succeeds: mount it so that it can be written."
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            " Make room: fobd needs 8 MiB to start."
        }
        _ => "",
    }
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Foreign => "does not belong to the user that fobd runs as.",
            Self::HardLink => "has a second name (hard link); remove that.",
            Self::Mode => "lets other users in; it may have been read or changed.",
            Self::Type => "is not the folder or plain file that belongs there.",
        })
    }
}

impl std::error::Error for OpenError {}

/// An open database.
pub(super) struct Opened {
    pub(super) db: Db,
    /// A second descriptor of the database file, to sync it.
    pub(super) file: File,
    /// Whoever holds it has the database.
    pub(super) lock: File,
    /// Where its anchor lies.
    pub(super) place: AnchorPlace,
    /// What its records come to, and what that means.
    pub(super) begin: Begin,
    /// What is to be read while it is served.
    pub(super) check: Check,
    /// What its log was.
    pub(super) recovered: Recovered,
    /// The room that is kept beside it.
    pub(super) reserve: Reserve,
}

pub(super) fn is_there(dir: &Path) -> bool {
    dir.join(DATABASE).symlink_metadata().is_ok()
}

pub(super) fn open(dir: &Path, large: u64, progress: &Progress) -> Result<Opened, OpenError> {
    let io = |error| OpenError::Io(dir.to_owned(), error);
    match DirBuilder::new().mode(0o700).create(dir) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(io(error)),
        _ => check_folder(dir)?,
    }
    for entry in fs::read_dir(dir).map_err(io)? {
        check_inside(&entry.map_err(io)?.path())?;
    }
    let lock = lock(dir)?;
    clear_leftovers(dir).map_err(io)?;
    let place = AnchorPlace::new(dir);
    let anchor = place.read().map_err(io)?;
    settle(&dir.join(DATABASE), anchor).map_err(io)?;
    let mut reserve = Reserve::find(dir);
    if Disk.room(&lock).map_err(io)? < RESERVE {
        reserve.give_up();
    }
    let config = Config::new().path(dir).cache_capacity(CACHE).flush_every_ms(None);
    let sort = |error| sort(dir, error);
    progress.step();
    let db = open_settled(&config).map_err(sort)?;
    progress.step();
    bulk::roll_back(&db, progress).map_err(sort)?;
    let file = OpenOptions::new().write(true).open(dir.join(DATABASE)).map_err(io)?;
    let says = says(&db, anchor).map_err(sort)?;
    let recovered = recover(dir, (&db, &file), says)?;
    progress.step();
    let (mut begin, check) = look_over(dir, &db, says, large, progress)?;
    if let (Judged::Fits(_, freshness @ Freshness::Unclosed), Loss::Perhaps) =
        (&mut begin.judged, recovered.loss)
    {
        *freshness = Freshness::Doubtful;
    }
    close_up(dir).map_err(io)?;
    progress.step();
    Ok(Opened { db, file, lock, place, begin, check, recovered, reserve })
}

/// What a database and its anchor say.
type Says = (Option<Result<Manifest, Unreadable>>, Option<Result<Anchor, Unreadable>>);

/// Reads what the database says of itself.
fn says(db: &Db, anchor: Option<Result<Anchor, Unreadable>>) -> sled::Result<Says> {
    Ok(match is_of_layout_2(db)? {
        // The Fob that writes it keeps neither of them up to date: they would be from a visit of
        // this one, before that one was installed again.
        true => (None, None),
        false => (db.get(MANIFEST)?.map(|bytes| Manifest::decode(&bytes)), anchor),
    })
}

/// Puts back what the log holds of a database that was not closed.
fn recover(dir: &Path, database: (&Db, &File), says: Says) -> Result<Recovered, OpenError> {
    let left = match says {
        (Some(Ok(manifest)), Some(Ok(anchor))) if manifest.house == anchor.house => {
            Some((anchor.house, anchor.close))
        }
        _ => None,
    };
    redo::recover(dir, database, left).map_err(|trouble| match trouble {
        Trouble::Io(error) => OpenError::Io(dir.join(redo::FILE), error),
        Trouble::Newer => OpenError::Mismatched(dir.to_owned(), Mismatch::Newer),
        Trouble::Sled(error) => sort(dir, error),
    })
}

/// Compares an open database with its anchor; reads all of it first, if it must.
fn look_over(
    dir: &Path,
    db: &Db,
    (manifest, anchor): Says,
    large: u64,
    progress: &Progress,
) -> Result<(Begin, Check), OpenError> {
    let sort = |error| sort(dir, error);
    let claimed = anchor::read_marks(db).map_err(sort)?;
    let unknown = ledger::unknown(db).next().is_some();
    let claims = Found { manifest, anchor, sums: claimed.total() };
    let (book, check) = match claims.may_wait(large).filter(|_| !unknown) {
        Some(hot) => (claimed.clone(), Check::of(claimed.clone(), hot)),
        None => (Book::count(db, progress).map_err(sort)?, Check::needless()),
    };
    let judged = anchor::judge(&Found { manifest, anchor, sums: book.total() });
    let judged = judged.map_err(|mismatch| OpenError::Mismatched(dir.to_owned(), mismatch))?;
    Ok((Begin { judged, book, claimed, large }, check))
}

/// Sorts an error of sled.
fn sort(dir: &Path, error: sled::Error) -> OpenError {
    match error {
        sled::Error::Io(error) => OpenError::Io(dir.to_owned(), error),
        _ => OpenError::Damaged(dir.to_owned()),
    }
}

/// Tells whether a database was set up before databases had a version.
fn is_of_layout_2(db: &Db) -> sled::Result<bool> {
    let has = |key: Key| db.contains_key(key.as_bytes());
    Ok(has(Key::initialized())? && !has(Key::schema())?)
}

/// Opens the database. Our own lock is held by now, so whoever has sled's is a thread of a database
/// that this process has just closed: sled does not wait for those, but they end soon.
#[allow(clippy::disallowed_methods, reason = "no event tells when sled's threads have ended")]
pub(super) fn open_settled(config: &Config) -> sled::Result<Db> {
    const PATIENCE: u32 = 100;
    const PAUSE: Duration = Duration::from_millis(20);
    for _ in 0..PATIENCE {
        match config.open() {
            Err(sled::Error::Io(error)) if is_held(&error) => thread::sleep(PAUSE),
            opened => return opened,
        }
    }
    config.open()
}

/// Tells whether sled's lock is held. sled 0.34.7 tells it by its text alone (`Config::try_lock`).
fn is_held(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::Other && error.to_string().contains("could not acquire lock")
}

/// Checks that nobody else could have reached into the folder.
fn check_folder(dir: &Path) -> Result<(), OpenError> {
    let flawed = |flaw| Err(OpenError::Unsafe(dir.to_owned(), flaw));
    let facts = fs::symlink_metadata(dir).map_err(|error| OpenError::Io(dir.to_owned(), error))?;
    match () {
        () if !facts.is_dir() => flawed(Flaw::Type),
        () if facts.uid() != Uid::effective().as_raw() => flawed(Flaw::Foreign),
        () if facts.mode() & 0o077 != 0 => flawed(Flaw::Mode),
        () => Ok(()),
    }
}

/// Checks a thing in the folder. One that others may only read was created under a lax umask,
/// nobody could reach it, and [`close_up`] mends it.
fn check_inside(path: &Path) -> Result<(), OpenError> {
    let flawed = |flaw| Err(OpenError::Unsafe(path.to_owned(), flaw));
    let facts =
        fs::symlink_metadata(path).map_err(|error| OpenError::Io(path.to_owned(), error))?;
    match () {
        () if !facts.is_dir() && !facts.is_file() => flawed(Flaw::Type),
        () if facts.uid() != Uid::effective().as_raw() => flawed(Flaw::Foreign),
        () if facts.mode() & 0o022 != 0 => flawed(Flaw::Mode),
        () if facts.is_file() && facts.nlink() != 1 => flawed(Flaw::HardLink),
        () => Ok(()),
    }
}

fn lock(dir: &Path) -> Result<File, OpenError> {
    let path = dir.join(LOCK);
    let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path);
    let file = file.map_err(|error| OpenError::Io(path.clone(), error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::Busy(dir.to_owned())),
        Err(TryLockError::Error(error)) => Err(OpenError::Io(path, error)),
    }
}

/// Removes the snapshots that a killed daemon left half-written; sled would take one for whole
/// (sled issues 1527 and 1533). Never a finished one: without it sled may start empty. And an
/// anchor or a log that did not get its name.
fn clear_leftovers(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.as_encoded_bytes();
        let snapshot = name.starts_with(b"snap.") && name.ends_with(b".generating");
        if snapshot || [anchor::FRESH, redo::FRESH].map(str::as_bytes).contains(&name) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Makes sure that what is read now is what is on the disk. After a failed sync the kernel keeps
/// pages as clean that never reached the disk (fsync(2), "Errors"); a database opened on them
/// would lose later writes in a power cut. So what the kernel keeps is dropped; unless the anchor
/// says that the store was closed, which it does only after every sync has succeeded. Reading a
/// million tokens from the disk once more takes as long as the disk does.
fn settle(database: &Path, anchor: Option<Result<Anchor, Unreadable>>) -> io::Result<()> {
    let file = match File::open(database) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        opened => opened?,
    };
    let synced = file.sync_all();
    let closed = matches!(anchor, Some(Ok(Anchor { close: Close::Closed(_), .. })));
    // What sled writes while it is closed is synced here for the first time: if that fails, the
    // next try must not find the pages.
    if synced.is_err() || !closed {
        posix_fadvise(&file, 0, 0, PosixFadviseAdvice::POSIX_FADV_DONTNEED)?;
    }
    synced.map(|()| read_ahead(file))
}

/// Has the kernel read the database in the order of the disk before sled reads it in that of its
/// keys: four times as fast, where it was measured (27 against 6 MB a second). What is in memory
/// already is not read again.
fn read_ahead(file: File) {
    let length = file.metadata().map_or(0, |facts| facts.len()).min(AHEAD);
    let read = move || {
        for offset in (0..length).step_by(CHUNK) {
            let start = i64::try_from(offset).unwrap_or(i64::MAX);
            let _ =
                posix_fadvise(&file, start, CHUNK as i64, PosixFadviseAdvice::POSIX_FADV_WILLNEED);
        }
    };
    // Advice that is not taken, or not given, costs time and nothing else.
    let _ = thread::Builder::new().name("store-ahead".to_owned()).spawn(read);
}

/// Gives everything inside the mode that it should have, and makes the folder itself durable.
fn close_up(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let mode = if entry.file_type()?.is_dir() { 0o700 } else { 0o600 };
        fs::set_permissions(entry.path(), Permissions::from_mode(mode))?;
        File::open(entry.path())?.sync_all()?;
    }
    File::open(dir)?.sync_all()?;
    let parent = dir.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::Key;
    use crate::store::{
        Committed, Store, Write,
        sled::{SledStore, shelf::encode},
    };

    /// A user goes back to the Fob of layout 2, which writes without a manifest, and forward again.
    #[tokio::test]
    async fn what_the_fob_of_layout_2_wrote_is_not_taken_for_decay() {
        let parent = tempfile::tempdir().unwrap();
        let dir = parent.path().join("tokens");
        let store = SledStore::open(&dir).unwrap();
        let mark = Write::Put(Key::initialized(), vec![1]);
        assert_eq!(store.commit(Vec::new(), vec![mark]).await, Ok(Committed::Done));
        drop(store);
        let old = super::open_settled(&super::Config::new().path(&dir)).unwrap();
        old.insert(Key::user(1000).as_bytes(), encode(7, b"tokens")).unwrap();
        old.flush().unwrap();
        drop(old);
        let store = SledStore::open(&dir).unwrap();
        assert!(store.get(&[Key::user(1000)]).await.unwrap()[0].is_some());
    }
}
