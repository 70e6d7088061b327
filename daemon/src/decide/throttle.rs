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
/// Longest delay in seconds. A guesser gets at most 2 880 tries a day on a share (0.9 % a day at
/// 3e-6). Whoever guesses without a pause can keep that share of a user waiting; other shares go
/// on, and the step-up will end it.
const LONGEST: u64 = 30;
/// Seconds after which wrong codes are forgiven: longer than the longest delay, so that waiting
/// for it gains a guesser less than trying (3 free tries an hour against 120).
const FORGIVEN: u64 = 60 * 60;

/// Returns the seconds until another code of this share is tried; 0 if at once.
#[must_use]
pub fn wait(tries: Tries, now: Now) -> u32 {
    let left = age(tries, now).map_or(0, |age| delay(tries.wrong).saturating_sub(age));
    u32::try_from(left).unwrap_or(u32::MAX)
}

/// Returns the tries after one more wrong code. Setting the clock back forgives none.
#[must_use]
pub fn count(tries: Tries, now: Now) -> Tries {
    let forgiven = now.0.checked_sub(tries.latest).is_some_and(|age| age >= FORGIVEN);
    let wrong = if forgiven { 0 } else { tries.wrong };
    Tries { wrong: wrong.saturating_add(1), latest: now.0 }
}

/// Returns how many seconds ago the latest wrong code was; `None` if nobody waits for it. One in
/// the future was counted by a clock that has been set back: waiting for it could take years.
fn age(tries: Tries, now: Now) -> Option<u64> {
    now.0.checked_sub(tries.latest).filter(|age| *age < FORGIVEN)
}

/// Returns the tries of a share.
#[must_use]
pub fn of(state: &State, share: Share) -> Tries {
    match share {
        Share::Local => state.local_tries,
        Share::Own => state.own_tries,
        Share::Remote => state.remote_tries,
    }
}

/// Replaces the tries of a share.
pub fn set(state: &mut State, share: Share, tries: Tries) {
    match share {
        Share::Local => state.local_tries = tries,
        Share::Own => state.own_tries = tries,
        Share::Remote => state.remote_tries = tries,
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
    fn a_clock_that_was_set_back_makes_nobody_wait_and_forgives_nothing() {
        assert_eq!(wait(after(5), Now(999)), 0);
        assert_eq!(wait(after(5), Now(10)), 0);
        assert_eq!(count(after(5), Now(10)), Tries { wrong: 6, latest: 10 });
    }

    #[test]
    fn wrong_codes_are_forgiven_after_an_hour() {
        assert_eq!(count(after(9), Now(4_599)).wrong, 10);
        assert_eq!(count(after(9), Now(4_600)).wrong, 1);
    }

    #[test]
    fn counting_never_overflows() {
        let latest = 1_000;
        assert_eq!(count(after(u32::MAX), Now(latest)), Tries { wrong: u32::MAX, latest });
    }
}
