//! Unix time as a date that people read.

use fob_api::Utc;

/// Returns a Unix time as `2026-02-03T04:05:06Z` (ISO 8601, UTC); a time after the year 9999, which
/// can only be an error, as `@` and the number.
pub(crate) fn iso(unix: u64) -> String {
    let Some(Utc { year, month, day, hour, minute, second }) = Utc::of_unix(unix) else {
        return format!("@{unix}");
    };
    format!("{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// Returns the day of a Unix time as `2026-02-03`.
pub(crate) fn day(unix: u64) -> String {
    match Utc::of_unix(unix) {
        Some(date) => date.day(),
        None => format!("@{unix}"),
    }
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
