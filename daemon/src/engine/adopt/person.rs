//! One token and its user: load, decide, write both or nothing.

use std::{collections::HashMap, fmt::Write as _};

use fob_api::{AdoptSource, Error, Serial};

use super::{Moved, Outcome, Told, scratch::Fate};
use crate::{
    decide::{
        adopt::{self, Adoption, Arrival, Begun, Here, History},
        import,
    },
    engine::{Applied, Engine, Extent, ROUNDS, load::Loaded},
    record::{Owner, State, Token, Trace, UserTokens},
    store::{Guard, Key, Store, Write},
    totp::Generator,
};

/// Hexadecimal digits of a serial that is made of a seed's fingerprint: people can read it out.
/// The longer one is for the rare seed whose short serial another token has already: of ten
/// thousand tokens 1 % have such a pair somewhere.
const DIGITS: [usize; 2] = [8, 16];

/// What the store has about a seed and a user, and what guards it.
pub(super) struct Known {
    serial: Serial,
    token: Option<Token>,
    state: State,
    trace: Option<Trace>,
    tokens: Loaded<UserTokens>,
    history: History,
    guards: Vec<Guard>,
}

impl Known {
    fn here(&self) -> Here<'_> {
        Here {
            tokens: self.tokens.record.clone(),
            history: self.history,
            token: self.token.as_ref(),
            state: self.state.clone(),
            trace: self.trace.as_ref(),
        }
    }
}

/// What an adoption goes by, and what it would have written so far if it is a dry run.
pub(super) struct Task {
    pub(super) source: AdoptSource,
    pub(super) extent: Extent,
    /// The tokens by the fingerprints of their seeds.
    pub(super) tokens: HashMap<[u8; 32], Token>,
    /// The users by their uids.
    pub(super) users: HashMap<u32, UserTokens>,
}

impl Task {
    fn foretell(&mut self, owner: &Owner, known: Known, record: Token) {
        let mut tokens = known.tokens.record;
        tokens.serials.push(known.serial.folded());
        self.users.insert(owner.uid, tokens);
        self.tokens.insert(record.fingerprint, record);
    }
}

impl<S: Store> Engine<S> {
    /// Gives a token to its user.
    pub(super) async fn adopt_one(
        &self,
        owner: &Owner,
        token: &Moved,
        task: &mut Task,
    ) -> Result<Outcome, Error> {
        let generator = Generator::new(&token.seed, &token.parameters)
            .map_err(|_| self.trouble("seed", "bad parameters"))?;
        let arrival = Arrival {
            owner,
            source: task.source,
            parameters: &token.parameters,
            generator: &generator,
            drift: token.drift,
            spent: &token.spent,
        };
        let fingerprint = self.vault.fingerprint(&token.seed);
        for _ in 0..ROUNDS {
            let Some(known) = self.known_seed(&fingerprint, owner, task).await? else { continue };
            let serial = known.token.as_ref().map(|token| token.serial.clone());
            let begun = match adopt::adopt(&arrival, &known.here(), &self.at().await?) {
                Err(refusal) => return Ok(Outcome::Refused { serial, refusal }),
                Ok(Adoption::Already) => {
                    return Ok(Outcome::Already { serial: serial.unwrap_or_default() });
                }
                Ok(Adoption::Move(begun)) => *begun,
            };
            let (record, sealing) = self.record_of(&known, token, task.source, &begun).await?;
            let codes = &token.scratch.codes;
            let fate = self.fate_of_scratch(owner, codes, task.extent).await?;
            let (serial, wait) = (record.serial.clone(), begun.wait);
            let outcome = Outcome::Moved { serial, wait, scratch: Told::of(&token.scratch, &fate) };
            if task.extent == Extent::DryRun {
                task.foretell(owner, known, record);
                return Ok(outcome);
            }
            if let Applied::Yes =
                self.bind(known, owner, record, (begun.state, sealing, fate)).await?
            {
                return Ok(outcome);
            }
        }
        Err(self.give_up())
    }

    /// Writes a token with its user.
    async fn bind(
        &self,
        known: Known,
        owner: &Owner,
        record: Token,
        (state, sealing, fate): (State, Guard, Fate),
    ) -> Result<Applied, Error> {
        let ((_, state), marker) = self.attempted(Key::state(&known.serial), state)?;
        let trace = Trace { serial: known.serial.folded(), left: None };
        let mut tokens = known.tokens.record;
        tokens.serials.push(known.serial.folded());
        let mut writes: Vec<Write> = vec![
            state,
            self.put(Key::seed(&known.serial), &record)?,
            self.put(Key::fingerprint(&record.fingerprint), &trace)?,
            self.put(Key::user(owner.uid), &tokens)?,
        ];
        let mut guards = known.guards;
        guards.extend([known.tokens.guard, sealing]);
        if let Fate::Kept(Some((guard, write))) = fate {
            guards.push(guard);
            writes.push(write);
        }
        self.apply(guards, writes, &marker).await
    }

    /// Loads what is here about a seed and a user, and what a dry run would have written of them;
    /// `None` if the seed came in under another serial meanwhile.
    async fn known_seed(
        &self,
        fingerprint: &[u8; 32],
        owner: &Owner,
        task: &Task,
    ) -> Result<Option<Known>, Error> {
        let mut known = self.known_serial(fingerprint, task.source, owner).await?;
        let here = known.trace.as_ref().filter(|trace| trace.left.is_none());
        if here.is_some_and(|trace| trace.serial != known.serial.folded()) {
            return Ok(None);
        }
        if let Some(tokens) = task.users.get(&owner.uid) {
            known.tokens.record = tokens.clone();
        }
        if let Some(token) = task.tokens.get(fingerprint) {
            known.token = Some(token.clone());
        }
        Ok(Some(known))
    }

    /// Loads what is here about a seed, under the serial that it has or will have.
    async fn known_serial(
        &self,
        fingerprint: &[u8; 32],
        source: AdoptSource,
        owner: &Owner,
    ) -> Result<Known, Error> {
        let [entry] = self.get([Key::fingerprint(fingerprint)]).await?;
        let trace: Option<Trace> = self.decode(entry.as_ref())?;
        let serials = match trace.filter(|trace| trace.left.is_none()) {
            Some(trace) => vec![trace.serial],
            None => DIGITS.map(|digits| name(fingerprint, digits, source)).to_vec(),
        };
        for serial in serials {
            let serial = Serial::parse(&serial).map_err(|error| self.trouble("record", error))?;
            let known = self.known_token(serial, fingerprint, owner).await?;
            if known.token.as_ref().is_none_or(|token| token.fingerprint == *fingerprint) {
                return Ok(known);
            }
        }
        Err(self.trouble("seed", "no serial is free for it"))
    }

    /// Loads a token by its serial, and what is known of a seed.
    async fn known_token(
        &self,
        serial: Serial,
        fingerprint: &[u8; 32],
        owner: &Owner,
    ) -> Result<Known, Error> {
        let keys = [
            Key::seed(&serial),
            Key::state(&serial),
            Key::fingerprint(fingerprint),
            Key::former(&serial),
        ];
        let entries = self.get(keys.clone()).await?;
        let guards = keys.iter().zip(&entries);
        let guards = guards.map(|(key, entry)| Guard::unchanged(key, entry.as_ref())).collect();
        let [seed, state, own, former] = entries;
        let trace = import::combined(self.decode(own.as_ref())?, self.decode(former.as_ref())?);
        let state = self.decode(state.as_ref())?.unwrap_or_default();
        let token = self.decode(seed.as_ref())?;
        let (tokens, history) = self.past_of(owner.uid).await?;
        Ok(Known { serial, token, state, trace, tokens, history, guards })
    }

    /// Loads a user's tokens, and whether he ever had one: his record stays when the last is taken.
    async fn past_of(&self, uid: u32) -> Result<(Loaded<UserTokens>, History), Error> {
        let [entry] = self.get([Key::user(uid)]).await?;
        let history = if entry.is_some() { History::HadToken } else { History::Newcomer };
        Ok((self.decode_or_default(Key::user(uid), entry)?, history))
    }

    /// Returns the record of a token that becomes somebody's, and what holds as long as it is
    /// sealed by the right key.
    async fn record_of(
        &self,
        known: &Known,
        token: &Moved,
        source: AdoptSource,
        begun: &Begun,
    ) -> Result<(Token, Guard), Error> {
        let (key, sealing) = self.sealing().await?;
        let standing = begun.standing.clone();
        if let Some(stock) = &known.token {
            let epoch = stock.epoch.wrapping_add(1);
            return Ok((Token { standing, epoch, ..stock.clone() }, sealing));
        }
        let folded = known.serial.folded();
        let seed = self.vault.seal(key, &folded, 1, &token.seed);
        let record = Token {
            serial: known.serial.as_str().to_owned(),
            standing,
            epoch: 0,
            parameters: token.parameters,
            seed: seed.map_err(|error| self.trouble("vault", error))?,
            fingerprint: self.vault.fingerprint(&token.seed),
            imported: self.now()?.0,
            manufacturer: token.issuer.clone(),
            model: Some(adopt::model(source).to_owned()),
            batch: None,
        };
        Ok((record, sealing))
    }
}

/// Returns the serial of a token that has none: the same each time, and nothing can be learned of
/// the seed from it without the house secret ([`crate::vault::Vault::fingerprint`]).
fn name(fingerprint: &[u8; 32], digits: usize, source: AdoptSource) -> String {
    let mut serial = match source {
        AdoptSource::GoogleAuthenticator => "GA-",
        AdoptSource::UsersOath => "OATH-",
        AdoptSource::Otpauth => "APP-",
    }
    .to_owned();
    for byte in fingerprint.iter().take(digits / 2) {
        // A String takes whatever is written into it.
        let _ = write!(serial, "{byte:02X}");
    }
    serial
}
