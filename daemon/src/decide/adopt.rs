//! May this user have the token that another program has bound to him, and which of its codes
//! are spent?
//!
//! No codes are asked for: the other program has let him in with them. So whatever it may have
//! taken is spent here, and where it does not say what it took, more than that: the user waits
//! for a code that nobody can have used (clock-and-throttle.md section 4).

use fob_api::{APP_MODELS, AdoptSource};

use crate::{
    decide::{At, Now, assign::ROOT, clock_model, policy::VirtualTokens},
    record::{Moving, Owner, Parameters, Standing, State, Token, Trace, UserTokens},
    seed::moved::Spent,
    totp::Generator,
};

/// Steps on either side of the present one in which the last code is looked for. pam_oath searches
/// as many as its `window=` says, 5 by default; what was used farther off does not come again.
const LAST_CODE: u64 = 100;

/// Longest wait for a code that is not spent, in seconds: a day. A window of a hundred steps of a
/// minute makes out less than one hour, so what is more is damage.
const LONGEST_WAIT: u32 = 86_400;

/// Returns what stands for the model of such a token.
#[must_use]
pub fn model(source: AdoptSource) -> &'static str {
    match source {
        AdoptSource::GoogleAuthenticator => "google-authenticator",
        AdoptSource::UsersOath => "users.oath",
        AdoptSource::Otpauth => "authenticator app",
    }
}

/// Tells whether a token came with its user from an app.
#[must_use]
pub fn is_app(token: &Token) -> bool {
    token.model.as_deref().is_some_and(|model| APP_MODELS.contains(&model))
}

/// A token of another program, its seed replaced by fingerprint and generator.
pub struct Arrival<'a> {
    /// Whose it is there.
    pub owner: &'a Owner,
    /// Where it comes from.
    pub source: AdoptSource,
    /// How it computes its codes.
    pub parameters: &'a Parameters,
    /// Computes them.
    pub generator: &'a Generator,
    /// Seconds that its clock is said to be ahead.
    pub drift: i32,
    /// Which codes were used.
    pub spent: &'a Spent,
}

/// What Fob knows of a user's past.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum History {
    /// He had a token here, or has one.
    HadToken,
    /// Fob has never given him one.
    #[default]
    Newcomer,
}

/// What the store has about the user and the seed.
#[derive(Default)]
pub struct Here<'a> {
    /// His tokens.
    pub tokens: UserTokens,
    /// Whether he had one before.
    pub history: History,
    /// The token that has this seed.
    pub token: Option<&'a Token>,
    /// Its state.
    pub state: State,
    /// Who has this seed, or had it.
    pub trace: Option<&'a Trace>,
}

/// What to do about it.
#[derive(Debug, PartialEq)]
pub enum Adoption {
    /// It is his already.
    Already,
    /// It becomes his.
    Move(Box<Begun>),
}

/// The records with which it begins.
#[derive(Debug, PartialEq)]
pub struct Begun {
    /// Where it stands: with him.
    pub standing: Standing,
    /// What is spent, and what is known of its clock.
    pub state: State,
    /// Seconds until the token shows a code that is not spent; 0 with a button.
    pub wait: u32,
}

/// Why it does not become his.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Refusal {
    /// The steps that are said to be used are more than a day ahead: nobody could sign in.
    FarAhead,
    /// He had a token here, and it was taken from him: by the other program's file, which is his to
    /// write, he would give himself another.
    HadToken,
    /// He has another token, by its folded serial.
    HasAnother(String),
    /// The seed is of somebody's token, by its serial.
    Elsewhere(String),
    /// It is a program on a phone, and only hardware is wanted.
    HardwareOnly,
    /// The seed's token was reported lost.
    Lost,
    /// The seed is in stock with other parameters, under this serial.
    OtherParameters(String),
    /// The seed's token was taken out of use; its serial.
    Retired(String),
    /// It is root's, whose token is proven by two codes and its serial typed twice (design.md
    /// section 6).
    Root,
}

/// Decides on one token.
///
/// # Errors
///
/// [`Refusal`]; nothing is changed then.
pub fn adopt(arrival: &Arrival<'_>, here: &Here<'_>, at: &At<'_>) -> Result<Adoption, Refusal> {
    let assigned = Standing::Assigned(arrival.owner.clone());
    if here.token.is_some_and(|token| token.standing == assigned) {
        return Ok(Adoption::Already);
    }
    if arrival.owner.uid == ROOT {
        return Err(Refusal::Root);
    }
    let left = here.trace.and_then(|trace| trace.left.as_ref());
    if left.is_some_and(|left| left.lost.is_some()) {
        return Err(Refusal::Lost);
    }
    match here.token {
        Some(token) => free(token, arrival.parameters)?,
        None => wanted(arrival.source, at)?,
    }
    if here.tokens.serials.len() >= at.policy.tokens_per_user {
        let held = here.tokens.serials.first().cloned();
        return Err(Refusal::HasAnother(held.unwrap_or_default()));
    }
    if here.history == History::HadToken {
        return Err(Refusal::HadToken);
    }
    let before = left.map_or(&here.state, |left| &left.state);
    let mark = mark(arrival, at);
    let state = State {
        last_step: before.last_step.max(mark),
        clock: clock(arrival, before, at.now),
        writes: before.writes.wrapping_add(1),
        // What is known of wrong codes and sources was about whoever had it before.
        ..State::default()
    };
    let wait = wait(arrival, &state, at.now);
    if wait > LONGEST_WAIT {
        return Err(Refusal::FarAhead);
    }
    Ok(Adoption::Move(Box::new(Begun { standing: assigned, state, wait })))
}

/// Refuses an app where only hardware is wanted. What is in stock came from a vendor; of what
/// pam_oath has nobody knows.
fn wanted(source: AdoptSource, at: &At<'_>) -> Result<(), Refusal> {
    let is_app = APP_MODELS.contains(&model(source));
    if is_app && at.policy.virtual_tokens == VirtualTokens::Refused {
        return Err(Refusal::HardwareOnly);
    }
    Ok(())
}

/// Refuses a token with this seed that cannot be given to anybody.
fn free(token: &Token, parameters: &Parameters) -> Result<(), Refusal> {
    let serial = || token.serial.clone();
    match &token.standing {
        Standing::Stock if same(&token.parameters, parameters) => Ok(()),
        Standing::Stock => Err(Refusal::OtherParameters(serial())),
        Standing::Assigned(_) => Err(Refusal::Elsewhere(serial())),
        Standing::Lost => Err(Refusal::Lost),
        Standing::Retired => Err(Refusal::Retired(serial())),
    }
}

/// Tells whether two tokens show the same codes, wherever their counters are.
fn same(one: &Parameters, other: &Parameters) -> bool {
    let moving = match (one.moving, other.moving) {
        (Moving::Counter { .. }, Moving::Counter { .. }) => true,
        (one, other) => one == other,
    };
    moving && (one.algorithm, one.digits) == (other.algorithm, other.digits)
}

/// Returns the highest step that may have been used; `None` if none was.
fn mark(arrival: &Arrival<'_>, at: &At<'_>) -> Option<u64> {
    let below = match arrival.parameters.moving {
        Moving::Counter { next } => next.checked_sub(1),
        Moving::Time { .. } => None,
    };
    let said = match arrival.spent {
        Spent::Counted => None,
        Spent::UpTo(step) => Some(*step),
        Spent::Last(code) => {
            let present = present(arrival, at.now);
            let near = present.saturating_sub(LAST_CODE)..=present.saturating_add(LAST_CODE);
            let found = arrival.generator.search(code, near.clone()).into_iter().max();
            // Not near: then nothing near was used, for each step was above the one before.
            found.or_else(|| near.start().checked_sub(1))
        }
        Spent::Unsaid { ahead, known } => {
            let ahead = ahead.unwrap_or_else(|| widest(arrival.parameters, at));
            // A drift below 0 may be younger than codes that were taken without it.
            let latest = present(arrival, at.now).max(step_of(arrival, at.now));
            (*known).max(Some(latest.saturating_add(ahead)))
        }
    };
    said.max(below)
}

/// Returns the step that the token shows by what is known of its clock; 0 with a button.
fn present(arrival: &Arrival<'_>, now: Now) -> u64 {
    match arrival.parameters.moving {
        Moving::Counter { .. } => 0,
        Moving::Time { period } => {
            now.0.saturating_add_signed(arrival.drift.into()) / u64::from(period.max(1))
        }
    }
}

/// Returns the step of a token whose clock is right; 0 with a button.
fn step_of(arrival: &Arrival<'_>, now: Now) -> u64 {
    match arrival.parameters.moving {
        Moving::Counter { .. } => 0,
        Moving::Time { period } => now.0 / u64::from(period.max(1)),
    }
}

/// Returns the steps ahead that Fob itself would take at most, as a fence reckons
/// (`decide/fence.rs`): what nobody has said of the other program.
fn widest(parameters: &Parameters, at: &At<'_>) -> u64 {
    match parameters.moving {
        Moving::Counter { .. } => 0,
        Moving::Time { period } => {
            (at.policy.window_cap / u64::from(period.max(1))).max(at.policy.window)
        }
    }
}

/// Returns what is known of the clock. Of a token that is here already it is known better. Without
/// a clock no fence would hold for it ([`crate::decide::fence::floor`]).
fn clock(arrival: &Arrival<'_>, before: &State, now: Now) -> Option<crate::record::ClockState> {
    match arrival.parameters.moving {
        Moving::Counter { .. } => None,
        Moving::Time { period } => {
            before.clock.or_else(|| Some(clock_model::told(arrival.drift, period, now)))
        }
    }
}

/// Returns the seconds until the token shows the first step above the mark.
fn wait(arrival: &Arrival<'_>, state: &State, now: Now) -> u32 {
    let (Moving::Time { period }, Some(mark)) = (arrival.parameters.moving, state.last_step) else {
        return 0;
    };
    let begins = mark.saturating_add(1).saturating_mul(period.into());
    let shows = now.0.saturating_add_signed(arrival.drift.into());
    u32::try_from(begins.saturating_sub(shows)).unwrap_or(u32::MAX)
}

impl Refusal {
    /// Returns the word for it on the bus and in the log.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::FarAhead => "far_ahead",
            Self::HadToken => "had_token",
            Self::HasAnother(_) => "has_another",
            Self::Elsewhere(_) => "same_seed",
            Self::HardwareOnly => "hardware_only",
            Self::Lost => "lost",
            Self::OtherParameters(_) => "other_parameters",
            Self::Retired(_) => "retired",
            Self::Root => "root",
        }
    }

    /// Returns the fact, and what to do about it.
    #[must_use]
    pub fn words(&self, user: &str) -> (String, String) {
        match self {
            Self::FarAhead => (
                "codes of more than a day ahead are said to be used.".to_owned(),
                format!("give {user} another token with \"fobctl assign\"."),
            ),
            Self::HadToken => (
                format!("{user} had a token here, and it was taken from him."),
                format!("give {user} a token with \"fobctl assign\", which two codes prove."),
            ),
            Self::HasAnother(serial) => (
                format!("{user} has token {serial} already."),
                format!("if this one is to replace it, run \"fobctl deactivate {user}\" first."),
            ),
            Self::Elsewhere(serial) => (
                format!("the same seed is in token {serial}, which is somebody's already."),
                format!("two users never share a seed: give {user} another token."),
            ),
            Self::HardwareOnly => (
                "it is a program on a phone, and virtual_tokens is refused in fobd.conf."
                    .to_owned(),
                format!("give {user} a hardware token with \"fobctl assign\"."),
            ),
            Self::Lost => (
                "this token was reported lost and stays out.".to_owned(),
                format!("give {user} another token."),
            ),
            Self::OtherParameters(serial) => (
                format!("token {serial} has this seed, with other digits, hash or period."),
                "ask the vendor which is right.".to_owned(),
            ),
            Self::Retired(serial) => (
                format!("token {serial} has this seed, and was taken out of use."),
                format!("if it is to be used again, run \"fobctl forget {serial}\" first."),
            ),
            Self::Root => (
                "root's token is proven by two codes, and its serial typed twice.".to_owned(),
                "give root a token with \"fobctl assign root\".".to_owned(),
            ),
        }
    }
}

#[cfg(test)]
mod tests;
