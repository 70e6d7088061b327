//! A backup that is read: from memory that nobody can change any more, as it is read twice.

use std::{
    collections::HashMap,
    fs::File,
    io::{self, BufReader, Read},
    os::{fd::OwnedFd, unix::fs::FileExt},
    sync::Arc,
};

use fob_api::{Batch, Serial};
use nix::fcntl::{FcntlArg, SealFlag, fcntl};

use crate::{
    backup::{
        Header, Item, SavedToken,
        stream::{Decoder, StreamError},
    },
    vault::backup::BackupKey,
};

/// Largest backup in bytes: a million tokens have 400 MB.
const LARGEST: u64 = 1 << 30;

/// The sealed memory that holds a backup.
#[derive(Clone)]
pub struct Source(Arc<File>);

impl Source {
    /// Takes a descriptor; `None` unless it is memory that is sealed against every change
    /// (memfd_create(2), `F_SEAL_WRITE` in fcntl(2)), of at most 1 GiB.
    #[must_use]
    pub fn new(descriptor: OwnedFd) -> Option<Self> {
        let file = File::from(descriptor);
        let whole = SealFlag::F_SEAL_WRITE | SealFlag::F_SEAL_SHRINK | SealFlag::F_SEAL_GROW;
        let seals = SealFlag::from_bits_truncate(fcntl(&file, FcntlArg::F_GET_SEALS).ok()?);
        let fits = file.metadata().is_ok_and(|meta| meta.len() <= LARGEST);
        (seals.contains(whole) && fits).then(|| Self(Arc::new(file)))
    }
}

/// Reads from the start, wherever the caller has left the descriptor's offset.
struct FromStart<'a> {
    file: &'a File,
    offset: u64,
}

impl Read for FromStart<'_> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read_at(room, self.offset)?;
        self.offset = self.offset.saturating_add(count as u64);
        Ok(count)
    }
}

/// What the first reading has found: everything is as it was written.
pub(super) struct Checked {
    /// Where and when it was made.
    pub(super) header: Header,
    /// The place of the latest word about each token that changed while the backup was made.
    latest: HashMap<String, u64>,
}

/// Reads a backup to its end.
///
/// # Errors
///
/// [`StreamError`]; also for a seed that does not open with this key, and for what no Fob writes.
pub(super) fn check(source: &Source, key: &BackupKey) -> Result<Checked, StreamError> {
    let mut decoder = decoder(source)?;
    let (mut latest, mut place) = (HashMap::new(), 0_u64);
    while let Some(item) = decoder.next_item()? {
        match item {
            Item::Token(saved) => drop(folded(&saved, key)?),
            Item::Again(saved) => drop(latest.insert(folded(&saved, key)?, place)),
            Item::Gone(serial) => drop(latest.insert(serial, place)),
            Item::Recovery(_) | Item::Trace(_) => {}
        }
        place += 1;
    }
    Ok(Checked { header: decoder.header().clone(), latest })
}

/// The items of a backup without those that a later one has replaced.
pub(super) struct Items<'a> {
    decoder: Decoder<BufReader<FromStart<'a>>>,
    latest: &'a HashMap<String, u64>,
    place: u64,
}

impl<'a> Items<'a> {
    /// Begins to read a backup that was read before.
    pub(super) fn new(source: &'a Source, checked: &'a Checked) -> Result<Self, StreamError> {
        Ok(Self { decoder: decoder(source)?, latest: &checked.latest, place: 0 })
    }

    /// Returns the next item.
    pub(super) fn next_item(&mut self) -> Result<Option<Item>, StreamError> {
        while let Some(item) = self.decoder.next_item()? {
            let place = self.place;
            self.place += 1;
            let name = match &item {
                Item::Again(saved) | Item::Token(saved) => serial_of(saved)?,
                _ => return Ok(Some(item)),
            };
            if self.latest.get(&name).is_none_or(|latest| *latest == place) {
                return Ok(Some(item));
            }
        }
        Ok(None)
    }
}

fn decoder(source: &Source) -> Result<Decoder<BufReader<FromStart<'_>>>, StreamError> {
    Decoder::new(BufReader::new(FromStart { file: &source.0, offset: 0 }))
}

/// Returns the folded serial of a token whose seed opens, whose codes can be computed, and whose
/// batch is a name that an import takes.
fn folded(saved: &SavedToken, key: &BackupKey) -> Result<String, StreamError> {
    let serial = serial_of(saved)?;
    if !saved.batch.as_deref().is_none_or(is_batch) {
        return Err(StreamError::Damaged);
    }
    let seed = key.open(&serial, &saved.seed).map_err(|_| StreamError::Damaged)?;
    crate::totp::Generator::new(&seed, &saved.parameters).map_err(|_| StreamError::Damaged)?;
    Ok(serial)
}

/// Tells whether a text names a batch as it stands.
fn is_batch(text: &str) -> bool {
    Batch::parse(text).is_ok_and(|batch| batch.as_str() == text)
}

fn serial_of(saved: &SavedToken) -> Result<String, StreamError> {
    let serial = Serial::parse(&saved.serial).map_err(|_| StreamError::Damaged)?;
    Ok(serial.folded())
}
