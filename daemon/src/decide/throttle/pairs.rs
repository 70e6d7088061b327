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

/// Seconds after which a source that tried pairs counts as a fresh one again.
pub const FRESH: u64 = 10 * 60;
/// Seconds' worth of pairs that fresh sources may try at once. The rate in the long run, and so
/// a guesser's chance, is the same; but a flood from a thousand sources has used up its fresh ones
/// within a minute, and the owner who comes from a new one finds room.
const BURST: u32 = 60;

/// Allows a pair to be tried, and counts it: a bucket that runs out at the policy's rate. Fresh
/// sources may fill it; the others only to half a second's worth, so that they never keep a fresh
/// one out.
///
/// # Errors
///
/// The seconds until it may be tried.
pub fn take(tries: PairTries, turn: Turn, rank: Rank, at: &At<'_>) -> Result<PairTries, u32> {
    let rate = match rank {
        Rank::Root => at.policy.root_pairs_per_second,
        Rank::User => at.policy.pairs_per_second,
    };
    let room = match turn {
        Turn::TooEarly(seconds) => return Err(seconds.max(1)),
        Turn::Fresh => rate.saturating_mul(BURST),
        Turn::Again => rate.div_ceil(2),
    };
    pour(tries, rate, room, at)
}

/// Allows what costs more than a pair to be tried, and counts it: one a second, and every other
/// second for a fresh source.
///
/// # Errors
///
/// The seconds until it may be tried.
pub fn pace(tries: PairTries, turn: Turn, at: &At<'_>) -> Result<PairTries, u32> {
    match turn {
        Turn::TooEarly(seconds) => Err(seconds.max(1)),
        Turn::Again if !at.uptime.0.is_multiple_of(2) => Err(1),
        Turn::Again | Turn::Fresh => pour(tries, 1, 1, at),
    }
}

/// Counts a try in a bucket from which `rate` run out in a second, if fewer than `room` are in it.
///
/// A second in the future was counted before a crash that lost some uptime: waiting for it would
/// keep the owner out for minutes.
fn pour(tries: PairTries, rate: u32, room: u32, at: &At<'_>) -> Result<PairTries, u32> {
    let gone = at.uptime.0.checked_sub(tries.second).unwrap_or(u64::MAX);
    let gone = u32::try_from(gone).unwrap_or(u32::MAX);
    let left = tries.tried.saturating_sub(gone.saturating_mul(rate));
    if left < room { Ok(PairTries { second: at.uptime.0, tried: left + 1 }) } else { Err(1) }
}

#[cfg(test)]
mod tests {
    use super::{Turn, pace, take};
    use crate::{
        decide::{At, Uptime, testing, throttle::Rank},
        record::PairTries,
    };

    fn second(second: u64) -> At<'static> {
        At { uptime: Uptime(second), ..testing::at(testing::NOW) }
    }

    /// Tries a thousand pairs in each of some seconds; returns how many were tried in each.
    fn flood(turn: Turn, rank: Rank, seconds: std::ops::Range<u64>) -> Vec<u32> {
        let (mut tries, mut tried) = (PairTries::default(), Vec::new());
        for now in seconds {
            let takes = (0..1_000).filter(|_| {
                let taken = take(tries, turn, rank, &second(now));
                tries = taken.unwrap_or(tries);
                taken.is_ok()
            });
            tried.push(u32::try_from(takes.count()).unwrap());
        }
        tried
    }

    #[test]
    fn in_the_long_run_ten_pairs_a_second_are_tried_for_a_user_and_one_for_root() {
        for (rank, rate) in [(Rank::User, 10), (Rank::Root, 1)] {
            let tried = flood(Turn::Fresh, rank, 100..200);
            assert_eq!(tried[0], rate * 60, "{rank:?}");
            assert!(tried[1..].iter().all(|tried| *tried == rate), "{tried:?}");
        }
    }

    #[test]
    fn sources_that_were_there_before_fill_no_more_than_half_a_seconds_worth() {
        assert!(flood(Turn::Again, Rank::User, 100..120).iter().all(|tried| *tried == 5));
        assert!(flood(Turn::Again, Rank::Root, 100..120).iter().all(|tried| *tried == 1));
    }

    #[test]
    fn a_flood_of_them_leaves_room_for_a_fresh_source() {
        let mut tries = PairTries::default();
        for _ in 0..1_000 {
            tries = take(tries, Turn::Again, Rank::User, &second(100)).unwrap_or(tries);
        }
        assert_eq!(take(tries, Turn::Again, Rank::User, &second(100)), Err(1));
        assert!(take(tries, Turn::Fresh, Rank::User, &second(100)).is_ok());
    }

    #[test]
    fn a_source_waits_between_two_pairs() {
        let early = take(PairTries::default(), Turn::TooEarly(7), Rank::User, &second(8));
        assert_eq!(early, Err(7));
    }

    #[test]
    fn a_crash_that_loses_uptime_makes_nobody_wait() {
        let full = PairTries { second: 800, tried: 600 };
        let taken = take(full, Turn::Fresh, Rank::User, &second(300));
        assert_eq!(taken, Ok(PairTries { second: 300, tried: 1 }));
    }

    #[test]
    fn what_costs_more_is_tried_once_a_second_and_every_other_one_by_a_fresh_source() {
        let tried = pace(PairTries::default(), Turn::Fresh, &second(9)).unwrap();
        assert_eq!(pace(tried, Turn::Fresh, &second(9)), Err(1));
        assert_eq!(pace(tried, Turn::Again, &second(11)), Err(1));
        assert!(pace(tried, Turn::Again, &second(10)).is_ok());
        assert!(pace(tried, Turn::Fresh, &second(11)).is_ok());
    }
}
