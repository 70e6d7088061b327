//! What wrong codes have cost a user, and taking it back.

use fob_api::{Error, Share, UserName};

use crate::{
    access::{Action, Caller, Target},
    audit::{Event, Field, Name},
    decide::throttle,
    engine::{Applied, Engine, ROUNDS, events::About},
    record::{Budgets, Owner, Spray},
    store::Store,
};

impl<S: Store> Engine<S> {
    /// Returns what wrong codes have cost a user, and all of them together.
    pub(super) async fn budgets(
        &self,
        user: &UserName,
        owner: &Owner,
    ) -> Result<(Budgets, Spray), Error> {
        let subject = self.subject(user, Some(owner)).await?;
        Ok((subject.state.record.budgets, subject.spray.record))
    }

    /// Refills the budget of a share of a user, or of all of them.
    ///
    /// # Errors
    ///
    /// `NotAuthorized`, `NoSuchUser`, `StoreUnavailable`.
    pub async fn unlock(
        &self,
        caller: Caller,
        user: &UserName,
        share: Option<Share>,
    ) -> Result<(), Error> {
        let done = self.try_to_unlock(caller, user, share).await;
        done.inspect_err(|error| self.refused(Name::Unlock, &About::of_user(caller, user), error))
    }

    async fn try_to_unlock(
        &self,
        caller: Caller,
        user: &UserName,
        share: Option<Share>,
    ) -> Result<(), Error> {
        self.permit(Action::Unlock, caller, Target::House)?;
        let owner = self.existing(user).await?;
        for _ in 0..ROUNDS {
            let subject = self.subject(user, Some(&owner)).await?;
            let mut state = subject.state.record;
            state.writes = state.writes.wrapping_add(1);
            state.attempt = self.attempt()?;
            throttle::unlock(&mut state.budgets, share);
            let (write, marker) = self.mark(subject.state_key, &state)?;
            let guards = subject.token_guard.into_iter().chain([subject.state.guard]).collect();
            if let Applied::Yes = self.apply(guards, vec![write], &marker).await? {
                let event = Event::new(Name::Unlock)
                    .with(Field::User, user)
                    .with(Field::Share, share.map_or("all", Share::word))
                    .by(caller);
                self.around.audit.record(&event);
                return Ok(());
            }
        }
        Err(self.give_up())
    }
}
