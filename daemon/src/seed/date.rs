//! `xs:dateTime`, as much of it as seed files use (XML Schema part 2 section 3.2.7).

/// Seconds of a day.
const DAY: i64 = 86_400;
/// Days from 1 March 0000 to 1 January 1970 in the Gregorian calendar.
const EPOCH: i64 = 719_468;

/// Reads `YYYY-MM-DDThh:mm:ss[.fraction][Z|+hh:mm|-hh:mm]` as Unix seconds.
///
/// Without a zone it is UTC: RFC 6030 section 5 asks for UTC. A fraction is dropped; a time
/// before 1970 is 0. `None` if it is nothing of this form or no day of the calendar.
pub(super) fn unix(text: &str) -> Option<u64> {
    let (date, time) = text.split_once('T')?;
    let (time, east) = zone(time)?;
    let seconds = days(date)? * DAY + clock(time)? - east;
    Some(u64::try_from(seconds).unwrap_or(0))
}

/// Splits the zone off and returns its seconds east of UTC.
fn zone(time: &str) -> Option<(&str, i64)> {
    if let Some(time) = time.strip_suffix('Z') {
        return Some((time, 0));
    }
    let Some(index) = time.find(['+', '-']) else { return Some((time, 0)) };
    let (time, zone) = time.split_at_checked(index)?;
    let (hours, minutes) = zone.get(1..)?.split_once(':')?;
    let minutes = number(hours, 2)? * 60 + number(minutes, 2).filter(|minutes| *minutes < 60)?;
    // XML Schema part 2 section 3.2.7.3: at most 14 hours.
    let seconds = Some(minutes).filter(|minutes| *minutes <= 14 * 60)? * 60;
    Some((time, if zone.starts_with('-') { -seconds } else { seconds }))
}

/// Returns the days since 1970.
fn days(date: &str) -> Option<i64> {
    let mut parts = date.split('-');
    let year = number(parts.next()?, 4)?;
    let month = number(parts.next()?, 2).filter(|month| (1..=12).contains(month))?;
    let day = number(parts.next()?, 2)?;
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let last = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    if parts.next().is_some() || day < 1 || day > last {
        return None;
    }
    // Years that start in March: so the leap day is the last one, and the lengths of the months
    // repeat every five of them with 153 days.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leaps = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    Some(year * 365 + leaps + (153 * month + 2) / 5 + day - 1 - EPOCH)
}

/// Returns the seconds since midnight.
fn clock(time: &str) -> Option<i64> {
    let (time, fraction) = time.split_once('.').unwrap_or((time, "0"));
    if fraction.is_empty() || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let mut parts = time.split(':');
    let hours = number(parts.next()?, 2).filter(|hours| *hours < 24)?;
    let minutes = number(parts.next()?, 2).filter(|minutes| *minutes < 60)?;
    let seconds = number(parts.next()?, 2).filter(|seconds| *seconds < 60)?;
    parts.next().is_none().then_some(hours * 3600 + minutes * 60 + seconds)
}

/// Reads exactly so many decimal digits.
fn number(text: &str, digits: usize) -> Option<i64> {
    let plain = text.len() == digits && text.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::unix;

    #[test]
    fn known_dates_are_known_seconds() {
        // By `date -u -d … +%s` of GNU coreutils.
        let known = [
            ("1970-01-01T00:00:00Z", 0),
            ("2000-02-29T12:34:56Z", 951_827_696),
            ("2006-05-31T00:00:00Z", 1_149_033_600),
            ("2037-12-31T00:00:00", 2_145_830_400),
            ("2038-01-19T03:14:08.999Z", 2_147_483_648),
            ("2031-12-31T23:30:00-01:30", 1_956_531_600),
            ("2031-12-31T23:30:00+14:00", 1_956_475_800),
            ("9999-12-31T23:59:59Z", 253_402_300_799),
            ("1969-12-31T23:59:59Z", 0),
            ("0000-01-01T00:00:00Z", 0),
        ];
        for (text, seconds) in known {
            assert_eq!(unix(text), Some(seconds), "{text}");
        }
    }

    #[test]
    fn what_is_no_date_is_refused() {
        let bad = [
            "",
            "2031-12-31",
            "2031-12-31 00:00:00",
            "2031-2-28T00:00:00Z",
            "2031-02-29T00:00:00Z",
            "1900-02-29T00:00:00Z",
            "2031-13-01T00:00:00Z",
            "2031-00-01T00:00:00Z",
            "2031-04-31T00:00:00Z",
            "2031-04-00T00:00:00Z",
            "2031-12-31T24:00:00Z",
            "2031-12-31T23:60:00Z",
            "2031-12-31T23:59:60Z",
            "2031-12-31T23:59Z",
            "2031-12-31T23:59:59.Z",
            "2031-12-31T23:59:59+1:00",
            "2031-12-31T23:59:59+15:00",
            "2031-12-31T23:59:59+00:60",
            "2031-12-31T23:59:59ZZ",
            "-2031-12-31T23:59:59Z",
            "12031-12-31T23:59:59Z",
            "+031-12-31T23:59:59Z",
            "2031-12-31-01T00:00:00Z",
            "2031-12-31T00:00:00:00Z",
            "２031-12-31T00:00:00Z",
        ];
        for text in bad {
            assert_eq!(unix(text), None, "{text}");
        }
    }
}
