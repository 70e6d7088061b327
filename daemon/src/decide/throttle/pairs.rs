//! How often a pair of codes is tried: seldom enough that nobody guesses one (3e-12 each), often
//! enough that the owner gets in while somebody floods (clock-and-throttle.md section 5).

use crate::{
    decide::{At, throttle::Rank},
    record::PairTries,
};

/// When a source tried a pair the last time; the daemon remembers it while it runs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Turn {
    /// Some time ago, but long enough for another one.
    Again,
    /// Not for [`FRESH`] seconds, or never.
    Fresh,
    /// So many seconds too early for another one.
    TooEarly(u32),
}

/// Seconds after which a source that tried pairs counts as a fresh one again. Half of a user's
/// tries per second are kept for fresh sources, so that a thousand sources that flood keep no
/// owner out who comes from a new one.
pub const FRESH: u64 = 10 * 60;

/// Allows a pair to be tried, and counts it.
///
/// # Errors
///
/// The seconds until it may be tried.
pub fn take(tries: PairTries, turn: Turn, rank: Rank, at: &At<'_>) -> Result<PairTries, u32> {
    let most = match rank {
        Rank::Root => at.policy.root_pairs_per_second,
        Rank::User => at.policy.pairs_per_second,
    };
    let second = at.uptime.0.max(tries.second);
    let tried = if second == tries.second { tries.tried } else { 0 };
    // With one a second, every other second is for fresh sources.
    let stale = if most > 1 { most / 2 } else { most * u32::from(second.is_multiple_of(2)) };
    let open = match turn {
        Turn::TooEarly(seconds) => return Err(seconds.max(1)),
        Turn::Fresh => tried < most,
        Turn::Again => tried < stale,
    };
    if open { Ok(PairTries { second, tried: tried + 1 }) } else { Err(1) }
}

#[cfg(test)]
mod tests {
    use super::{Turn, take};
    use crate::{
        decide::{At, Uptime, testing, throttle::Rank},
        record::PairTries,
    };

    fn second(second: u64) -> At<'static> {
        At { uptime: Uptime(second), ..testing::at(testing::NOW) }
    }

    /// Returns how many of a hundred tries in one second are allowed.
    fn allowed(turn: Turn, rank: Rank, at: &At<'_>) -> u32 {
        let mut tries = PairTries::default();
        for _ in 0..100 {
            tries = take(tries, turn, rank, at).unwrap_or(tries);
        }
        tries.tried
    }

    #[test]
    fn ten_pairs_a_second_are_tried_for_a_user_and_one_for_root() {
        assert_eq!(allowed(Turn::Fresh, Rank::User, &second(8)), 10);
        assert_eq!(allowed(Turn::Fresh, Rank::Root, &second(8)), 1);
    }

    #[test]
    fn half_of_them_are_kept_for_sources_that_are_new() {
        assert_eq!(allowed(Turn::Again, Rank::User, &second(8)), 5);
        assert_eq!(allowed(Turn::Again, Rank::Root, &second(8)), 1);
        assert_eq!(allowed(Turn::Again, Rank::Root, &second(9)), 0);
        let full = PairTries { second: 8, tried: 5 };
        assert_eq!(take(full, Turn::Again, Rank::User, &second(8)), Err(1));
        assert!(take(full, Turn::Fresh, Rank::User, &second(8)).is_ok());
    }

    #[test]
    fn a_source_waits_between_two_pairs() {
        let early = take(PairTries::default(), Turn::TooEarly(7), Rank::User, &second(8));
        assert_eq!(early, Err(7));
    }

    #[test]
    fn an_uptime_that_went_back_gives_no_second_again() {
        let full = PairTries { second: 800, tried: 10 };
        assert_eq!(take(full, Turn::Fresh, Rank::User, &second(8)), Err(1));
    }
}
