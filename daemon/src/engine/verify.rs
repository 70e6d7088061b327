//! A sign-in: what to ask for, and whether the code is right.

use fob_api::{Code, Error, PromptKind, Serial, UserName, Verdict, VerifyContext};

use crate::{
    access::{Action, Caller, Role, Target, allow},
    audit::Event,
    decide::{Opened, Share, verify},
    engine::{Applied, Engine, ROUNDS, load::Loaded},
    record::{Algorithm, Moving, Owner, Parameters, SealedSeed, Standing, State, Token},
    store::{Guard, Key, Store},
    totp::Generator,
};

/// Slots of the table that users without a token share: bounded, so that made-up names fill
/// nothing; large enough that two names rarely slow each other down.
const SLOTS: u16 = 1024;
/// What is asked of a user without a token: the form of most hardware tokens.
const COMMON: Parameters =
    Parameters { algorithm: Algorithm::Sha1, digits: 6, moving: Moving::Time { period: 30 } };

/// Who signs in, and where.
pub struct SignIn<'a> {
    /// Who asks the daemon.
    pub caller: Caller,
    /// Who signs in.
    pub user: &'a UserName,
    /// What the caller says about it.
    pub context: &'a VerifyContext,
}

/// The records that one round decides on.
struct Subject {
    token: Token,
    /// Guards the token's record; none for a user without one.
    token_guard: Option<Guard>,
    state: Loaded<State>,
    state_key: Key,
    generator: Generator,
    claim: verify::Claim,
}

impl<S: Store> Engine<S> {
    /// Decides on a code. The verdict is returned only after its cost is durable.
    ///
    /// # Errors
    ///
    /// `NotAuthorized`, `StoreUnavailable`.
    pub async fn verify(&self, sign_in: &SignIn<'_>, code: &Code) -> Result<Verdict, Error> {
        let (owner, role) = self.about(Action::Verify, sign_in.caller, sign_in.user).await?;
        let context = sign_in.context;
        let share = match role {
            Role::Root => Share::of(context.service.as_deref(), context.rhost.as_deref()),
            Role::Own => Share::Own,
        };
        for _ in 0..ROUNDS {
            let subject = self.subject(sign_in.user, owner.as_ref()).await?;
            let decision = self.decide(&subject, code, share)?;
            let event = describe(sign_in, &subject, &decision);
            let Some(mut state) = decision.change else {
                self.around.audit.record(&event);
                return Ok(decision.verdict);
            };
            state.attempt = self.attempt()?;
            let (write, marker) = self.mark(subject.state_key, &state)?;
            let guards = subject.token_guard.into_iter().chain([subject.state.guard]).collect();
            if let Applied::Yes = self.apply(guards, vec![write], &marker).await? {
                self.around.audit.record(&event);
                return Ok(decision.verdict);
            }
        }
        Err(self.give_up())
    }

    /// Tells what to ask a user for, and how many digits a code of his has.
    ///
    /// # Errors
    ///
    /// `NotAuthorized`, `StoreUnavailable`: never an exemption.
    pub async fn prompt(&self, sign_in: &SignIn<'_>) -> Result<(PromptKind, u8), Error> {
        let (owner, role) = self.about(Action::Prompt, sign_in.caller, sign_in.user).await?;
        let subject = self.subject(sign_in.user, owner.as_ref()).await?;
        let tokens = match &owner {
            Some(owner) => Some(self.tokens_of(owner.uid).await?.record),
            None => None,
        };
        let nullok = match sign_in.context.nullok {
            Some(true) => verify::Unenrolled::Exempt,
            _ => verify::Unenrolled::Refuse,
        };
        let kind = verify::prompt(tokens.as_ref(), nullok);
        if kind == PromptKind::Exempt && role == Role::Root {
            self.around.audit.record(&event(sign_in, "exempt"));
        }
        Ok((kind, subject.token.parameters.digits))
    }

    /// Allows or refuses an action about a user, and looks him up.
    ///
    /// A caller who is not root is looked up by his own uid: no name that he makes up reaches
    /// the host's user database, and he learns of no other user whether he exists.
    pub(super) async fn about(
        &self,
        action: Action,
        caller: Caller,
        user: &UserName,
    ) -> Result<(Option<Owner>, Role), Error> {
        let owner = if caller.uid == 0 {
            self.find(user).await?
        } else {
            let own = self.around.users.find_uid(caller.uid).await;
            own.map_err(|_| self.trouble("users", "no answer"))?
                .filter(|own| own.name == user.as_str())
        };
        let target = Target::User(owner.as_ref().map(|owner| owner.uid));
        let role = self.permit(action, caller, target)?;
        Ok((owner, role))
    }

    /// Allows or refuses, with an event for a refusal.
    pub(super) fn permit(
        &self,
        action: Action,
        caller: Caller,
        target: Target,
    ) -> Result<Role, Error> {
        allow(action, caller, target).inspect_err(|_| {
            let event = Event::new("denied").with("verb", action.verb()).with("caller", caller.uid);
            self.around.audit.record(&event);
        })
    }

    /// Looks a user up.
    pub(super) async fn find(&self, user: &UserName) -> Result<Option<Owner>, Error> {
        self.around.users.find(user).await.map_err(|_| self.trouble("users", "no answer"))
    }

    /// Decides on the records that were loaded.
    fn decide(
        &self,
        subject: &Subject,
        code: &Code,
        share: Share,
    ) -> Result<verify::Decision, Error> {
        let opened = Opened {
            token: &subject.token,
            state: &subject.state.record,
            generator: &subject.generator,
        };
        let caller = (share, subject.claim);
        Ok(verify::verify(&opened, code, caller, &self.at()?))
    }

    /// Loads the records of a user's token, or those that stand in for one that he has not.
    async fn subject(&self, user: &UserName, owner: Option<&Owner>) -> Result<Subject, Error> {
        let Some(owner) = owner else { return self.nobody(user).await };
        let tokens = self.tokens_of(owner.uid).await?.record;
        let Some(serial) = tokens.serials.first() else { return self.nobody(user).await };
        let serial = Serial::parse(serial).map_err(|error| self.trouble("record", error))?;
        let state_key = Key::state(&serial);
        let [seed, state] = self.get([Key::seed(&serial), state_key.clone()]).await?;
        if seed.is_none() {
            // The index was read before the token was forgotten: decide on the newer one.
            return self.nobody(user).await;
        }
        let loaded = self.open(&serial, seed, state)?;
        // Bound to the uid, but not to somebody who has the uid under another name now.
        let owned = loaded.token.record.standing == Standing::Assigned(owner.clone());
        let claim = if owned { verify::Claim::Owner } else { verify::Claim::Nobody };
        Ok(Subject {
            token: loaded.token.record,
            token_guard: Some(loaded.token.guard),
            state: loaded.state,
            state_key,
            generator: loaded.generator,
            claim,
        })
    }

    /// Loads what stands in for a token that a user has not: the same work, and a state whose
    /// tries are counted like everybody's.
    async fn nobody(&self, user: &UserName) -> Result<Subject, Error> {
        let seed = self
            .vault
            .nobodys_seed(user.as_str())
            .ok_or_else(|| self.trouble("vault", "no stand-in seed"))?;
        let [high, low] = [seed.as_bytes().first(), seed.as_bytes().get(1)]
            .map(|byte| byte.copied().unwrap_or_default());
        let state_key = Key::nobody(u16::from_be_bytes([high, low]) % SLOTS);
        let [entry] = self.get([state_key.clone()]).await?;
        let state = self.decode_or_default(state_key.clone(), entry)?;
        let generator = Generator::new(&seed, &COMMON)
            .map_err(|_| self.trouble("vault", "no stand-in seed"))?;
        Ok(Subject {
            token: stand_in(),
            token_guard: None,
            state,
            state_key,
            generator,
            claim: verify::Claim::Nobody,
        })
    }
}

/// Returns the record that stands in for a token that a user has not.
fn stand_in() -> Token {
    Token {
        serial: String::new(),
        standing: Standing::Stock,
        epoch: 0,
        parameters: COMMON,
        seed: SealedSeed { nonce: [0; 24], sealed: Vec::new() },
        fingerprint: [0; 32],
        imported: 0,
        manufacturer: None,
        model: None,
    }
}

/// Starts the event of a sign-in.
fn event(sign_in: &SignIn<'_>, verdict: &'static str) -> Event {
    let context = sign_in.context;
    Event::new("verify")
        .with("verdict", verdict)
        .with("user", sign_in.user)
        .with_some("service", context.service.as_ref())
        .with_some("rhost", context.rhost.as_ref())
        .with_some("tty", context.tty.as_ref())
        .with("caller", sign_in.caller.uid)
}

/// Returns the event of a decision.
fn describe(sign_in: &SignIn<'_>, subject: &Subject, decision: &verify::Decision) -> Event {
    let serial = Some(&subject.token.serial).filter(|serial| !serial.is_empty());
    event(sign_in, decision.verdict.word())
        .with_some("serial", serial)
        .with_some("distance", decision.distance)
}
