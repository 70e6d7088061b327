//! All tokens into a stream, while sign-ins and changes go on.
//!
//! What is promised of it: where each token stands is of one moment; a mark is as it was on the
//! disk at some time of the making, so never higher than the real one. Seed, standing, user and
//! state of a token are read as one snapshot; that two tokens fit together is found out by
//! reading again until nothing has changed in between.

use std::{
    collections::{HashMap, HashSet},
    fs::File,
    io::{self, Write as _},
    os::fd::OwnedFd,
    sync::Arc,
};

use fob_api::{BackupReport, Error, Serial};
use zeroize::Zeroizing;

use crate::{
    access::{Action, Caller, Target},
    audit::{Event, Field, Name},
    backup::{
        Header, Item, SavedToken, SavedTrace,
        stream::{Encoder, StreamError},
    },
    engine::Engine,
    record::{Owner, Recovery, State, Token, Trace},
    store::{Entry, Key, Kind, Store},
    vault::backup::BackupKey,
};

/// Entries of a page: a page is a snapshot that the store holds in memory.
const PAGE: usize = 500;
/// Bytes that are written at once: a call into the kernel costs more than copying so many.
const CHUNK: usize = 64 << 10;
/// How often changed tokens are read again. Each round takes as long as reading the tokens once,
/// and an administrator changes a few of them in a minute: two are the rule.
const AGAIN: u32 = 16;

/// A file that a backup is written to: a regular one, so that nobody waits for its reader.
pub struct Sink(Arc<File>);

impl Sink {
    /// Takes a descriptor; `None` if it is no empty regular file.
    #[must_use]
    pub fn new(descriptor: OwnedFd) -> Option<Self> {
        let file = File::from(descriptor);
        let is_fit = file.metadata().is_ok_and(|meta| meta.is_file() && meta.len() == 0);
        is_fit.then(|| Self(Arc::new(file)))
    }

    /// Writes a secret. Wiped when it is written.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if the file does not take it.
    pub(super) async fn write_secret(self, text: Zeroizing<String>) -> Result<(), Error> {
        let write = move || (&*self.0).write_all(text.as_bytes());
        let written = tokio::task::spawn_blocking(write).await;
        let written = written.map_err(io::Error::other).and_then(|written| written);
        written.map_err(|_| Error::InvalidArgument { fact: "the file cannot be written." })
    }
}

/// A request for a backup.
pub struct Backup {
    /// Who asks the daemon.
    pub caller: Caller,
    /// What its seeds are sealed by.
    pub key: BackupKey,
    /// Where it goes.
    pub sink: Sink,
    /// The host's name.
    pub host: String,
}

/// The stream on its way.
struct Stream {
    encoder: Encoder,
    key: BackupKey,
    sink: Sink,
    buffer: Vec<u8>,
}

/// The tokens that were written, with the epoch of each.
type Written = HashMap<Key, u64>;

impl<S: Store> Engine<S> {
    /// Allows or refuses a backup or a restore before the descriptor is touched.
    ///
    /// # Errors
    ///
    /// `NotAuthorized`.
    pub fn permit_backup(&self, action: Action, caller: Caller) -> Result<(), Error> {
        self.permit(action, caller, Target::House).map(drop)
    }

    /// Writes all tokens, what is left of forgotten ones, and the names of those who have recovery
    /// codes. No seed leaves but sealed by the backup's key.
    ///
    /// # Errors
    ///
    /// `NotAuthorized`, `BadBackup` if the file cannot be written, `Busy` if tokens change all
    /// the time, `ClockNotTrusted` without a clock, `StoreUnavailable`.
    pub async fn backup(&self, backup: Backup) -> Result<BackupReport, Error> {
        let caller = backup.caller;
        self.permit(Action::Backup, caller, Target::House)?;
        let at = self.moment().await?;
        let header = Header {
            host: backup.host,
            taken: at.now.0,
            uptime: at.uptime.0,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            house: self.vault.house_mark(),
        };
        let (encoder, buffer) = Encoder::new(&header).map_err(|error| self.unfit(&error))?;
        let mut stream = Stream { encoder, key: backup.key, sink: backup.sink, buffer };
        let tokens = self.save_tokens(&mut stream).await?;
        let forgotten = self.save_traces(&mut stream).await?;
        self.save_names(&mut stream).await?;
        let Stream { encoder, sink, mut buffer, .. } = stream;
        buffer.extend(encoder.end().map_err(|error| self.unfit(&error))?);
        write(&sink, buffer).await?;
        let event =
            Event::new(Name::Backup).with(Field::Tokens, tokens).with(Field::Forgotten, forgotten);
        self.around.audit.record(&event.by(caller));
        Ok(BackupReport {
            taken: Some(header.taken),
            tokens: Some(count(tokens)),
            forgotten: Some(count(forgotten)),
        })
    }

    /// Writes the tokens; returns how many. A walk that finds every token as it was written,
    /// none less and none more, proves that all of them stood so when the one before it ended:
    /// the epoch of a token grows with each change.
    async fn save_tokens(&self, stream: &mut Stream) -> Result<usize, Error> {
        let mut written = Written::new();
        for shard in 0..=u8::MAX {
            let mut after = None;
            while let Some(page) = self.page_of(Kind::Seed, shard, &mut after).await? {
                for entry in page {
                    self.save_token(stream, &entry.key, Item::Token, &mut written).await?;
                }
            }
        }
        for _ in 0..AGAIN {
            let changed = self.moved_since(&written).await?;
            if changed.is_empty() {
                return Ok(written.len());
            }
            for key in changed {
                if !self.save_token(stream, &key, Item::Again, &mut written).await? {
                    let name = String::from_utf8_lossy(key.name()).into_owned();
                    self.save(stream, Item::Gone(name)).await?;
                    written.remove(&key);
                }
            }
        }
        Err(Error::Busy)
    }

    /// Writes a token as it is now; tells whether it is there.
    async fn save_token(
        &self,
        stream: &mut Stream,
        key: &Key,
        item: fn(Box<SavedToken>) -> Item,
        written: &mut Written,
    ) -> Result<bool, Error> {
        let folded = String::from_utf8_lossy(key.name());
        let serial = Serial::parse(&folded).map_err(|error| self.trouble("record", error))?;
        let [seed, state] = self.get([key.clone(), Key::state(&serial)]).await?;
        let Some(token) = self.decode::<Token>(seed.as_ref())? else { return Ok(false) };
        let state: State = self.decode(state.as_ref())?.unwrap_or_default();
        let saved = {
            let seed = self
                .vault
                .open_seed(&folded, &token.seed)
                .and_then(|seed| stream.key.seal(&folded, &seed));
            SavedToken {
                serial: token.serial,
                standing: token.standing,
                parameters: token.parameters,
                seed: seed.map_err(|error| self.trouble("vault", error))?,
                imported: token.imported,
                manufacturer: token.manufacturer,
                model: token.model,
                batch: token.batch,
                state: state.into(),
            }
        };
        self.save(stream, item(Box::new(saved))).await?;
        written.insert(key.clone(), token.epoch);
        Ok(true)
    }

    /// Returns the tokens that are not as they were written.
    async fn moved_since(&self, written: &Written) -> Result<Vec<Key>, Error> {
        let (mut met, mut changed) = (HashSet::new(), Vec::new());
        for shard in 0..=u8::MAX {
            let mut after = None;
            while let Some(page) = self.page_of(Kind::Seed, shard, &mut after).await? {
                for entry in page {
                    let Some(token) = self.decode::<Token>(Some(&entry))? else { continue };
                    if written.get(&entry.key) != Some(&token.epoch) {
                        changed.push(entry.key.clone());
                    }
                    met.insert(entry.key);
                }
            }
        }
        changed.extend(written.keys().filter(|key| !met.contains(*key)).cloned());
        Ok(changed)
    }

    /// Writes what is left of forgotten tokens; returns of how many. After the tokens: one that
    /// was forgotten before they were read the last time has its trace by then.
    async fn save_traces(&self, stream: &mut Stream) -> Result<usize, Error> {
        let mut count = 0;
        for shard in 0..=u8::MAX {
            let mut after = None;
            while let Some(page) = self.page_of(Kind::Fingerprint, shard, &mut after).await? {
                for entry in page {
                    let trace: Option<Trace> = self.decode(Some(&entry))?;
                    let Some((left, serial)) = trace.and_then(|t| Some((t.left?, t.serial))) else {
                        continue;
                    };
                    let fingerprint = entry.key.name().try_into();
                    let saved = SavedTrace {
                        fingerprint: fingerprint.map_err(|error| self.trouble("record", error))?,
                        serial,
                        state: left.state.into(),
                        lost: left.lost,
                    };
                    self.save(stream, Item::Trace(Box::new(saved))).await?;
                    count += 1;
                }
            }
        }
        Ok(count)
    }

    /// Writes who has recovery codes, or a temporary one.
    async fn save_names(&self, stream: &mut Stream) -> Result<(), Error> {
        for shard in 0..=u8::MAX {
            let mut after = None;
            while let Some(page) = self.page_of(Kind::Recovery, shard, &mut after).await? {
                for entry in page {
                    let codes: Option<Recovery> = self.decode(Some(&entry))?;
                    let uid = entry.key.name().try_into().map(u32::from_be_bytes);
                    let uid = uid.map_err(|error| self.trouble("record", error))?;
                    if let Some(Recovery { name, .. }) = codes {
                        self.save(stream, Item::Recovery(Owner { uid, name })).await?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Returns the page after this key, which becomes the page's last; `None` at the shard's end.
    async fn page_of(
        &self,
        kind: Kind,
        shard: u8,
        after: &mut Option<Key>,
    ) -> Result<Option<Vec<Entry>>, Error> {
        tokio::task::yield_now().await;
        let page = self.store.list(kind, shard, after.as_ref(), PAGE).await;
        let page = page.map_err(|error| self.trouble("list", error))?;
        let Some(last) = page.last() else { return Ok(None) };
        *after = Some(last.key.clone());
        Ok(Some(page))
    }

    async fn save(&self, stream: &mut Stream, item: Item) -> Result<(), Error> {
        let bytes = stream.encoder.item(item).map_err(|error| self.unfit(&error))?;
        stream.buffer.extend(bytes);
        if stream.buffer.len() < CHUNK {
            return Ok(());
        }
        write(&stream.sink, std::mem::take(&mut stream.buffer)).await
    }

    fn unfit(&self, error: &StreamError) -> Error {
        self.trouble("backup", error)
    }
}

/// Writes to the caller's file, not on a thread that sign-ins wait for.
async fn write(sink: &Sink, bytes: Vec<u8>) -> Result<(), Error> {
    let file = Arc::clone(&sink.0);
    let written = tokio::task::spawn_blocking(move || (&*file).write_all(&bytes)).await;
    written.map_err(io::Error::other).and_then(|written| written).map_err(|error| {
        Error::BadBackup {
            fact: format!("the backup cannot be written: {error}."),
            hint: String::new(),
        }
    })
}

/// Returns a count for the bus.
pub(super) fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
