//! The token's clock: how far it is off now, which steps it may show, and what an accepted code
//! teaches (clock-and-throttle.md section 2).
//!
//! A Kalman filter of two states, drift and rate, for each token. The model: a quartz runs at a
//! rate of its own (`drift` grows by `rate` · Δt), temperature and age change it slowly, and a
//! code shows the token's time to within half a step and the typing.
//!
//! Total: whatever a record holds and for every `u64` time, numbers stay finite and within the
//! clamps, and nothing panics.

use fob_api::MAX_RATE;

use crate::{
    decide::{At, HostClock, Now},
    record::ClockState,
};

mod window;

pub use window::{in_sync_until, window};

/// Seconds from reading a code to its arrival: the median of typing six digits.
pub const ENTRY_DELAY: u64 = 6;
/// Variance of that delay in s²: a standard deviation of 5 s, the spread of slow and quick hands.
const ENTRY_VARIANCE: f64 = 25.0;
/// Farthest drift that is believed, in seconds: ±26 h, a time zone and a wrong day. Beyond it is
/// a fault or the wrong seed.
const MAX_DRIFT: f64 = 93_600.0;
/// Variance of a new token's rate in ppm²: ±6 ppm, so that 1 s per day (11.6 ppm) is within 2 σ.
const RATE_VARIANCE: f64 = 36.0;
/// Variance that each prediction adds to the drift, in s²: what the model leaves out.
const DRIFT_NOISE: f64 = 0.25;
/// Variance that temperature adds to the rate of the time since the last code, in ppm²: ±1 ppm.
const WANDER: f64 = 1.0;
/// Variance that age adds to the rate in a second, in ppm²: (0.6 ppm)² in 30 days.
const AGEING: f64 = 0.36 / (30.0 * 86_400.0);
/// An observation that is farther off than so many σ is an outlier: 6e-5 of honest ones are, and
/// a person who was called away while typing.
const OUTLIER: f64 = 4.0;
/// How much less an outlier teaches: its variance counts so many times.
const OUTLIER_DISTRUST: f64 = 4.0;
/// ppm in one.
const PPM: f64 = 1e-6;
/// Smallest variance that is kept, in s² and ppm²: far below every noise, it keeps the filter
/// from dividing by nothing.
const LEAST_VARIANCE: f64 = 1e-6;

/// Returns what is known of a clock after the first pair: the drift that the second code shows,
/// to within half a step and the typing, and no rate.
#[must_use]
pub fn first(step: u64, period: u32, now: Now) -> ClockState {
    ClockState {
        drift: observed_drift(now, step, period),
        rate: 0.0,
        drift_variance: observation_variance(period),
        covariance: 0.0,
        rate_variance: RATE_VARIANCE,
        seen: now.0,
    }
}

/// Returns what is known of a clock of which another program says that it is so many seconds
/// ahead, or nothing: to within a step on either side (a variance of period²/6), and the typing.
#[must_use]
pub fn told(ahead: i32, period: u32, now: Now) -> ClockState {
    let seconds = f64::from(period.max(1));
    ClockState {
        drift: within(f64::from(ahead), MAX_DRIFT),
        rate: 0.0,
        drift_variance: seconds * seconds / 6.0 + ENTRY_VARIANCE,
        covariance: 0.0,
        rate_variance: RATE_VARIANCE,
        seen: now.0,
    }
}

/// Returns what is believed of the clock at `now`: the drift moves on with its rate, and gets
/// less sure. A host's clock that was set back makes nothing surer.
#[must_use]
pub fn predict(clock: &ClockState, now: Now) -> ClockState {
    let clock = believable(clock);
    let seconds = now.0.saturating_sub(clock.seen) as f64;
    let span = seconds * PPM; // seconds that one ppm makes out
    let ClockState { drift, rate, drift_variance, covariance, rate_variance, .. } = clock;
    believable(&ClockState {
        drift: drift + rate * span,
        rate,
        drift_variance: drift_variance
            + 2.0 * span * covariance
            + span * span * (rate_variance + WANDER)
            + DRIFT_NOISE,
        covariance: covariance + span * rate_variance,
        rate_variance: rate_variance + AGEING * seconds,
        seen: now.0,
    })
}

/// Returns what is known after an accepted code. Nothing is learned while nobody knows how far
/// the host's clock is off: else a dead real-time clock would steer every token.
#[must_use]
pub fn learn(
    clock: Option<&ClockState>,
    step: u64,
    period: u32,
    at: &At<'_>,
) -> Option<ClockState> {
    match clock {
        _ if at.host_clock == HostClock::Unsynchronised => clock.copied(),
        None => Some(first(step, period, at.now)),
        Some(clock) => Some(corrected(clock, step, period, at.now)),
    }
}

/// Returns what is known after two codes that set the clock right: the drift is what the second
/// code shows, however sure the model was of another. The rate goes on, corrected; unless the
/// surprise is one that the model cannot explain: then the clock was set, or the rate is wrong.
#[must_use]
pub fn set_right(clock: Option<&ClockState>, step: u64, period: u32, now: Now) -> ClockState {
    let fresh = first(step, period, now);
    let Some(clock) = clock else { return fresh };
    let expected = predict(clock, now);
    let surprise = fresh.drift - expected.drift;
    if is_outlier(surprise, expected.drift_variance + fresh.drift_variance) {
        return fresh;
    }
    let ClockState { rate, covariance, rate_variance, .. } = corrected(clock, step, period, now);
    believable(&ClockState { rate, covariance, rate_variance, ..fresh })
}

/// Returns how many seconds the code of a step at `now` is away from what was expected: positive
/// if the token seems to be ahead. `None` if the clock is not known to `surely` seconds (one σ):
/// such a token tells nothing about the host.
#[must_use]
pub fn shift(clock: &ClockState, (step, period): (u64, u32), now: Now, surely: f64) -> Option<f64> {
    let expected = predict(clock, now);
    let known = expected.drift_variance <= surely * surely;
    known.then_some(observed_drift(now, step, period) - expected.drift)
}

/// Returns the step that the token most likely showed when the code was read.
///
/// `drift` in seconds, positive if the token is ahead; `period` in seconds, 0 is taken for 1.
#[must_use]
pub fn predicted_step(now: Now, drift: f64, period: u32) -> u64 {
    // `as` takes NaN for 0 and keeps to the ends of i64: both are harmless here.
    let drift = within(drift, 2.0 * MAX_DRIFT).round() as i64;
    now.0.saturating_sub(ENTRY_DELAY).saturating_add_signed(drift) / u64::from(period.max(1))
}

/// Returns the drift in seconds that a code of `step` shows which arrives at `now`: the middle of
/// its step against the host's time less the typing. The step's start instead would be off by
/// half a period.
#[must_use]
pub fn observed_drift(now: Now, step: u64, period: u32) -> f64 {
    // Twice the time, so that the middle of an odd period is exact.
    let shown = (2 * i128::from(step) + 1) * i128::from(period);
    let read = 2 * (i128::from(now.0) - i128::from(ENTRY_DELAY));
    within((shown - read) as f64 / 2.0, MAX_DRIFT)
}

/// The correction step of the filter.
fn corrected(clock: &ClockState, step: u64, period: u32, now: Now) -> ClockState {
    let expected = predict(clock, now);
    let surprise = observed_drift(now, step, period) - expected.drift;
    let mut noise = observation_variance(period);
    if is_outlier(surprise, expected.drift_variance + noise) {
        noise *= OUTLIER_DISTRUST;
    }
    let total = expected.drift_variance + noise;
    let (drift_gain, rate_gain) = (expected.drift_variance / total, expected.covariance / total);
    believable(&ClockState {
        drift: expected.drift + drift_gain * surprise,
        rate: expected.rate + rate_gain * surprise,
        drift_variance: expected.drift_variance * (noise / total),
        covariance: expected.covariance * (noise / total),
        rate_variance: expected.rate_variance - rate_gain * expected.covariance,
        seen: now.0,
    })
}

fn is_outlier(surprise: f64, variance: f64) -> bool {
    surprise * surprise > OUTLIER * OUTLIER * variance
}

/// Returns the variance of one observation in s²: evenly spread over a step, and the typing.
fn observation_variance(period: u32) -> f64 {
    let period = f64::from(period.max(1));
    period * period / 12.0 + ENTRY_VARIANCE
}

/// Returns a clock with numbers that can be reckoned with. What is no number says nothing.
fn believable(clock: &ClockState) -> ClockState {
    let drift_variance = variance(clock.drift_variance, MAX_DRIFT * MAX_DRIFT);
    let rate_variance = variance(clock.rate_variance, MAX_RATE * MAX_RATE);
    ClockState {
        drift: within(clock.drift, MAX_DRIFT),
        rate: within(clock.rate, MAX_RATE),
        drift_variance,
        covariance: within(clock.covariance, (drift_variance * rate_variance).sqrt()),
        rate_variance,
        seen: clock.seen,
    }
}

fn variance(value: f64, most: f64) -> f64 {
    if value.is_nan() { most } else { value.clamp(LEAST_VARIANCE, most) }
}

fn within(value: f64, most: f64) -> f64 {
    if value.is_nan() { 0.0 } else { value.clamp(-most, most) }
}

#[cfg(test)]
mod tests;
