//! One record of a backup: load what is here, decide, write all of it or nothing.

use fob_api::{Error, Serial};

use super::Work;
use crate::{
    audit::{Event, Field, Name},
    backup::{SavedToken, SavedTrace},
    decide::{
        import, recovery,
        restore::{self, Change, Decision, Gain, Here, Note, Saved, TraceChange},
    },
    engine::{Applied, Engine, Extent, ROUNDS, load::Loaded},
    record::{KeyId, Owner, Recovery, Standing, State, Token, Trace, UserTokens},
    store::{Guard, Key, Store, Write},
};

/// What the store has about a token of a backup, and what guards it.
struct Known {
    token: Option<Token>,
    state: Option<State>,
    trace: Option<Trace>,
    tokens: Option<Loaded<UserTokens>>,
    owner: Option<Owner>,
    guards: Vec<Guard>,
}

impl Known {
    fn here(&self) -> Here<'_> {
        Here {
            token: self.token.as_ref(),
            state: self.state.as_ref(),
            trace: self.trace.as_ref(),
            tokens: self.tokens.as_ref().map(|tokens| &tokens.record),
            owner: self.owner.as_ref(),
        }
    }
}

impl<S: Store> Engine<S> {
    /// Brings a token in.
    pub(super) async fn restore_token(
        &self,
        saved: &SavedToken,
        work: &Work<'_>,
    ) -> Result<(Option<Gain>, Option<Note>), Error> {
        let serial = Serial::parse(&saved.serial).map_err(|error| self.trouble("backup", error))?;
        for _ in 0..ROUNDS {
            let (key, sealing) = self.sealing().await?;
            let fresh = self.sealed_here(saved, &serial, key, work)?;
            let known = self.known(&serial, &fresh.fingerprint, Some(saved)).await?;
            let decision =
                restore::token(&Saved { token: saved, fresh: &fresh }, &known.here(), work.times);
            let change = match decision {
                Decision::Keep(note) => return Ok((None, note)),
                Decision::Write(change) => change,
            };
            let (gain, note) = (change.gain, change.note.clone());
            if work.extent == Extent::DryRun {
                return Ok((Some(gain), note));
            }
            let event = event(&change);
            if let Applied::Yes = self.write_change(*change, known, vec![sealing]).await? {
                self.around.audit.record(&event);
                return Ok((Some(gain), note));
            }
        }
        Err(self.give_up())
    }

    /// Brings in what is left of a forgotten token.
    pub(super) async fn restore_trace(
        &self,
        saved: &SavedTrace,
        work: &Work<'_>,
    ) -> Result<(), Error> {
        let key = Key::fingerprint(&saved.fingerprint);
        for _ in 0..ROUNDS {
            let [entry] = self.get([key.clone()]).await?;
            let trace: Option<Trace> = self.decode(entry.as_ref())?;
            let name = trace.as_ref().map_or(&saved.serial, |trace| &trace.serial);
            let serial = Serial::parse(name).map_err(|error| self.trouble("backup", error))?;
            let known = self.known(&serial, &saved.fingerprint, None).await?;
            let change = restore::trace(saved, &known.here(), work.times);
            let Some(change) = change.filter(|_| work.extent == Extent::Full) else {
                return Ok(());
            };
            let applied = match change {
                TraceChange::Token(change) => {
                    let event = event(&change);
                    let applied = self.write_change(*change, known, Vec::new()).await?;
                    if let Applied::Yes = applied {
                        self.around.audit.record(&event);
                    }
                    applied
                }
                TraceChange::Trace(mut trace) => {
                    if let Some(left) = &mut trace.left {
                        left.state.attempt = self.attempt()?;
                    }
                    let (write, marker) = self.mark(key.clone(), &*trace)?;
                    self.apply(known.guards, vec![write], &marker).await?
                }
            };
            if let Applied::Yes = applied {
                return Ok(());
            }
        }
        Err(self.give_up())
    }

    /// Brings in what another house has left of a forgotten token, by its serial. Tells whether
    /// that could be: a token of that serial that is here may be another one.
    pub(super) async fn restore_former(
        &self,
        saved: &SavedTrace,
        work: &Work<'_>,
    ) -> Result<bool, Error> {
        let serial = Serial::parse(&saved.serial).map_err(|error| self.trouble("backup", error))?;
        let keys = [Key::seed(&serial), Key::former(&serial)];
        for _ in 0..ROUNDS {
            let [seed, former] = self.get(keys.clone()).await?;
            if seed.is_some() {
                return Ok(false);
            }
            let trace: Option<Trace> = self.decode(former.as_ref())?;
            let here = Here { trace: trace.as_ref(), ..Here::default() };
            let change = restore::trace(saved, &here, work.times);
            let Some(TraceChange::Trace(mut trace)) =
                change.filter(|_| work.extent == Extent::Full)
            else {
                return Ok(true);
            };
            if let Some(left) = &mut trace.left {
                left.state.attempt = self.attempt()?;
            }
            let (write, marker) = self.mark(Key::former(&serial), &*trace)?;
            let guards = keys.iter().zip([seed, former]);
            let guards = guards.map(|(key, read)| Guard::unchanged(key, read.as_ref())).collect();
            if let Applied::Yes = self.apply(guards, vec![write], &marker).await? {
                return Ok(true);
            }
        }
        Err(self.give_up())
    }

    /// Notes that somebody had recovery codes: he has none left, and stays asked.
    pub(super) async fn restore_name(
        &self,
        owner: &Owner,
        work: &mut Work<'_>,
    ) -> Result<(), Error> {
        // Also for one who is not a user yet, as before a directory is joined: it would exempt him.
        if self.user_of(owner.uid).await?.is_some_and(|who| who != *owner) {
            return Ok(());
        }
        for _ in 0..ROUNDS {
            let Some((guard, write, record)) = self.binding(owner).await? else { return Ok(()) };
            let done = match work.extent {
                Extent::DryRun => Applied::Yes,
                Extent::Full => {
                    let (_, marker) = self.mark(Key::recovery(owner.uid), &record)?;
                    self.apply(vec![guard], vec![write], &marker).await?
                }
            };
            if let Applied::Yes = done {
                work.done.recovery.push(owner.name.clone());
                return Ok(());
            }
        }
        Err(self.give_up())
    }

    /// Returns the token as it would come into the stock of this host.
    fn sealed_here(
        &self,
        saved: &SavedToken,
        serial: &Serial,
        key: KeyId,
        work: &Work<'_>,
    ) -> Result<Token, Error> {
        let folded = serial.folded();
        let trouble = |error| self.trouble("vault", error);
        let seed = work.key.open(&folded, &saved.seed).map_err(trouble)?;
        Ok(Token {
            serial: saved.serial.clone(),
            standing: Standing::Stock,
            epoch: 0,
            parameters: saved.parameters,
            fingerprint: self.vault.fingerprint(&seed),
            seed: self.vault.seal(key, &folded, 1, &seed).map_err(trouble)?,
            imported: saved.imported,
            manufacturer: saved.manufacturer.clone(),
            model: saved.model.clone(),
            batch: saved.batch.clone(),
        })
    }

    /// Loads what is here about a token.
    async fn known(
        &self,
        serial: &Serial,
        fingerprint: &[u8; 32],
        saved: Option<&SavedToken>,
    ) -> Result<Known, Error> {
        let keys = [
            Key::seed(serial),
            Key::state(serial),
            Key::fingerprint(fingerprint),
            Key::former(serial),
        ];
        let entries = self.get(keys.clone()).await?;
        let guards = keys.iter().zip(&entries);
        let guards = guards.map(|(key, entry)| Guard::unchanged(key, entry.as_ref())).collect();
        let [seed, state, own, former] = entries;
        let token: Option<Token> = self.decode(seed.as_ref())?;
        let concerned = match (&token, saved) {
            (here, Some(saved)) => restore::concerned(saved, here.as_ref()).cloned(),
            (Some(Token { standing: Standing::Assigned(owner), .. }), None) => Some(owner.clone()),
            (_, None) => None,
        };
        let (tokens, owner) = match &concerned {
            Some(owner) => (Some(self.tokens_of(owner.uid).await?), self.user_of(owner.uid).await?),
            None => (None, None),
        };
        let state = self.decode(state.as_ref())?;
        let trace = import::combined(self.decode(own.as_ref())?, self.decode(former.as_ref())?);
        Ok(Known { token, state, trace, tokens, owner, guards })
    }

    /// Writes a token, its state, its trace, and what they mean for its user.
    async fn write_change(
        &self,
        change: Change,
        known: Known,
        mut guards: Vec<Guard>,
    ) -> Result<Applied, Error> {
        let serial = Serial::parse(&change.trace.serial);
        let serial = serial.map_err(|error| self.trouble("backup", error))?;
        guards.extend(known.guards);
        let ((_, write), marker) = self.attempted(Key::state(&serial), change.state)?;
        let mut writes = vec![
            write,
            self.put(Key::fingerprint(&change.token.fingerprint), &change.trace)?,
            self.put(Key::seed(&serial), &change.token)?,
        ];
        if let Some((uid, tokens)) = &change.user {
            guards.extend(known.tokens.map(|tokens| tokens.guard));
            writes.push(self.put(Key::user(*uid), tokens)?);
        }
        if let Some(owner) = &change.bound
            && let Some((guard, write, _)) = self.binding(owner).await?
        {
            guards.push(guard);
            writes.push(write);
        }
        self.apply(guards, writes, &marker).await
    }

    /// Returns the write after which `nullok` does not exempt a user who is left without a token;
    /// `None` if he has codes here.
    async fn binding(&self, owner: &Owner) -> Result<Option<(Guard, Write, Recovery)>, Error> {
        let (record, guard) = self.codes_of(owner.uid).await?;
        if record.is_some_and(|record| recovery::is_of(&record, owner)) {
            return Ok(None);
        }
        let salt = self.attempt()?;
        let bound = Recovery { issued: Some(self.now()?.0), ..recovery::fresh(owner, salt) };
        Ok(Some((guard, self.put(Key::recovery(owner.uid), &bound)?, bound)))
    }

    async fn user_of(&self, uid: u32) -> Result<Option<Owner>, Error> {
        self.around.users.find_uid(uid).await.map_err(|_| self.trouble("users", "no answer"))
    }
}

/// Returns the event of a token that came in, or changed.
fn event(change: &Change) -> Event {
    let (state, user) = match &change.token.standing {
        Standing::Assigned(owner) => ("assigned", Some(owner.name.as_str())),
        Standing::Lost => ("lost", None),
        Standing::Retired => ("retired", None),
        Standing::Stock => ("stock", None),
    };
    Event::new(Name::Restored)
        .with(Field::Serial, &change.token.serial)
        .with(Field::State, state)
        .with_some(Field::User, user)
        .with_some(Field::Note, change.note.as_ref().map(Note::word))
}
