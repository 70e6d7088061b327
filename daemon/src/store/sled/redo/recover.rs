//! What an opening finds in the log, and what it does with it.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use sled::{Batch, Db};

use super::{
    super::{
        anchor::{Close, House, Unreadable},
        bulk::ENGINE,
        medium::{Disk, Medium as _},
    },
    FILE, FRESH, Redo,
    form::{self, Entry, Found, SIZE, State},
};

/// The key of the epoch: written in one batch with all that the log held before.
pub(super) const EPOCH: [u8; 2] = [ENGINE, 5];

/// What an opening has found in a log.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in super::super) struct Recovered {
    /// The log of this house is there and can be used again.
    house: Option<House>,
    /// The epoch that is in the database, if there is one.
    stored: Option<u64>,
    /// The epoch from now on.
    next: u64,
    /// Whether all is there that the log held.
    pub(in super::super) loss: Loss,
}

/// Whether something is missing that was acknowledged.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in super::super) enum Loss {
    /// Nothing, as far as the log can tell.
    None,
    /// Perhaps: the log that should be there is not, or has a hole.
    Perhaps,
}

/// Why a log was not read to its end.
#[derive(Debug)]
pub(in super::super) enum Trouble {
    Io(io::Error),
    /// A newer Fob wrote it.
    Newer,
    Sled(sled::Error),
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<sled::Error> for Trouble {
    fn from(error: sled::Error) -> Self {
        Self::Sled(error)
    }
}

/// Puts back into a database what its log holds of it, and makes that durable. What the database
/// and its anchor say of themselves comes with it, if they belong together; of any other nothing is
/// put back. A database that was closed in good order needs nothing of its log.
pub(in super::super) fn recover(
    dir: &Path,
    (db, file): (&Db, &File),
    left: Option<(House, Close)>,
) -> Result<Recovered, Trouble> {
    let stored = db.get(EPOCH)?.map(|bytes| form::decode_epoch(&bytes));
    let there = match stored {
        Some(Err(Unreadable::Newer)) => return Err(Trouble::Newer),
        stored => stored.and_then(Result::ok),
    };
    // No log has entries of epoch 0.
    let epoch = there.unwrap_or_default();
    let Some((house, close)) = left else {
        return Ok(Recovered { house: None, stored: there, next: epoch + 1, loss: Loss::None });
    };
    let bytes = read(dir)?;
    let found = form::read(bytes.as_deref().unwrap_or_default(), house, epoch);
    let Found { entries, highest, state } = found.map_err(|_| Trouble::Newer)?;
    let was_closed = matches!(close, Close::Closed(_));
    if !was_closed && !entries.is_empty() {
        put_back(db, &entries)?;
        db.flush()?;
        Disk.sync(file)?;
    }
    let loss = match (state, stored) {
        _ if was_closed => Loss::None,
        // It is older than logs are.
        (State::Foreign, None) if highest.is_none() => Loss::None,
        (State::Whole, None | Some(Ok(_))) => Loss::None,
        _ => Loss::Perhaps,
    };
    // An epoch that has entries is never used again: not by a database that sled has rolled back
    // either, or they would come back one day.
    let last = highest.unwrap_or_default();
    let next = if there.is_some() && last < epoch { epoch } else { last.max(epoch) + 1 };
    let house = (state != State::Foreign).then_some(house);
    Ok(Recovered { house, stored: there, next, loss })
}

/// Reads the log; `None` if there is none. No more of it than a log has, and one byte.
fn read(dir: &Path) -> io::Result<Option<Vec<u8>>> {
    let file = match File::open(dir.join(FILE)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    let mut bytes = Vec::with_capacity(SIZE);
    file.take(SIZE as u64 + 1).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

fn put_back(db: &Db, entries: &[Entry<'_>]) -> Result<(), Trouble> {
    for entry in entries {
        let damaged = || sled::Error::Corruption { at: None, bt: () };
        for (key, stored) in entry.writes().ok_or_else(damaged)? {
            match stored {
                [] => db.remove(key)?,
                stored => db.insert(key, stored)?,
            };
        }
    }
    Ok(())
}

/// Writes an epoch into a batch: with the next sync the log is empty.
pub(super) fn write_epoch(epoch: u64, batch: &mut Batch) {
    batch.insert(&EPOCH, form::encode_epoch(epoch));
}

impl Redo {
    /// Begins with an empty log, before anybody is answered and after the anchor says what was
    /// found: from here on nothing of that is found again.
    pub(in super::super) fn begin(
        dir: &Path,
        (db, database): (&Db, &File),
        house: House,
        recovered: Recovered,
    ) -> io::Result<Self> {
        let Recovered { house: whose, stored, next: epoch, .. } = recovered;
        if whose != Some(house) {
            make(dir, house)?;
        }
        if stored != Some(epoch) {
            let mut batch = Batch::default();
            write_epoch(epoch, &mut batch);
            db.apply_batch(batch)?;
            db.flush()?;
            Disk.sync(database)?;
        }
        let file = OpenOptions::new().write(true).open(dir.join(FILE))?;
        Ok(Self { file, house, epoch, sequence: 0, end: 0 })
    }
}

/// Makes an empty log in the place of what may be there. All of it is written and synced once: what
/// is written over it later changes nothing about the file but its bytes, so that a sync writes
/// those and no more.
fn make(dir: &Path, house: House) -> io::Result<()> {
    let fresh = dir.join(FRESH);
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
    file.write_all(&form::empty(house))?;
    file.sync_all()?;
    fs::rename(&fresh, dir.join(FILE))?;
    File::open(dir)?.sync_all()
}
