//! A user who reports his token lost. One commit uses his recovery code up and takes the token from
//! him: there is no moment in which one is done and the other is not.

use fob_api::{Error, Fate, RecoveryCode, TokenReport, UserName, Verdict, VerifyContext};

use super::{Trial, whence};
use crate::{
    access::{Action, Caller},
    audit::{Field, Name},
    decide::{
        recovery::{self, Decision},
        remove::Safeguards,
        throttle::pairs::Turn,
    },
    engine::{
        Applied, Engine, ROUNDS, SignIn,
        change::{self, Removal},
        events::About,
        report,
        verify::Place,
    },
    record::Owner,
    slow_hash::Digest,
    store::Store,
};

/// Who reports it, and by which turn.
struct Reporter<'a> {
    sign_in: &'a SignIn<'a>,
    owner: &'a Owner,
    place: &'a Place,
    turn: Turn,
}

impl<S: Store> Engine<S> {
    /// Takes a user's token from him as a lost one, proven by one of his recovery codes. No code of it
    /// is accepted any more once this is answered, and none of his own calls gives it back; the recovery
    /// codes that are left stay good. A wrong code costs what it costs at a prompt.
    ///
    /// # Errors
    ///
    /// `NotAuthorized`, `NoSuchUser`, `NotAssigned`, `RootOnly` and `LastAdministrator`, before a code is
    /// tried; `InvalidCode`, `TemporarilyUnmodifiable` while he has to wait; `Busy`, `StoreUnavailable`.
    pub async fn report_lost(
        &self,
        caller: Caller,
        user: &UserName,
        code: &RecoveryCode,
    ) -> Result<TokenReport, Error> {
        let done = self.try_to_report(caller, user, code).await;
        done.inspect_err(|error| {
            self.refused(Name::Deactivate, &About::of_user(caller, user), error);
        })
    }

    async fn try_to_report(
        &self,
        caller: Caller,
        user: &UserName,
        code: &RecoveryCode,
    ) -> Result<TokenReport, Error> {
        let (found, role) = self.about(Action::ReportLost, caller, user).await?;
        let owner = &found.ok_or_else(|| Error::NoSuchUser { user: user.clone() })?;
        let sign_in = &SignIn { caller, user, context: &VerifyContext::default() };
        let place = &self.place(sign_in, Some(owner), role);
        let (uptime, pause) = (self.moment().await?.uptime, self.around.policy.pair_pause);
        let (turn, lent) = self.recent.take_turn(place.visit, uptime, pause);
        let done = self.report_in_turn(&Reporter { sign_in, owner, place, turn }, code).await;
        if matches!(done, Ok(_) | Err(Error::InvalidCode)) {
            lent.keep();
        }
        if done.is_ok() {
            self.recent.forget(&place.visit);
        }
        done
    }

    /// Decides until the change is applied.
    async fn report_in_turn(
        &self,
        reporter: &Reporter<'_>,
        code: &RecoveryCode,
    ) -> Result<TokenReport, Error> {
        let Reporter { sign_in, owner, turn, .. } = *reporter;
        let first = self.trial(sign_in.user, Some(owner)).await?;
        self.check_wait(&first, turn).await?;
        drop(first);
        let seat = self.slow_hash.seat().await?;
        let mut salted = None;
        for _ in 0..ROUNDS {
            let trial = self.trial(sign_in.user, Some(owner)).await?;
            self.check_wait(&trial, turn).await?;
            let loss = self.loss(sign_in.user, owner).await?;
            let known = self.salted(&seat, code, trial.codes.record.salt, salted).await?;
            if let Some(settled) = self.settle_loss(reporter, trial, loss, &known.digest).await? {
                return settled;
            }
            salted = Some(known);
        }
        Err(self.give_up())
    }

    /// Decides on a digest and applies the change; `None` if the records changed meanwhile.
    async fn settle_loss(
        &self,
        reporter: &Reporter<'_>,
        trial: Trial,
        loss: Removal,
        digest: &Digest,
    ) -> Result<Option<Result<TokenReport, Error>>, Error> {
        let Reporter { sign_in, owner, place, turn } = *reporter;
        let at = self.moment().await?;
        let whence = whence(sign_in, (place, turn));
        let Decision { verdict, change, spray, found, .. } =
            recovery::report_lost(&trial.kept(), digest.as_bytes(), &whence, &at);
        let Some(change) = change else {
            self.check_wait(&trial, turn).await?;
            return Ok(None);
        };
        let (state, left) = (change.0.clone(), change.1.hashes.len());
        let is_right = verdict == Verdict::Accept;
        let also = if is_right { (loss.guards, loss.writes) } else { Default::default() };
        match self.keep_trial_with(trial, change, spray, also).await? {
            Applied::Stale => Ok(None),
            Applied::Yes if !is_right => Ok(Some(Err(Error::InvalidCode))),
            Applied::Yes => {
                let event = change::event(
                    Name::Deactivate,
                    sign_in.caller,
                    &owner.name,
                    &loss.token.serial,
                );
                let by = found.map_or("recovery", |found| found.word());
                let event = event.with(Field::Fate, Fate::Lost.word()).with(Field::By, by);
                self.around.audit.record(&event.with(Field::Left, left));
                Ok(Some(Ok(report::token(&loss.token, &state, &at))))
            }
        }
    }

    /// Puts together what takes his token from a user as a lost one. Who was called otherwise when it
    /// was assigned, or has the uid of somebody who is gone, reports nothing.
    async fn loss(&self, user: &UserName, owner: &Owner) -> Result<Removal, Error> {
        let serial = self.serial_of(user, owner).await?;
        let holder = (owner.clone(), user.clone(), serial);
        let loss = self.removal(&holder, Fate::Lost, &Safeguards::default()).await?;
        change::owned(&loss.before, owner, user, &holder.2)?;
        Ok(loss)
    }

    /// Refuses a try that has to wait.
    async fn check_wait(&self, trial: &Trial, turn: Turn) -> Result<(), Error> {
        match recovery::wait(&trial.codes.record, turn, &self.moment().await?) {
            0 => Ok(()),
            seconds => Err(Error::TemporarilyUnmodifiable { seconds }),
        }
    }
}
