//! Assign, resync, rotate, deactivate, forget.

use fob_api::{Error, Fate, Serial, TokenReport, UserName};

use crate::{
    access::{Action, Caller, Role, Target},
    audit::{Event, Field, Name},
    decide::{
        Opened,
        assign::{self, Recipient},
        pair::{FarClock, Reach, TimedPair},
        recovery,
        remove::{self, Safeguards},
        resync::{self, Asker},
        rotate::{self, Outgoing},
    },
    engine::{
        Applied, Engine, Marker, ROUNDS,
        events::About,
        load::{Loaded, LoadedToken},
        report,
    },
    record::{Owner, Standing, State, Token, UserTokens},
    store::{Guard, Key, Store, Write},
};

/// A token for a user, proven by two codes.
pub struct Pairing<'a> {
    /// Who asks the daemon.
    pub caller: Caller,
    /// Who gets the token.
    pub user: &'a UserName,
    /// Which token.
    pub serial: &'a Serial,
    /// Two codes of it.
    pub timed: &'a TimedPair,
    /// What is said about a clock that is far off.
    pub far: FarClock,
    /// The serial once more, for root's token.
    pub serial_again: Option<&'a str>,
}

/// Whose token is taken away.
#[derive(Clone, Copy)]
pub enum Holder<'a> {
    /// This token's user, whoever that is.
    Token(&'a Serial),
    /// This user.
    User(&'a UserName),
}

/// What the store has about a user and the token that he is to get.
struct Parties {
    tokens: Loaded<UserTokens>,
    new: LoadedToken,
}

/// What takes a token from its user, in one commit.
pub(super) struct Removal {
    /// The token before.
    pub(super) before: Token,
    /// The token after.
    pub(super) token: Token,
    /// What he has after.
    pub(super) left: UserTokens,
    /// What must not have changed.
    pub(super) guards: Vec<Guard>,
    /// What is written: the token first.
    pub(super) writes: Vec<Write>,
}

impl<S: Store> Engine<S> {
    /// Binds a token and a user in one commit.
    ///
    /// # Errors
    ///
    /// `ClockNotTrusted`, `NotAuthorized`, `NoSuchUser`, `NoSuchToken`, `AmbiguousSerial`, what
    /// [`assign::assign`] refuses, `StoreUnavailable`.
    pub async fn assign(&self, pairing: &Pairing<'_>) -> Result<TokenReport, Error> {
        let done = self.try_to_assign(pairing).await;
        done.inspect_err(|error| self.refused(Name::Assign, &About::of_pairing(pairing), error))
    }

    async fn try_to_assign(&self, pairing: &Pairing<'_>) -> Result<TokenReport, Error> {
        self.permit(Action::Assign, pairing.caller, Target::House)?;
        let owner = self.existing(pairing.user).await?;
        let serial = self.meant(pairing.serial).await?;
        let pairing = &Pairing { serial: &serial, ..*pairing };
        for _ in 0..ROUNDS {
            let Parties { tokens, new } = self.parties(&owner, pairing.serial).await?;
            let recipient = recipient(&owner, &tokens.record, pairing);
            let (proof, at) = ((pairing.timed, pairing.far.reach()), self.at().await?);
            let done = assign::assign(&new.opened(), &recipient, proof, &at)?;
            let guards = vec![tokens.guard, new.token.guard, new.state.guard];
            let mut writes = vec![
                self.put(Key::seed(pairing.serial), &done.token)?,
                self.put(Key::user(owner.uid), &done.user)?,
            ];
            let (state, marker) = self.attempted(Key::state(pairing.serial), done.state)?;
            writes.push(state.1);
            if let Applied::Yes = self.apply(guards, writes, &marker).await? {
                self.changed(Name::Assign, pairing.caller, &owner.name, pairing.serial);
                return Ok(report::token(&done.token, &state.0, &at));
            }
        }
        Err(self.give_up())
    }

    /// Replaces a user's token in one commit: never a moment without one.
    ///
    /// # Errors
    ///
    /// `ClockNotTrusted`, `NotAuthorized`, `NoSuchUser`, `NotAssigned`, `NoSuchToken`,
    /// `AmbiguousSerial`, what [`rotate::rotate`] refuses, `StoreUnavailable`.
    pub async fn rotate(&self, pairing: &Pairing<'_>, fate: Fate) -> Result<TokenReport, Error> {
        let done = self.try_to_rotate(pairing, fate).await;
        done.inspect_err(|error| self.refused(Name::Rotate, &About::of_pairing(pairing), error))
    }

    async fn try_to_rotate(&self, pairing: &Pairing<'_>, fate: Fate) -> Result<TokenReport, Error> {
        self.permit(Action::Rotate, pairing.caller, Target::House)?;
        let owner = self.existing(pairing.user).await?;
        let serial = self.meant(pairing.serial).await?;
        let pairing = &Pairing { serial: &serial, ..*pairing };
        for _ in 0..ROUNDS {
            let Parties { tokens, new } = self.parties(&owner, pairing.serial).await?;
            let old_serial = self.first_serial(pairing.user, &tokens.record)?;
            let (old_key, old) = self.held(pairing.user, &old_serial).await?;
            let recipient = recipient(&owner, &tokens.record, pairing);
            let (proof, at) = ((pairing.timed, pairing.far.reach()), self.at().await?);
            let [old_state] = self.get([Key::state(&old_serial)]).await?;
            let old_state = self.decode_or_default::<State>(Key::state(&old_serial), old_state)?;
            let outgoing = Outgoing { token: &old.record, state: &old_state.record, fate };
            let done = rotate::rotate(&new.opened(), &outgoing, &recipient, proof, &at)?;
            let guards =
                vec![tokens.guard, new.token.guard, new.state.guard, old.guard, old_state.guard];
            let mut writes = vec![
                self.put(Key::seed(pairing.serial), &done.token)?,
                self.put(old_key, &done.old)?,
                self.put(Key::user(owner.uid), &done.user)?,
            ];
            let (state, marker) = self.attempted(Key::state(pairing.serial), done.state)?;
            writes.push(state.1);
            if let Applied::Yes = self.apply(guards, writes, &marker).await? {
                let event = event(Name::Rotate, pairing.caller, &owner.name, &done.token.serial)
                    .with(Field::Old, &done.old.serial)
                    .with(Field::Fate, fate.word());
                self.around.audit.record(&event);
                return Ok(report::token(&done.token, &state.0, &at));
            }
        }
        Err(self.give_up())
    }

    /// Finds a token's clock again. Root may do it for everybody, a user for himself.
    ///
    /// # Errors
    ///
    /// `ClockNotTrusted`, `NotAuthorized`, `NoSuchUser`, `NotAssigned`, what [`resync::resync`]
    /// refuses, `StoreUnavailable`.
    pub async fn resync(
        &self,
        caller: Caller,
        user: &UserName,
        codes: (&TimedPair, FarClock),
        serial_again: Option<&str>,
    ) -> Result<TokenReport, Error> {
        let done = self.try_to_resync(caller, user, codes, serial_again).await;
        done.inspect_err(|error| self.refused(Name::Resync, &About::of_user(caller, user), error))
    }

    async fn try_to_resync(
        &self,
        caller: Caller,
        user: &UserName,
        codes: (&TimedPair, FarClock),
        serial_again: Option<&str>,
    ) -> Result<TokenReport, Error> {
        let (found, role) = self.about(Action::Resync, caller, user).await?;
        let (timed, far) = codes;
        let (asker, reach) = match (role, far) {
            (Role::Root, far) => (Asker::Administrator, far.reach()),
            (Role::Own, FarClock::Ask) => (Asker::Owner, Reach::Own),
            (Role::Own, FarClock::Accept) => {
                return Err(self.denied("resync --accept-clock", caller));
            }
        };
        let owner = found.ok_or_else(|| Error::NoSuchUser { user: user.clone() })?;
        for _ in 0..ROUNDS {
            let serial = self.serial_of(user, &owner).await?;
            let new = self.load(&serial).await?;
            owned(&new.token.record, &owner, user, &serial)?;
            assign::typed_twice(&owner, &serial, serial_again)?;
            let at = self.at().await?;
            let decision = resync::resync(&new.opened(), &serial, (timed, reach), asker, &at);
            let Some(state) = decision.change else {
                decision.outcome?;
                return Err(self.give_up());
            };
            let ((state, write), marker) = self.attempted(Key::state(&serial), state)?;
            let guards = vec![new.token.guard, new.state.guard];
            if let Applied::Yes = self.apply(guards, vec![write], &marker).await? {
                decision.outcome?;
                self.changed(Name::Resync, caller, &owner.name, &serial);
                return Ok(report::token(&new.token.record, &state, &at));
            }
        }
        Err(self.give_up())
    }

    /// Takes a token from its user.
    ///
    /// # Errors
    ///
    /// `NotAuthorized`, `NoSuchUser`, `NoSuchToken`, `AmbiguousSerial`, `NotAssigned`, `RootOnly`,
    /// `LastAdministrator`, `StoreUnavailable`.
    pub async fn deactivate(
        &self,
        caller: Caller,
        holder: &Holder<'_>,
        fate: Fate,
        safe: &Safeguards<'_>,
    ) -> Result<TokenReport, Error> {
        let done = self.try_to_deactivate(caller, holder, fate, safe).await;
        let about = match holder {
            Holder::Token(serial) => About::of_token(caller, serial),
            Holder::User(user) => About::of_user(caller, user),
        };
        done.inspect_err(|error| self.refused(Name::Deactivate, &about, error))
    }

    async fn try_to_deactivate(
        &self,
        caller: Caller,
        holder: &Holder<'_>,
        fate: Fate,
        safe: &Safeguards<'_>,
    ) -> Result<TokenReport, Error> {
        self.permit(Action::Deactivate, caller, Target::House)?;
        for _ in 0..ROUNDS {
            let holder = self.holder(holder).await?;
            let removal = self.removal(&holder, fate, safe).await?;
            let (owner, _, serial) = holder;
            let Removal { token, left, mut guards, mut writes, .. } = removal;
            let key = Key::seed(&serial);
            let marker = Marker::of(&key, &self.put(key.clone(), &token)?);
            if !recovery::outlive(fate, &left) {
                guards.push(self.codes_of(owner.uid).await?.1);
                writes.push(Write::Delete(Key::recovery(owner.uid)));
            }
            if let Applied::Yes = self.apply(guards, writes, &marker).await? {
                let event = event(Name::Deactivate, caller, &owner.name, &token.serial)
                    .with(Field::Fate, fate.word());
                self.around.audit.record(&event);
                let [state] = self.get([Key::state(&serial)]).await?;
                let state = self.decode(state.as_ref())?.unwrap_or_default();
                return Ok(report::token(&token, &state, &self.moment().await?));
            }
        }
        Err(self.give_up())
    }

    /// Puts together what takes a token from its user, unless a rule keeps it.
    pub(super) async fn removal(
        &self,
        (owner, name, serial): &(Owner, UserName, Serial),
        fate: Fate,
        safe: &Safeguards<'_>,
    ) -> Result<Removal, Error> {
        let tokens = self.tokens_of(owner.uid).await?;
        let (key, held) = self.held(name, serial).await?;
        let before = held.record;
        let (token, left) = remove::deactivate(&before, owner, &tokens.record, fate, safe.root)?;
        assign::typed_twice(owner, serial, safe.serial_again)?;
        let (known, counted) = self.administrators(owner, safe.administrators).await?;
        remove::keep_an_administrator(&before, owner, &left, known, safe.administrators)?;
        let writes = vec![self.put(key, &token)?, self.put(Key::user(owner.uid), &left)?];
        let mut guards = vec![tokens.guard, held.guard];
        guards.extend(counted);
        Ok(Removal { before, token, left, guards, writes })
    }

    /// Looks up who has the token that is to be taken away. By its serial it is found when the
    /// user is not in the host's database any more.
    async fn holder(&self, holder: &Holder<'_>) -> Result<(Owner, UserName, Serial), Error> {
        match holder {
            Holder::User(user) => {
                let owner = self.existing(user).await?;
                let serial = self.serial_of(user, &owner).await?;
                Ok((owner, (*user).clone(), serial))
            }
            Holder::Token(typed) => {
                let serial = &self.meant(typed).await?;
                let [seed] = self.get([Key::seed(serial)]).await?;
                let token: Token = self
                    .decode(seed.as_ref())?
                    .ok_or_else(|| Error::NoSuchToken { serial: serial.clone() })?;
                let Standing::Assigned(owner) = token.standing else {
                    return Err(Error::NotHeld { serial: serial.clone() });
                };
                let name = assign::user_of(&owner)?;
                Ok((owner, name, serial.clone()))
            }
        }
    }

    /// Removes a token's seed; its spent steps stay spent. The serial is that of the token, dashes
    /// and all: what cannot be taken back is not done to one that is only alike.
    ///
    /// # Errors
    ///
    /// `NotAuthorized`, `NoSuchToken`, `AlreadyAssigned`, `StoreUnavailable`.
    pub async fn forget(&self, caller: Caller, serial: &Serial) -> Result<(), Error> {
        let done = self.try_to_forget(caller, serial).await;
        done.inspect_err(|error| {
            self.refused(Name::Forget, &About::of_token(caller, serial), error)
        })
    }

    async fn try_to_forget(&self, caller: Caller, serial: &Serial) -> Result<(), Error> {
        self.permit(Action::Forget, caller, Target::House)?;
        for _ in 0..ROUNDS {
            let (seed_key, state_key) = (Key::seed(serial), Key::state(serial));
            let [seed, state] = self.get([seed_key.clone(), state_key.clone()]).await?;
            let token: Token = self
                .decode(seed.as_ref())?
                .ok_or_else(|| Error::NoSuchToken { serial: serial.clone() })?;
            let state = self.decode_or_default::<State>(state_key.clone(), state)?;
            let mut stamped = state.record;
            stamped.attempt = self.attempt()?;
            let trace = remove::forget(&token, &stamped, self.now()?)?;
            let guards = vec![Guard::unchanged(&seed_key, seed.as_ref()), state.guard];
            let (write, marker) = self.mark(Key::fingerprint(&token.fingerprint), &trace)?;
            let writes = vec![write, Write::Delete(seed_key), Write::Delete(state_key)];
            if let Applied::Yes = self.apply(guards, writes, &marker).await? {
                self.changed(Name::Forget, caller, "", serial);
                return Ok(());
            }
        }
        Err(self.give_up())
    }

    /// Looks a user up who must exist.
    pub(super) async fn existing(&self, user: &UserName) -> Result<Owner, Error> {
        self.find(user).await?.ok_or_else(|| Error::NoSuchUser { user: user.clone() })
    }

    /// Returns the serial of a user's token.
    pub(super) async fn serial_of(&self, user: &UserName, owner: &Owner) -> Result<Serial, Error> {
        let tokens = self.tokens_of(owner.uid).await?.record;
        self.first_serial(user, &tokens)
    }

    /// Returns the serial of the token that a user has.
    fn first_serial(&self, user: &UserName, tokens: &UserTokens) -> Result<Serial, Error> {
        let serial =
            tokens.serials.first().ok_or_else(|| Error::NotAssigned { user: user.clone() })?;
        Serial::parse(serial).map_err(|error| self.trouble("record", error))
    }

    /// Loads the record of a token that a user has.
    async fn held(&self, user: &UserName, serial: &Serial) -> Result<(Key, Loaded<Token>), Error> {
        let key = Key::seed(serial);
        let [entry] = self.get([key.clone()]).await?;
        let record = self
            .decode(entry.as_ref())?
            .ok_or_else(|| Error::NotAssigned { user: user.clone() })?;
        let guard = Guard::unchanged(&key, entry.as_ref());
        Ok((key, Loaded { record, guard }))
    }

    /// Loads a token with its state.
    pub(super) async fn load(&self, serial: &Serial) -> Result<LoadedToken, Error> {
        let [seed, state] = self.get([Key::seed(serial), Key::state(serial)]).await?;
        self.open(serial, seed, state)
    }

    /// Loads a user's tokens and the token that he is to get.
    async fn parties(&self, owner: &Owner, serial: &Serial) -> Result<Parties, Error> {
        let user = Key::user(owner.uid);
        let keys = [user.clone(), Key::seed(serial), Key::state(serial)];
        let [tokens, seed, state] = self.get(keys).await?;
        let new = self.open(serial, seed, state)?;
        Ok(Parties { tokens: self.decode_or_default(user, tokens)?, new })
    }

    /// Stamps a state with a fresh attempt id and encodes it.
    pub(super) fn attempted(
        &self,
        key: Key,
        mut state: State,
    ) -> Result<((State, Write), Marker), Error> {
        state.attempt = self.attempt()?;
        let (write, marker) = self.mark(key, &state)?;
        Ok(((state, write), marker))
    }

    /// Logs a change.
    fn changed(&self, name: Name, caller: Caller, user: &str, serial: &Serial) {
        self.around.audit.record(&event(name, caller, user, serial.as_str()));
    }
}

impl LoadedToken {
    /// Returns what a decision needs of it.
    pub(super) fn opened(&self) -> Opened<'_> {
        Opened { token: &self.token.record, state: &self.state.record, generator: &self.generator }
    }
}

/// Refuses a token that was given to another name of the user's uid.
pub(super) fn owned(
    token: &Token,
    owner: &Owner,
    user: &UserName,
    serial: &Serial,
) -> Result<(), Error> {
    match &token.standing {
        Standing::Assigned(before) if before == owner => Ok(()),
        Standing::Assigned(before) if before.uid == owner.uid => Err(Error::Renamed {
            serial: serial.clone(),
            before: assign::user_of(before)?,
            user: user.clone(),
        }),
        _ => Err(Error::NotAssigned { user: user.clone() }),
    }
}

/// Returns who gets the token.
fn recipient<'a>(owner: &'a Owner, tokens: &'a UserTokens, pairing: &Pairing<'a>) -> Recipient<'a> {
    Recipient { owner, tokens, serial_again: pairing.serial_again }
}

/// Returns the event of a change.
pub(super) fn event(name: Name, caller: Caller, user: &str, serial: &str) -> Event {
    let user = Some(user).filter(|user| !user.is_empty());
    Event::new(name).with_some(Field::User, user).with(Field::Serial, serial).by(caller)
}
