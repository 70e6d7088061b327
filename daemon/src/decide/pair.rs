//! Where on its clock is this token? Two consecutive codes tell.

use std::ops::RangeInclusive;

use fob_api::{CodePair, Error, Serial};

use crate::{
    decide::{At, HostClock, Now, Opened, Policy, clock_model, verify},
    record::{ClockState, Moving, State},
    totp::{Gap, PairSearch},
};

/// The pair was not found, or not where it may be taken.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NoPair {
    /// It fits at more than one place; the next two codes will tell.
    Ambiguous,
    /// It fits at one place, farther off than is taken without a confirmation.
    FarOff {
        /// Seconds that the token's clock is ahead of the host's.
        ahead: i64,
    },
    /// It fits nowhere in the range, above what was accepted before.
    NotFound,
}

impl NoPair {
    /// Returns what the caller is told about this token.
    #[must_use]
    pub fn error(self, serial: Serial) -> Error {
        match self {
            Self::Ambiguous => Error::AmbiguousCodePair { serial },
            Self::FarOff { ahead } => Error::ClockFarOff { serial, ahead },
            Self::NotFound => Error::InvalidCodePair { serial },
        }
    }
}

/// Two codes, and how many seconds lay between their inputs.
#[derive(Clone)]
pub struct TimedPair {
    /// The codes in the order in which they were shown.
    pub pair: CodePair,
    /// Seconds from the first input to the second.
    pub elapsed: u32,
}

/// How far off the clock of a pair's token may be (clock-and-throttle.md section 3). The numbers
/// are in [`Policy`]. A token with a button has no clock: its range is the same for all.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Reach {
    /// An administrator's: ±2 h. Farther off, he is told how far, and nothing is changed.
    Administrator,
    /// An administrator's who has confirmed that the clock is far off: ±26 h.
    AdministratorFar,
    /// A user's for his own token: ±2 h.
    Own,
    /// Two codes inside a sign-in: ±10 min of what the token should show.
    Prompt,
}

/// What an administrator says about a clock that is far off.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum FarClock {
    /// It is right that it is.
    Accept,
    /// Nothing: he wants to be told.
    #[default]
    Ask,
}

impl FarClock {
    /// Returns how far an administrator's pair is searched.
    #[must_use]
    pub fn reach(self) -> Reach {
        match self {
            Self::Accept => Reach::AdministratorFar,
            Self::Ask => Reach::Administrator,
        }
    }
}

/// Finds the pair and returns the state after it: both steps burned, the clock learned from the
/// second code's arrival.
///
/// # Errors
///
/// [`NoPair`]. Steps at or below the last accepted one or the fence never match: an old pair
/// cannot bring a token's clock back (CVE-2019-12887). Whatever is refused burns nothing.
pub fn locate(
    opened: &Opened<'_>,
    timed: &TimedPair,
    reach: Reach,
    at: &At<'_>,
) -> Result<State, NoPair> {
    let moving = opened.token.parameters.moving;
    let step = match (search(opened, timed, &ranges(opened, reach, at)), moving) {
        (PairSearch::One(step), _) => step,
        (PairSearch::Several, _) => return Err(NoPair::Ambiguous),
        (PairSearch::Nothing, Moving::Time { period }) if reach == Reach::Administrator => {
            return Err(far_off(opened, timed, period, at));
        }
        (PairSearch::Nothing, _) => return Err(NoPair::NotFound),
    };
    let mut state = opened.state.clone();
    state.writes = state.writes.wrapping_add(1);
    state.last_step = Some(step);
    state.last_used = Some(at.now.0);
    if let Moving::Time { period } = moving {
        state.clock = taught(state.clock, (step, period), reach, at);
    }
    Ok(state)
}

/// Returns what a pair teaches. Inside a sign-in, a code that the window holds is one observation
/// like every other; else the clock is set right.
///
/// A host's clock that is not synchronised sets a token's only where that is asked for, and
/// only if its next code would be refused: who pairs then wants to sign in by this host's clock.
fn taught(
    clock: Option<ClockState>,
    (step, period): (u64, u32),
    reach: Reach,
    at: &At<'_>,
) -> Option<ClockState> {
    let before = clock.as_ref();
    let window = clock_model::window(before, period, at.now, at.policy);
    let held = clock.is_some() && window.contains(&step);
    match (reach, at.host_clock) {
        (Reach::Prompt, HostClock::Unsynchronised) => clock,
        (_, HostClock::Unsynchronised) if held => clock,
        (Reach::Prompt, HostClock::Synchronised) if held => {
            clock_model::learn(before, step, period, at)
        }
        _ => Some(clock_model::set_right(before, step, period, at.now)),
    }
}

/// Looks for a pair that an administrator has not found in his range in the whole one.
fn far_off(opened: &Opened<'_>, timed: &TimedPair, period: u32, at: &At<'_>) -> NoPair {
    match search(opened, timed, &ranges(opened, Reach::AdministratorFar, at)) {
        PairSearch::Nothing => NoPair::NotFound,
        PairSearch::One(step) => {
            // Within ±26 h, so within i64.
            NoPair::FarOff { ahead: clock_model::observed_drift(at.now, step, period) as i64 }
        }
        PairSearch::Several => NoPair::Ambiguous,
    }
}

/// Searches the pair in ranges of which none overlaps another.
pub(super) fn search(
    opened: &Opened<'_>,
    timed: &TimedPair,
    ranges: &[RangeInclusive<u64>],
) -> PairSearch {
    let gap = gap(opened, timed.elapsed);
    let found = ranges.iter().map(|range| {
        if range.is_empty() {
            return PairSearch::Nothing;
        }
        opened.generator.search_pair(&timed.pair, range.clone(), gap)
    });
    found.fold(PairSearch::Nothing, |before, here| match (before, here) {
        (PairSearch::Nothing, other) | (other, PairSearch::Nothing) => other,
        _ => PairSearch::Several,
    })
}

/// Returns the steps in which the first code may lie: about the host's time, about the token's
/// as it is known, or both, so that neither a clock that is known wrongly nor one that is known
/// to be far off is in the way.
fn ranges(opened: &Opened<'_>, reach: Reach, at: &At<'_>) -> Vec<RangeInclusive<u64>> {
    let floor = verify::floor(opened, at);
    let Moving::Time { period } = opened.token.parameters.moving else {
        return vec![floor..=floor.saturating_add(at.policy.pair_look_ahead)];
    };
    let host = about(at.now.0, period, seconds(reach, at.policy));
    let ranges = match (reach, known(opened, period, reach, at)) {
        (Reach::AdministratorFar, _) | (_, None) => vec![host],
        (Reach::Prompt, Some(known)) => vec![known],
        (_, Some(known)) => united(host, known),
    };
    ranges.into_iter().map(|range| (*range.start()).max(floor)..=*range.end()).collect()
}

/// Returns the steps about the host's time, and about the token's where it is known; for a search
/// that accepts nothing, and so has no floor.
pub(super) fn both(
    opened: &Opened<'_>,
    period: u32,
    reach: Reach,
    at: &At<'_>,
) -> Vec<RangeInclusive<u64>> {
    let host = about(at.now.0, period, seconds(reach, at.policy));
    match known(opened, period, reach, at) {
        Some(known) => united(host, known),
        None => vec![host],
    }
}

/// Returns the steps about the token's time, if its clock is known.
fn known(
    opened: &Opened<'_>,
    period: u32,
    reach: Reach,
    at: &At<'_>,
) -> Option<RangeInclusive<u64>> {
    opened.state.clock.map(|clock| {
        let drift = clock_model::predict(&clock, at.now).drift;
        let token = Now(at.now.0.saturating_add_signed(drift as i64));
        about(token.0, period, seconds(reach, at.policy))
    })
}

/// Returns the steps around a moment.
fn about(seconds: u64, period: u32, reach: u64) -> RangeInclusive<u64> {
    let period = u64::from(period.max(1));
    seconds.saturating_sub(reach) / period..=seconds.saturating_add(reach) / period
}

/// Returns two ranges of the same length as one if they meet.
fn united(a: RangeInclusive<u64>, b: RangeInclusive<u64>) -> Vec<RangeInclusive<u64>> {
    if a.start() <= b.end() && b.start() <= a.end() {
        return vec![*a.start().min(b.start())..=*a.end().max(b.end())];
    }
    vec![a, b]
}

/// Returns how many seconds a clock may be off.
fn seconds(reach: Reach, policy: &Policy) -> u64 {
    match reach {
        Reach::Administrator => policy.pair_administrator,
        Reach::AdministratorFar => policy.pair_far,
        Reach::Own => policy.pair_own,
        Reach::Prompt => policy.pair_prompt,
    }
}

/// Returns how far apart the codes may be: two steps only if more than 1.5 periods passed
/// between them (clock-and-throttle.md section 3). A button's codes follow each other.
fn gap(opened: &Opened<'_>, elapsed: u32) -> Gap {
    match opened.token.parameters.moving {
        Moving::Time { period } if u64::from(elapsed) * 2 > u64::from(period) * 3 => Gap::OneOrTwo,
        _ => Gap::One,
    }
}

#[cfg(test)]
mod tests;
