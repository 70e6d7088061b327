//! Unix time as a calendar date, for people. Pure: it reads no clock and no time zone.

const DAY: u64 = 86_400;
/// The last year of four digits; ISO 8601 wants an agreement for later ones.
const LAST_YEAR: u64 = 9999;

/// A moment in the Gregorian calendar, UTC.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Utc {
    /// 1970 to 9999.
    pub year: u64,
    /// 1 to 12.
    pub month: u64,
    /// 1 to 31.
    pub day: u64,
    /// 0 to 23.
    pub hour: u64,
    /// 0 to 59.
    pub minute: u64,
    /// 0 to 59: Unix time has no leap seconds.
    pub second: u64,
}

impl Utc {
    /// Returns the date of a Unix time; `None` after the year 9999, which can only be an error.
    ///
    /// Counts from 1970 with the leap-year rule of the Gregorian calendar (ISO 8601-1 section
    /// 4.2.1): slower than a closed formula, and plainly right.
    #[must_use]
    pub fn of_unix(unix: u64) -> Option<Self> {
        let (mut days, second) = (unix / DAY, unix % DAY);
        let mut year = 1970;
        while days >= days_of(year) {
            days -= days_of(year);
            year += 1;
            if year > LAST_YEAR {
                return None;
            }
        }
        let mut month = 1;
        for length in months_of(year) {
            if days < length {
                break;
            }
            days -= length;
            month += 1;
        }
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        Some(Self { year, month, day: days + 1, hour, minute, second })
    }
}

fn days_of(year: u64) -> u64 {
    months_of(year).iter().sum()
}

fn months_of(year: u64) -> [u64; 12] {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    [31, if leap { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
}

#[cfg(test)]
mod tests {
    use super::Utc;

    #[test]
    fn the_ends_of_the_calendar_are_known() {
        let last = Utc::of_unix(253_402_300_799).unwrap();
        assert_eq!((last.year, last.month, last.day, last.second), (9999, 12, 31, 59));
        assert_eq!(Utc::of_unix(253_402_300_800), None);
        assert_eq!(Utc::of_unix(u64::MAX), None);
    }
}
