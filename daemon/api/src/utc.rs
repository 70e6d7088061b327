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

    /// Returns the Unix time of this date; `None` if the calendar has no such date, or it is
    /// before 1970 or after the year 9999.
    #[must_use]
    pub fn to_unix(self) -> Option<u64> {
        if !(1970..=LAST_YEAR).contains(&self.year) || self.hour > 23 || self.minute > 59 {
            return None;
        }
        let months = months_of(self.year);
        let month = usize::try_from(self.month).ok()?.checked_sub(1)?;
        let length = *months.get(month)?;
        if self.day == 0 || self.day > length || self.second > 59 {
            return None;
        }
        let years: u64 = (1970..self.year).map(days_of).sum();
        let days = years + months.iter().take(month).sum::<u64>() + self.day - 1;
        Some(days * DAY + self.hour * 3600 + self.minute * 60 + self.second)
    }

    /// Returns the day as `2026-12-31` (ISO 8601-1 section 5.2.2).
    #[must_use]
    pub fn day(self) -> String {
        format!("{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }

    /// Parses such a day, in this form alone, and returns the Unix time of its first second; `None`
    /// if the calendar has no such day, or it is before 1970.
    #[must_use]
    pub fn parse_day(text: &str) -> Option<u64> {
        let number = |text: &str, digits: usize| {
            let plain = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
            plain.then(|| text.parse::<u64>().ok())?
        };
        let parts: Vec<&str> = text.split('-').collect();
        let [year, month, day] = parts.as_slice() else { return None };
        let (year, month, day) = (number(year, 4)?, number(month, 2)?, number(day, 2)?);
        Self { year, month, day, hour: 0, minute: 0, second: 0 }.to_unix()
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
    fn a_date_leads_back_to_its_unix_time() {
        for unix in [0, 951_782_400, 1_795_320_669, 4_107_542_400, 253_402_300_799] {
            assert_eq!(Utc::of_unix(unix).and_then(Utc::to_unix), Some(unix));
        }
    }

    #[test]
    fn a_date_that_no_calendar_has_is_no_time() {
        let right = Utc::of_unix(1_795_320_669).unwrap();
        for wrong in [
            Utc { year: 1969, ..right },
            Utc { year: 10_000, ..right },
            Utc { month: 0, ..right },
            Utc { month: 13, ..right },
            Utc { day: 0, ..right },
            Utc { day: 31, ..right },
            Utc { month: 2, day: 29, ..right },
            Utc { hour: 24, ..right },
            Utc { minute: 60, ..right },
            Utc { second: 60, ..right },
        ] {
            assert_eq!(wrong.to_unix(), None, "{wrong:?}");
        }
    }

    #[test]
    fn a_day_is_read_in_the_form_in_which_it_is_written_and_in_no_other() {
        let begin = Utc::parse_day("2026-12-31").unwrap();
        assert_eq!(begin, 1_798_675_200);
        assert_eq!(Utc::of_unix(begin).unwrap().day(), "2026-12-31");
        for text in [
            "",
            "2027-02-29",
            "2027-1-01",
            "1.1.2027",
            "2027-01-01-",
            "+027-01-01",
            "1969-12-31",
            "2027-01",
            "2027-01-01 ",
            "２０２７-01-01",
        ] {
            assert_eq!(Utc::parse_day(text), None, "{text}");
        }
    }

    #[test]
    fn the_ends_of_the_calendar_are_known() {
        let last = Utc::of_unix(253_402_300_799).unwrap();
        assert_eq!((last.year, last.month, last.day, last.second), (9999, 12, 31, 59));
        assert_eq!(Utc::of_unix(253_402_300_800), None);
        assert_eq!(Utc::of_unix(u64::MAX), None);
    }
}
