//! `fobctl log`, and the times that it takes.

use std::str::FromStr;

use clap::Args;
use fob_api::{Serial, UserName, Utc};

/// `fobctl log`.
#[derive(Args, Debug)]
pub(crate) struct Log {
    /// Check whether every line is there, and as it was written
    #[arg(long, exclusive = true)]
    pub(crate) verify: bool,
    /// Show only events about this user
    #[arg(long, value_parser = UserName::parse)]
    pub(crate) user: Option<UserName>,
    /// Show only events about the token with this serial
    #[arg(long, value_parser = Serial::typed)]
    pub(crate) serial: Option<Serial>,
    /// Show only events of this name, or with this verdict
    #[arg(long)]
    pub(crate) event: Option<String>,
    /// Show only events from then on
    #[arg(long, value_name = "WHEN")]
    pub(crate) since: Option<When>,
    /// Show only events before then
    #[arg(long, value_name = "WHEN")]
    pub(crate) until: Option<When>,
    /// Show the last so many
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub(crate) lines: u32,
    /// Go on with those that come
    #[arg(long, conflicts_with = "until")]
    pub(crate) follow: bool,
    /// Print JSON, one event on a line
    #[arg(long)]
    pub(crate) json: bool,
}

/// A moment, as it is typed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum When {
    /// So many seconds before now.
    Ago(u64),
    /// A Unix time.
    At(u64),
}

impl When {
    /// Returns the Unix time that is meant.
    pub(crate) fn unix(self, now: u64) -> u64 {
        match self {
            Self::Ago(seconds) => now.saturating_sub(seconds),
            Self::At(unix) => unix,
        }
    }
}

impl FromStr for When {
    type Err = &'static str;

    /// Reads Unix seconds, `2026-11-22`, `2026-11-22 04:00` (both UTC), or a time ago such as
    /// `30m`, `2h` or `3d`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const BAD: &str =
            "give 2026-11-22, \"2026-11-22 04:00\" (UTC), Unix seconds, or 30m, 2h, 3d ago";
        if let Some(date) = of_date(text) {
            return Ok(Self::At(date));
        }
        let (count, unit) = match text.as_bytes() {
            [count @ .., b'm'] => (count, 60),
            [count @ .., b'h'] => (count, 60 * 60),
            [count @ .., b'd'] => (count, 24 * 60 * 60),
            count => return number(count).map(Self::At).ok_or(BAD),
        };
        number(count).and_then(|count| count.checked_mul(unit)).map(Self::Ago).ok_or(BAD)
    }
}

/// Reads `YYYY-MM-DD` or `YYYY-MM-DD HH:MM`, with a space or a T between.
fn of_date(text: &str) -> Option<u64> {
    let (date, time) = match text.split_once([' ', 'T']) {
        Some((date, time)) => (date, time),
        None => (text, "00:00"),
    };
    let (year, rest) = date.split_once('-')?;
    let (month, day) = rest.split_once('-')?;
    let (hour, minute) = time.split_once(':')?;
    let lengths = [year, month, day, hour, minute].map(str::len);
    if lengths != [4, 2, 2, 2, 2] {
        return None;
    }
    let of = |text: &str| number(text.as_bytes());
    Utc {
        year: of(year)?,
        month: of(month)?,
        day: of(day)?,
        hour: of(hour)?,
        minute: of(minute)?,
        second: 0,
    }
    .to_unix()
}

/// Reads digits, without a sign.
fn number(digits: &[u8]) -> Option<u64> {
    let is_number = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(digits).ok().filter(|_| is_number)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::When::{self, Ago, At};

    #[test]
    fn a_moment_is_typed_in_the_ways_that_people_have() {
        for (text, when) in [
            ("0", At(0)),
            ("1800000000", At(1_800_000_000)),
            ("1970-01-02", At(86_400)),
            ("2026-11-22", At(1_795_305_600)),
            ("2026-11-22 04:05", At(1_795_320_300)),
            ("2026-11-22T04:05", At(1_795_320_300)),
            ("2028-02-29 23:59", At(1_835_481_540)),
            ("30m", Ago(1800)),
            ("2h", Ago(7200)),
            ("3d", Ago(259_200)),
        ] {
            assert_eq!(text.parse(), Ok(when), "{text}");
        }
        assert_eq!((Ago(60).unix(100), Ago(60).unix(10), At(5).unix(100)), (40, 0, 5));
    }

    #[test]
    fn what_is_no_moment_is_refused() {
        for text in [
            "",
            "h",
            "-1",
            "+1",
            "1.5h",
            "yesterday",
            "2026-13-01",
            "2026-02-29",
            "2026-11-00",
            "2026-11-22 24:00",
            "2026-11-22 04:60",
            "2026-11-22 04",
            "26-11-22",
            "2026-1-2",
            "18446744073709551616",
            "99999999999999999999d",
            "1800000000 04:00",
        ] {
            assert!(text.parse::<When>().is_err(), "{text}");
        }
    }
}
