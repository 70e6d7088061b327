//! The token's clock: which step it shows now, and what an accepted code teaches.
//!
//! A first form of clock-and-throttle.md section 2: one number, the drift, followed by a quarter
//! of each observation. The filter with rate and covariance takes this room over.

use crate::decide::Now;

/// Seconds from reading a code to its arrival (clock-and-throttle.md section 2, observation).
pub const ENTRY_DELAY: i64 = 6;
/// The part of an observation that is learned: an observation is off by up to half a period and
/// the typing, about ±20 s; a quarter of it moves the window by less than ±1 step's slack.
const GAIN: i64 = 4;
/// Farthest drift that is believed, ±26 h (clock-and-throttle.md section 2, clamp).
const MAX_DRIFT: i64 = 26 * 60 * 60;

/// Returns the step that the token most likely showed when the code was read.
///
/// `drift` in seconds, positive if the token is ahead; `period` in seconds, 0 is taken for 1.
#[must_use]
pub fn predicted_step(now: Now, drift: i64, period: u32) -> u64 {
    now.0.saturating_add_signed(clamp(drift) - ENTRY_DELAY) / u64::from(period.max(1))
}

/// Returns the drift, in seconds, that an accepted code at `now` shows: the middle of its step
/// against the host's time less the typing. The step's start instead would be off by half a
/// period (clock-and-throttle.md section 2).
#[must_use]
pub fn observed_drift(now: Now, step: u64, period: u32) -> i64 {
    let middle = i128::from(step) * i128::from(period) + i128::from(period / 2);
    let read = i128::from(now.0) - i128::from(ENTRY_DELAY);
    let drift = (middle - read).clamp(-i128::from(MAX_DRIFT), i128::from(MAX_DRIFT));
    i64::try_from(drift).unwrap_or_default()
}

/// Returns the drift after one more observation.
#[must_use]
pub fn learn(drift: i64, observed: i64) -> i64 {
    let (drift, observed) = (clamp(drift), clamp(observed));
    drift + (observed - drift) / GAIN
}

/// Returns what is believed of a drift.
fn clamp(drift: i64) -> i64 {
    drift.clamp(-MAX_DRIFT, MAX_DRIFT)
}

#[cfg(test)]
mod tests {
    use super::{ENTRY_DELAY, learn, observed_drift, predicted_step};
    use crate::decide::Now;

    #[test]
    fn a_code_read_in_the_middle_of_its_step_shows_no_drift() {
        let read = 100 * 30 + 15;
        assert_eq!(observed_drift(Now(read + ENTRY_DELAY as u64), 100, 30), 0);
    }

    #[test]
    fn the_predicted_step_is_the_observed_one() {
        for now in [1_000_000_000, 1_700_000_017, 4_102_444_800] {
            for step in [1_000_u64, 33_333_333, 60_000_000] {
                let drift = observed_drift(Now(now), step, 30);
                if drift.abs() < 26 * 60 * 60 {
                    assert_eq!(predicted_step(Now(now), drift, 30), step);
                }
            }
        }
    }

    #[test]
    fn learning_moves_towards_the_observation_and_never_past_it() {
        assert_eq!(learn(0, 40), 10);
        assert_eq!(learn(10, 10), 10);
        assert_eq!(learn(0, -3), 0);
    }

    #[test]
    fn the_edges_of_time_do_not_overflow() {
        assert_eq!(predicted_step(Now(0), -93_600, 30), 0);
        assert_eq!(observed_drift(Now(u64::MAX), 0, 30), -93_600);
        assert_eq!(observed_drift(Now(0), u64::MAX, 60), 93_600);
        assert_eq!(predicted_step(Now(93_606), i64::MIN, 30), 0);
        assert_eq!(learn(i64::MAX, i64::MIN), 93_600 - 2 * 93_600 / 4);
    }
}
