//! A sign-in with a recovery code or a temporary one.
//!
//! These codes do not depend on the host's clock: they are taken also while it is not trusted.
//!
//! The slow hash comes before the decision. A source takes its turn, and a place to hash, before
//! the records are read: of many tries at once nearly all find that they have to wait, unhashed.

mod issue;
mod lost;
pub(super) mod scratch;

use fob_api::{Error, RecoveryCode, UserName, Verdict};

use crate::{
    access::Action,
    audit::{Event, Field},
    decide::{
        At,
        recovery::{self, Decision, Kept, Whence},
        throttle::pairs::Turn,
        verify::Claim,
    },
    engine::{
        Applied, Engine, Notice, ROUNDS, SignIn,
        load::Loaded,
        subject::{self, Subject, spray_key},
        verify::{self, Place},
    },
    record::{Owner, Recovery, Spray, State},
    slow_hash::{Digest, Plain, Seat},
    store::{Guard, Key, Store, Write},
};

/// The records that one round decides on.
struct Trial {
    subject: Subject,
    codes: Loaded<Recovery>,
    codes_key: Key,
    /// Whether the codes are his.
    claim: Claim,
}

impl Trial {
    fn kept(&self) -> Kept<'_> {
        Kept {
            state: &self.subject.state.record,
            recovery: &self.codes.record,
            spray: &self.subject.spray.record,
            token: self.subject.claim,
            codes: self.claim,
        }
    }
}

/// A digest, and the salt that it was made with.
struct Salted {
    salt: [u8; 16],
    digest: Digest,
}

impl<S: Store> Engine<S> {
    /// Decides on a recovery code or a temporary one. The verdict is returned only after its cost
    /// is durable; with an Accept, what the user may want to know about the sign-in before.
    ///
    /// # Errors
    ///
    /// `NotAuthorized`, `StoreUnavailable`; `Busy` if too many such codes are tried at once.
    pub async fn recover(
        &self,
        sign_in: &SignIn<'_>,
        code: &RecoveryCode,
    ) -> Result<(Verdict, Notice), Error> {
        let (owner, role) = self.about(Action::Verify, sign_in.caller, sign_in.user).await?;
        let place = self.place(sign_in, owner.as_ref(), role);
        let (uptime, pause) = (self.moment().await?.uptime, self.around.policy.pair_pause);
        let (turn, lent) = self.recent.take_turn(place.visit, uptime, pause);
        let decided = self.recover_in_turn(sign_in, owner.as_ref(), (&place, turn), code).await;
        if matches!(&decided, Ok((verdict, _)) if !matches!(verdict, Verdict::Wait(_))) {
            lent.keep();
        }
        let (verdict, notice) = decided?;
        if verdict == Verdict::Accept {
            self.recent.forget(&place.visit);
        }
        Ok((verdict, notice))
    }

    /// Decides until the change is applied.
    async fn recover_in_turn(
        &self,
        sign_in: &SignIn<'_>,
        owner: Option<&Owner>,
        place: (&Place, Turn),
        code: &RecoveryCode,
    ) -> Result<(Verdict, Notice), Error> {
        let first = self.trial(sign_in.user, owner).await?;
        if let Some(wait) = self.to_wait(sign_in, &first, place.1).await? {
            return Ok(wait);
        }
        drop(first);
        let seat = self.slow_hash.seat().await?;
        let mut salted = None;
        for _ in 0..ROUNDS {
            let trial = self.trial(sign_in.user, owner).await?;
            if let Some(wait) = self.to_wait(sign_in, &trial, place.1).await? {
                return Ok(wait);
            }
            let known = self.salted(&seat, code, trial.codes.record.salt, salted).await?;
            if let Some(settled) = self.settle_code(sign_in, trial, &known.digest, place).await? {
                return Ok(settled);
            }
            salted = Some(known);
        }
        Err(self.give_up())
    }

    /// Decides on a digest and applies the change; `None` if the records changed meanwhile.
    async fn settle_code(
        &self,
        sign_in: &SignIn<'_>,
        trial: Trial,
        digest: &Digest,
        place: (&Place, Turn),
    ) -> Result<Option<(Verdict, Notice)>, Error> {
        let decision = decide(sign_in, &trial, digest, place, &self.moment().await?);
        let notice = match (decision.verdict, trial.subject.claim) {
            (Verdict::Accept, Claim::Owner) => Notice::of(&trial.subject.state.record),
            _ => Notice::default(),
        };
        let event = describe(sign_in, &decision);
        let verdict = decision.verdict;
        let Some(change) = decision.change else {
            self.decided(sign_in.caller, verdict, &event);
            return Ok(Some((verdict, notice)));
        };
        match self.keep_trial(trial, change, decision.spray).await? {
            Applied::Yes => {
                self.decided(sign_in.caller, verdict, &event);
                Ok(Some((verdict, notice)))
            }
            Applied::Stale => Ok(None),
        }
    }

    /// Writes what a try has changed, if nothing of what it was decided on has changed meanwhile.
    async fn keep_trial(
        &self,
        trial: Trial,
        change: (State, Recovery),
        spray: Option<Spray>,
    ) -> Result<Applied, Error> {
        self.keep_trial_with(trial, change, spray, (Vec::new(), Vec::new())).await
    }

    /// As [`Engine::keep_trial`], with more in the same commit.
    async fn keep_trial_with(
        &self,
        trial: Trial,
        (state, after): (State, Recovery),
        spray: Option<Spray>,
        also: (Vec<Guard>, Vec<Write>),
    ) -> Result<Applied, Error> {
        let Trial { subject, codes, codes_key, .. } = trial;
        let ((state, write), marker) = self.attempted(subject.state_key, state)?;
        let mut writes = vec![write, self.put(codes_key, &after)?];
        let mut guards = vec![subject.state.guard, codes.guard];
        guards.extend(subject.token_guard);
        if let Some(mut spray) = spray {
            spray.attempt = state.attempt;
            guards.push(subject.spray.guard);
            writes.push(self.put(spray_key(), &spray)?);
        }
        guards.extend(also.0);
        writes.extend(also.1);
        self.apply(guards, writes, &marker).await
    }

    /// Returns the verdict for somebody who has to wait; `None` if a code is tried now.
    async fn to_wait(
        &self,
        sign_in: &SignIn<'_>,
        trial: &Trial,
        turn: Turn,
    ) -> Result<Option<(Verdict, Notice)>, Error> {
        let seconds = recovery::wait(&trial.codes.record, turn, &self.moment().await?);
        if seconds == 0 {
            return Ok(None);
        }
        let verdict = Verdict::Wait(seconds);
        self.decided(sign_in.caller, verdict, &verify::event(sign_in, verdict));
        Ok(Some((verdict, Notice::default())))
    }

    /// Returns the digest under a salt: the known one, or a new one.
    async fn salted<P: Plain + Clone>(
        &self,
        seat: &Seat,
        code: &P,
        salt: [u8; 16],
        known: Option<Salted>,
    ) -> Result<Salted, Error> {
        match known {
            Some(known) if known.salt == salt => Ok(known),
            _ => {
                let digest = self.hash(seat, vec![code.clone()], salt).await?.pop();
                let digest = digest.ok_or_else(|| self.trouble("hash", "no digest"))?;
                Ok(Salted { salt, digest })
            }
        }
    }

    /// Hashes codes.
    pub(super) async fn hash<P: Plain>(
        &self,
        seat: &Seat,
        codes: Vec<P>,
        salt: [u8; 16],
    ) -> Result<Vec<Digest>, Error> {
        seat.hash(codes, salt).await.ok_or_else(|| self.trouble("hash", "no memory"))
    }

    /// Loads what a try is decided on: a user's codes, or those that stand in for them, and the
    /// state on which his wrong codes are counted.
    async fn trial(&self, user: &UserName, owner: Option<&Owner>) -> Result<Trial, Error> {
        let subject = self.subject(user, owner).await?;
        if let Some(owner) = owner {
            let (record, guard) = self.codes_of(owner.uid).await?;
            if let Some(record) = record.filter(|record| recovery::is_of(record, owner)) {
                let codes_key = Key::recovery(owner.uid);
                let codes = Loaded { record, guard };
                return Ok(Trial { subject, codes, codes_key, claim: Claim::Owner });
            }
        }
        let seed = self
            .vault
            .nobodys_seed(user.as_str())
            .ok_or_else(|| self.trouble("vault", "no stand-in seed"))?;
        let codes_key = Key::nobodys_recovery(subject::slot(&seed));
        let [entry] = self.get([codes_key.clone()]).await?;
        let codes = self.decode_or_default(codes_key.clone(), entry)?;
        Ok(Trial { subject, codes, codes_key, claim: Claim::Nobody })
    }
}

/// Decides on the records that were loaded.
fn decide(
    sign_in: &SignIn<'_>,
    trial: &Trial,
    digest: &Digest,
    place: (&Place, Turn),
    at: &At<'_>,
) -> Decision {
    recovery::verify_recovery(&trial.kept(), digest.as_bytes(), &whence(sign_in, place), at)
}

/// Returns where a code comes from.
fn whence<'a>(sign_in: &'a SignIn<'_>, (place, turn): (&Place, Turn)) -> Whence<'a> {
    let from = sign_in.context.rhost.as_deref();
    Whence { origin: place.origin, from, rank: place.rank, turn }
}

/// Returns the event of a decision. It never holds the code.
fn describe(sign_in: &SignIn<'_>, decision: &Decision) -> Event {
    let event = verify::event(sign_in, decision.verdict);
    let event = event.with(Field::Share, decision.share.word());
    let Some(found) = &decision.found else { return event.with(Field::By, "recovery") };
    let left = decision.change.as_ref().map(|(_, after)| after.hashes.len());
    event
        .with(Field::By, found.word())
        .with_some(Field::Reason, found.reason())
        .with_some(Field::Left, left)
}
