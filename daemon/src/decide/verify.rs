//! Is this code right, now, for this token? The only maker of `Verdict::Accept`.

use std::ops::RangeInclusive;

use fob_api::{Code, PromptKind, Verdict};

use crate::{
    decide::{At, Now, Opened, Policy, Share, clock_model, throttle},
    record::{Moving, Parameters, State, Token, UserTokens},
};

/// Whether a right code may be accepted at all.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Claim {
    /// The token is this user's.
    Owner,
    /// The user has no token, or does not exist: the same work with the same end, a refusal.
    Nobody,
}

/// What to do about a code.
#[derive(Debug)]
pub struct Decision {
    /// The answer; it leaves only after `change` is durable.
    pub verdict: Verdict,
    /// The new state; `None` if nothing was tried, so nothing was spent.
    pub change: Option<State>,
    /// Accepted step less predicted step, for the journal; `None` unless a step matched.
    pub distance: Option<i64>,
}

/// Decides on one code.
///
/// The steps at and below `state.last_step` are never accepted again (RFC 6238 section 5.2),
/// whatever the clock says.
#[must_use]
pub fn verify(opened: &Opened<'_>, code: &Code, caller: (Share, Claim), at: &At<'_>) -> Decision {
    let (share, claim) = caller;
    let (now, policy) = (at.now, at.policy);
    let tries = throttle::of(opened.state, share);
    let wait = throttle::wait(tries, now);
    if wait > 0 {
        return Decision { verdict: Verdict::Wait(wait), change: None, distance: None };
    }
    let window = window(opened.token, opened.state, now, policy);
    let middle = predicted(opened.token, opened.state, now);
    let hits = opened.generator.search(code, window);
    let fresh = hits.iter().copied().filter(|step| !is_spent(opened, *step)).max();
    let mut state = opened.state.clone();
    state.writes = state.writes.wrapping_add(1);
    let verdict = match (claim, fresh) {
        (Claim::Owner, Some(step)) => {
            spend(&mut state, &opened.token.parameters, step, now);
            throttle::set(&mut state, share, crate::record::Tries::default());
            Verdict::Accept
        }
        (Claim::Owner, None) => {
            throttle::set(&mut state, share, throttle::count(tries, now));
            if hits.is_empty() { Verdict::Reject } else { Verdict::Replay }
        }
        (Claim::Nobody, _) => {
            throttle::set(&mut state, share, throttle::count(tries, now));
            Verdict::Unassigned
        }
    };
    let matched = fresh.or(hits.last().copied()).filter(|_| claim == Claim::Owner);
    let distance = matched.map(|step| step.wrapping_sub(middle).cast_signed());
    Decision { verdict, change: Some(state), distance }
}

/// What a host's PAM file says about users without a token.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Unenrolled {
    /// `nullok`: they are not asked.
    Exempt,
    /// They are asked, and refused.
    Refuse,
}

/// Decides what to ask a user for. `tokens` is `None` for a user who does not exist: he is
/// asked and refused like everybody, so that nobody is exempt by a typing error.
#[must_use]
pub fn prompt(tokens: Option<&UserTokens>, unenrolled: Unenrolled) -> PromptKind {
    match (tokens, unenrolled) {
        (Some(tokens), Unenrolled::Exempt) if tokens.serials.is_empty() => PromptKind::Exempt,
        _ => PromptKind::Code,
    }
}

/// Spends a step: it and all before it are never accepted again, and the drift follows it.
fn spend(state: &mut State, parameters: &Parameters, step: u64, now: Now) {
    state.last_step = Some(step);
    state.last_used = Some(now.0);
    if let Moving::Time { period } = parameters.moving {
        let observed = clock_model::observed_drift(now, step, period);
        state.drift = Some(clock_model::learn(state.drift.unwrap_or(observed), observed));
    }
}

/// Tells whether a step may never be accepted (again).
fn is_spent(opened: &Opened<'_>, step: u64) -> bool {
    opened.state.last_step.is_some_and(|last| step <= last) || step < floor(opened)
}

/// Returns the lowest step that may still be accepted; after the last of all, that one.
#[must_use]
pub fn floor(opened: &Opened<'_>) -> u64 {
    let above = opened.state.last_step.map_or(0, |step| step.saturating_add(1));
    match opened.token.parameters.moving {
        Moving::Time { .. } => above,
        Moving::Counter { next } => above.max(next),
    }
}

/// Returns the step that is expected now.
fn predicted(token: &Token, state: &State, now: Now) -> u64 {
    match token.parameters.moving {
        Moving::Time { period } => {
            clock_model::predicted_step(now, state.drift.unwrap_or_default(), period)
        }
        Moving::Counter { next } => {
            state.last_step.map_or(next, |step| step.saturating_add(1).max(next))
        }
    }
}

/// Returns the steps that are searched. They reach to spent ones, so that a replay is told from
/// a wrong code: for a clock within its window, for a button to the last accepted counter.
fn window(token: &Token, state: &State, now: Now, policy: &Policy) -> RangeInclusive<u64> {
    let middle = predicted(token, state, now);
    match token.parameters.moving {
        Moving::Time { .. } => {
            middle.saturating_sub(policy.window)..=middle.saturating_add(policy.window)
        }
        Moving::Counter { .. } => {
            let spent = state.last_step.filter(|last| last.checked_add(1) == Some(middle));
            spent.unwrap_or(middle)..=middle.saturating_add(policy.look_ahead)
        }
    }
}

#[cfg(test)]
mod tests;
