//! New recovery codes, and temporary ones. They travel in the reply and nowhere else.

use fob_api::{Error, RECOVERY_ALPHABET, RECOVERY_LETTERS, RecoveryCode, UserName};
use zeroize::Zeroizing;

use crate::{
    access::{Action, Caller, Role, Target},
    audit::{Event, Field, Name},
    decide::{
        pair::{Reach, TimedPair},
        recovery::{self, CODES, Terms},
        resync::{self, Asker},
    },
    engine::{Applied, Engine, ROUNDS, change, events::About, load::Loaded},
    record::{Owner, Recovery},
    slow_hash::Digest,
    store::{Guard, Key, Store, Write},
    vault::random,
};

/// What a user's two codes prove, and what they cost.
struct Proof {
    guards: Vec<Guard>,
    write: Write,
}

/// New codes with their digests under a salt.
struct Minted {
    salt: [u8; 16],
    digests: Vec<Digest>,
}

impl<S: Store> Engine<S> {
    /// Gives a user new recovery codes; the older ones are void. Root may do it for everybody, a
    /// user for himself, proven by two codes of his token.
    ///
    /// # Errors
    ///
    /// `NotAuthorized`, `NoSuchUser`, `InvalidArgument` for two codes too few or too many, what
    /// [`Engine::resync`] refuses, `Busy`, `ClockNotTrusted` for a user, `StoreUnavailable`.
    pub async fn new_recovery_codes(
        &self,
        caller: Caller,
        user: &UserName,
        proof: Option<&TimedPair>,
    ) -> Result<Vec<RecoveryCode>, Error> {
        let done = self.try_to_issue(caller, user, proof).await;
        done.inspect_err(|error| self.refused(Name::Recovery, &About::of_user(caller, user), error))
    }

    async fn try_to_issue(
        &self,
        caller: Caller,
        user: &UserName,
        proof: Option<&TimedPair>,
    ) -> Result<Vec<RecoveryCode>, Error> {
        let (found, role) = self.about(Action::NewRecoveryCodes, caller, user).await?;
        check_proof(role, proof)?;
        let owner = found.ok_or_else(|| Error::NoSuchUser { user: user.clone() })?;
        let codes = self.fresh_codes(CODES)?;
        let salt = self.salt()?;
        let mut minted = None;
        for _ in 0..ROUNDS {
            let proven = match proof {
                Some(timed) => Some(self.prove(user, &owner, timed).await?),
                None => None,
            };
            let kept = self.own_codes(&owner, salt).await?;
            let known = self.minted(&codes, kept.record.salt, minted).await?;
            let hashes = known.digests.iter().map(|digest| *digest.as_bytes()).collect();
            let after = recovery::issue(&kept.record, hashes, &self.moment().await?);
            if let Applied::Yes = self.keep_codes(&owner, kept.guard, &after, proven).await? {
                let event = Event::new(Name::Recovery)
                    .with(Field::User, &owner.name)
                    .with(Field::Left, after.hashes.len())
                    .by(caller);
                self.around.audit.record(&event);
                return Ok(codes);
            }
            minted = Some(known);
        }
        Err(self.give_up())
    }

    /// Gives a user a temporary code; an older one is void. Returns it with the Unix time at which
    /// it expires.
    ///
    /// # Errors
    ///
    /// `NotAuthorized`, `NoSuchUser`, `Busy`, `StoreUnavailable`.
    pub async fn bypass(
        &self,
        caller: Caller,
        user: &UserName,
        terms: &Terms,
    ) -> Result<(RecoveryCode, u64), Error> {
        let done = self.try_to_bypass(caller, user, terms).await;
        done.inspect_err(|error| self.refused(Name::Bypass, &About::of_user(caller, user), error))
    }

    async fn try_to_bypass(
        &self,
        caller: Caller,
        user: &UserName,
        terms: &Terms,
    ) -> Result<(RecoveryCode, u64), Error> {
        self.permit(Action::Bypass, caller, Target::House)?;
        let owner = self.existing(user).await?;
        let codes = self.fresh_codes(1)?;
        let salt = self.salt()?;
        let mut minted = None;
        for _ in 0..ROUNDS {
            let kept = self.own_codes(&owner, salt).await?;
            let known = self.minted(&codes, kept.record.salt, minted).await?;
            let [digest] = known.digests.as_slice() else { break };
            let after =
                recovery::grant(&kept.record, *digest.as_bytes(), terms, &self.moment().await?);
            let expires = after.temporary.as_ref().map_or(0, |temporary| temporary.expires);
            if let Applied::Yes = self.keep_codes(&owner, kept.guard, &after, None).await? {
                let event = Event::new(Name::Bypass)
                    .with(Field::User, &owner.name)
                    .with(Field::Until, expires)
                    .with(Field::Reason, &terms.reason)
                    .by(caller);
                self.around.audit.record(&event);
                let code = codes.into_iter().next();
                return code.map(|code| (code, expires)).ok_or_else(|| self.give_up());
            }
            minted = Some(known);
        }
        Err(self.give_up())
    }

    /// Writes a user's codes, together with what proved his right to them.
    async fn keep_codes(
        &self,
        owner: &Owner,
        guard: Guard,
        after: &Recovery,
        proof: Option<Proof>,
    ) -> Result<Applied, Error> {
        // New codes were drawn at random: no other write has these bytes.
        let (write, marker) = self.mark(Key::recovery(owner.uid), after)?;
        let (mut guards, mut writes) = (vec![guard], vec![write]);
        if let Some(proof) = proof {
            guards.extend(proof.guards);
            writes.push(proof.write);
        }
        self.apply(guards, writes, &marker).await
    }

    /// Loads a user's codes; an empty record with this salt if he has none.
    pub(in crate::engine) async fn own_codes(
        &self,
        owner: &Owner,
        salt: [u8; 16],
    ) -> Result<Loaded<Recovery>, Error> {
        let (record, guard) = self.codes_of(owner.uid).await?;
        let own = record.filter(|record| recovery::is_of(record, owner));
        Ok(Loaded { record: own.unwrap_or_else(|| recovery::fresh(owner, salt)), guard })
    }

    /// Decides on a user's two codes as a resync does. A wrong pair is counted before it is refused.
    async fn prove(
        &self,
        user: &UserName,
        owner: &Owner,
        timed: &TimedPair,
    ) -> Result<Proof, Error> {
        for _ in 0..ROUNDS {
            let serial = self.serial_of(user, owner).await?;
            let token = self.load(&serial).await?;
            change::owned(&token.token.record, owner, user, &serial)?;
            let at = self.at().await?;
            let proof = (timed, Reach::Own);
            let decision = resync::resync(&token.opened(), &serial, proof, Asker::Owner, &at);
            let Some(state) = decision.change else {
                decision.outcome?;
                return Err(self.give_up());
            };
            let ((_, write), marker) = self.attempted(Key::state(&serial), state)?;
            let guards = vec![token.token.guard, token.state.guard];
            match decision.outcome {
                Ok(()) => return Ok(Proof { guards, write }),
                Err(refusal) => {
                    if let Applied::Yes = self.apply(guards, vec![write], &marker).await? {
                        return Err(refusal);
                    }
                }
            }
        }
        Err(self.give_up())
    }

    /// Returns the digests of codes under a salt: the known ones, or new ones.
    async fn minted(
        &self,
        codes: &[RecoveryCode],
        salt: [u8; 16],
        known: Option<Minted>,
    ) -> Result<Minted, Error> {
        match known {
            Some(known) if known.salt == salt => Ok(known),
            _ => {
                let seat = self.slow_hash.seat().await?;
                let digests = self.hash(&seat, codes.to_vec(), salt).await?;
                Ok(Minted { salt, digests })
            }
        }
    }

    /// Draws codes.
    fn fresh_codes(&self, count: usize) -> Result<Vec<RecoveryCode>, Error> {
        (0..count).map(|_| self.fresh_code()).collect()
    }

    /// Draws a code: 50 random bits. Ten digits without a letter, one in 100 000, are drawn again.
    fn fresh_code(&self) -> Result<RecoveryCode, Error> {
        loop {
            let drawn = random::<RECOVERY_LETTERS>().map(Zeroizing::new);
            let bytes = drawn.map_err(|error| self.trouble("code", error))?;
            let mut text = Zeroizing::new(String::with_capacity(RECOVERY_LETTERS));
            let symbols = bytes.iter().filter_map(|byte| symbol(*byte));
            text.extend(symbols.map(char::from));
            if let Ok(code) = RecoveryCode::parse(&text) {
                return Ok(code);
            }
        }
    }

    /// Draws a salt.
    pub(in crate::engine) fn salt(&self) -> Result<[u8; 16], Error> {
        random().map_err(|error| self.trouble("salt", error))
    }
}

/// Returns the symbol that a random byte stands for. There are 32, so each is as likely.
fn symbol(byte: u8) -> Option<u8> {
    RECOVERY_ALPHABET.get(usize::from(byte) % RECOVERY_ALPHABET.len()).copied()
}

/// Refuses a user without two codes, and root with them: they would prove nothing.
fn check_proof(role: Role, proof: Option<&TimedPair>) -> Result<(), Error> {
    match (role, proof) {
        (Role::Own, Some(_)) | (Role::Root, None) => Ok(()),
        (Role::Own, None) => Err(Error::InvalidArgument { fact: "codes must be two codes." }),
        (Role::Root, Some(_)) => {
            Err(Error::InvalidArgument { fact: "codes must be empty for root." })
        }
    }
}
