//! Whose records a sign-in is decided on: the user's token, or what stands in for one.

use fob_api::{Error, Serial, UserName};

use crate::{
    decide::verify::Claim,
    engine::{Engine, load::Loaded},
    record::{
        Algorithm, Moving, Owner, Parameters, SealedSeed, Seed, Spray, Standing, State, Token,
    },
    store::{Guard, Key, Store},
    totp::Generator,
};

/// Slots of the table that users without a token share: bounded, so that made-up names fill
/// nothing; large enough that two names rarely slow each other down.
const SLOTS: u16 = 1024;
/// What is asked of a user without a token: the form of most hardware tokens.
const COMMON: Parameters =
    Parameters { algorithm: Algorithm::Sha1, digits: 6, moving: Moving::Time { period: 30 } };

/// The records that one round decides on.
pub(super) struct Subject {
    pub(super) token: Token,
    /// Guards the token's record; none for a user without one.
    pub(super) token_guard: Option<Guard>,
    pub(super) state: Loaded<State>,
    pub(super) state_key: Key,
    /// What unknown sources have cost all users together.
    pub(super) spray: Loaded<Spray>,
    pub(super) generator: Generator,
    pub(super) claim: Claim,
}

impl<S: Store> Engine<S> {
    /// Loads the records of a user's token, or those that stand in for one that he has not.
    pub(super) async fn subject(
        &self,
        user: &UserName,
        owner: Option<&Owner>,
    ) -> Result<Subject, Error> {
        let Some(owner) = owner else { return self.nobody(user.as_str()).await };
        let tokens = self.tokens_of(owner.uid).await?.record;
        // By the name that the host has for his uid: another spelling is no second budget.
        let Some(serial) = tokens.serials.first() else { return self.nobody(&owner.name).await };
        let serial = Serial::parse(serial).map_err(|error| self.trouble("record", error))?;
        let state_key = Key::state(&serial);
        let keys = [Key::seed(&serial), state_key.clone(), spray_key()];
        let [seed, state, spray] = self.get(keys).await?;
        if seed.is_none() {
            // The index was read before the token was forgotten: decide on the newer one.
            return self.nobody(&owner.name).await;
        }
        let loaded = self.open(&serial, seed, state)?;
        // Bound to the uid, but not to somebody who has the uid under another name now.
        let owned = loaded.token.record.standing == Standing::Assigned(owner.clone());
        let claim = if owned { Claim::Owner } else { Claim::Nobody };
        Ok(Subject {
            token: loaded.token.record,
            token_guard: Some(loaded.token.guard),
            state: loaded.state,
            state_key,
            spray: self.decode_or_default(spray_key(), spray)?,
            generator: loaded.generator,
            claim,
        })
    }

    /// Loads what stands in for a token that a user has not: the same work, and a state whose
    /// tries are counted like everybody's.
    async fn nobody(&self, name: &str) -> Result<Subject, Error> {
        let seed = self
            .vault
            .nobodys_seed(name)
            .ok_or_else(|| self.trouble("vault", "no stand-in seed"))?;
        let state_key = Key::nobody(slot(&seed));
        let [entry, spray] = self.get([state_key.clone(), spray_key()]).await?;
        let state = self.decode_or_default(state_key.clone(), entry)?;
        let generator = Generator::new(&seed, &COMMON)
            .map_err(|_| self.trouble("vault", "no stand-in seed"))?;
        Ok(Subject {
            token: stand_in(),
            token_guard: None,
            state,
            state_key,
            spray: self.decode_or_default(spray_key(), spray)?,
            generator,
            claim: Claim::Nobody,
        })
    }
}

/// Returns the slot of a user without a token, by the seed that stands in for his.
pub(super) fn slot(nobodys: &Seed) -> u16 {
    let [high, low] = [nobodys.as_bytes().first(), nobodys.as_bytes().get(1)]
        .map(|byte| byte.copied().unwrap_or_default());
    u16::from_be_bytes([high, low]) % SLOTS
}

/// Returns the key of the record of what unknown sources have cost.
pub(super) fn spray_key() -> Key {
    Key::meta("spray")
}

/// Returns the record that stands in for a token that a user has not.
fn stand_in() -> Token {
    Token {
        serial: String::new(),
        standing: Standing::Stock,
        epoch: 0,
        parameters: COMMON,
        seed: SealedSeed::default(),
        fingerprint: [0; 32],
        imported: 0,
        manufacturer: None,
        model: None,
        batch: None,
    }
}
