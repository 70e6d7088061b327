//! Wrong codes from unknown sources over all users together: whoever tries three codes with each
//! of a thousand users spends no user's budget, but this one (clock-and-throttle.md section 5).

use crate::{decide::At, record::Spray};

/// Seconds of one of the record's counters. The window of 24 of them rolls by the hour.
const HOUR: u64 = 60 * 60;

/// Tells whether all unknown sources are asked for pairs now.
#[must_use]
pub fn is_spent(spray: &Spray, at: &At<'_>) -> bool {
    let wrong = spray.wrong.iter().take(hours(spray, at)).fold(0_u32, |a, b| a.saturating_add(*b));
    wrong >= at.policy.host_wrong_per_day
}

/// Counts a wrong code from an unknown source.
#[must_use]
pub fn charge(spray: &Spray, at: &At<'_>) -> Spray {
    let kept = hours(spray, at);
    let mut charged = Spray { hour: spray.hour.max(at.uptime.0 / HOUR), ..spray.clone() };
    charged.wrong = [0; 24];
    let shifted = charged.wrong.len() - kept;
    for (to, from) in charged.wrong.iter_mut().skip(shifted).zip(spray.wrong) {
        *to = from;
    }
    if let Some(now) = charged.wrong.first_mut() {
        *now = now.saturating_add(1);
    }
    charged
}

/// Returns how many of the counters lie within the last 24 hours; all of them if the record is
/// from the future (a restore): nothing is refilled by that.
fn hours(spray: &Spray, at: &At<'_>) -> usize {
    let past = (at.uptime.0 / HOUR).saturating_sub(spray.hour);
    spray.wrong.len().saturating_sub(usize::try_from(past).unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    use super::{charge, is_spent};
    use crate::{
        decide::{At, Uptime, testing},
        record::Spray,
    };

    fn hour(hour: u64) -> At<'static> {
        At { uptime: Uptime(hour * 3_600), ..testing::at(testing::NOW) }
    }

    #[test]
    fn two_hundred_wrong_codes_a_day_are_the_limit() {
        let mut spray = Spray::default();
        for n in 0..200 {
            assert!(!is_spent(&spray, &hour(100 + n / 10)), "after {n}");
            spray = charge(&spray, &hour(100 + n / 10));
        }
        assert!(is_spent(&spray, &hour(119)));
    }

    #[test]
    fn each_hour_leaves_the_window_a_day_later() {
        let mut spray = Spray::default();
        for n in 0..200 {
            spray = charge(&spray, &hour(100 + n / 100));
        }
        assert!(is_spent(&spray, &hour(123)));
        assert!(!is_spent(&spray, &hour(124)));
        spray = charge(&spray, &hour(124));
        assert_eq!(spray.wrong.iter().sum::<u32>(), 101);
        assert_eq!(charge(&spray, &hour(9_000)).wrong.iter().sum::<u32>(), 1);
    }

    #[test]
    fn an_uptime_that_went_back_refills_nothing() {
        let mut spray = Spray::default();
        for _ in 0..200 {
            spray = charge(&spray, &hour(500));
        }
        assert!(is_spent(&spray, &hour(3)));
        assert!(is_spent(&charge(&spray, &hour(3)), &hour(3)));
    }
}
