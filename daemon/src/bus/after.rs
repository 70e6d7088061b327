//! What is done about a call once its reply is out.

use std::{sync::Arc, time::Duration};

use fob_api::{Error, Verdict};

use super::Fob;
use crate::{
    decide::verify::Typed,
    engine::{Notice, Refused, SignIn, Untold},
    store::Store,
};

/// How long after a refusal its user's former tokens are looked at. The reply is out by then, so
/// that its time tells nobody whether there are any; for an alarm it is soon enough.
const PAUSE: Duration = Duration::from_millis(250);

impl<S: Store> Fob<S> {
    /// Tells what there is to tell of a decision, if it was not told yet.
    pub fn tell(&self, untold: Option<&Untold>) {
        if let Some(untold) = untold {
            self.engine.tell(untold);
        }
    }

    /// Decides on codes of a token, and has a refused one looked at after the reply.
    pub(super) async fn verify_typed(
        &self,
        sign_in: &SignIn<'_>,
        typed: Typed<'_>,
    ) -> Result<(Verdict, Notice, Option<Untold>), Error> {
        let (verdict, notice, untold) = self.engine.verify_untold(sign_in, typed).await?;
        self.after_the_reply(Refused::of(sign_in, typed, verdict));
        Ok((verdict, notice, Some(untold)))
    }

    /// Looks at the former tokens of a user whose code was refused: each has a seed to be opened.
    fn after_the_reply(&self, refused: Option<Refused>) {
        let Some(refused) = refused else { return };
        let engine = Arc::clone(&self.engine);
        let look = async move {
            tokio::time::sleep(PAUSE).await;
            engine.watch(&refused).await;
        };
        match &self.rest {
            Some(rest) => rest.spawn(look),
            None => tokio::spawn(look),
        };
    }
}
