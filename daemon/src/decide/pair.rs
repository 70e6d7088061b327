//! Where on its clock is this token? Two consecutive codes tell.

use std::ops::RangeInclusive;

use fob_api::CodePair;

use crate::{
    decide::{At, Opened, clock_model, verify},
    record::{Moving, State},
    totp::{Gap, PairSearch},
};

/// The pair was not found, or not at one place only.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NoPair {
    /// It fits at more than one place; a third code would tell.
    Ambiguous,
    /// It fits nowhere in the range, above what was accepted before.
    NotFound,
}

/// Two codes, and how many seconds lay between their inputs.
#[derive(Clone)]
pub struct TimedPair {
    /// The codes in the order in which they were shown.
    pub pair: CodePair,
    /// Seconds from the first input to the second.
    pub elapsed: u32,
}

/// Finds the pair and returns the state after it: both steps burned, the drift learned from the
/// second code's arrival.
///
/// # Errors
///
/// [`NoPair`]. Steps at or below the last accepted one never match: an old pair cannot bring a
/// token's clock back (CVE-2019-12887).
pub fn locate(opened: &Opened<'_>, timed: &TimedPair, at: &At<'_>) -> Result<State, NoPair> {
    let range = range(opened, at).ok_or(NoPair::NotFound)?;
    let gap = gap(opened, timed.elapsed);
    let step = match opened.generator.search_pair(&timed.pair, range, gap) {
        PairSearch::One(step) => step,
        PairSearch::Nothing => return Err(NoPair::NotFound),
        PairSearch::Several => return Err(NoPair::Ambiguous),
    };
    let mut state = opened.state.clone();
    state.writes = state.writes.wrapping_add(1);
    state.last_step = Some(step);
    state.last_used = Some(at.now.0);
    if let Moving::Time { period } = opened.token.parameters.moving {
        state.drift = Some(clock_model::observed_drift(at.now, step, period));
    }
    Ok(state)
}

/// Returns the steps in which the first code may lie; `None` if there are none.
fn range(opened: &Opened<'_>, at: &At<'_>) -> Option<RangeInclusive<u64>> {
    let floor = verify::floor(opened);
    let range = match opened.token.parameters.moving {
        Moving::Time { period } => {
            let period = u64::from(period.max(1));
            let first = at.now.0.saturating_sub(at.policy.pair_range) / period;
            let last = at.now.0.saturating_add(at.policy.pair_range) / period;
            first.max(floor)..=last
        }
        Moving::Counter { .. } => floor..=floor.saturating_add(at.policy.pair_look_ahead),
    };
    (!range.is_empty()).then_some(range)
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
