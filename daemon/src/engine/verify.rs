//! A sign-in: what to ask for, and whether the code is right.

use std::net::IpAddr;

use fob_api::{Error, PromptKind, UserName, Verdict, VerifyContext};

use crate::{
    access::{Action, Caller, Role, Target, allow},
    audit::{Event, Field, Name, Priority},
    decide::{
        At, Opened,
        exempt::Exemption,
        policy::Mode,
        rule::Day,
        throttle::{self, Origin, Rank, pairs::Turn},
        verify::{self, Tried, Typed},
    },
    engine::{
        Applied, Engine, ROUNDS,
        recent::{Price, Remembered, Visit},
        recovery::scratch,
        rules::Ready,
        subject::{Subject, spray_key},
        turns,
    },
    record::{Owner, State},
    store::Store,
};

/// Seconds that a sign-in may wait for those of its user that came before: what the PAM module
/// waits for an answer in all, if it is not told otherwise (pam_fob(8), `timeout`; design.md
/// section 8). Whoever asked has gone by then, perhaps with the same code in another sign-in: this
/// one must not spend it. Clocks of full seconds may end a wait one second early.
pub(super) const PATIENCE: u64 = 5;

/// Who signs in, and where.
pub struct SignIn<'a> {
    /// Who asks the daemon.
    pub caller: Caller,
    /// Who signs in.
    pub user: &'a UserName,
    /// What the caller says about it.
    pub context: &'a VerifyContext,
}

/// Where a sign-in comes from.
pub(super) struct Place {
    pub(super) origin: Origin,
    pub(super) rank: Rank,
    pub(super) visit: Visit,
}

/// What was typed, and what is remembered of what was typed before.
struct Ask<'a> {
    typed: Typed<'a>,
    turn: Turn,
    earlier: Option<&'a Remembered>,
}

/// How a sign-in ended.
struct Settled {
    verdict: Verdict,
    notice: Notice,
    tried: Tried,
    price: Price,
    event: Event,
}

/// The event of a decision that was not told yet: [`Engine::tell`] does.
#[must_use = "every decision is told"]
pub struct Untold {
    caller: Caller,
    verdict: Verdict,
    event: Event,
}

/// What a user may want to know about the sign-in before this one.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Notice {
    /// Unix time of the last accepted code.
    pub last_used: Option<u64>,
    /// The remote host from which it came.
    pub last_from: Option<String>,
    /// Wrong codes and pairs since then.
    pub wrong_since: u32,
}

impl Notice {
    /// Tells what a state says of the sign-in before.
    pub(super) fn of(before: &State) -> Self {
        Self {
            last_used: before.last_used,
            last_from: before.last_from.clone(),
            wrong_since: before.budgets.wrong_since,
        }
    }
}

impl Settled {
    /// Takes down how a decision on a subject ends once its change is durable.
    fn of(sign_in: &SignIn<'_>, decision: &verify::Decision, subject: &Subject) -> Self {
        let before = &subject.state.record;
        let notice = match decision.verdict {
            Verdict::Accept => Notice::of(before),
            _ => Notice::default(),
        };
        let after = decision.change.as_ref().map(|state| &state.budgets);
        let counted = |budgets| &throttle::of(budgets, decision.share).wrong;
        let price = match after {
            Some(after) if counted(after) != counted(&before.budgets) => Price::Paid,
            _ => Price::Free,
        };
        let event = describe(sign_in, subject, decision);
        Self { verdict: decision.verdict, notice, tried: decision.tried, price, event }
    }
}

impl<S: Store> Engine<S> {
    /// Decides on an answer. The verdict is returned only after its cost is durable; with an
    /// Accept, what the user may want to know about the sign-in before.
    ///
    /// # Errors
    ///
    /// `ClockNotTrusted`, `NotAuthorized`, `StoreUnavailable`; `Busy` if too many sign-ins of the
    /// user wait, or this one had to wait for too long: nothing was spent then; or if eight digits
    /// are none of his token's and too many codes are hashed at once: they stay counted.
    pub async fn verify(
        &self,
        sign_in: &SignIn<'_>,
        typed: Typed<'_>,
    ) -> Result<(Verdict, Notice), Error> {
        let (verdict, notice, untold) = self.verify_untold(sign_in, typed).await?;
        self.tell(&untold);
        Ok((verdict, notice))
    }

    /// As [`Engine::verify`], but leaves the event to be told to the caller, who may do so after
    /// the answer: nobody waits for a log.
    ///
    /// # Errors
    ///
    /// As [`Engine::verify`].
    pub async fn verify_untold(
        &self,
        sign_in: &SignIn<'_>,
        typed: Typed<'_>,
    ) -> Result<(Verdict, Notice, Untold), Error> {
        let (owner, role) = self.about(Action::Verify, sign_in.caller, sign_in.user).await?;
        let place = self.place(sign_in, owner.as_ref(), role);
        let settled = self.verify_code(sign_in, owner.as_ref(), (&place, typed)).await?;
        let Settled { verdict, notice, tried, event, .. } = settled;
        let untold = Untold { caller: sign_in.caller, verdict, event };
        let Some(code) = scratch::candidate(typed, verdict, tried) else {
            return Ok((verdict, notice, untold));
        };
        // Boxed: it is rare, and would make every sign-in's task larger.
        let found = Box::pin(self.scratch(sign_in, owner.as_ref(), (&place, verdict), code)).await;
        let untried = |_: &Error| {
            self.tell(&untold);
            // Typed again it must not be taken for the same wrong code, which costs and is nothing.
            self.recent.forget(&place.visit);
        };
        match found.inspect_err(untried)? {
            None => Ok((verdict, notice, untold)),
            Some((verdict, notice, event)) => {
                self.recent.forget(&place.visit);
                Ok((verdict, notice, Untold { verdict, event, ..untold }))
            }
        }
    }

    /// Decides on an answer as codes of a token.
    async fn verify_code(
        &self,
        sign_in: &SignIn<'_>,
        owner: Option<&Owner>,
        (place, typed): (&Place, Typed<'_>),
    ) -> Result<Settled, Error> {
        // Held until all is remembered: the next code of the user may make a pair with this one.
        let _line = self.turn(self.line(sign_in, owner)).await?;
        let uptime = self.at().await?.uptime;
        let policy = &self.around.policy;
        let earlier = self.recent.earlier(&place.visit, uptime, policy.pair_patience);
        let may_be_pair = earlier.is_some() || matches!(typed, Typed::Pair(_));
        let lent =
            may_be_pair.then(|| self.recent.take_turn(place.visit, uptime, policy.pair_pause));
        let turn = lent.as_ref().map_or(Turn::Fresh, |(turn, _)| *turn);
        let ask = Ask { typed, turn, earlier: earlier.as_ref() };
        let settled = self.settle(sign_in, owner, place, &ask).await?;
        if let Some((_, lent)) = lent.filter(|_| settled.tried == Tried::Pair) {
            lent.keep();
        }
        match (settled.verdict, typed) {
            (Verdict::Accept, _) => self.recent.forget(&place.visit),
            (_, Typed::Code(code)) => {
                self.recent.refused(place.visit, code, uptime, settled.price);
            }
            (_, Typed::Pair(_)) => {}
        }
        Ok(settled)
    }

    /// Tells the event of a decision.
    pub fn tell(&self, untold: &Untold) {
        self.decided(untold.caller, untold.verdict, &untold.event);
    }

    /// Waits for a user's turn. Nothing is spent before it has come.
    async fn turn(&self, line: [u8; 16]) -> Result<turns::Turn, Error> {
        let mut turn = self.turns.join(line).ok_or(Error::Busy)?;
        if !turn.has_come() {
            let since = self.read()?.boot;
            turn.come().await;
            if self.read()?.boot.saturating_sub(since) >= PATIENCE {
                return Err(Error::Busy);
            }
        }
        Ok(turn)
    }

    /// Names the line in which a user's sign-ins wait for each other, wherever they come from.
    fn line(&self, sign_in: &SignIn<'_>, owner: Option<&Owner>) -> [u8; 16] {
        let name = owner.map_or(sign_in.user.as_str(), |owner| owner.name.as_str());
        self.vault.visit(name, b"line")
    }

    /// Decides until the change is applied.
    async fn settle(
        &self,
        sign_in: &SignIn<'_>,
        owner: Option<&Owner>,
        place: &Place,
        ask: &Ask<'_>,
    ) -> Result<Settled, Error> {
        for _ in 0..ROUNDS {
            let subject = self.subject(sign_in.user, owner).await?;
            let at = self.at().await?;
            let decision = decide(sign_in, &subject, place, ask, &at);
            let settled = Settled::of(sign_in, &decision, &subject);
            let Some(mut state) = decision.change else { return Ok(settled) };
            state.attempt = self.attempt()?;
            let (write, marker) = self.mark(subject.state_key, &state)?;
            let (mut guards, mut writes) = (vec![subject.state.guard], vec![write]);
            guards.extend(subject.token_guard);
            if let Some(mut spray) = decision.spray {
                spray.attempt = state.attempt;
                guards.push(subject.spray.guard);
                writes.push(self.put(spray_key(), &spray)?);
            }
            if let Applied::Yes = self.apply(guards, writes, &marker).await? {
                if settled.verdict == Verdict::Accept {
                    self.witness((&subject.token, &subject.state.record), &state, &at);
                    self.grant_ticket(sign_in, owner, (settled.verdict, &subject.token), &at);
                }
                return Ok(settled);
            }
        }
        Err(self.give_up())
    }

    /// Tells what to ask a user for, and how many digits a code of his has.
    ///
    /// # Errors
    ///
    /// `ClockNotTrusted`, `NotAuthorized`, `StoreUnavailable`: never an exemption.
    pub async fn prompt(&self, sign_in: &SignIn<'_>) -> Result<(PromptKind, u8), Error> {
        let (owner, role) = self.about(Action::Prompt, sign_in.caller, sign_in.user).await?;
        let place = self.place(sign_in, owner.as_ref(), role);
        let subject = self.subject(sign_in.user, owner.as_ref()).await?;
        let groups = self.groups_of(sign_in.user, owner.as_ref()).await?;
        let at = self.moment().await?;
        let ruling = |day| self.ruling(sign_in, owner.as_ref(), (role, &groups), day);
        let (ruling, later) = (ruling(Day::of(at.now)), ruling(Day::LAST));
        let exemption = self.exemption(sign_in, owner.as_ref(), ruling, &at).await?;
        let digits = subject.token.parameters.digits;
        if at.policy.mode == Mode::Observe {
            let ready = Ready::of(owner.as_ref(), subject.claim);
            self.observed(sign_in, ruling, exemption, ready);
            return Ok((PromptKind::Ignored, digits));
        }
        let budgets = &subject.state.record.budgets;
        let share = throttle::share(budgets, place.origin, &at);
        let demand = throttle::demand(budgets, &subject.spray.record, share, place.rank, &at);
        let earlier = self.recent.earlier(&place.visit, at.uptime, at.policy.pair_patience);
        let earlier = earlier.as_ref().map(earlier_of);
        let ticket = || self.has_ticket(sign_in, owner.as_ref(), (&subject, demand), &at);
        let exemption = exemption.or_else(|| ticket().then_some(Exemption::Ticket));
        let kind = verify::prompt(exemption, demand, earlier, &at);
        match exemption {
            None => {
                // Who is exempt is not asked for a code, so no clock and no full disk keeps him out.
                self.at().await?;
                self.commits_work().await?;
            }
            Some(exemption) => {
                if ruling != later {
                    // Else a rule's day would come again whenever somebody sets the clock back.
                    self.at().await?;
                }
                self.exempted(sign_in, role, exemption);
            }
        }
        Ok((kind, digits))
    }

    /// Returns where a sign-in comes from, as far as budgets and memory go.
    pub(super) fn place(&self, sign_in: &SignIn<'_>, owner: Option<&Owner>, role: Role) -> Place {
        let context = sign_in.context;
        let (service, rhost) = (context.service.as_deref(), context.rhost.as_deref());
        let address = rhost.and_then(|rhost| rhost.parse::<IpAddr>().ok());
        let hash = address.map(|address| self.vault.source(address));
        let origin = match role {
            Role::Root => Origin::of(service, rhost, hash),
            Role::Own => Origin::Own,
        };
        let source = match origin {
            Origin::Console => b"c".to_vec(),
            Origin::Escalation => b"e".to_vec(),
            Origin::Own => b"o".to_vec(),
            Origin::Remote(Some(hash)) => [b"k".as_slice(), &hash].concat(),
            Origin::Remote(None) => [b"n", rhost.unwrap_or_default().as_bytes()].concat(),
        };
        // A user has one memory, however his name is spelled.
        let name = owner.map_or(sign_in.user.as_str(), |owner| owner.name.as_str());
        let rank = owner.map_or(Rank::User, |owner| Rank::of(owner.uid));
        Place { origin, rank, visit: self.vault.visit(name, &source) }
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
        allow(action, caller, target).map_err(|_| self.denied(action.verb(), caller))
    }

    /// Looks a user up.
    pub(super) async fn find(&self, user: &UserName) -> Result<Option<Owner>, Error> {
        self.around.users.find(user).await.map_err(|_| self.trouble("users", "no answer"))
    }
}

/// Decides on the records that were loaded.
fn decide(
    sign_in: &SignIn<'_>,
    subject: &Subject,
    place: &Place,
    ask: &Ask<'_>,
    at: &At<'_>,
) -> verify::Decision {
    let opened = Opened {
        token: &subject.token,
        state: &subject.state.record,
        generator: &subject.generator,
    };
    let attempt = verify::Attempt {
        typed: ask.typed,
        claim: subject.claim,
        origin: place.origin,
        from: sign_in.context.rhost.as_deref(),
        rank: place.rank,
        earlier: ask.earlier.map(earlier_of),
        turn: ask.turn,
        spray: &subject.spray.record,
    };
    verify::verify(&opened, &attempt, at)
}

/// Returns a remembered code as a decision takes it.
fn earlier_of((code, age, paid): &Remembered) -> verify::Earlier<'_> {
    verify::Earlier { code, age: *age, paid: *paid }
}

/// Starts the event of a sign-in.
pub(super) fn event(sign_in: &SignIn<'_>, verdict: Verdict) -> Event {
    let context = sign_in.context;
    let priority = match verdict {
        Verdict::Accept | Verdict::Exempt => Priority::Info,
        _ => Priority::Notice,
    };
    Event::new(Name::Verify)
        .at(priority)
        .with(Field::Verdict, verdict.word())
        .with(Field::User, sign_in.user)
        .with_some(Field::Service, context.service.as_ref())
        .with_some(Field::Rhost, context.rhost.as_ref())
        .with_some(Field::Tty, context.tty.as_ref())
        .with(Field::Caller, sign_in.caller.uid)
}

/// Returns the event of a decision.
fn describe(sign_in: &SignIn<'_>, subject: &Subject, decision: &verify::Decision) -> Event {
    let serial = Some(&subject.token.serial).filter(|serial| !serial.is_empty());
    // A replay has two sources: this one, and that of the sign-in which used the code.
    let before = (decision.verdict == Verdict::Replay).then_some(&subject.state.record);
    event(sign_in, decision.verdict)
        .with(Field::Share, decision.share.word())
        .with_some(Field::Serial, serial)
        .with_some(Field::Distance, decision.distance)
        .with_some(Field::LastUsed, before.and_then(|state| state.last_used))
        .with_some(Field::LastFrom, before.and_then(|state| state.last_from.as_ref()))
}
