//! How long a share waits after wrong codes.
//!
//! A first, safe form: a small exponential delay. The budgets with step-up of
//! clock-and-throttle.md section 5 take this room over.

use crate::{
    decide::{Now, Share},
    record::{State, Tries},
};

/// Wrong codes that cost no delay: typing errors.
const FREE: u32 = 2;
/// Longest delay in seconds. It stays under the 90 s that threats.md (I5) allows a stranger to
/// cost a user, and a guesser gets at most 2 880 tries a day (0.9 % a day at 3e-6).
const LONGEST: u64 = 30;

/// Returns the seconds until another code of this share is tried; 0 if at once.
#[must_use]
pub fn wait(tries: Tries, now: Now) -> u32 {
    let delay = delay(tries.wrong);
    // A clock that was set back makes nobody wait longer than one delay.
    let passed = now.0.saturating_sub(tries.latest);
    u32::try_from(delay.saturating_sub(passed)).unwrap_or(u32::MAX)
}

/// Returns the tries after one more wrong code.
#[must_use]
pub fn count(tries: Tries, now: Now) -> Tries {
    Tries { wrong: tries.wrong.saturating_add(1), latest: now.0 }
}

/// Returns the tries of a share.
#[must_use]
pub fn of(state: &State, share: Share) -> Tries {
    match share {
        Share::Host => state.host_tries,
        Share::Own => state.own_tries,
    }
}

/// Replaces the tries of a share.
pub fn set(state: &mut State, share: Share, tries: Tries) {
    match share {
        Share::Host => state.host_tries = tries,
        Share::Own => state.own_tries = tries,
    }
}

/// Returns the delay in seconds after so many wrong codes in a row: 1, 2, 4 … 30.
fn delay(wrong: u32) -> u64 {
    match wrong.checked_sub(FREE + 1) {
        None => 0,
        Some(doublings) => 1_u64.checked_shl(doublings).unwrap_or(LONGEST).clamp(1, LONGEST),
    }
}

#[cfg(test)]
mod tests {
    use super::{count, wait};
    use crate::{decide::Now, record::Tries};

    fn after(wrong: u32) -> Tries {
        Tries { wrong, latest: 1_000 }
    }

    #[test]
    fn the_delay_doubles_after_two_free_tries_and_ends_at_thirty_seconds() {
        let delays: Vec<u32> = (0..10).map(|wrong| wait(after(wrong), Now(1_000))).collect();
        assert_eq!(delays, [0, 0, 0, 1, 2, 4, 8, 16, 30, 30]);
        assert_eq!(wait(after(u32::MAX), Now(1_000)), 30);
    }

    #[test]
    fn the_delay_runs_out() {
        assert_eq!(wait(after(5), Now(1_003)), 1);
        assert_eq!(wait(after(5), Now(1_004)), 0);
    }

    #[test]
    fn a_clock_that_was_set_back_costs_one_delay_at_most() {
        assert_eq!(wait(after(5), Now(10)), 4);
    }

    #[test]
    fn counting_never_overflows() {
        assert_eq!(count(after(u32::MAX), Now(7)), Tries { wrong: u32::MAX, latest: 7 });
    }
}
