//! Is this code right, now, for this token? With `recovery.rs` the only maker of
//! `Verdict::Accept`.

use std::ops::RangeInclusive;

use fob_api::{Code, CodePair, PromptKind, Share, Verdict};

use crate::{
    decide::{
        At, Now, Opened, Policy, clock_model,
        exempt::Exemption,
        fence,
        pair::{self, Reach, TimedPair},
        throttle::{
            self, Demand, Origin, Rank,
            pairs::{self, Turn},
            spray,
        },
    },
    record::{Moving, Parameters, Spray, State, Token},
    totp::{Gap, PairSearch},
};

/// Whether a right code may be accepted at all.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Claim {
    /// The token is this user's.
    Owner,
    /// The user has no token, or does not exist: the same work with the same end, a refusal.
    Nobody,
}

/// What was typed.
#[derive(Clone, Copy)]
pub enum Typed<'a> {
    /// One code.
    Code(&'a Code),
    /// Two codes in a row.
    Pair(&'a CodePair),
}

/// A refused code of the same user and source, a short while ago.
#[derive(Clone, Copy)]
pub struct Earlier<'a> {
    /// The code.
    pub code: &'a Code,
    /// Seconds since then.
    pub age: u32,
    /// Seconds since it was counted; `None` if it was not.
    pub paid: Option<u32>,
}

/// An answer, and what is known of where it comes from.
pub struct Attempt<'a> {
    /// The answer.
    pub typed: Typed<'a>,
    /// Whether it may be accepted.
    pub claim: Claim,
    /// Where it comes from.
    pub origin: Origin,
    /// The remote host as the service names it, for the next sign-in's notice.
    pub from: Option<&'a str>,
    /// Whose limits hold.
    pub rank: Rank,
    /// The code before it.
    pub earlier: Option<Earlier<'a>>,
    /// Whether this source may try a pair.
    pub turn: Turn,
    /// What unknown sources have cost altogether.
    pub spray: &'a Spray,
}

/// What an answer was compared with.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Tried {
    /// The codes of the window, each by itself: the share's budget had something left for it.
    Code,
    /// Nothing.
    Nothing,
    /// Two codes in a row.
    Pair,
}

/// What to do about an answer.
#[derive(Debug)]
pub struct Decision {
    /// The answer; it leaves only after `change` and `spray` are durable.
    pub verdict: Verdict,
    /// The new state; `None` if nothing was tried, so nothing was spent.
    pub change: Option<State>,
    /// The new cost of unknown sources; `None` if it is the old one.
    pub spray: Option<Spray>,
    /// The share whose budget was asked.
    pub share: Share,
    /// Accepted step less predicted step, for the journal; `None` unless a step matched.
    pub distance: Option<i64>,
    /// What it was compared with.
    pub tried: Tried,
}

/// Decides on an answer.
///
/// The steps at and below `state.last_step` are never accepted again (RFC 6238 section 5.2),
/// whatever the clock says. A share whose budget is spent is not asked for one code: a single one
/// is not tried then, but two of them in a row are a pair. So it is with a token that is in doubt
/// ([`fence::is_in_doubt`]); nobody is told so before he types, for who has which token must not
/// show: after the refusal he is asked for the next code, and the two are the pair.
#[must_use]
pub fn verify(opened: &Opened<'_>, attempt: &Attempt<'_>, at: &At<'_>) -> Decision {
    let budgets = &opened.state.budgets;
    let share = throttle::share(budgets, attempt.origin, at);
    let demand = match fence::is_in_doubt(opened, at) {
        true => Demand::Pair,
        false => throttle::demand(budgets, attempt.spray, share, attempt.rank, at),
    };
    match (attempt.typed, demand) {
        (Typed::Code(code), Demand::Code) => single(opened, code, attempt, share, at),
        (Typed::Pair(pair), _) => step_up(opened, pair, attempt, share, at),
        (Typed::Code(code), Demand::Pair) => match pair_of(attempt, code, at) {
            Some(timed) => step_up(opened, &timed.pair, attempt, share, at),
            None => untried(Verdict::Locked, share),
        },
    }
}

/// Tries one code, and together with a refused one before it as a pair that finds a token which
/// has drifted out of its window.
fn single(
    opened: &Opened<'_>,
    code: &Code,
    attempt: &Attempt<'_>,
    share: Share,
    at: &At<'_>,
) -> Decision {
    if is_repeated(attempt, code, at) {
        return untried(refusal(attempt.claim), share);
    }
    let window = window(opened.token, opened.state, at.now, at.policy);
    let hits = opened.generator.search(code, window);
    let fresh = hits.iter().copied().filter(|step| !is_spent(opened, *step, at)).max();
    let found =
        pair_of(attempt, code, at).map(|timed| pair::locate(opened, &timed, Reach::Prompt, at));
    let mut state = opened.state.clone();
    state.writes = state.writes.wrapping_add(1);
    let accepted = match (attempt.claim, fresh, found) {
        (Claim::Nobody, ..) => None,
        (Claim::Owner, Some(step), _) => {
            spend(&mut state, &opened.token.parameters, step, at);
            Some(step)
        }
        (Claim::Owner, None, Some(Ok(located))) => {
            state = located;
            state.last_step
        }
        (Claim::Owner, None, _) => None,
    };
    if let Some(step) = accepted {
        return accept(opened, state, attempt, (share, step), at);
    }
    let verdict = match attempt.claim {
        Claim::Owner if !hits.is_empty() => Verdict::Replay,
        claim => refusal(claim),
    };
    let mut decision = Decision { tried: Tried::Code, ..untried(verdict, share) };
    let matched = hits.last().filter(|_| attempt.claim == Claim::Owner);
    decision.distance = matched.map(|step| distance(opened, *step, at));
    decision.change = Some(state);
    if attempt.claim == Claim::Owner && is_last_one_again(opened, &hits) {
        return decision;
    }
    if let Some(state) = &mut decision.change {
        throttle::charge(&mut state.budgets, share, attempt.rank, at);
    }
    decision.spray = (share == Share::Unknown).then(|| spray::charge(attempt.spray, at));
    decision
}

/// Tells whether this is the code that was accepted last. Owners type it again, for sudo right
/// after ssh; it is no guess, for it is dead, so it costs no try. It is written like a wrong one, so
/// that no time tells the two apart.
fn is_last_one_again(opened: &Opened<'_>, hits: &[u64]) -> bool {
    opened.state.last_step.is_some_and(|last| hits.contains(&last))
}

/// Tries two codes in a row, in the window of one: 3e-12 a guess.
fn step_up(
    opened: &Opened<'_>,
    pair: &CodePair,
    attempt: &Attempt<'_>,
    share: Share,
    at: &At<'_>,
) -> Decision {
    let tries = match pairs::take(opened.state.budgets.pairs, attempt.turn, attempt.rank, at) {
        Ok(tries) => tries,
        Err(seconds) => return untried(Verdict::Wait(seconds), share),
    };
    let window = window(opened.token, opened.state, at.now, at.policy);
    let first =
        window.start().saturating_sub(1).max(floor(opened, at))..=window.end().saturating_sub(1);
    let found = opened.generator.search_pair(pair, first, Gap::One);
    let mut state = opened.state.clone();
    state.writes = state.writes.wrapping_add(1);
    state.budgets.pairs = tries;
    if let (Claim::Owner, PairSearch::One(step)) = (attempt.claim, found) {
        spend(&mut state, &opened.token.parameters, step, at);
        let accepted = accept(opened, state, attempt, (share, step), at);
        return Decision { tried: Tried::Pair, ..accepted };
    }
    throttle::count_in_a_row(&mut state.budgets, share);
    let refused = untried(refusal(attempt.claim), share);
    Decision { change: Some(state), tried: Tried::Pair, ..refused }
}

/// Accepts: the step is spent in `state`, the rest is noted.
fn accept(
    opened: &Opened<'_>,
    mut state: State,
    attempt: &Attempt<'_>,
    by: (Share, u64),
    at: &At<'_>,
) -> Decision {
    let (share, step) = by;
    state.last_from = last_from(attempt.origin, attempt.from);
    throttle::note_accept(&mut state.budgets, share, attempt.origin, at);
    Decision {
        change: Some(state),
        distance: Some(distance(opened, step, at)),
        tried: Tried::Code,
        ..untried(Verdict::Accept, share)
    }
}

/// Returns what is kept of where an accepted answer came from.
pub(super) fn last_from(origin: Origin, from: Option<&str>) -> Option<String> {
    match origin {
        Origin::Remote(_) => from.map(|from| from.chars().take(FROM).collect()),
        Origin::Console | Origin::Escalation | Origin::Own => None,
    }
}

/// Characters of a remote host's name that are kept: an IPv6 address with its zone fits.
const FROM: usize = 64;

/// Tells whether this wrong code was counted a short while ago. Typing it again is no second guess
/// and costs nothing; but it is not tried either, or it would be a free guess at each new step.
fn is_repeated(attempt: &Attempt<'_>, code: &Code, at: &At<'_>) -> bool {
    attempt.earlier.is_some_and(|earlier| {
        let lately = earlier.paid.is_some_and(|paid| paid <= at.policy.same_code);
        lately && earlier.code.is_same_as(code)
    })
}

/// Returns how a wrong answer is refused.
fn refusal(claim: Claim) -> Verdict {
    match claim {
        Claim::Nobody => Verdict::Unassigned,
        Claim::Owner => Verdict::Reject,
    }
}

/// Returns a decision that changes nothing.
fn untried(verdict: Verdict, share: Share) -> Decision {
    Decision { verdict, change: None, spray: None, share, distance: None, tried: Tried::Nothing }
}

/// Returns the pair that a code makes with the refused one before it; `None` if there is none,
/// or it was the same code.
fn pair_of(attempt: &Attempt<'_>, code: &Code, at: &At<'_>) -> Option<TimedPair> {
    let earlier = attempt.earlier.filter(|earlier| earlier.age <= at.policy.pair_patience)?;
    let pair = CodePair::new(earlier.code.clone(), code.clone()).ok()?;
    Some(TimedPair { pair, elapsed: earlier.age })
}

/// Returns how far a step is from the expected one.
fn distance(opened: &Opened<'_>, step: u64, at: &At<'_>) -> i64 {
    step.wrapping_sub(predicted(opened.token, opened.state, at.now)).cast_signed()
}

/// What a host's PAM file says about users without a token.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Unenrolled {
    /// `nullok`: they are not asked.
    Exempt,
    /// They are asked, and refused.
    Refuse,
}

/// Decides what to ask for, unless [`exemption`](super::exempt::exemption) found a reason not to.
///
/// After a refused code everybody is told to wait for the next one, however near it was; and so
/// is everybody for a while after a fence.
#[must_use]
pub fn prompt(
    exemption: Option<Exemption>,
    demand: Demand,
    earlier: Option<Earlier<'_>>,
    at: &At<'_>,
) -> PromptKind {
    let lately = earlier.is_some_and(|earlier| earlier.age <= at.policy.pair_patience);
    match (exemption, demand) {
        (Some(exemption), _) => exemption.kind(),
        (None, Demand::Pair) => PromptKind::Pair,
        (None, Demand::Code) if lately || fence::is_up(at) => PromptKind::Next,
        (None, Demand::Code) => PromptKind::Code,
    }
}

/// Spends a step: it and all before it are never accepted again, and the clock model learns.
fn spend(state: &mut State, parameters: &Parameters, step: u64, at: &At<'_>) {
    state.last_step = Some(step);
    state.last_used = Some(at.now.0);
    if let Moving::Time { period } = parameters.moving {
        state.clock = clock_model::learn(state.clock.as_ref(), step, period, at);
    }
}

/// Tells whether a step may never be accepted (again).
pub(super) fn is_spent(opened: &Opened<'_>, step: u64, at: &At<'_>) -> bool {
    opened.state.last_step.is_some_and(|last| step <= last) || step < floor(opened, at)
}

/// Returns the lowest step that may still be accepted: above the last accepted one and the
/// fence. After the last step of all, that one.
#[must_use]
pub fn floor(opened: &Opened<'_>, at: &At<'_>) -> u64 {
    let above = opened.state.last_step.map_or(0, |step| step.saturating_add(1));
    match opened.token.parameters.moving {
        Moving::Time { .. } => above.max(fence::floor(opened, at)),
        Moving::Counter { next } => above.max(next),
    }
}

/// Returns the step that is expected now.
fn predicted(token: &Token, state: &State, now: Now) -> u64 {
    match token.parameters.moving {
        Moving::Time { period } => {
            let drift = state.clock.map_or(0.0, |clock| clock_model::predict(&clock, now).drift);
            clock_model::predicted_step(now, drift, period)
        }
        Moving::Counter { next } => {
            state.last_step.map_or(next, |step| step.saturating_add(1).max(next))
        }
    }
}

/// Returns the steps that are searched. They reach to spent ones, so that a replay is told from
/// a wrong code: for a clock within its window, for a button to the last accepted counter.
#[must_use]
pub fn window(token: &Token, state: &State, now: Now, policy: &Policy) -> RangeInclusive<u64> {
    match token.parameters.moving {
        Moving::Time { period } => clock_model::window(state.clock.as_ref(), period, now, policy),
        Moving::Counter { .. } => {
            let next = predicted(token, state, now);
            let spent = state.last_step.filter(|last| last.checked_add(1) == Some(next));
            spent.unwrap_or(next)..=next.saturating_add(policy.look_ahead)
        }
    }
}

#[cfg(test)]
mod tests;
