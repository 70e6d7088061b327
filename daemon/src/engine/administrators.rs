//! Who else could mend things: what the rule about the last administrator is decided on.

use fob_api::{Error, Serial};

use crate::{
    decide::remove::{self, AdminGuard, Administrators, Membership},
    engine::Engine,
    record::{Owner, Token},
    store::{Guard, Key, Store},
};

impl<S: Store> Engine<S> {
    /// Looks up what [`remove::keep_an_administrator`] needs, and returns with it what must not
    /// have changed when the token is taken: else two administrators' tokens, taken at once,
    /// would each be covered by the other's. Nothing is looked up when it was spelled out: a user
    /// database that does not answer must not keep anybody from taking a token.
    pub(super) async fn administrators(
        &self,
        owner: &Owner,
        guard: AdminGuard,
    ) -> Result<(Administrators, Vec<Guard>), Error> {
        let nothing = (Administrators { user: Membership::Other, others: 0 }, Vec::new());
        if guard == AdminGuard::LeaveNone {
            return Ok(nothing);
        }
        let no_answer = |_| self.trouble("users", "no answer");
        let users = &self.around.users;
        if !users.is_administrator(owner).await.map_err(no_answer)? {
            return Ok(nothing);
        }
        let user = Membership::Administrator;
        for other in users.administrators().await.map_err(no_answer)? {
            if other.uid == owner.uid {
                continue;
            }
            if let Some(guards) = self.way_in(&other).await? {
                return Ok((Administrators { user, others: 1 }, guards));
            }
        }
        Ok((Administrators { user, others: 0 }, Vec::new()))
    }

    /// Tells whether a user could sign in now, by a token of his: returns the guards that hold as
    /// long as he can, `None` if he cannot. Other ways in are to be asked for here. Emergency
    /// codes are none: they are files of the PAM module's, which the daemon does not see.
    async fn way_in(&self, user: &Owner) -> Result<Option<Vec<Guard>>, Error> {
        // A token leaves its user in the commit that changes his list: the list's guard is enough.
        let tokens = self.tokens_of(user.uid).await?;
        for serial in &tokens.record.serials {
            let serial = Serial::parse(serial).map_err(|error| self.trouble("record", error))?;
            let [seed] = self.get([Key::seed(&serial)]).await?;
            let token = self.decode::<Token>(seed.as_ref())?;
            if token.is_some_and(|token| remove::is_owned_by(&token, user)) {
                return Ok(Some(vec![tokens.guard]));
            }
        }
        Ok(None)
    }
}
