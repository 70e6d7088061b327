//! Watches the former tokens of users: raises an alarm when somebody types a code of one.

use fob_api::{Code, Error, Serial, UserName, Verdict, VerifyContext};

use crate::{
    access::{Action, Caller},
    audit::{Event, Field, Name},
    decide::{
        Opened,
        tripwire::{self, Alarm},
        verify::Typed,
    },
    engine::{Engine, SignIn},
    store::{Key, Store},
};

/// A refused code, kept for a look at its user's former tokens. Wiped on drop, as the code is.
pub struct Refused {
    caller: Caller,
    user: UserName,
    context: VerifyContext,
    code: Code,
}

impl Refused {
    /// Takes down what was refused; `None` if there is nothing to look at after this verdict. Of
    /// two codes in a row it is the later one: the other may have left the window.
    #[must_use]
    pub fn of(sign_in: &SignIn<'_>, typed: Typed<'_>, verdict: Verdict) -> Option<Self> {
        let code = match typed {
            Typed::Code(code) => code,
            Typed::Pair(pair) => &pair.second,
        };
        tripwire::is_due(verdict).then(|| Self {
            caller: sign_in.caller,
            user: sign_in.user.clone(),
            context: sign_in.context.clone(),
            code: code.clone(),
        })
    }
}

impl<S: Store> Engine<S> {
    /// Looks whether a refused code is one of a token that its user lost, and raises the alarm.
    ///
    /// Never before the verdict's reply: who has former tokens, and whether one was met, would
    /// show in its time. It changes no record and charges nobody. Trouble is logged.
    pub async fn watch(&self, refused: &Refused) {
        // What went wrong stands in the log already, and nobody waits for an answer.
        let _ = self.look_at_former(refused).await;
    }

    async fn look_at_former(&self, refused: &Refused) -> Result<(), Error> {
        let found = self.about(Action::Verify, refused.caller, &refused.user).await?;
        let Some(owner) = found.0 else { return Ok(()) };
        for serial in &self.tokens_of(owner.uid).await?.record.former {
            let serial = Serial::parse(serial).map_err(|error| self.trouble("record", error))?;
            let [seed, state] = self.get([Key::seed(&serial), Key::state(&serial)]).await?;
            if seed.is_none() {
                // It was forgotten: without its seed there are no codes to compare with.
                continue;
            }
            let loaded = self.open(&serial, seed, state)?;
            let opened = Opened {
                token: &loaded.token.record,
                state: &loaded.state.record,
                generator: &loaded.generator,
            };
            if let Some(alarm) = tripwire::trips(&opened, &refused.code, &self.at().await?) {
                self.around.audit.record(&event(refused, &opened.token.serial, alarm));
            }
        }
        Ok(())
    }
}

/// Returns the event of an alarm, with its source.
fn event(refused: &Refused, serial: &str, alarm: Alarm) -> Event {
    let context = &refused.context;
    Event::new(Name::Alarm)
        .with(Field::What, alarm.word())
        .with(Field::User, &refused.user)
        .with(Field::Serial, serial)
        .with_some(Field::Service, context.service.as_ref())
        .with_some(Field::Rhost, context.rhost.as_ref())
        .with_some(Field::Tty, context.tty.as_ref())
        .with(Field::Caller, refused.caller.uid)
}
