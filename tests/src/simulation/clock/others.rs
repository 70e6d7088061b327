//! The ways of other products, as section 1 names them, without their codes: steps are enough.

use super::{Follower, PERIOD, Shown};

/// The steps about the host's own, whatever the token shows (google-authenticator-libpam: ±1;
/// FreeIPA: 19 codes).
pub(super) struct Fixed {
    reach: i64,
    last: Option<u64>,
}

impl Fixed {
    pub(super) fn of(reach: i64) -> Self {
        Self { reach, last: None }
    }
}

impl Follower for Fixed {
    fn assign(&mut self, pair: [Shown; 2]) {
        self.last = pair.last().map(|shown| shown.step);
    }

    fn accepts(&mut self, code: Shown) -> bool {
        let inside = offset(code).abs() <= self.reach && self.last < Some(code.step);
        if inside {
            self.last = Some(code.step);
        }
        inside
    }

    fn accepts_next(&mut self, [_, next]: [Shown; 2]) -> bool {
        self.accepts(next)
    }

    fn codes(&self, _arrival: u64) -> u64 {
        (2 * self.reach).unsigned_abs() + 1
    }
}

/// The step of the last success as seen from the host's, ±1 (RFC 6238 section 6 read literally).
/// After a refusal the token is resynced.
#[derive(Default)]
pub(super) struct LastStep {
    offset: i64,
}

impl Follower for LastStep {
    fn assign(&mut self, [_, second]: [Shown; 2]) {
        self.offset = offset(second);
    }

    fn accepts(&mut self, code: Shown) -> bool {
        let inside = (offset(code) - self.offset).abs() <= 1;
        if inside {
            self.offset = offset(code);
        }
        inside
    }

    fn accepts_next(&mut self, pair: [Shown; 2]) -> bool {
        self.assign(pair);
        true
    }

    fn codes(&self, _arrival: u64) -> u64 {
        3
    }
}

/// A shift in seconds, taken from the start of the step that was shown, ±1 (privacyIDEA). After a
/// refusal the token is resynced.
#[derive(Default)]
pub(super) struct StepStart {
    shift: i64,
}

impl StepStart {
    fn learn(&mut self, code: Shown) {
        self.shift = (code.step * PERIOD).wrapping_sub(code.arrival).cast_signed();
    }
}

impl Follower for StepStart {
    fn assign(&mut self, [_, second]: [Shown; 2]) {
        self.learn(second);
    }

    fn accepts(&mut self, code: Shown) -> bool {
        let expected = code.arrival.saturating_add_signed(self.shift) / PERIOD;
        let inside = code.step.abs_diff(expected) <= 1;
        if inside {
            self.learn(code);
        }
        inside
    }

    fn accepts_next(&mut self, pair: [Shown; 2]) -> bool {
        self.assign(pair);
        true
    }

    fn codes(&self, _arrival: u64) -> u64 {
        3
    }
}

/// Returns how many steps a code is off the host's.
fn offset(code: Shown) -> i64 {
    code.step.wrapping_sub(code.arrival / PERIOD).cast_signed()
}
