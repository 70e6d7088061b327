//! Unix time as a date that people read.

const DAY: u64 = 86_400;
/// The last year of four digits; ISO 8601 wants an agreement for later ones.
const LAST_YEAR: u64 = 9999;

/// Returns a Unix time as `2026-02-03T04:05:06Z` (ISO 8601, UTC); a time after the year 9999, which
/// can only be an error, as `@` and the number.
///
/// Counts from 1970 with the leap-year rule of the Gregorian calendar (ISO 8601-1 section 4.2.1):
/// slower than a closed formula, and plainly right.
pub(crate) fn iso(unix: u64) -> String {
    let (mut days, second) = (unix / DAY, unix % DAY);
    let mut year = 1970;
    while days >= days_of(year) {
        days -= days_of(year);
        year += 1;
        if year > LAST_YEAR {
            return format!("@{unix}");
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
    format!("{year}-{month:02}-{:02}T{hour:02}:{minute:02}:{second:02}Z", days + 1)
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
    use super::iso;

    #[test]
    fn a_unix_time_is_the_date_that_date_1_prints() {
        for (unix, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_111_111_109, "2005-03-18T01:58:29Z"),
            (2_000_000_000, "2033-05-18T03:33:20Z"),
            (4_107_542_399, "2100-02-28T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (20_000_000_000, "2603-10-11T11:33:20Z"),
            (253_402_300_799, "9999-12-31T23:59:59Z"),
        ] {
            assert_eq!(iso(unix), text);
        }
    }

    #[test]
    fn a_time_beyond_four_digit_years_is_shown_as_a_number() {
        assert_eq!(iso(253_402_300_800), "@253402300800");
        assert_eq!(iso(u64::MAX), "@18446744073709551615");
    }
}
