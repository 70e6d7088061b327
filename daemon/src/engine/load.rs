//! Records from entries, and writes from records.

use fob_api::{Error, Serial};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    engine::{Engine, Marker},
    record::{self, KeyId, Recovery, SealedSeed, State, Token, UserTokens},
    store::{Entry, Guard, Key, Store, Write},
    totp::Generator,
};

/// A record with what guards it.
pub(super) struct Loaded<T> {
    /// The record.
    pub(super) record: T,
    /// Holds as long as nobody changed it.
    pub(super) guard: Guard,
}

/// A token, its state, and its code generator.
pub(super) struct LoadedToken {
    /// The record `seed`.
    pub(super) token: Loaded<Token>,
    /// The record `state`.
    pub(super) state: Loaded<State>,
    /// Computes its codes.
    pub(super) generator: Generator,
}

impl<S: Store> Engine<S> {
    /// Decodes a record; `None` if there is no entry.
    pub(super) fn decode<T: DeserializeOwned>(
        &self,
        entry: Option<&Entry>,
    ) -> Result<Option<T>, Error> {
        let Some(entry) = entry else { return Ok(None) };
        record::decode(entry.key.as_bytes(), &entry.value)
            .map(Some)
            .map_err(|error| self.trouble("record", error))
    }

    /// Decodes a record that may be absent: an empty one then.
    pub(super) fn decode_or_default<T: DeserializeOwned + Default>(
        &self,
        key: Key,
        entry: Option<Entry>,
    ) -> Result<Loaded<T>, Error> {
        let record = self.decode(entry.as_ref())?.unwrap_or_default();
        Ok(Loaded { record, guard: Guard::unchanged(&key, entry.as_ref()) })
    }

    /// Encodes a record as a write.
    pub(super) fn put<T: Serialize>(&self, key: Key, record: &T) -> Result<Write, Error> {
        let value = self.encode(&key, record)?;
        Ok(Write::Put(key, value))
    }

    /// Encodes a record as the write that marks a commit.
    pub(super) fn mark<T: Serialize>(
        &self,
        key: Key,
        record: &T,
    ) -> Result<(Write, Marker), Error> {
        let value = self.encode(&key, record)?;
        Ok((Write::Put(key.clone(), value.clone()), Marker { key, value }))
    }

    fn encode<T: Serialize>(&self, key: &Key, record: &T) -> Result<Vec<u8>, Error> {
        record::encode(key.as_bytes(), record).map_err(|error| self.trouble("record", error))
    }

    /// Opens a token from the entries of its two records.
    pub(super) fn open(
        &self,
        serial: &Serial,
        seed: Option<Entry>,
        state: Option<Entry>,
    ) -> Result<LoadedToken, Error> {
        let token: Token = self
            .decode(seed.as_ref())?
            .ok_or_else(|| Error::NoSuchToken { serial: serial.clone() })?;
        let generator = self.generator(&serial.folded(), &token)?;
        let state = self.decode_or_default(Key::state(serial), state)?;
        let token =
            Loaded { record: token, guard: Guard::unchanged(&Key::seed(serial), seed.as_ref()) };
        Ok(LoadedToken { token, state, generator })
    }

    /// Opens a token's seed and prepares its codes.
    fn generator(&self, folded: &str, token: &Token) -> Result<Generator, Error> {
        let seed = self
            .vault
            .open_seed(folded, &token.seed)
            .map_err(|error| self.trouble("vault", error))?;
        Generator::new(&seed, &token.parameters)
            .map_err(|_| self.trouble("vault", "bad parameters"))
    }

    /// Returns the key that seeds are sealed by now, and what holds as long as that is so. Whoever
    /// commits a seed that he has sealed needs that guard: a seed that came with an older key
    /// behind a rekey's back would be lost with that key.
    pub(super) async fn sealing(&self) -> Result<(KeyId, Guard), Error> {
        let key = Key::vault();
        let [entry] = self.get([key.clone()]).await?;
        let house: Option<SealedSeed> = self.decode(entry.as_ref())?;
        let first = || self.vault.keys().first().copied().unwrap_or_default();
        let id = house.map_or_else(first, |house| house.key);
        Ok((id, Guard::unchanged(&key, entry.as_ref())))
    }

    /// Loads the record `recovery` of a uid, whosever it is, with what guards it.
    pub(super) async fn codes_of(&self, uid: u32) -> Result<(Option<Recovery>, Guard), Error> {
        let key = Key::recovery(uid);
        let [entry] = self.get([key.clone()]).await?;
        Ok((self.decode(entry.as_ref())?, Guard::unchanged(&key, entry.as_ref())))
    }

    /// Loads a user's tokens.
    pub(super) async fn tokens_of(&self, uid: u32) -> Result<Loaded<UserTokens>, Error> {
        let key = Key::user(uid);
        let [entry] = self.get([key.clone()]).await?;
        self.decode_or_default(key, entry)
    }
}
