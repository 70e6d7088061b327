//! Which steps are searched at a sign-in, and until when that is enough.

use std::ops::RangeInclusive;

use super::{ClockState, DRIFT_NOISE, Now, PPM, WANDER, believable, predict, predicted_step};
use crate::decide::Policy;

/// The window reaches so many σ of the drift: 1.2 % of clocks are beyond, and a pair finds those.
/// A wider window would gain little and accept more codes (section 2).
const SPREAD: f64 = 2.5;
/// Seconds that the window reaches farther back: who types slowly is late, nobody is early.
const SLOW: f64 = 15.0;

/// Returns the steps that are searched for a code which arrives at `now`: the predicted one and
/// its neighbours, widened by what is not known of the clock, and never beyond the policy's cap.
///
/// A clock of which nothing is known (before the first pair) is taken for a right one.
#[must_use]
pub fn window(
    clock: Option<&ClockState>,
    period: u32,
    now: Now,
    policy: &Policy,
) -> RangeInclusive<u64> {
    let (drift, spread) = clock.map_or((0.0, None), |clock| {
        let expected = predict(clock, now);
        (expected.drift, Some(SPREAD * expected.drift_variance.sqrt()))
    });
    let middle = predicted_step(now, drift, period);
    let (mut oldest, mut newest) =
        (middle.saturating_sub(policy.window), middle.saturating_add(policy.window));
    if let Some(spread) = spread {
        oldest = oldest.min(predicted_step(now, drift - spread - SLOW, period));
        newest = newest.max(predicted_step(now, drift + spread, period));
    }
    let cap = cap(period, policy);
    oldest.max(middle.saturating_sub(cap))..=newest.min(middle.saturating_add(cap))
}

/// Returns the Unix time until which the next code is expected inside the window (2.5 σ), if
/// none is accepted before; `None` if that time has passed.
///
/// The window follows the clock, so it ends where the cap cuts what is not known of it: where
/// 2.5 σ and the slow typing make more seconds than the cap's steps. The variance of the drift
/// is a parabola of the time since the last code, so that moment is its root.
#[must_use]
pub fn in_sync_until(clock: &ClockState, period: u32, now: Now, policy: &Policy) -> Option<u64> {
    let clock = believable(clock);
    let reach = cap(period, policy) as f64 * f64::from(period.max(1));
    let most = (reach - SLOW).max(0.0) / SPREAD;
    let room = most * most - clock.drift_variance - DRIFT_NOISE;
    if room < 0.0 {
        return None;
    }
    let (square, half) = (clock.rate_variance + WANDER, clock.covariance);
    let span = ((half * half + square * room).sqrt() - half) / square;
    // `as` keeps to the ends of u64.
    let until = clock.seen.saturating_add((span / PPM) as u64);
    (until >= now.0).then_some(until)
}

/// Returns the policy's cap in steps of this period; never less than its least window.
fn cap(period: u32, policy: &Policy) -> u64 {
    (policy.window_cap / u64::from(period.max(1))).max(policy.window)
}
