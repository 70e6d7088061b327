//! Everything sealed by another master key, while sign-ins go on.
//!
//! The house secret goes first: whoever commits a fresh seed guards its record, so from then on
//! none can come in under the old key (`load.rs`, `sealing`). Then the tokens, page by page; a
//! change that meets a page wins, and the page is read again. The old key goes last, and only
//! if every seed was opened. Forgotten tokens have no seed any more.

use fob_api::{Error, RekeyReport};

use crate::{
    access::{Action, Caller, Target},
    audit::{Event, Field, Name},
    engine::{Applied, Engine, Marker, ROUNDS},
    record::{self, KeyId, RecordError, SealedSeed, Token},
    store::{Entry, Guard, Key, Store, Write},
};

/// Tokens of a commit: a small one, which the store makes in one go (`store/sled/bulk.rs`).
const PAGE: usize = 64;

/// What became of the seeds so far.
#[derive(Clone, Copy, Default)]
struct Counts {
    already: u32,
    resealed: u32,
    unreadable: u32,
}

/// What became of a seed.
enum Seal {
    /// It is sealed by that key.
    Already,
    /// Sealed anew.
    Anew(Write),
    /// It cannot be read.
    Unreadable,
}

impl<S: Store> Engine<S> {
    /// Seals everything by the next master key, or goes on with a rekey that did not end.
    ///
    /// # Errors
    ///
    /// `Busy` while another one runs, `NotAuthorized`, `StoreUnavailable`; then everything opens
    /// as before, and the next one goes on.
    pub async fn rekey(&self, caller: Caller) -> Result<RekeyReport, Error> {
        self.permit(Action::Rekey, caller, Target::House)?;
        let _turn = self.rekeying.try_lock().map_err(|_| Error::Busy)?;
        let key = self.vault.next_key().map_err(|error| self.trouble("vault", error))?;
        let mut counts = self.move_house(key).await?;
        for shard in 0..=u8::MAX {
            self.reseal_shard(key, shard, &mut counts).await?;
        }
        let ended = counts.unreadable == 0;
        if ended {
            self.vault.retire_others(key).map_err(|error| self.trouble("vault", error))?;
        }
        let event = Event::new(Name::Rekey)
            .with(Field::Key, key)
            .with(Field::Resealed, counts.resealed)
            .with(Field::Unreadable, counts.unreadable)
            .by(caller);
        self.around.audit.record(&event);
        Ok(RekeyReport {
            key: Some(key.to_string()),
            key_from: Some(self.vault.keys_from().word().to_owned()),
            already: Some(counts.already),
            resealed: Some(counts.resealed),
            unreadable: Some(counts.unreadable),
            ended: Some(ended),
        })
    }

    /// Seals the house secret.
    async fn move_house(&self, to: KeyId) -> Result<Counts, Error> {
        for _ in 0..ROUNDS {
            let key = Key::vault();
            let [entry] = self.get([key.clone()]).await?;
            let old: SealedSeed = self.decode(entry.as_ref())?.unwrap_or_default();
            if old.key == to {
                return Ok(Counts { already: 1, ..Counts::default() });
            }
            let new = self.vault.seal_house(to, old.generation.wrapping_add(1));
            let new = new.map_err(|error| self.trouble("vault", error))?;
            let guard = Guard::unchanged(&key, entry.as_ref());
            let (write, marker) = self.mark(key, &new)?;
            if let Applied::Yes = self.apply(vec![guard], vec![write], &marker).await? {
                return Ok(Counts { resealed: 1, ..Counts::default() });
            }
        }
        Err(self.give_up())
    }

    /// Seals the tokens of a shard.
    async fn reseal_shard(&self, to: KeyId, shard: u8, counts: &mut Counts) -> Result<(), Error> {
        let (mut after, mut rounds) = (None, 0);
        while rounds < ROUNDS {
            tokio::task::yield_now().await;
            let entries = self.entries(shard, after.as_ref(), PAGE).await?;
            let Some(new) = self.reseal_page(to, &entries).await? else {
                rounds += 1;
                continue;
            };
            counts.already += new.already;
            counts.resealed += new.resealed;
            counts.unreadable += new.unreadable;
            if entries.len() < PAGE {
                return Ok(());
            }
            after = entries.last().map(|entry| entry.key.clone());
            rounds = 0;
        }
        Err(self.give_up())
    }

    /// Seals the tokens of a page in one commit; `None` if one of them changed meanwhile.
    async fn reseal_page(&self, to: KeyId, entries: &[Entry]) -> Result<Option<Counts>, Error> {
        let mut counts = Counts::default();
        let (mut guards, mut writes, mut first) = (Vec::new(), Vec::new(), None);
        for entry in entries {
            match self.reseal(to, entry)? {
                Seal::Already => counts.already += 1,
                Seal::Unreadable => counts.unreadable += 1,
                Seal::Anew(write) => {
                    counts.resealed += 1;
                    guards.push(Guard::Same(entry.key.clone(), entry.tag.clone()));
                    first.get_or_insert_with(|| Marker::of(&entry.key, &write));
                    writes.push(write);
                }
            }
        }
        let Some(marker) = first else { return Ok(Some(counts)) };
        match self.apply(guards, writes, &marker).await? {
            Applied::Yes => Ok(Some(counts)),
            Applied::Stale => Ok(None),
        }
    }

    /// Seals a token's seed. One that cannot be read keeps the old key here, and stops nothing.
    fn reseal(&self, to: KeyId, entry: &Entry) -> Result<Seal, Error> {
        let mut token: Token = match record::decode(entry.key.as_bytes(), &entry.value) {
            Ok(token) => token,
            Err(RecordError::Damaged) => return Ok(self.unreadable(entry, RecordError::Damaged)),
            Err(error) => return Err(self.trouble("record", error)),
        };
        if token.seed.key == to {
            return Ok(Seal::Already);
        }
        let folded = String::from_utf8_lossy(entry.key.name());
        match self.vault.reseal(to, &folded, &token.seed) {
            Ok(seed) => token.seed = seed,
            Err(error) => return Ok(self.unreadable(entry, error)),
        }
        self.put(entry.key.clone(), &token).map(Seal::Anew)
    }

    fn unreadable(&self, entry: &Entry, error: impl std::fmt::Display) -> Seal {
        let serial = entry.key.name().escape_ascii();
        let event = Event::new(Name::Trouble)
            .with(Field::What, "rekey")
            .with(Field::Serial, serial)
            .with(Field::Error, error);
        self.around.audit.record(&event);
        Seal::Unreadable
    }
}
