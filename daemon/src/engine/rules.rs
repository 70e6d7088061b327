//! What the rules of fobd.conf say of a sign-in: looks up what they ask for.

use fob_api::{Error, ExplainReport, PromptKind, UserName, Verdict};

use crate::{
    access::{Action, Role},
    audit::{Event, Field, Name},
    decide::{
        At,
        exempt::{self, Exemption, Standing},
        rule::{Day, Groups, Person, Rule, Ruling, Source, Visit},
        throttle::Origin,
        verify::{Claim, Unenrolled},
    },
    engine::{
        Engine,
        verify::{SignIn, event},
    },
    record::{Owner, Recovery, UserTokens},
    store::{Key, Store},
};

/// Whether somebody could sign in with a code.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Ready {
    /// Nobody has this name.
    Nobody,
    /// He has no token.
    No,
    /// He has one.
    Yes,
}

impl Ready {
    /// Tells it of a user whose records were loaded.
    pub(super) fn of(owner: Option<&Owner>, claim: Claim) -> Self {
        match (owner, claim) {
            (None, _) => Self::Nobody,
            (Some(_), Claim::Nobody) => Self::No,
            (Some(_), Claim::Owner) => Self::Yes,
        }
    }

    /// Returns the word for it in the log.
    fn word(self) -> &'static str {
        match self {
            Self::Nobody => "nobody",
            Self::No => "no",
            Self::Yes => "yes",
        }
    }
}

/// Somebody's tokens, none if he does not exist, and his recovery codes.
type Records = (Option<UserTokens>, Option<Recovery>);

/// Tells from where somebody signs in.
fn source(sign_in: &SignIn<'_>, role: Role) -> Source {
    let context = sign_in.context;
    // A user's own program runs on this host, whatever it says.
    let rhost = context.rhost.as_deref().filter(|_| role == Role::Root);
    let address = rhost.and_then(|rhost| rhost.parse().ok());
    match (address, Origin::of(context.service.as_deref(), rhost, None)) {
        (Some(address), _) => Source::Address(address),
        (None, Origin::Remote(_)) => Source::Unknown,
        (None, Origin::Console | Origin::Escalation | Origin::Own) => Source::Here,
    }
}

/// Puts together what is known of somebody who may be exempt.
fn standing<'a>((tokens, codes): &'a Records, sign_in: &SignIn<'_>) -> Standing<'a> {
    let unenrolled = match sign_in.context.nullok {
        Some(true) => Unenrolled::Exempt,
        _ => Unenrolled::Refuse,
    };
    Standing { tokens: tokens.as_ref(), codes: codes.as_ref(), unenrolled }
}

impl<S: Store> Engine<S> {
    /// Looks up which groups of the rules a user is in. It is done for those who do not exist as
    /// for those who do, whatever rule may decide: nobody learns from the time who there is.
    pub(super) async fn groups_of(
        &self,
        user: &UserName,
        owner: Option<&Owner>,
    ) -> Result<Groups, Error> {
        let groups = self.rules.groups();
        if groups.is_empty() {
            return Ok(Groups::default());
        }
        let name = owner.map_or(user.as_str(), |owner| owner.name.as_str());
        let found = self.around.users.groups_of(name, &groups).await;
        found.map_err(|_| self.trouble("groups", "no answer"))
    }

    /// Returns what the rules say of a sign-in on a day.
    pub(super) fn ruling(
        &self,
        sign_in: &SignIn<'_>,
        owner: Option<&Owner>,
        (role, groups): (Role, &Groups),
        day: Day,
    ) -> Ruling {
        let name = owner.map_or(sign_in.user.as_str(), |owner| owner.name.as_str());
        let person = Person { name, uid: owner.map(|owner| owner.uid), groups };
        let service = sign_in.context.service.as_deref();
        self.rules.ask(&person, &Visit { service, source: source(sign_in, role) }, day)
    }

    /// Decides whether a user is not asked at all, and why.
    pub(super) async fn exemption(
        &self,
        sign_in: &SignIn<'_>,
        owner: Option<&Owner>,
        ruling: Ruling,
        at: &At<'_>,
    ) -> Result<Option<Exemption>, Error> {
        let records = self.records(owner).await?;
        Ok(exempt::exemption(ruling, &standing(&records, sign_in), at))
    }

    /// Tells whether somebody would be asked if it were enforced, and why. Nothing is changed, and
    /// nothing told.
    ///
    /// # Errors
    ///
    /// `NotAuthorized`, `StoreUnavailable`.
    pub async fn explain(
        &self,
        sign_in: &SignIn<'_>,
    ) -> Result<(PromptKind, ExplainReport), Error> {
        let (owner, role) = self.about(Action::Explain, sign_in.caller, sign_in.user).await?;
        let owner = owner.as_ref();
        let groups = self.groups_of(sign_in.user, owner).await?;
        let subject = self.subject(sign_in.user, owner).await?;
        let records = self.records(owner).await?;
        let at = self.moment().await?;
        let ruling = self.ruling(sign_in, owner, (role, &groups), Day::of(at.now));
        let standing = standing(&records, sign_in);
        let exemption = exempt::exemption(ruling, &standing, &at);
        let rule = ruling.by().and_then(|index| self.rules.get(index));
        let number = ruling.by().and_then(|index| u32::try_from(index).ok());
        let report = ExplainReport {
            reason: Some(exempt::reason(ruling, &standing, &at).word().to_owned()),
            rule: number.map(|number| number.saturating_add(1)),
            line: rule.map(|rule| rule.line),
            ask: rule.map(|rule| rule.ask.to_string()),
            ready: Some(Ready::of(owner, subject.claim) == Ready::Yes),
            mode: Some(at.policy.mode.word().to_owned()),
        };
        Ok((exemption.map_or(PromptKind::Code, Exemption::kind), report))
    }

    /// Loads what is known of somebody who may be exempt.
    async fn records(&self, owner: Option<&Owner>) -> Result<Records, Error> {
        let Some(owner) = owner else { return Ok((None, None)) };
        let [tokens, codes] = self.get([Key::user(owner.uid), Key::recovery(owner.uid)]).await?;
        let tokens = self.decode(tokens.as_ref())?.unwrap_or_default();
        Ok((Some(tokens), self.decode(codes.as_ref())?))
    }

    /// Tells who was not asked because nobody is, and what would have been.
    pub(super) fn observed(
        &self,
        sign_in: &SignIn<'_>,
        ruling: Ruling,
        exemption: Option<Exemption>,
        ready: Ready,
    ) {
        let context = sign_in.context;
        let told = Event::new(Name::Observed)
            .with(Field::User, sign_in.user)
            .with_some(Field::Service, context.service.as_ref())
            .with_some(Field::Rhost, context.rhost.as_ref())
            .with_some(Field::Tty, context.tty.as_ref())
            .with(Field::Caller, sign_in.caller.uid)
            .with(Field::Would, if exemption.is_some() { "exempt" } else { "code" })
            .with(Field::Ready, ready.word());
        let told = self.by_rule(told, ruling.by());
        self.decided(sign_in.caller, Verdict::Exempt, &told);
    }

    /// Counts the rules by which somebody is not asked today.
    pub(super) fn exempting(&self) -> Result<u32, Error> {
        let today = Day::of(self.now()?);
        let exempting = self.rules.0.iter().filter(|rule| rule.exempts(today));
        Ok(u32::try_from(exempting.count()).unwrap_or(u32::MAX))
    }

    /// Tells that a user was not asked.
    pub(super) fn exempted(&self, sign_in: &SignIn<'_>, role: Role, exemption: Exemption) {
        let told = event(sign_in, Verdict::Exempt);
        match exemption {
            Exemption::Rule(index) => {
                let told = self.by_rule(told, Some(index));
                self.decided(sign_in.caller, Verdict::Exempt, &told);
            }
            Exemption::Ticket => self.around.audit.record(&told.with(Field::Reason, "ticket")),
            Exemption::Nullok if role == Role::Root => self.around.audit.record(&told),
            Exemption::Nullok => {}
        }
    }

    /// Adds the rule with an index to an event, as people count them.
    fn by_rule(&self, event: Event, index: Option<usize>) -> Event {
        let line = index.and_then(|index| self.rules.get(index)).map(|rule: &Rule| rule.line);
        event
            .with_some(Field::Rule, index.map(|index| index.saturating_add(1)))
            .with_some(Field::Line, line)
    }
}
